// SPDX-License-Identifier: Apache-2.0
//
// A guest that loads from where it has no memory. It does nothing wrong.
#include "../../common/guest/guest_print.h"

#define UNMAPPED 0x40000000ul

uint64_t load_unmapped(uint64_t address); // hello/guest/load.S

void guest_main(void)
{
    load_unmapped(UNMAPPED);
    guest_print("Still in VS-mode\n");
}
