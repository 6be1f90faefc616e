// SPDX-License-Identifier: Apache-2.0
//
// The mistake: the trap handler is not aligned to four bytes. The low two bits of stvec are its MODE, so traps go to two
// bytes before the handler.
#include "run.h"

extern char handler[]; // handler.S

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    csr_write(stvec, handler); // which has no .balign 4 before it
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RX);
    run_guest(&vcpu, guest_physical);
}
