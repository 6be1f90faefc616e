/* SPDX-License-Identifier: Apache-2.0 */
/* Two-stage walks: HLV.D to PAGES guest pages mapped by 4 KiB leaves in both stages, all translations fenced before each round. */

#ifndef ROUNDS
#define ROUNDS 1000
#endif

enum { PAGES = 256, LEAF = 0xdf, POINTER = 1 }; /* V R W X U A D */

#define write_csr(number, value) asm volatile("csrw " #number ", %0" ::"r"((unsigned long)(value)) : "memory")

static unsigned long guest_root[2048] __attribute__((aligned(16384)));
static unsigned long guest_middle[512] __attribute__((aligned(4096)));
static unsigned long guest_leaves[16][512] __attribute__((aligned(4096)));
static unsigned long root[512] __attribute__((aligned(4096)));
static unsigned long middle[512] __attribute__((aligned(4096)));
static unsigned long leaves[512] __attribute__((aligned(4096)));
static unsigned long data[PAGES * 512] __attribute__((aligned(4096)));
volatile unsigned long result;

static unsigned long entry(void *target, unsigned long bits) { return (unsigned long)target >> 2 | bits; }

int main(void) {
    /* G-stage: 32 MiB from 0x80000000 on, identity; VS-stage: pages from 0x40000000 on to data. */
    guest_root[2] = entry(guest_middle, POINTER);
    for (int i = 0; i < 16; i++) {
        guest_middle[i] = entry(guest_leaves[i], POINTER);
        for (int j = 0; j < 512; j++) guest_leaves[i][j] = (0x80000000UL + ((unsigned long)(i * 512 + j) << 12)) >> 2 | LEAF;
    }
    root[1] = entry(middle, POINTER);
    middle[0] = entry(leaves, POINTER);
    for (int i = 0; i < PAGES; i++) leaves[i] = entry(&data[i * 512], LEAF), data[i * 512] = i;
    write_csr(0x680, 8UL << 60 | (unsigned long)guest_root >> 12); /* hgatp */
    write_csr(0x280, 8UL << 60 | (unsigned long)root >> 12);       /* vsatp */
    write_csr(0x600, 0);                                            /* hstatus: HLV as VU */
    for (int round = 0; round < ROUNDS; round++) {
        asm volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory"); /* hfence.gvma */
        asm volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory"); /* hfence.vvma */
        for (int i = 0; i < PAGES; i++) {
            unsigned long value;
            asm volatile(".insn r 0x73, 4, 0x36, %0, %1, x0" : "=r"(value) : "r"(0x40000000UL + ((unsigned long)i << 12)));
            result += value;
        }
    }
    return 0;
}
