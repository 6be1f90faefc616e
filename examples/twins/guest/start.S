/* SPDX-License-Identifier: Apache-2.0 */

// The kernel's entry, and its door to and from VU-mode.

#include "trap_frame.h"

    .cfi_sections .debug_frame

    .section .text.start, "ax"
    .globl guest_entry
    .type guest_entry, @function
guest_entry:
    .cfi_startproc
    .cfi_undefined ra // nobody called: backtraces end here
    la sp, kernel_stack_top
    call kernel_main
    .cfi_endproc
    .size guest_entry, . - guest_entry

    // Do something for each integer register but x0 and sp, with its place in the trap frame.
    .macro for_each_register instruction
    .irp number, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \instruction x\number, FRAME_X(\number)
    .endr
    .endm
    .macro save register, offset
    sd \register, \offset(sp)
    .endm
    .macro restore register, offset
    ld \register, \offset(sp)
    .endm
    .macro describe register, offset
    .cfi_rel_offset \register, \offset
    .endm

    .text
    // Traps come from VU-mode only: the kernel runs with sstatus.SIE=0. While the program runs, sscratch has the
    // kernel's stack. For a backtrace, the caller of this function is what sepc points to.
    .globl kernel_trap_vector
    .type kernel_trap_vector, @function
    .balign 4
kernel_trap_vector:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_return_column sepc
    .cfi_def_cfa sp, 0
    csrrw sp, sscratch, sp
    .cfi_register sp, sscratch
    addi sp, sp, -FRAME_SIZE
    .cfi_def_cfa_offset FRAME_SIZE
    for_each_register save
    csrr t0, sscratch
    sd t0, FRAME_X(2)(sp)
    csrr t0, sepc
    sd t0, FRAME_SEPC(sp)
    for_each_register describe
    .cfi_rel_offset sp, FRAME_X(2)
    .cfi_rel_offset sepc, FRAME_SEPC
    mv a0, sp
    call kernel_trap

return_to_user:
    ld t0, FRAME_SEPC(sp)
    csrw sepc, t0
    addi t0, sp, FRAME_SIZE
    csrw sscratch, t0
    for_each_register restore
    ld sp, FRAME_X(2)(sp)
    .cfi_def_cfa sp, 0
    .irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .cfi_same_value x\number
    .endr
    .cfi_same_value sepc
    sret
    .cfi_endproc
    .size kernel_trap_vector, . - kernel_trap_vector

    // void enter_user(const struct trap_frame *frame): start a program whose registers are in the frame, which lies at
    // the very top of the kernel's stack.
    .globl enter_user
    .type enter_user, @function
enter_user:
    .cfi_startproc
    .cfi_undefined ra
    mv sp, a0
    j return_to_user
    .cfi_endproc
    .size enter_user, . - enter_user

    .section .bss.kernel_stack, "aw", @nobits
    .balign 16
    .skip 4096
    .globl kernel_stack_top
kernel_stack_top:
