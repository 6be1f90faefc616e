/* SPDX-License-Identifier: Apache-2.0 */

// The first instructions of a guest written in C. The guest is linked where its guest physical memory is, and VS-stage
// translation is off, so guest virtual, guest physical and link addresses are all the same.

    .cfi_sections .debug_frame
    .text
    .globl guest_entry
    .type guest_entry, @function
guest_entry:
    .cfi_startproc
    .cfi_undefined ra // nobody called: backtraces end here
    la sp, guest_stack_top
    call guest_main
    call guest_shutdown
    .cfi_endproc
    .size guest_entry, . - guest_entry

    .data
    .balign 16
    .skip 2048
guest_stack_top:
