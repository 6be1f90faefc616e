// SPDX-License-Identifier: Apache-2.0
//
// The first step of a hypervisor: sret into a guest that has no memory at all. Its first instruction fetch cannot be
// translated and traps straight back, which shows that G-stage translation is on and that traps arrive.
#include "../common/csr.h"
#include "../common/guest_instruction.h"
#include "../common/print.h"
#include "../common/sbi.h"
#include "../common/vcpu.h"

#define GUEST_ENTRY 0x1234abccul

static struct vcpu vcpu;

static void trap_handler(void)
{
    if (vcpu.scause != CAUSE_INSTRUCTION_GUEST_PAGE_FAULT)
        unexpected_exit(&vcpu);
    print("trap handler: instruction guest-page fault at 0x%lx (stval=0x%lx)\n",
          faulting_guest_physical_address(&vcpu), vcpu.stval);
    sbi_shutdown();
}

void main(void)
{
    hypervisor_init();

    // A root table with no valid entry. (hgatp zero would be the contrary: mode Bare, all memory open to the guest.)
    struct address_space nothing = address_space_new(&sv39x4);

    vcpu_init(&vcpu, GUEST_ENTRY, nothing, 1);
    vcpu_load(&vcpu);
    vcpu_run(&vcpu);
    trap_handler();
}
