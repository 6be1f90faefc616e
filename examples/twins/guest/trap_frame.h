// SPDX-License-Identifier: Apache-2.0
//
// The registers of the VU-mode program while the kernel handles its trap.
#pragma once

#define FRAME_X(number) ((number) * 8)
#define FRAME_SEPC 256
#define FRAME_SIZE 272

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct trap_frame {
    uint64_t x[32]; // x[0] is never read or written
    uint64_t sepc;
    uint64_t unused; // the stack pointer is a multiple of 16
};

_Static_assert(offsetof(struct trap_frame, sepc) == FRAME_SEPC, "start.S");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "start.S");

extern struct trap_frame kernel_stack_top[];
void kernel_trap_vector(void);
_Noreturn void enter_user(const struct trap_frame *frame);
#endif
