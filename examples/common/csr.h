// SPDX-License-Identifier: Apache-2.0
//
// The CSR fields the examples use, under the names the privileged manual gives them, and ways to reach a CSR from C.
// Assembly files include this too, hence the guards.
#pragma once

// sstatus and vsstatus
#define SSTATUS_SPIE (1ul << 5)
#define SSTATUS_SPP (1ul << 8)
#define SSTATUS_FS (3ul << 13)
#define SSTATUS_SUM (1ul << 18)
#define SSTATUS_UXL_64 (2ul << 32)

// hstatus
#define HSTATUS_SPV (1ul << 7)
#define HSTATUS_SPVP (1ul << 8)
#define HSTATUS_VSXL_64 (2ul << 32)

// satp, vsatp and hgatp
#define ATP_MODE_SHIFT 60
#define HGATP_VMID_SHIFT 44

// Interrupts: the bit in sie, hvip, hideleg ... is also the code in scause.
#define INTERRUPT_STI 5  // supervisor timer
#define INTERRUPT_VSSI 2 // virtual supervisor software
#define INTERRUPT_VSTI 6 // virtual supervisor timer
#define INTERRUPT_VSEI 10 // virtual supervisor external
#define SCAUSE_INTERRUPT (1ul << 63)

// Exceptions
#define CAUSE_INSTRUCTION_ADDRESS_MISALIGNED 0
#define CAUSE_ILLEGAL_INSTRUCTION 2
#define CAUSE_BREAKPOINT 3
#define CAUSE_LOAD_ADDRESS_MISALIGNED 4
#define CAUSE_STORE_ADDRESS_MISALIGNED 6
#define CAUSE_ECALL_FROM_U 8 // from VU-mode too
#define CAUSE_ECALL_FROM_VS 10
#define CAUSE_INSTRUCTION_PAGE_FAULT 12
#define CAUSE_LOAD_PAGE_FAULT 13
#define CAUSE_STORE_PAGE_FAULT 15
#define CAUSE_INSTRUCTION_GUEST_PAGE_FAULT 20
#define CAUSE_LOAD_GUEST_PAGE_FAULT 21
#define CAUSE_STORE_GUEST_PAGE_FAULT 23

// hcounteren
#define HCOUNTEREN_TM (1ul << 1)

#ifndef __ASSEMBLER__
#include <stdint.h>

// The "memory" clobbers keep the compiler from moving loads and stores across a CSR write that changes what they mean.
#define csr_read(csr)                                                  \
    ({                                                                 \
        uint64_t value_;                                               \
        __asm__ volatile("csrr %0, " #csr : "=r"(value_) : : "memory"); \
        value_;                                                        \
    })
#define csr_write(csr, value) __asm__ volatile("csrw " #csr ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits) __asm__ volatile("csrs " #csr ", %0" : : "rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits) __asm__ volatile("csrc " #csr ", %0" : : "rK"((uint64_t)(bits)) : "memory")
#endif
