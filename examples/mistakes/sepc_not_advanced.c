// SPDX-License-Identifier: Apache-2.0
//
// The mistake: after an ecall sepc is the address of the ecall itself. The guest makes the same call again, for ever.
#include "run.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RX);
    vcpu_init(&vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu_load(&vcpu);
    for (;;) {
        vcpu_run(&vcpu);
        if (vcpu.scause != CAUSE_ECALL_FROM_VS)
            unexpected_exit(&vcpu);
        vcpu.x[10] = SBI_SUCCESS; // and vcpu.sepc += 4 is missing
    }
}
