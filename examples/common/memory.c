// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include "print.h"

// From the linker script: the memory that the program itself does not occupy.
extern char free_memory[], free_memory_end[];

void *allocate(size_t size, size_t alignment)
{
    static uintptr_t next;

    if (next == 0)
        next = (uintptr_t)free_memory;
    next = (next + alignment - 1) & -alignment;
    uintptr_t start = next;
    if (start + size > (uintptr_t)free_memory_end)
        panic("out of memory");
    next += size;
    return memset((void *)start, 0, size);
}

void *memset(void *to, int byte, size_t size)
{
    uint64_t *words = to;
    // Eight bytes at a time where possible: page tables are most of what gets cleared.
    if (byte == 0 && (uintptr_t)to % 8 == 0)
        for (; size >= 8; size -= 8)
            *words++ = 0;
    for (char *bytes = (char *)words; size > 0; size--)
        *bytes++ = (char)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint64_t *to_words = to;
    const uint64_t *from_words = from;
    if (((uintptr_t)to | (uintptr_t)from) % 8 == 0)
        for (; size >= 8; size -= 8)
            *to_words++ = *from_words++;
    char *to_bytes = (char *)to_words;
    const char *from_bytes = (const char *)from_words;
    for (; size > 0; size--)
        *to_bytes++ = *from_bytes++;
    return to;
}
