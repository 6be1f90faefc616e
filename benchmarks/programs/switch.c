/* SPDX-License-Identifier: Apache-2.0 */
/* World switches: sret into VS-mode, ecall back, ROUNDS times. Stages are Bare or G-stage Sv39x4 with identity 1 GiB pages. */

#ifndef ROUNDS
#define ROUNDS 1000000
#endif

#define read_csr(number) ({ unsigned long v_; asm volatile("csrr %0, " #number : "=r"(v_)); v_; })
#define write_csr(number, value) asm volatile("csrw " #number ", %0" ::"r"((unsigned long)(value)) : "memory")

static unsigned long root[2048] __attribute__((aligned(16384)));

int main(void) {
    root[2] = (0x80000000UL >> 2) | 0xdf; /* V R W X U A D: guest physical 2 GiB to 3 GiB, itself */
    write_csr(0x680, 8UL << 60 | (unsigned long)root >> 12); /* hgatp */
    asm volatile(".insn r 0x73, 0, 0x31, x0, x0, x0");       /* hfence.gvma */
    write_csr(0x600, 1UL << 8 | 1UL << 7);                   /* hstatus: SPVP, SPV */
    long rounds = ROUNDS;
    asm volatile(
        "   la t0, 2f\n"
        "   csrw stvec, t0\n"
        "   li t1, 0x100\n"       /* sstatus.SPP */
        "   li t2, 0x80\n"        /* hstatus.SPV */
        "   la t3, 3f\n"
        "   blez %0, 4f\n"
        "1: csrs sstatus, t1\n"
        "   csrs 0x600, t2\n"
        "   csrw sepc, t3\n"
        "   sret\n"
        "   .balign 4\n"
        "2: addi %0, %0, -1\n"    /* the guest has exited */
        "   bnez %0, 1b\n"
        "   j 4f\n"
        "   .balign 4\n"
        "3: ecall\n"              /* the guest */
        "4:\n"
        : "+r"(rounds)
        :
        : "t0", "t1", "t2", "t3", "memory");
    return 0;
}
