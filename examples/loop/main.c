// SPDX-License-Identifier: Apache-2.0
//
// The second step: a guest that has memory, mapped through four levels of Sv48x4 tables, and runs for ever in it.
// Nothing ever traps to the hypervisor; a debugger is the only way to look in.
#include "../common/guest_sbi.h"
#include "../common/print.h"

extern char guest_entry[]; // guest.S

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();

    struct address_space guest_physical = address_space_new(&sv48x4);
    map_linked_guest(guest_physical);

    print("loop: the guest at 0x%lx will not come back\n", (uint64_t)guest_entry);
    vcpu_init(&vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu_load(&vcpu);
    vcpu_run(&vcpu);
    unexpected_exit(&vcpu);
}
