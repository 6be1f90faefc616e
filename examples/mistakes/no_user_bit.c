// SPDX-License-Identifier: Apache-2.0
//
// The mistake: the G-stage entry of the guest's code has no U bit. A guest runs in VS-mode, so U looks like something for
// user mode only; but the G-stage checks every access as if made in U-mode.
#include "run.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, PTE_R | PTE_X); // should be G_STAGE_RX, with U
    run_guest(&vcpu, guest_physical);
}
