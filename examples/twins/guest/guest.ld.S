/* SPDX-License-Identifier: Apache-2.0 */

/* The linker script of twins-guest.elf, to be run through the preprocessor for the addresses in layout.h. */

#include "layout.h"

ENTRY(guest_entry)

SECTIONS
{
    . = GUEST_MEMORY;
    .text : {
        kernel_text = .;
        *(.text.start)
        EXCLUDE_FILE(*/user*.o) *(.text .text.* .rodata .rodata.* .srodata .srodata.*)
        . = ALIGN(4096);
    }
    .data : {
        kernel_data = .;
        EXCLUDE_FILE(*/user*.o) *(.data .data.* .sdata .sdata.* .bss .bss.* .sbss .sbss.* COMMON)
        . = ALIGN(4096);
    }
    image_of_user_text = .;

    /* The program's pages follow the kernel in the image, but have virtual addresses of their own. */
    .user_text USER_TEXT : AT(image_of_user_text) {
        user_text = .;
        *(.text .text.* .rodata .rodata.* .srodata .srodata.*)
        . = ALIGN(4096);
        user_text_end = .;
    }
    image_of_user_data = image_of_user_text + SIZEOF(.user_text);
    .user_data USER_DATA : AT(image_of_user_data) {
        user_data = .;
        *(.data .data.* .sdata .sdata.* .bss .bss.* .sbss .sbss.* COMMON)
        . = ALIGN(4096);
        user_data_end = .;
    }

    free_memory = image_of_user_data + SIZEOF(.user_data);
    free_memory_end = GUEST_MEMORY + GUEST_MEMORY_SIZE;
}
