# SPDX-License-Identifier: Apache-2.0
"""Where QEMU 11 differs from our machine in random programs, each judged by the manual.

A function gets a step after which both differ and returns the bits of registers it explains. Its docstring is the
judgement, and stands in docs/conformance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.vs import Vsstatus

ALL = (1 << 64) - 1
TVAL = {"M": "mtval", "HS": "stval", "VS": "stval"}
CAUSE = {"M": "mcause", "HS": "scause", "VS": "scause"}
"""In a guest QEMU shows its CSRs under the names that the guest has for them."""
CAUSES = ("mcause", "scause", "vscause")
FP, SYSTEM, BLOCKS, AMO = 0x53, 0x73, 0x0F, 0x2F
"""Bits 6:0 of instructions."""


@dataclass(frozen=True)
class Step:
    """One instruction. ours, theirs: registers by name after it; taker: M, HS or VS if we took a trap, else ""; differing:
    the bits that differ, by register; address: what a load or store was about, else None."""

    bits: int
    taker: str
    ours: Mapping[str, int]
    theirs: Mapping[str, int]
    differing: Mapping[str, int]
    ram: range
    address: int | None = None

    def cause(self) -> int:
        """Cause of our trap, -1 if we took none."""
        return self.ours[CAUSE[self.taker]] if self.taker else -1

    def tval(self) -> int:
        """What we wrote into xtval."""
        return self.ours[TVAL[self.taker]] if self.taker else 0

    def pairs(self, names: tuple[str, ...], pairs: set[tuple[int, int]]) -> dict[str, int]:
        """Those of some registers whose values, ours and QEMU's, are one of the pairs."""
        return {name: ALL for name in names if name in self.differing and (self.ours[name], self.theirs[name]) in pairs}

    @property
    def opcode(self) -> int:
        """Bits 6:0."""
        return self.bits & 0x7F

    @property
    def function(self) -> int:
        """Bits 14:12."""
        return self.bits >> 12 & 7


Judgement = Callable[[Step], dict[str, int]]
JUDGED: list[Judgement] = []


def judged(function: Judgement) -> Judgement:
    """Register a judgement."""
    JUDGED.append(function)
    return function


def explained(step: Step) -> dict[str, dict[str, int]]:
    """The judgements that apply, by name, with the bits they explain."""
    found = {}
    for function in JUDGED:
        bits = {name: mask & step.differing[name] for name, mask in function(step).items() if name in step.differing}
        if any(bits.values()):
            found[function.__name__] = bits
    return found


@judged
def no_transformed_instruction(step: Step) -> dict[str, int]:
    """Both may: QEMU writes a transformed instruction into mtinst or htinst where Hartline writes zero
    (`norm:H_trap_xtinst_val`)."""
    return {name: ALL for name in ("mtinst", "htinst") if step.taker and step.ours[name] == 0}


@judged
def pseudoinstructions(step: Step) -> dict[str, int]:
    """Hartline: a guest-page fault of the page-table walk gives the pseudoinstruction 0x3000 where the walk could not
    read an entry and 0x3020 where it could not set A or D; QEMU gives 0x3020 for stores and 0x3000 for fetches
    (`norm:H_trap_xtinst_guestpage_rw`)."""
    return step.pairs(("mtinst", "htinst"), {(0x3000, 0x3020), (0x3020, 0x3000)})


@judged
def guest_virtual_address(step: Step) -> dict[str, int]:
    """Hartline: GVA is set by a trap that writes a guest virtual address to xtval, and cleared by others; QEMU looks
    whether some translation before was of two stages (`norm:hstatus_gva_op`, `norm:mstatus_gva_op`)."""
    return {"HS": {"hstatus": Hstatus.GVA.mask}, "M": {"mstatus": Mstatus.GVA.mask}}.get(step.taker, {})


