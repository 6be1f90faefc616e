// SPDX-License-Identifier: Apache-2.0
//
// What a guest needs to talk. Guests cannot use the hypervisor's print: its code is not mapped for them.
#pragma once
#include <stdint.h>

void guest_print(const char *text);
void guest_print_number(uint64_t value, unsigned base);
_Noreturn void guest_shutdown(void);
