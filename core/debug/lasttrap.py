# SPDX-License-Identifier: Apache-2.0
"""The last trap of a hart as it was taken: what the kernel kept of it, and the walk that failed, replayed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.csr.config import double_traps, vs_double_traps
from core.csr.csr import Csr
from core.csr.fields import Field
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.registry import CSRS_BY_NAME, read_csr
from core.csr.rnmi import Mnstatus
from core.csr.supervisor import SSTATUS
from core.csr.vs import Vsstatus
from core.debug.history import Line, line_at
from core.debug.walk import View, Walk, explain
from core.hart import Hart
from core.isa.decode import decode
from core.isa.intrinsics import retired
from core.mmu.modes import Access
from core.trap.causes import INTERRUPT_BIT, Cause
from core.trap.rnmi import EXCEPTION, INTERRUPT
from core.trap.worlds import HISTORY

ACCESSES = {
    Cause.INSTRUCTION_ACCESS_FAULT: Access.FETCH,
    Cause.INSTRUCTION_PAGE_FAULT: Access.FETCH,
    Cause.INSTRUCTION_GUEST_PAGE_FAULT: Access.FETCH,
    Cause.LOAD_ACCESS_FAULT: Access.READ,
    Cause.LOAD_PAGE_FAULT: Access.READ,
    Cause.LOAD_GUEST_PAGE_FAULT: Access.READ,
    Cause.STORE_ACCESS_FAULT: Access.WRITE,
    Cause.STORE_PAGE_FAULT: Access.WRITE,
    Cause.STORE_GUEST_PAGE_FAULT: Access.WRITE,
}
"""What was attempted, for faults of translation and of physical memory."""
HLV, HLV_MASK = 0x0000_4073, 0x8000_707F
"""HLV, HLVX and HSV share opcode and funct3; bit 25 is set in HSV, bits 21:20 are 3 in HLVX."""
SHADOW = {
    "sspush": Access.SHADOW_WRITE,
    "sspopchk": Access.SHADOW_READ,
    "ssamoswap.w": Access.SHADOW_WRITE,
    "ssamoswap.d": Access.SHADOW_WRITE,
}
"""What shadow-stack instructions attempt."""
WRITTEN = {
    3: ("mstatus", "mepc", "mcause", "mtval", "mtval2", "mtinst"),
    1: ("sstatus", "sepc", "scause", "stval", "htval", "htinst"),
    5: ("vsstatus", "vsepc", "vscause", "vstval"),
}
"""The CSRs that a trap writes besides hstatus, by the mode that takes it."""
M = 3
WRITTEN_BY_RNMI = ("mnstatus", "mnepc", "mncause")
"""Those that a trap to the RNMI trap handler writes."""


@dataclass(frozen=True)
class Change:
    """A CSR that the trap wrote. new is what the trap wrote, now what it holds since."""

    csr: type[Csr]
    old: int
    new: int
    now: int

    def fields(self) -> list[tuple[Field, int, int]]:
        """The fields that changed, with the old and the new value."""
        pairs = [(field, field.of(self.old), field.of(self.new)) for field in self.csr.fields]
        return [(field, old, new) for field, old, new in pairs if old != new]


@dataclass(frozen=True)
class LastTrap:
    """The last trap that a hart has taken."""

    hart: Hart
    line: Line

    @classmethod
    def of(cls, h: Hart) -> LastTrap | None:
        """None when there was none, or so much has happened since that history has lost it."""
        if h.trap_serial == 0 or h.history_next - h.trap_serial >= HISTORY:
            return None
        return cls(h, line_at(h, h.trap_serial - 1))

    @property
    def guest(self) -> bool:
        """Whether it came from V=1."""
        return self.line.from_mode >= 4

    def held(self, register: str) -> int:
        """The state a slot had at the trap: status registers as they were before it, others as they are."""
        h = self.hart
        before = {"mstatus": h.trap_mstatus, "sstatus": h.trap_mstatus, "vsstatus": h.trap_vsstatus, "hstatus": h.trap_old[6]}
        return int(before[register] if register in before else getattr(h, register))

    @property
    def writes(self) -> bool:
        """Whether an instruction for CSRs writes: CSRRW, or a source that is not x0 or 0 (unpriv, Zicsr)."""
        return bool(self.line.inst >> 12 & 3 == 1 or self.line.inst >> 15 & 31)

    @property
    def rnmi_kind(self) -> int:
        """Which handler of Smrnmi's it went to (core.trap.rnmi), 0 for none of them."""
        return int(self.hart.rnmi_kind) if self.hart.rnmi_serial == self.hart.trap_serial else 0

    @property
    def unexpected(self) -> tuple[str, int] | None:
        """For a double trap, the status register whose SDT was 1, and the cause of the trap that came then
        (norm:sstatus_sdt_trap, norm:vsstatus_sdt_op)."""
        if self.line.interrupt or self.line.cause != Cause.DOUBLE_TRAP or self.line.from_mode == M:
            return None
        cause = self._now("mtval2")
        delegated = self.hart.hideleg if cause & INTERRUPT_BIT else self.hart.hedeleg
        own = self.guest and delegated >> (cause & 63) & 1
        return "vsstatus" if own else "sstatus", cause

    @property
    def ago(self) -> int:
        """Instructions retired since."""
        return retired(self.hart) - self.line.retired

    @property
    def access(self) -> Access | None:
        """The access that failed, None when it was none."""
        if self.line.interrupt or self.line.cause not in ACCESSES:
            return None
        if self.through_guest and self.line.inst >> 20 & 3 == 3:
            return Access.HLVX
        attempted = ACCESSES[Cause(self.line.cause)]
        return SHADOW.get(self.instruction or "", attempted) if attempted == Access.WRITE else attempted

    @property
    def instruction(self) -> str | None:
        """The name of the instruction, as this hart knows it; None when these bits are none."""
        found = decode(self.line.inst, self.hart.features).instruction
        return None if found is None else found.name

    @property
    def through_guest(self) -> bool:
        """Whether an HLV, HLVX or HSV tried to reach into the guest."""
        return self.line.inst & HLV_MASK == HLV

    @property
    def rights(self) -> tuple[int, bool]:
        """Effective privilege and V of the access (norm:hlsv_priv, norm:mstatus_mprv_ldst_op)."""
        mstatus = self.hart.trap_mstatus
        if self.through_guest:
            return Hstatus.SPVP.of(self.hart.trap_old[6]), True
        if self.access != Access.FETCH and Mstatus.MPRV.of(mstatus) and self.rnmi_kind != EXCEPTION:
            return Mstatus.MPP.of(mstatus), bool(Mstatus.MPV.of(mstatus)) and Mstatus.MPP.of(mstatus) != 3
        return self.line.from_mode & 3, self.guest

    def view(self) -> View:
        """How the access was translated, with the CSRs as they were."""
        h = self.hart
        priv, v = self.rights
        first = Vsstatus if v else Mstatus
        status = h.trap_vsstatus if v else h.trap_mstatus
        mxr = bool(Mstatus.MXR.of(h.trap_mstatus))
        return replace(
            View.of(h, 0),
            satp=h.trap_satp,
            vsatp=h.trap_vsatp,
            hgatp=h.trap_hgatp,
            priv=priv,
            v=v,
            sum=bool(first.SUM.of(status)) and priv == 1,
            mxr=bool(first.MXR.of(status)) or mxr,
            gmxr=v and mxr,
        )

    @property
    def expected(self) -> bool:
        """Whether a landing pad was expected (ELP)."""
        return bool(self.hart.trap_elp & 1)

    @property
    def jump(self) -> int | None:
        """Address of the indirect jump that made one expected, None where ELP came from a return."""
        address = int(self.hart.trap_elp) & ~1
        return address if self.expected and address else None

    def walk(self) -> Walk | None:
        """The walk of the access, in memory as it is now; None when the trap was no fault of an access."""
        return None if self.access is None else explain(self.view(), self.line.tval, self.access)

    def changes(self) -> list[Change]:
        """Every CSR the trap wrote, in the order of WRITTEN, with hstatus behind sstatus."""
        line, old = self.line, [int(value) for value in self.hart.trap_old]
        if self.rnmi_kind == INTERRUPT:
            wrote = zip(WRITTEN_BY_RNMI, old, (self._mnstatus(old[0]), line.pc, line.cause), strict=False)
            return [Change(CSRS_BY_NAME[name], before, after, self._now(name)) for name, before, after in wrote]
        cause = line.cause - 1 if line.to_mode == 5 and line.interrupt else line.cause
        names = WRITTEN[line.to_mode]
        tval2, tinst = (self._now(names[4]), self._now(names[5])) if len(names) > 5 else (0, 0)
        if line.cause != Cause.DOUBLE_TRAP:
            tval2 = line.gpa >> 2
        new = [self._status(old[0]), line.pc, cause, line.tval, tval2, tinst]
        if line.to_mode == 1:
            old[0], new[0] = old[0] & SSTATUS, new[0] & SSTATUS
        rows = zip(names, old, new, strict=False)
        changes = [Change(CSRS_BY_NAME[name], before, after, self._now(name)) for name, before, after in rows]
        if line.to_mode == 1:
            changes.insert(1, Change(Hstatus, old[6], self._hstatus(), self._now("hstatus")))
        return changes

    def _now(self, name: str) -> int:
        return read_csr(self.hart, name)

    def _status(self, old: int) -> int:
        """mstatus or vsstatus as the trap left it."""

        def put(field: Field, value: int) -> None:
            nonlocal old
            old = (old & ~field.mask) | (value << field.lsb & field.mask)

        mode = self.line.from_mode & 3
        put(Mstatus.MPELP if self.line.to_mode == 3 else Mstatus.SPELP, self.hart.trap_elp & 1)
        if self.line.to_mode == 3:
            put(Mstatus.MPIE, Mstatus.MIE.of(old))
            put(Mstatus.MIE, 0)
            put(Mstatus.MPP, mode)
            put(Mstatus.MPV, int(self.guest))
            put(Mstatus.GVA, int(self.gva))
        else:
            put(Mstatus.SPIE, Mstatus.SIE.of(old))
            put(Mstatus.SIE, 0)
            put(Mstatus.SPP, mode)
            put(Mstatus.SDT, int((vs_double_traps if self.line.to_mode == 5 else double_traps)(self.hart)))
        return old

    def _mnstatus(self, old: int) -> int:
        """mnstatus as a trap to the RNMI trap handler left it: a double trap is told as one from M-mode."""
        interrupt, fields = self.line.interrupt, Mnstatus
        mode = self.line.from_mode & 3 if interrupt else 3
        old &= ~(fields.MNPP.mask | fields.MNPV.mask | fields.NMIE.mask)
        return old | mode << fields.MNPP.lsb | (fields.MNPV.mask if interrupt and self.guest else 0)

    def _hstatus(self) -> int:
        old = int(self.hart.trap_old[6])
        old = (old & ~Hstatus.SPV.mask) | (Hstatus.SPV.mask if self.guest else 0)
        if self.guest:
            old = (old & ~Hstatus.SPVP.mask) | (Hstatus.SPVP.mask if self.line.from_mode & 1 else 0)
        return (old & ~Hstatus.GVA.mask) | (Hstatus.GVA.mask if self.gva else 0)

    @property
    def gva(self) -> bool:
        """Whether xtval holds a guest virtual address."""
        illegal = self.line.cause in (Cause.ILLEGAL_INSTRUCTION, Cause.VIRTUAL_INSTRUCTION)
        return not self.line.interrupt and not illegal and bool(self.hart.trap_bits & 1)
