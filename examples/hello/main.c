// SPDX-License-Identifier: Apache-2.0
//
// The third step: a guest that does things. It prints through SBI calls, each an exit to the hypervisor; it touches an
// address where it has no memory; and it asks to be shut down.
#include "../common/csr.h"
#include "../common/guest_instruction.h"
#include "../common/guest_sbi.h"
#include "../common/print.h"
#include "../common/sbi.h"

extern char guest_entry[]; // guest_start.S

static struct vcpu vcpu;

// There is no device to emulate, so the load is left out: its destination register keeps its value.
static void skip_load(void)
{
    unsigned length = trapping_instruction_length(&vcpu);
    print("hypervisor: load guest-page fault at 0x%lx, skipping an instruction of %u bytes\n",
          faulting_guest_physical_address(&vcpu), length);
    vcpu.sepc += length;
}

void main(void)
{
    hypervisor_init();

    struct address_space guest_physical = address_space_new(&sv39x4);
    map_linked_guest(guest_physical);
    vcpu_init(&vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu_load(&vcpu);

    unsigned exits = 0;
    bool running = true;
    while (running) {
        vcpu_run(&vcpu);
        exits++;
        switch (vcpu.scause) {
        case CAUSE_ECALL_FROM_VS:
            running = guest_sbi_call(&vcpu);
            break;
        case CAUSE_LOAD_GUEST_PAGE_FAULT:
            skip_load();
            break;
        default:
            unexpected_exit(&vcpu);
        }
    }
    print("hypervisor: the guest has shut down after %u exits\n", exits);
    sbi_shutdown();
}
