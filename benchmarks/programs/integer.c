/* SPDX-License-Identifier: Apache-2.0 */
/* Integer work of several kinds: sorting, a linked list, a hash table, a matrix product, string search and bit counting. */

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#ifndef ROUNDS
#define ROUNDS 20
#endif

enum { ITEMS = 4096, SLOTS = 8192, SIDE = 48, TEXT = 16384 };

struct node { struct node *next; u64 value; };

static u32 items[ITEMS];
static struct node nodes[ITEMS];
static u64 keys[SLOTS], values[SLOTS];
static long a[SIDE][SIDE], b[SIDE][SIDE], product[SIDE][SIDE];
static u8 text[TEXT];
static u64 seed = 88172645463325252UL;
volatile u64 result;

static u64 next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void sort(int low, int high) {
    while (low < high) {
        u32 pivot = items[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (items[i] < pivot) i++;
            while (items[j] > pivot) j--;
            if (i <= j) {
                u32 swap = items[i];
                items[i++] = items[j];
                items[j--] = swap;
            }
        }
        sort(low, j);
        low = i;
    }
}

static u64 walk_list(void) {
    u64 order = 1, sum = 0;
    for (int i = 0; i < ITEMS; i++) {
        nodes[order % ITEMS].value = order;
        nodes[order % ITEMS].next = &nodes[(order * 1365 + 7) % ITEMS];
        order = order * 1365 + 7;
    }
    struct node *node = &nodes[1];
    for (int i = 0; i < 4 * ITEMS; i++, node = node->next ? node->next : nodes) sum += node->value;
    return sum;
}

static u64 fill_table(void) {
    u64 found = 0;
    for (int i = 0; i < SLOTS; i++) keys[i] = 0;
    for (int i = 0; i < ITEMS; i++) {
        u64 key = next_random() | 1, slot = (key * 0x9E3779B97F4A7C15UL) >> 51;
        while (keys[slot] && keys[slot] != key) slot = (slot + 1) % SLOTS;
        keys[slot] = key;
        values[slot] += key;
        found += values[slot];
    }
    return found;
}

static long multiply(void) {
    long trace = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            long sum = 0;
            for (int k = 0; k < SIDE; k++) sum += a[i][k] * b[k][j];
            product[i][j] = sum;
            if (i == j) trace += sum;
        }
    return trace;
}

static u64 search(void) {
    static const u8 wanted[] = {3, 1, 4, 1};
    u64 hits = 0;
    for (int i = 0; i + 4 <= TEXT; i++) {
        int j = 0;
        while (j < 4 && text[i + j] == wanted[j]) j++;
        hits += j == 4;
    }
    return hits;
}

static u64 count_bits(void) {
    u64 total = 0;
    for (int i = 0; i < ITEMS; i++)
        for (u64 word = items[i] ^ seed; word; word &= word - 1) total++;
    return total;
}

int main(void) {
    for (int i = 0; i < SIDE * SIDE; i++) {
        a[i / SIDE][i % SIDE] = (long)(next_random() % 100);
        b[i / SIDE][i % SIDE] = (long)(next_random() % 100);
    }
    for (int i = 0; i < TEXT; i++) text[i] = next_random() % 5;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ITEMS; i++) items[i] = (u32)next_random();
        sort(0, ITEMS - 1);
        result += walk_list() + fill_table() + (u64)multiply() + search() + count_bits() + items[ITEMS / 2] / 7;
    }
    return 0;
}
