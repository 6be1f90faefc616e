/* SPDX-License-Identifier: Apache-2.0 */
/* Loops to be debugged: a debugger stops at ready(), writes `what` and `turns`, and lets the program go on. */

typedef unsigned long u64;

#define NOINLINE __attribute__((noinline))
#define OTHER_PAGE NOINLINE __attribute__((section(".text.other"), aligned(4096)))

struct page {
    u64 hot[64];
    u64 watched[64];
} __attribute__((aligned(4096)));

static struct page page;
volatile u64 what, turns, result;

/* In the page of the loops, but never called by them. */
NOINLINE void never(void) { result = page.watched[0]; }

NOINLINE u64 add(u64 value) { return result + value; }

NOINLINE u64 tight(u64 count) {
    u64 value = 1;
    for (u64 i = 0; i < count; i++) value = (value >> 3) ^ (value + i);
    return value;
}

NOINLINE u64 calls(u64 count) {
    u64 value = 0;
    for (u64 i = 0; i < count; i++) value += add(i);
    return value;
}

NOINLINE u64 stores(u64 count) {
    for (u64 i = 0; i < count; i++) { page.hot[i & 63] = i; __asm__ volatile("" : : : "memory"); }
    return page.hot[1];
}

NOINLINE u64 mixed(u64 count) {
    u64 value = 1;
    for (u64 i = 0; i < count; i++) {
        for (int j = 0; j < 16; j++) value = (value >> 3) ^ (value + i);
        page.hot[i & 63] = value;
        __asm__ volatile("" : : : "memory");
    }
    return value;
}

NOINLINE u64 one_line(u64 count) {
    u64 value = 0;
    for (u64 i = 0; i < count; i++) { value += i; __asm__ volatile("" : "+r"(value)); }
    return value;
}

OTHER_PAGE void ready(void) { __asm__ volatile(""); }

OTHER_PAGE int main(void) {
    for (;;) {
        ready();
        switch (what) {
        case 0: result = tight(turns); break;
        case 1: result = calls(turns); break;
        case 2: result = stores(turns); break;
        case 3: result = mixed(turns); break;
        case 4: result = one_line(turns); break;
        default: never(); return 0;
        }
    }
}
