/* SPDX-License-Identifier: Apache-2.0 */

// A handler that stands where it happens to stand: behind something with an odd number of halfwords.

    .section .text.handler, "ax"
    .balign 4
padding:
    unimp // two bytes
    .globl handler
    .type handler, @function
handler:
    j trap_vector
    .size handler, . - handler
