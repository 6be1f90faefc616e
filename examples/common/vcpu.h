// SPDX-License-Identifier: Apache-2.0
//
// A guest's hart, and how to run it.
#pragma once

// Where world_switch.S finds things in struct vcpu.
#define VCPU_X(number) ((number) * 8)
#define VCPU_HOST_SP 256

#ifndef __ASSEMBLER__
#include "translation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu {
    uint64_t x[32];   // the guest's integer registers; x[0] is never read or written
    uint64_t host_sp; // the hypervisor's stack while the guest runs

    // Where the guest goes on, and in which mode.
    uint64_t sepc, sstatus, hstatus;

    // Why it stopped.
    uint64_t scause, stval, htval, htinst;

    // What belongs to this guest alone but stays in CSRs from one exit to the next; see vcpu_load and vcpu_put.
    uint64_t hgatp, hvip;
    uint64_t vsstatus, vsie, vstvec, vsscratch, vsepc, vscause, vstval, vsatp;
    uint64_t scounteren, senvcfg; // have no copies for V=1: the guest's accesses reach the very CSRs

    struct address_space guest_physical;

    // What the SBI that the guest sees should do.
    const char *console_prefix; // begins each line the guest prints; may be null
    bool within_line;
    bool has_timer; // the example handles the TIME extension
};

_Static_assert(offsetof(struct vcpu, x[31]) == VCPU_X(31), "world_switch.S");
_Static_assert(offsetof(struct vcpu, host_sp) == VCPU_HOST_SP, "world_switch.S");

// Bring the hypervisor CSRs into a known state: nothing delegated, no interrupt pending, no counter for the guest.
void hypervisor_init(void);

// Set up a hart that will start at pc in VS-mode, with VS-stage translation off. The G-stage tables must be complete.
void vcpu_init(struct vcpu *vcpu, uint64_t pc, struct address_space guest_physical, uint64_t vmid);

// Put the guest's CSRs in place, and save them again. With one guest, one vcpu_load before the first vcpu_run will do.
void vcpu_load(const struct vcpu *vcpu);
void vcpu_put(struct vcpu *vcpu);

// Run the guest until a trap to HS-mode. The reason is in scause, stval, htval and htinst.
void vcpu_run(struct vcpu *vcpu);

// For a VM exit that the example has no answer to.
_Noreturn void unexpected_exit(const struct vcpu *vcpu);

// world_switch.S
void vm_enter(struct vcpu *vcpu);
void trap_vector(void);
#endif
