// SPDX-License-Identifier: Apache-2.0
//
// What the guest and those around it agree on. The linker script and assembly files include this too.
#pragma once

// Guest physical memory. The kernel is linked to its beginning, where the hypervisor is linked to as well.
#define GUEST_MEMORY 0x80200000
#define GUEST_MEMORY_SIZE 0x20000

// The VU-mode program's own addresses, which are guest virtual only.
#define USER_TEXT 0x10000
#define USER_DATA 0x20000
#define USER_STACK 0x30000 // one page
#define USER_STACK_TOP 0x31000

// System calls: number in a7, argument and result in a0.
#define SYSCALL_PRINT 1 // a0: address of a text
#define SYSCALL_START_TIMER 2 // a0: how many timer interrupts
#define SYSCALL_TICKS 3 // how many there were
#define SYSCALL_EXIT 4
