/* SPDX-License-Identifier: Apache-2.0 */

// The first instructions of the VU-mode program, and its system calls.

#include "layout.h"

    .cfi_sections .debug_frame
    .text
    .globl user_entry
    .type user_entry, @function
user_entry:
    .cfi_startproc
    .cfi_undefined ra // nobody called: backtraces end here
    call user_main
    li a7, SYSCALL_EXIT
    ecall
    .cfi_endproc
    .size user_entry, . - user_entry

    // As C sees it, a function: the argument and the result are in a0 on both sides.
    .macro system_call name, number
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
    li a7, \number
    ecall
    ret
    .cfi_endproc
    .size \name, . - \name
    .endm

    system_call user_print, SYSCALL_PRINT
    system_call user_start_timer, SYSCALL_START_TIMER
    system_call user_ticks, SYSCALL_TICKS
