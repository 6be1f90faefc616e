/* SPDX-License-Identifier: Apache-2.0 */

// The way into the guest and the way back, written as one function call: vm_enter does not return until the guest
// traps to HS-mode, and it is trap_vector that returns in its stead. So the C code around a guest reads from top to
// bottom, and a debugger's "finish" in vm_enter runs the guest to its next exit.
//
// sscratch holds the struct vcpu while the guest runs and zero while the hypervisor runs.

#include "vcpu.h"

// The hypervisor's registers on its stack, for the time the guest uses them.
#define HOST_FRAME 112

// Call frame information
//
// In the midst of the switch sp is the guest's, while the hypervisor's is in memory. To have a backtrace at every
// single instruction, the canonical frame address is described as *(vcpu + VCPU_HOST_SP) + HOST_FRAME, with the
// address of the vcpu in sscratch or in a0. CSRs have DWARF register numbers too: 4096 + address, in ULEB128 below.
#define SLEB(value) (((value) & 0x7f) | 0x80), ((value) >> 7)
#define DW_CFA_def_cfa_expression 0x0f
#define DW_OP_deref 0x06
#define DW_OP_plus_uconst 0x23
#define DW_OP_breg_a0 0x7a
#define DW_OP_bregx 0x92
#define ULEB_SSCRATCH 0xc0, 0x22
#define CFA_BY_SSCRATCH                                                                                \
    .cfi_escape DW_CFA_def_cfa_expression, 8, DW_OP_bregx, ULEB_SSCRATCH, SLEB(VCPU_HOST_SP), DW_OP_deref, \
                DW_OP_plus_uconst, HOST_FRAME
#define CFA_BY_A0                                                                                      \
    .cfi_escape DW_CFA_def_cfa_expression, 6, DW_OP_breg_a0, SLEB(VCPU_HOST_SP), DW_OP_deref,          \
                DW_OP_plus_uconst, HOST_FRAME

    // Do something for each callee-saved register but sp, with its place below the canonical frame address.
    .macro for_each_callee_saved do
    \do ra, 8
    \do s0, 16
    \do s1, 24
    \do s2, 32
    \do s3, 40
    \do s4, 48
    \do s5, 56
    \do s6, 64
    \do s7, 72
    \do s8, 80
    \do s9, 88
    \do s10, 96
    \do s11, 104
    .endm
    .macro save_host register, below_cfa
    sd \register, HOST_FRAME - \below_cfa(sp)
    .endm
    .macro restore_host register, below_cfa
    ld \register, HOST_FRAME - \below_cfa(sp)
    .endm
    .macro describe_host register, below_cfa
    .cfi_offset \register, -\below_cfa
    .endm

    // Do something for each integer register of the guest but x0 and a0 (x10), which is needed for the vcpu itself.
    .macro for_each_guest_register instruction
    .irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \instruction x\number, VCPU_X(\number)(a0)
    .endr
    .endm

    .cfi_sections .debug_frame
    .section .text.world_switch, "ax"

    // void vm_enter(struct vcpu *vcpu)
    .globl vm_enter
    .type vm_enter, @function
vm_enter:
    .cfi_startproc
    addi sp, sp, -HOST_FRAME
    .cfi_def_cfa_offset HOST_FRAME
    for_each_callee_saved save_host
    for_each_callee_saved describe_host
    sd sp, VCPU_HOST_SP(a0)
    csrw sscratch, a0
    CFA_BY_SSCRATCH
    for_each_guest_register ld
    ld a0, VCPU_X(10)(a0)
    sret
    .cfi_endproc
    .size vm_enter, . - vm_enter

    // stvec points here.
    .globl trap_vector
    .type trap_vector, @function
    .balign 4 // the low two bits of stvec are its MODE
trap_vector:
    .cfi_startproc
    CFA_BY_SSCRATCH
    for_each_callee_saved describe_host
    csrrw a0, sscratch, a0
    CFA_BY_A0
    beqz a0, trap_from_hypervisor
    for_each_guest_register sd
    csrr t0, sscratch
    sd t0, VCPU_X(10)(a0)
    csrw sscratch, zero
    ld sp, VCPU_HOST_SP(a0)
    .cfi_def_cfa sp, HOST_FRAME
    for_each_callee_saved restore_host
    addi sp, sp, HOST_FRAME
    .cfi_def_cfa_offset 0
    .irp register, ra, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    .cfi_restore \register
    .endr
    ret // to the caller of vm_enter
    .cfi_endproc
    .size trap_vector, . - trap_vector

    // A mistake in the hypervisor. Nothing is saved, as nothing will go on; the caller, for a backtrace, is at sepc.
    .type trap_from_hypervisor, @function
trap_from_hypervisor:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_return_column sepc
    .cfi_def_cfa sp, 0
    .cfi_undefined ra // overwritten by this call
    call trap_in_hypervisor
    nop // so that the call's return address is still within this function
    .cfi_endproc
    .size trap_from_hypervisor, . - trap_from_hypervisor
