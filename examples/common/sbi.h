// SPDX-License-Identifier: Apache-2.0
//
// SBI calls. The hypervisor makes them to the firmware in M-mode, a guest makes the same ones to its hypervisor.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SBI_LEGACY_CONSOLE_PUTCHAR 0x01
#define SBI_LEGACY_SHUTDOWN 0x08

#define SBI_BASE 0x10
#define SBI_BASE_GET_SPEC_VERSION 0
#define SBI_BASE_PROBE_EXTENSION 3

#define SBI_TIME 0x54494d45
#define SBI_TIME_SET_TIMER 0

#define SBI_DBCN 0x4442434e
#define SBI_DBCN_CONSOLE_WRITE 0
#define SBI_DBCN_CONSOLE_WRITE_BYTE 2

#define SBI_SRST 0x53525354
#define SBI_SRST_SYSTEM_RESET 0
#define SBI_SRST_SHUTDOWN 0
#define SBI_SRST_NO_REASON 0

#define SBI_SUCCESS 0
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_INVALID_PARAM (-3)

struct sbi_result {
    int64_t error;
    uint64_t value;
};

// Always inline: the guests of some examples share an ELF with the hypervisor but may not share its code.
static inline __attribute__((always_inline)) struct sbi_result sbi_call(uint64_t extension, uint64_t function,
                                                                        uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}

void sbi_console_write(const char *text, size_t length);

// Ask for a timer interrupt once time reaches deadline. Any timer interrupt that is pending now is cleared.
void sbi_set_timer(uint64_t deadline);
#define SBI_TIMER_NEVER UINT64_MAX

_Noreturn void sbi_shutdown(void);
