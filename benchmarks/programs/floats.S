# SPDX-License-Identifier: Apache-2.0
# ROUNDS times 16 floating-point operations of the kind OPERATION, independent of each other; operands that need rounding.
#define ADD 0
#define MUL 1
#define DIV 2
#define SQRT 3
#define FMADD 4
#define SINGLE 5
#define CONVERT 6

    .option arch, +f, +d
    .globl main
main:
    li t0, 0x6000
    csrs sstatus, t0
    la t0, values
    fld fa0, 0(t0)
    fld fa1, 8(t0)
    flw fa2, 16(t0)
    flw fa3, 20(t0)
    li a1, 1234567
    li a0, ROUNDS
    beqz a0, 2f
1:
    .rept 16
#if OPERATION == ADD
    fadd.d fa4, fa0, fa1
#elif OPERATION == MUL
    fmul.d fa4, fa0, fa1
#elif OPERATION == DIV
    fdiv.d fa4, fa0, fa1
#elif OPERATION == SQRT
    fsqrt.d fa4, fa0
#elif OPERATION == FMADD
    fmadd.d fa4, fa0, fa1, fa1
#elif OPERATION == SINGLE
    fmul.s fa4, fa2, fa3
#else
    fcvt.d.l fa4, a1
#endif
    .endr
    addi a0, a0, -1
    bnez a0, 1b
2:
    li a0, 0
    ret
    .section .rodata
    .balign 8
values:
    .double 3.14159265358979, 2.71828182845905
    .float 1.41421356, 0.57721566
