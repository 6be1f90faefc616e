// SPDX-License-Identifier: Apache-2.0
//
// Page tables. The G-stage schemes Sv39x4 and Sv48x4 differ from Sv39 and Sv48 in their root table only, which has
// four times as many entries, so one piece of code serves both stages.
#pragma once
#include <stdint.h>

#define PTE_V (1ul << 0)
#define PTE_R (1ul << 1)
#define PTE_W (1ul << 2)
#define PTE_X (1ul << 3)
#define PTE_U (1ul << 4)
#define PTE_A (1ul << 6)
#define PTE_D (1ul << 7)

// G-stage translation checks every access as if made in U-mode, so each leaf needs U, whatever mode the guest is in.
#define G_STAGE_RX (PTE_U | PTE_R | PTE_X)
#define G_STAGE_RW (PTE_U | PTE_R | PTE_W)
#define G_STAGE_RWX (PTE_U | PTE_R | PTE_W | PTE_X)

struct scheme {
    uint64_t mode;      // MODE field of satp, vsatp or hgatp
    unsigned levels;    // of page tables
    unsigned root_bits; // log2 of the root table's number of entries
};
extern const struct scheme sv39, sv39x4, sv48x4;

struct address_space {
    const struct scheme *scheme;
    uint64_t *root;
};

// An address space in which nothing is mapped.
struct address_space address_space_new(const struct scheme *scheme);

// Map size bytes in 4 KiB pages. Addresses and size are multiples of PAGE_SIZE; permissions are PTE_* bits.
void map(struct address_space space, uint64_t from, uint64_t to, uint64_t size, uint64_t permissions);

// Where an address leads, as the hardware's page walk would find it, or null.
void *translate(struct address_space space, uint64_t address);

// The value for satp or hgatp. id is the ASID or VMID, at its place for the one or the other.
uint64_t atp_value(struct address_space space, uint64_t id_in_place);
