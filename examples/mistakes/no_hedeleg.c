// SPDX-License-Identifier: Apache-2.0
//
// The mistake: nothing is delegated. The guest has a handler for its own exceptions, but they come to the hypervisor,
// which does not expect them.
#include "run.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    // csr_write(hedeleg, 1ul << CAUSE_BREAKPOINT | ...) is missing here.
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RX);
    run_guest(&vcpu, guest_physical);
}
