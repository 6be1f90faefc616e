// SPDX-License-Identifier: Apache-2.0
#include "translation.h"

#include "csr.h"
#include "memory.h"

#include <stdbool.h>
#include <stddef.h>

#define PAGE_SHIFT 12
#define VPN_BITS 9 // of each level but the root's
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK ((1ul << 44) - 1)

const struct scheme sv39 = {.mode = 8, .levels = 3, .root_bits = VPN_BITS};
const struct scheme sv39x4 = {.mode = 8, .levels = 3, .root_bits = VPN_BITS + 2};
const struct scheme sv48x4 = {.mode = 9, .levels = 4, .root_bits = VPN_BITS + 2};

struct address_space address_space_new(const struct scheme *scheme)
{
    // A table is aligned to its own size: 4 KiB, and 16 KiB for the root of a G-stage scheme.
    size_t size = sizeof(uint64_t) << scheme->root_bits;
    return (struct address_space){scheme, allocate(size, size)};
}

static uint64_t *table_of(uint64_t pte)
{
    return (uint64_t *)((pte >> PTE_PPN_SHIFT & PTE_PPN_MASK) << PAGE_SHIFT);
}

// The PTE that a 4 KiB page at this address has or would have; null if a table on the way is missing and not wanted.
static uint64_t *leaf_of(struct address_space space, uint64_t address, bool make_tables)
{
    unsigned level = space.scheme->levels - 1;
    unsigned bits = space.scheme->root_bits;
    uint64_t *table = space.root;

    for (;;) {
        uint64_t vpn = address >> (PAGE_SHIFT + level * VPN_BITS) & ((1ul << bits) - 1);
        uint64_t *pte = &table[vpn];
        if (level == 0)
            return pte;
        if (!(*pte & PTE_V)) {
            if (!make_tables)
                return NULL;
            // A pointer to the next level has none of R, W, X; its U, A and D are reserved and must be zero.
            *pte = (uint64_t)allocate(PAGE_SIZE, PAGE_SIZE) >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V;
        }
        table = table_of(*pte);
        level--;
        bits = VPN_BITS;
    }
}

void map(struct address_space space, uint64_t from, uint64_t to, uint64_t size, uint64_t permissions)
{
    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
        // A and D are set beforehand: hardware need not set them itself and may raise a page fault instead (Svade).
        *leaf_of(space, from + offset, true) =
            (to + offset) >> PAGE_SHIFT << PTE_PPN_SHIFT | permissions | PTE_A | PTE_D | PTE_V;
    }
}

void *translate(struct address_space space, uint64_t address)
{
    const struct scheme *scheme = space.scheme;
    unsigned width = PAGE_SHIFT + (scheme->levels - 1) * VPN_BITS + scheme->root_bits;
    if (address >> width != 0)
        return NULL; // a guest physical address is not sign-extended: the bits above its width have to be zero
    uint64_t *pte = leaf_of(space, address, false);
    if (pte == NULL || !(*pte & PTE_V))
        return NULL;
    return (char *)table_of(*pte) + address % PAGE_SIZE;
}

uint64_t atp_value(struct address_space space, uint64_t id_in_place)
{
    return space.scheme->mode << ATP_MODE_SHIFT | id_in_place | (uint64_t)space.root >> PAGE_SHIFT;
}
