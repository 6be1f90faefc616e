// SPDX-License-Identifier: Apache-2.0
//
// The VU-mode program.
#include <stdint.h>

void user_print(const char *text);
void user_start_timer(uint64_t timer_interrupts);
uint64_t user_ticks(void);

#define TICKS 3

uint64_t rounds; // how long it has waited; something to watch that differs from guest to guest

void user_main(void)
{
    user_print("hello from VU-mode");
    user_start_timer(TICKS);
    while (user_ticks() < TICKS)
        rounds++;
    user_print("that was the last one, good bye");
}
