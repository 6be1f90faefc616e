# SPDX-License-Identifier: Apache-2.0
"""The value for mtinst / htinst (priv, Transformed Instruction or Pseudoinstruction for mtinst or htinst)."""

from __future__ import annotations

from core.hart import Hart, state
from core.isa.decode import expand
from core.isa.intrinsics import u64
from core.trap.causes import OFFSET_LSB, Cause, TrapInfo

state("tinst_zero", doc="1: mtinst and htinst get 0 instead of a transformed instruction", architectural=False)

PSEUDO_READ, PSEUDO_WRITE = 0x3000, 0x3020
"""64-bit read or write for VS-stage address translation."""

LOAD, LOAD_FP, MISC_MEM, STORE, STORE_FP, AMO, SYSTEM = 0x03, 0x07, 0x0F, 0x23, 0x27, 0x2F, 0x73
KEEP_LOAD = 0x0000_7FFF  # funct3, rd, opcode
KEEP_STORE = 0x01F0_707F  # rs2, funct3, opcode
KEEP_ALL_BUT_RS1 = 0xFFF0_7FFF


def kept_bits(word: u64) -> u64:
    """Which bits of a 32-bit instruction its transformation keeps; 0 for one that has none."""
    opcode = word & 0x7F
    funct3 = (word >> 12) & 7
    if opcode == LOAD:
        return KEEP_LOAD
    if opcode == STORE:
        return KEEP_STORE
    if opcode == LOAD_FP or opcode == STORE_FP:  # noqa: SIM109
        if funct3 == 0 or funct3 > 4:  # a vector access
            return 0
        return KEEP_LOAD if opcode == LOAD_FP else KEEP_STORE
    guest_access = opcode == SYSTEM and funct3 == 4 and word >> 31 == 0  # shadow-stack instructions have no transformation
    if opcode == AMO or opcode == MISC_MEM or guest_access:  # noqa: SIM109
        return KEEP_ALL_BUT_RS1
    return 0


def transformed(inst: u64, offset: u64) -> u64:
    """The transformation of a memory-access instruction; offset: bytes from its address to the faulting one.

    Instructions for cache blocks always fault at their address, so that theirs has 0 there (norm:h_trans_cache).
    """
    compressed = inst & 3 != 3
    word = expand(inst & 0xFFFF) if compressed else inst
    keep = kept_bits(word)
    if keep == 0:
        return 0
    value = (word & keep) | u64((offset & 31) << 15)
    return value & 0xFFFF_FFFD if compressed else value


def is_guest_page_fault(cause: u64) -> bool:
    """Whether a fault has a guest physical address for mtval2 / htval."""
    return (
        cause == Cause.INSTRUCTION_GUEST_PAGE_FAULT
        or cause == Cause.LOAD_GUEST_PAGE_FAULT
        or cause == Cause.STORE_GUEST_PAGE_FAULT
    )


def is_access(cause: u64) -> bool:
    """Whether an exception comes from an explicit memory access, so that a transformed instruction may be given."""
    return (
        cause == Cause.LOAD_ADDRESS_MISALIGNED
        or cause == Cause.LOAD_ACCESS_FAULT
        or cause == Cause.STORE_ADDRESS_MISALIGNED
        or cause == Cause.STORE_ACCESS_FAULT
        or cause == Cause.LOAD_PAGE_FAULT
        or cause == Cause.STORE_PAGE_FAULT
        or cause == Cause.LOAD_GUEST_PAGE_FAULT
        or cause == Cause.STORE_GUEST_PAGE_FAULT
    )


def tinst_of(h: Hart, cause: u64, info: u64) -> u64:
    """What mtinst / htinst get on an exception (norm:H_trap_xtinst_val).

    A guest-page fault in the middle of a VS-stage walk must be told by a pseudoinstruction
    (norm:H_trap_xtinst_guestpage, norm:H_trap_xtinst_guestpage_rw). Otherwise 0 is always right (norm:H_trap_xtinst):
    the transformed instruction is a service that `h.tinst_zero` and `h.strict` switch off.
    """
    if is_guest_page_fault(cause):
        if info & TrapInfo.IMPLICIT_WRITE != 0:
            return PSEUDO_WRITE
        if info & TrapInfo.IMPLICIT_READ != 0:
            return PSEUDO_READ
    if h.strict != 0 or h.tinst_zero != 0 or not is_access(cause):
        return 0
    return transformed(h.inst, info >> OFFSET_LSB)
