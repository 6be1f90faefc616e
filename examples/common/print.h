// SPDX-License-Identifier: Apache-2.0
#pragma once

// Formats: %s %c %u %x, the last two also with l for 64 bits.
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

// Print, then end the machine.
_Noreturn __attribute__((format(printf, 1, 2))) void panic(const char *format, ...);
