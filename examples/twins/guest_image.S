/* SPDX-License-Identifier: Apache-2.0 */

// twins-guest.elf as it looks in memory, without its headers and symbols.

    .section .rodata.guest_image, "a"
    .balign 8
    .globl guest_image, guest_image_end
guest_image:
    .incbin "twins-guest.bin"
guest_image_end:
