// SPDX-License-Identifier: Apache-2.0
//
// The device that the hypervisor pretends and the guest uses.
#pragma once

#define DEVICE_ADDRESS 0x10001000ul // guest physical
#define DEVICE_SIZE 64
