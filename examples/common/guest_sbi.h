// SPDX-License-Identifier: Apache-2.0
//
// The SBI as a guest sees it: an ecall from VS-mode is a call to the hypervisor.
#pragma once
#include "vcpu.h"

// Map a guest that is linked into the hypervisor's ELF, at the guest physical addresses equal to its link addresses.
void map_linked_guest(struct address_space guest_physical);

// Serve the call whose ecall the guest has just trapped on. False if the guest wants to be shut down.
bool guest_sbi_call(struct vcpu *vcpu);
