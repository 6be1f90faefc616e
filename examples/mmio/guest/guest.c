// SPDX-License-Identifier: Apache-2.0
//
// The guest of mmio: every integer load and store there is, on a device that keeps what is written to it.
#include "../../common/guest/guest_print.h"
#include "../device.h"

#include <stdint.h>

static unsigned accesses, wrong;

static void check(const char *access, uint64_t value, uint64_t expected)
{
    accesses++;
    if (value == expected)
        return;
    wrong++;
    guest_print("mmio: ");
    guest_print(access);
    guest_print(" gave 0x");
    guest_print_number(value, 16);
    guest_print(", expected 0x");
    guest_print_number(expected, 16);
    guest_print("\n");
}

// norvc, or the assembler would shorten what it can and the 32-bit form would go untested.
#define LOAD(instruction, offset, expected)                             \
    do {                                                                \
        uint64_t value_;                                                \
        __asm__ volatile(".option push\n\t"                             \
                         ".option norvc\n\t" instruction                \
                         " %0, " #offset "(%1)\n\t"                     \
                         ".option pop"                                  \
                         : "=r"(value_)                                 \
                         : "r"(DEVICE_ADDRESS)                          \
                         : "memory");                                   \
        check(instruction " at " #offset, value_, expected);            \
    } while (0)

#define STORE(instruction, offset, value)                                  \
    do {                                                                   \
        accesses++;                                                        \
        __asm__ volatile(".option push\n\t"                                \
                         ".option norvc\n\t" instruction                   \
                         " %0, " #offset "(%1)\n\t"                        \
                         ".option pop"                                     \
                         :                                                 \
                         : "r"((uint64_t)(value)), "r"(DEVICE_ADDRESS)     \
                         : "memory");                                      \
    } while (0)

// Compressed: the registers are among x8 to x15.
#define C_LOAD(instruction, offset, expected)                                      \
    do {                                                                           \
        register uint64_t value_ __asm__("a5");                                    \
        register uint64_t base_ __asm__("a4") = DEVICE_ADDRESS;                    \
        __asm__ volatile(instruction " %0, " #offset "(%1)"                        \
                         : "=r"(value_)                                            \
                         : "r"(base_)                                              \
                         : "memory");                                              \
        check(instruction " at " #offset, value_, expected);                       \
    } while (0)

#define C_STORE(instruction, offset, value)                                    \
    do {                                                                       \
        register uint64_t value_ __asm__("a5") = (value);                      \
        register uint64_t base_ __asm__("a4") = DEVICE_ADDRESS;                \
        accesses++;                                                            \
        __asm__ volatile(instruction " %0, " #offset "(%1)"                    \
                         :                                                     \
                         : "r"(value_), "r"(base_)                             \
                         : "memory");                                          \
    } while (0)

// Compressed and relative to sp, which points to the device for one instruction. That is safe: the exit saves
// registers in the hypervisor's memory and never uses a guest's stack.
#define C_LOAD_SP(instruction, offset, expected)                                          \
    do {                                                                                  \
        uint64_t value_;                                                                  \
        __asm__ volatile("mv t0, sp\n\t"                                                  \
                         "mv sp, %1\n\t" instruction " %0, " #offset "(sp)\n\t"           \
                         "mv sp, t0"                                                      \
                         : "=&r"(value_)                                                  \
                         : "r"(DEVICE_ADDRESS)                                            \
                         : "t0", "memory");                                               \
        check(instruction " at " #offset, value_, expected);                              \
    } while (0)

#define C_STORE_SP(instruction, offset, value)                                            \
    do {                                                                                  \
        accesses++;                                                                       \
        __asm__ volatile("mv t0, sp\n\t"                                                  \
                         "mv sp, %1\n\t" instruction " %0, " #offset "(sp)\n\t"           \
                         "mv sp, t0"                                                      \
                         :                                                                \
                         : "r"((uint64_t)(value)), "r"(DEVICE_ADDRESS)                    \
                         : "t0", "memory");                                               \
    } while (0)

static void uncompressed(void)
{
    // Little-endian bytes, offset 0 first: f0 de bc 9a 78 56 34 12. The bytes from 80 on are negative.
    STORE("sd", 0, 0x123456789abcdef0);
    LOAD("ld", 0, 0x123456789abcdef0);
    LOAD("lw", 0, 0xffffffff9abcdef0);
    LOAD("lw", 4, 0x12345678);
    LOAD("lwu", 0, 0x9abcdef0);
    LOAD("lh", 2, 0xffffffffffff9abc);
    LOAD("lh", 6, 0x1234);
    LOAD("lhu", 2, 0x9abc);
    LOAD("lb", 1, 0xffffffffffffffde);
    LOAD("lb", 5, 0x56);
    LOAD("lbu", 1, 0xde);

    // Stores change no byte but their own.
    STORE("sb", 3, 0x11);
    LOAD("ld", 0, 0x1234567811bcdef0);
    STORE("sh", 6, 0xeeee2222);
    LOAD("ld", 0, 0x2222567811bcdef0);
    STORE("sw", 0, 0xeeeeeeee33333333);
    LOAD("ld", 0, 0x2222567833333333);
}

// x0 reads as zero and stays zero, in a transformed instruction too.
static void register_zero(void)
{
    uint64_t zero;

    __asm__ volatile("sd zero, 8(%0)" : : "r"(DEVICE_ADDRESS) : "memory");
    accesses++;
    LOAD("ld", 8, 0);
    __asm__ volatile("ld zero, 0(%1)\n\tmv %0, zero" : "=r"(zero) : "r"(DEVICE_ADDRESS) : "memory");
    check("ld to x0", zero, 0);
}

static void compressed(void)
{
    C_STORE("c.sd", 16, 0x8877665544332211);
    C_LOAD("c.ld", 16, 0x8877665544332211);
    C_LOAD("c.lw", 20, 0xffffffff88776655);
    C_STORE("c.sw", 16, 0xffffffff);
    C_LOAD("c.ld", 16, 0x88776655ffffffff);

    C_STORE_SP("c.sdsp", 24, 0x8877665544332211);
    C_LOAD_SP("c.ldsp", 24, 0x8877665544332211);
    C_LOAD_SP("c.lwsp", 28, 0xffffffff88776655);
    C_STORE_SP("c.swsp", 24, 0xffffffff);
    C_LOAD_SP("c.ldsp", 24, 0x88776655ffffffff);
}

void guest_main(void)
{
    uncompressed();
    register_zero();
    compressed();

    guest_print("mmio: ");
    if (wrong == 0) {
        guest_print("all ");
        guest_print_number(accesses, 10);
        guest_print(" accesses right\n");
    } else {
        guest_print_number(wrong, 10);
        guest_print(" of ");
        guest_print_number(accesses, 10);
        guest_print(" accesses wrong\n");
    }
}