@judged
def trap_into_the_guest(step: Step) -> dict[str, int]:
    """Hartline: a trap into VS-mode leaves hstatus, htval and htinst alone; QEMU clears GVA, htval and htinst
    (`norm:H_trap_vs_csrwrites`)."""
    return {"htval": ALL, "htinst": ALL, "hstatus": Hstatus.GVA.mask} if step.taker == "VS" else {}


@judged
def flags_make_dirty(step: Step) -> dict[str, int]:
    """Hartline: an instruction that sets flags in fcsr makes FS Dirty, also if it writes no f register; QEMU leaves FS
    (`norm:mstatus_fs_vs_xs_dirty_op`). HS-mode's copy can be seen only when a trap ends V=1."""
    seen = step.opcode == FP or step.taker in ("M", "HS")
    return dict.fromkeys(("mstatus", "sstatus", "vsstatus"), Mstatus.FS.mask) if seen else {}


@judged
def hlvx_faults_are_loads(step: Step) -> dict[str, int]:
    """Hartline: HLVX raises the faults of loads, guest-page faults included; QEMU those of fetches."""
    return step.pairs(CAUSES, {(5, 1), (13, 12), (21, 20), (21, 12)}) if (step.opcode, step.function) == (SYSTEM, 4) else {}


@judged
def misaligned_store_conditional(step: Step) -> dict[str, int]:
    """Hartline: a misaligned SC is a misaligned store (6); QEMU says load (4)."""
    return step.pairs(CAUSES, {(6, 4)}) if step.opcode == AMO and step.bits >> 27 == 3 else {}


@judged
def address_of_block_instructions(step: Step) -> dict[str, int]:
    """Hartline: the faulting address of a cache-block instruction is that in rs1; QEMU writes the start of the block."""
    if (step.opcode, step.function) != (BLOCKS, 2) or step.tval() & -64 != step.theirs[TVAL[step.taker or "M"]]:
        return {}
    return dict.fromkeys(("mtval", "stval", "mtval2", "htval"), 63)


@judged
def breakpoint_address(step: Step) -> dict[str, int]:
    """Hartline: EBREAK writes its pc to xtval; where a page of code is mapped twice, QEMU writes the pc at which it first
    saw it."""
    return {"mtval": ALL, "stval": ALL} if step.cause() == 3 else {}


@judged
def low_bits(step: Step) -> dict[str, int]:
    """Hartline: bit 0 of vsepc and the low two bits of hgatp are zero; QEMU keeps them (`norm:hgatp_ppn_op`)."""
    return {"vsepc": 1, "hgatp": 3}


@judged
def reserved_status(step: Step) -> dict[str, int]:
    """Hartline: reserved bits of vsstatus are zero; QEMU keeps whatever is written."""
    kept = sum(field.mask for field in Vsstatus.fields)
    return {"vsstatus": ALL & ~kept, "sstatus": ALL & ~kept}


@judged
def atomics_of_guests(step: Step) -> dict[str, int]:
    """Hartline: an AMO to a page that the VS-stage makes read-only is a page fault; QEMU has been seen to give a
    guest-page fault."""
    causes = {(step.ours[ours], step.theirs[theirs]) for ours in CAUSES for theirs in CAUSES}
    return dict.fromkeys(step.differing, ALL) if step.opcode == AMO and step.cause() == 15 and (15, 23) in causes else {}


@judged
def entries_outside_of_memory(step: Step) -> dict[str, int]:
    """Hartline: a page-table entry outside of memory gives an access fault; QEMU gives a page fault."""
    return step.pairs(CAUSES, {(1, 12), (5, 13), (7, 15)})


@judged
def other_memory(step: Step) -> dict[str, int]:
    """No matter: the two machines have other registers outside of RAM."""
    addresses = [step.tval() if step.taker else step.address]
    addresses += [step.theirs[name] for name in ("mtval", "stval") if name in step.differing and not step.taker]
    outside = [address for address in addresses if address is not None and address not in step.ram]
    return dict.fromkeys(step.differing, ALL) if outside and step.cause() in (-1, 1, 4, 5, 6, 7) else {}
