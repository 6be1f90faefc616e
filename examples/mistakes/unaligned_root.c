// SPDX-License-Identifier: Apache-2.0
//
// The mistake: the G-stage root table is a page like any other table. It has 16 KiB and must be aligned to them, as the
// low two bits of hgatp.PPN are always zero: hardware walks another table.
#include "run.h"
#include "../common/memory.h"

static struct vcpu vcpu;

void main(void)
{
    hypervisor_init();
    // Four pages of root table, one page behind where they could be.
    char *memory = allocate(5 * PAGE_SIZE, 4 * PAGE_SIZE);
    struct address_space guest_physical = {&sv39x4, (uint64_t *)(memory + PAGE_SIZE)};
    map_guest(guest_physical, G_STAGE_RX);
    run_guest(&vcpu, guest_physical);
}
