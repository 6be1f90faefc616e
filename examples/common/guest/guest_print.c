// SPDX-License-Identifier: Apache-2.0
#include "guest_print.h"

#include "../sbi.h"

void guest_print(const char *text)
{
    uint64_t length = 0;
    while (text[length] != '\0')
        length++;
    // One VM exit for the whole text; the hypervisor reads it from guest physical memory.
    sbi_call(SBI_DBCN, SBI_DBCN_CONSOLE_WRITE, length, (uint64_t)text, 0);
}

void guest_print_number(uint64_t value, unsigned base)
{
    char digits[21]; // 2**64 in base 10, and a terminator
    char *first = &digits[sizeof digits - 1];

    *first = '\0';
    do {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    guest_print(first);
}

void guest_shutdown(void)
{
    sbi_call(SBI_SRST, SBI_SRST_SYSTEM_RESET, SBI_SRST_SHUTDOWN, SBI_SRST_NO_REASON, 0);
    for (;;) {
    }
}
