/* SPDX-License-Identifier: Apache-2.0 */

// One load, with a name to set a breakpoint on: from unmapped_load, stepi arrives at trap_vector.

    .cfi_sections .debug_frame
    .text
    .globl load_unmapped, unmapped_load
    .type load_unmapped, @function

    // uint64_t load_unmapped(uint64_t address)
load_unmapped:
    .cfi_startproc
unmapped_load:
    ld a0, 0(a0)
    ret
    .cfi_endproc
    .size load_unmapped, . - load_unmapped
