// SPDX-License-Identifier: Apache-2.0
#include "sbi.h"

#include <stdbool.h>

static bool has_extension(uint64_t extension)
{
    struct sbi_result found = sbi_call(SBI_BASE, SBI_BASE_PROBE_EXTENSION, extension, 0, 0);
    return found.error == SBI_SUCCESS && found.value != 0;
}

void sbi_console_write(const char *text, size_t length)
{
    static enum { UNKNOWN, DEBUG_CONSOLE, LEGACY } console = UNKNOWN;

    if (console == UNKNOWN)
        console = has_extension(SBI_DBCN) ? DEBUG_CONSOLE : LEGACY; // firmware from before 2023 lacks DBCN

    while (length > 0) {
        size_t done = 1;
        if (console == DEBUG_CONSOLE) {
            // The address is a physical one. Both users of this file keep their data identity-mapped.
            struct sbi_result written = sbi_call(SBI_DBCN, SBI_DBCN_CONSOLE_WRITE, length, (uint64_t)text, 0);
            if (written.error != SBI_SUCCESS)
                return;
            done = written.value; // may be fewer bytes than asked for, even none
        } else {
            sbi_call(SBI_LEGACY_CONSOLE_PUTCHAR, 0, (uint8_t)*text, 0, 0);
        }
        text += done;
        length -= done;
    }
}

void sbi_set_timer(uint64_t deadline)
{
    sbi_call(SBI_TIME, SBI_TIME_SET_TIMER, deadline, 0, 0);
}

_Noreturn void sbi_shutdown(void)
{
    sbi_call(SBI_SRST, SBI_SRST_SYSTEM_RESET, SBI_SRST_SHUTDOWN, SBI_SRST_NO_REASON, 0);
    sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0); // in case the firmware has no SRST
    for (;;)
        __asm__ volatile("wfi");
}
