/* SPDX-License-Identifier: Apache-2.0 */

// A guest that needs nothing. It counts in a0, for something to watch.

    .cfi_sections .debug_frame
    .text
    .globl guest_entry
    .type guest_entry, @function
guest_entry:
    .cfi_startproc
    .cfi_undefined ra // nobody called: backtraces end here
    li a0, 0
    .globl spin
spin:
    addi a0, a0, 1
    j spin
    .cfi_endproc
    .size guest_entry, . - guest_entry
