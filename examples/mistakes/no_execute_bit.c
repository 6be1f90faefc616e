// SPDX-License-Identifier: Apache-2.0
//
// The mistake: the G-stage maps all of the guest's memory like data, so its code cannot be executed.
#include "run.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RW); // should be G_STAGE_RX
    run_guest(&vcpu, guest_physical);
}
