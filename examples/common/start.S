/* SPDX-License-Identifier: Apache-2.0 */

// The firmware enters here in HS-mode, with interrupts and translation off, the hart's number in a0 and the address of
// the devicetree in a1. Both go on to main.

    .cfi_sections .debug_frame
    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined ra // nobody called: backtraces end here
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, (t0)
    addi t0, t0, 8
    j 1b
2:  csrw sscratch, zero
    la t0, trap_vector
    csrw stvec, t0
    call main
    call sbi_shutdown
    .cfi_endproc
    .size _start, . - _start

    .section .stack, "aw", @nobits
    .balign 16
    .skip 8192
stack_top:
