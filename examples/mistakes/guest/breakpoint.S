/* SPDX-License-Identifier: Apache-2.0 */

// A guest with a handler for its own exceptions, and an exception. It does nothing wrong.

    .cfi_sections .debug_frame
    .text
    .globl guest_main, guest_breakpoint
    .type guest_main, @function
guest_main:
    .cfi_startproc
    la t0, guest_trap_vector
    csrw stvec, t0
guest_breakpoint:
    ebreak
    ret
    .cfi_endproc
    .size guest_main, . - guest_main

    .balign 4
    .globl guest_trap_vector
    .type guest_trap_vector, @function
guest_trap_vector:
    .cfi_startproc
    csrr t0, sepc
    addi t0, t0, 2 // behind the ebreak, a compressed one
    csrw sepc, t0
    sret
    .cfi_endproc
    .size guest_trap_vector, . - guest_trap_vector
