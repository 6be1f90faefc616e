# SPDX-License-Identifier: Apache-2.0
# Start of a benchmark: in HS-mode on an SBI, as a kernel. Runs main, then switches the machine off.
    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top
    call main
    li a7, 0x53525354       # SBI System Reset, shutdown
    li a6, 0
    li a0, 0
    li a1, 0
    ecall
1:  j 1b

    .bss
    .align 4
    .space 65536
stack_top:
