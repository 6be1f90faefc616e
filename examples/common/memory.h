// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul

// Hand out zeroed memory that is never given back. The alignment is a power of two and at least PAGE_SIZE.
void *allocate(size_t size, size_t alignment);

// The compiler may call these on its own account.
void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
