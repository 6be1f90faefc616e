// SPDX-License-Identifier: Apache-2.0
//
// The mistake: three levels of tables are built, as for Sv39x4, but hgatp says Sv48x4, which has four.
#include "run.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RX);
    struct scheme named = {.mode = sv48x4.mode, .levels = sv39x4.levels, .root_bits = sv39x4.root_bits};
    guest_physical.scheme = &named; // should stay sv39x4
    run_guest(&vcpu, guest_physical);
}
