# SPDX-License-Identifier: Apache-2.0
"""From pc to a decoded entry, for the native engine: kernel functions over the generated decoder."""

from __future__ import annotations

from core.engine import decoded
from core.engine.operands import extractors
from core.hart import Hart
from core.isa.decode import decode_index, expand_for, needs, taken_over
from core.isa.encoding import INSTRUCTIONS
from core.isa.intrinsics import Trap, cold, end_slice, inline, u64
from core.kernel import make_kernel
from core.mmu.access import fetch, fetch_differs, fetch_page
from core.trap.causes import Cause

NONE = len(INSTRUCTIONS)
"""What decode_index gives for bits that are no instruction."""

OPERANDS, IMMEDIATES = extractors()


def _features_source() -> str:
    """Kernel source of `features_of(index)`: the Feature bits an instruction needs."""
    lines = ["def features_of(index: u64) -> u64:"]
    for instruction in INSTRUCTIONS:
        following = INSTRUCTIONS[instruction.index + 1] if instruction.index + 1 < len(INSTRUCTIONS) else None
        if following is None or following.ext != instruction.ext:
            lines += [f"    if index <= {instruction.index}:", f"        return {int(instruction.ext):#x}"]
    return "\n".join([*lines, "    return 0", ""])


features_of = make_kernel("features_of", _features_source())


def illegal_instruction(h: Hart) -> None:
    """What bits that are no instruction do."""
    raise Trap(Cause.ILLEGAL_INSTRUCTION)


def word_of(h: Hart, raw: u64) -> u64:
    """The 32-bit form of an instruction's raw bits, 0 when there is none."""
    return raw if raw & 3 == 3 else expand_for(raw & 0xFFFF, h.features_all)


@cold
def operation_of(h: Hart, raw: u64) -> u64:
    """The operation of an instruction, or ILLEGAL. Harts that have cleared misa.H share decoded instructions with harts that
    have not, so this asks what harts are made with; instructions of H look at misa.H themselves."""
    word = word_of(h, raw)
    short = raw & 3 != 3
    if word == 0 or (short and needs(raw & 0xFFFF) & u64(~h.features) != 0):
        return decoded.ILLEGAL
    index = taken_over(decode_index(word), word, h.features_all)
    if index >= NONE or features_of(index) & h.features_all != features_of(index):
        return decoded.ILLEGAL
    return u64(decoded.FIRST_INSTRUCTION + 2 * index + short)


@inline
def uncached(h: Hart) -> u64:
    """Address of an entry that is always empty."""
    return u64(h.code_scratch + 64)


@cold
def decode_at(h: Hart, entry: u64) -> u64:
    """Fetch and decode the instruction at h.pc into its entry; returns the address of the entry to execute.

    An instruction that crosses a page depends on two translations and is never kept, nor is one on a page that PMP splits: it
    goes into the scratch entry and is the last of its slice, so that what follows is looked up.
    """
    h.inst = 0
    raw = fetch(h)
    place = entry
    if entry == uncached(h) or (h.pc & 0xFFF == 0xFFE and raw & 3 == 3):
        place = h.code_scratch
        end_slice(h)
    operation = operation_of(h, raw)
    operands: u64 = 0
    immediate: u64 = 0
    if operation != decoded.ILLEGAL:
        index = u64(operation - decoded.FIRST_INSTRUCTION) >> 1
        word = word_of(h, raw)
        operands = OPERANDS(index, word)
        immediate = IMMEDIATES(index, word)
    decoded.fill(place, decoded.guarded(h, operation), operands, immediate, raw)
    return place


@inline
def entry_at_pc(h: Hart) -> u64:
    """Address of the entry of the instruction at h.pc; an empty one where each instruction must be fetched anew."""
    spa = fetch_page(h, h.pc)
    if fetch_differs(h, h.pc):
        return uncached(h)
    return decoded.entry_of(h, spa)
