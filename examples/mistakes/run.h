// SPDX-License-Identifier: Apache-2.0
//
// What the mistakes have in common: a guest of its own for each, and a hypervisor's loop without a mistake.
#pragma once
#include "../common/csr.h"
#include "../common/guest_sbi.h"
#include "../common/print.h"
#include "../common/sbi.h"

extern char guest_entry[]; // guest_start.S
extern char guest_text[], guest_text_end[], guest_data[], guest_data_end[]; // link.ld

// Map what is linked for the guest, with these permissions for its code. Data is always mapped as it should be.
void map_guest(struct address_space guest_physical, uint64_t code_permissions);

// Start a guest at guest_entry in this address space and serve its SBI calls until it wants to be shut down.
_Noreturn void run_guest(struct vcpu *vcpu, struct address_space guest_physical);
