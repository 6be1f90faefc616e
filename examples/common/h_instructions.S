/* SPDX-License-Identifier: Apache-2.0 */

// Compilers are told to use IMAC only. The assembler needs to know about H in this one file; as the linker merges the
// attribute into the ELF, debuggers and disassemblers then show these instructions by name as well.
    .attribute arch, "rv64imac_zicsr_zifencei_h"
    .cfi_sections .debug_frame
    .section .text.h_instructions, "ax"

    .macro instruction_as_function name, instruction:vararg
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
    \instruction
    ret
    .cfi_endproc
    .size \name, . - \name
    .endm

    instruction_as_function hfence_gvma, hfence.gvma
    instruction_as_function hfence_vvma, hfence.vvma
    instruction_as_function hlvx_hu, hlvx.hu a0, (a0)
