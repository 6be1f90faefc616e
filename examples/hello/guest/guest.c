// SPDX-License-Identifier: Apache-2.0
//
// The guest of hello, in VS-mode. It starts at guest_entry in common/guest/guest_start.S.
#include "../../common/guest/guest_print.h"
#include "../../common/sbi.h"

// An address that the G-stage tables do not map.
#define UNMAPPED 0x40000000ul

// One exit for each character.
static void print_by_putchar(const char *text)
{
    for (; *text != '\0'; text++)
        sbi_call(SBI_LEGACY_CONSOLE_PUTCHAR, 0, (uint8_t)*text, 0, 0);
}

uint64_t load_unmapped(uint64_t address); // load.S

void guest_main(void)
{
    print_by_putchar("Hello from VS-mode\n");
    guest_print("This line took one exit, the one above nineteen.\n");
    guest_print("Now a load from where there is no memory:\n");
    load_unmapped(UNMAPPED);
    guest_print("Still in VS-mode. Good bye!\n");
}
