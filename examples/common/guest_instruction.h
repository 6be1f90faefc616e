// SPDX-License-Identifier: Apache-2.0
//
// What a guest-page fault was about, for guests with VS-stage translation off. (With it on, a fault may also be due to
// an implicit access to a VS-stage page table. Then htinst has a pseudoinstruction, and the instruction at sepc tells
// nothing about the access that failed.)
#pragma once
#include "vcpu.h"

// The guest physical address that faulted.
uint64_t faulting_guest_physical_address(const struct vcpu *vcpu);

// Bytes of the load or store that faulted: 2 or 4.
unsigned trapping_instruction_length(const struct vcpu *vcpu);

// The load or store that faulted, in the format of htinst; zero if it is something else.
uint32_t transformed_instruction(const struct vcpu *vcpu);

// Whether transformed_instruction and trapping_instruction_length look at htinst at all. Clear it with a debugger to
// see a machine whose htinst is always zero.
extern bool use_htinst;
