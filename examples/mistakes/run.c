// SPDX-License-Identifier: Apache-2.0
//
// What the mistakes have in common.
#include "run.h"

void map_guest(struct address_space guest_physical, uint64_t code_permissions)
{
    uint64_t text = (uint64_t)guest_text, data = (uint64_t)guest_data;
    map(guest_physical, text, text, (uint64_t)guest_text_end - text, code_permissions);
    map(guest_physical, data, data, (uint64_t)guest_data_end - data, G_STAGE_RW);
}

_Noreturn void run_guest(struct vcpu *vcpu, struct address_space guest_physical)
{
    vcpu_init(vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu_load(vcpu);
    for (bool running = true; running;) {
        vcpu_run(vcpu);
        if (vcpu->scause != CAUSE_ECALL_FROM_VS)
            unexpected_exit(vcpu);
        running = guest_sbi_call(vcpu);
    }
    print("the guest has shut down\n");
    sbi_shutdown();
}
