// SPDX-License-Identifier: Apache-2.0
//
// The mistake: a load that the hypervisor answers is taken to have four bytes. Bit 1 of htinst tells a compressed one,
// which has two; the guest goes on in the middle of something else.
#include "run.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RX);
    vcpu_init(&vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu_load(&vcpu);
    for (bool running = true; running;) {
        vcpu_run(&vcpu);
        switch (vcpu.scause) {
        case CAUSE_ECALL_FROM_VS:
            running = guest_sbi_call(&vcpu);
            break;
        case CAUSE_LOAD_GUEST_PAGE_FAULT:
            vcpu.sepc += 4; // should be 2 if bit 1 of htinst is clear
            break;
        default:
            unexpected_exit(&vcpu);
        }
    }
    sbi_shutdown();
}
