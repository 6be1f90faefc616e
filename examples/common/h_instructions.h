// SPDX-License-Identifier: Apache-2.0
//
// The instructions of the H extension that the examples need, as functions.
#pragma once
#include <stdint.h>

// Order earlier stores to G-stage page tables before later G-stage translation, for all VMIDs and addresses.
void hfence_gvma(void);

// The same for the VS-stage page tables, for all ASIDs of the VMID that hgatp holds now.
void hfence_vvma(void);

// Read 16 bits of guest memory as an instruction fetch would: execute permission takes the place of read permission.
uint16_t hlvx_hu(uint64_t guest_virtual_address);
