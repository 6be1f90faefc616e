# SPDX-License-Identifier: Apache-2.0
"""Address translation for the debugger: the walk a hart would make, step by step and in words, changing nothing.

The rules for an entry are the walker's own (core.mmu.pte, core.mmu.modes); what a walk depends on is given as values
(`View`), so any world can be asked about, whether it runs now or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from core.csr.config import Henvcfg, Menvcfg
from core.csr.fields import Field
from core.csr.translation import Hgatp, Satp
from core.hart import Hart
from core.isa.intrinsics import in_ram, ram_read
from core.mmu.modes import MODES, Access, Mode, Regime, Stage, address_fits, is_shadow, table_index
from core.mmu.physical import access_fault, guest_page_fault, page_fault
from core.mmu.pmp import allowed_now
from core.mmu.pte import (
    EXTENSION_BITS,
    PERMISSIONS,
    PTE_SIZE,
    SHADOW_PAGE,
    Pte,
    Verdict,
    is_access_fault,
    judge,
    leaf_target,
    missing_ad,
)
from core.mmu.regime import data_regime, regime_of
from core.mmu.walk import known_bits
from core.trap.causes import describe

ACCESS = {"r": Access.READ, "w": Access.WRITE, "x": Access.FETCH, "hlvx": Access.HLVX, "ss": Access.SHADOW_WRITE}
"""Accesses by the letters of the front ends."""
SIZES = ("4 KiB page", "2 MiB page", "1 GiB page", "512 GiB page", "256 TiB page")
"""What a leaf maps, by level."""
FITS_RULE = {"Sv39": "norm:Sv39_va_signext", "Sv48": "norm:Sv48_va_signext", "Sv57": "norm:Sv57_va_signext"}
FITS_RULE |= {f"Sv{bits}x4": f"norm:hgatp_mode_sv{bits}x4" for bits in (39, 48, 57)}
TABLE_RULE = "priv, Virtual Address Translation Process, step 2"
VERDICTS = tuple(Verdict)
S_LEVEL, M_LEVEL = 1, 3


@dataclass(frozen=True)
class WalkStep:
    """One page-table entry looked at.

    stage: "S", "VS" or "G"; pte_address: where it lies, a guest physical address in the VS-stage, else physical;
    pte_spa: the same as a physical address; text: what it is, or why it fails; verdict: what is wrong with the entry
    itself.
    """

    stage: str
    level: int
    pte_address: int
    pte: int
    text: str
    ok: bool
    pte_spa: int
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Denied:
    """An access to physical memory that PMP does not allow; priv: its effective privilege."""

    spa: int
    size: int
    access: Access
    priv: int


@dataclass(frozen=True)
class Walk:
    """A whole translation: `spa` if it succeeds, else `fault` in words (with the manual's rule) and `cause`.

    gpa: the guest physical address, as far as the VS-stage came; fault_gpa: the one a guest-page fault reports;
    implicit: the fault happened while reading ("read") or updating ("write") a VS-stage entry. mode: the privilege mode
    of the access, where it plays a part. denied: what PMP has stopped.
    """

    steps: tuple[WalkStep, ...]
    spa: int | None = None
    gpa: int | None = None
    fault: str | None = None
    cause: int | None = None
    rule: str | None = None
    fault_gpa: int | None = None
    implicit: str | None = None
    mode: str = ""
    denied: Denied | None = None


@dataclass(frozen=True)
class View:
    """What a translation depends on. The defaults describe M-mode.

    priv, v: effective modes of the access; sum, mxr: as they act on the first stage (of vsstatus when v); gmxr:
    sstatus.MXR, acting on the G-stage; adue: menvcfg.ADUE; vs_adue: henvcfg.ADUE; known, vs_known: what `judge` is to
    know, vs_known in the VS-stage. read: the 8 bytes at a physical
    address, None when that is not RAM; allows: (spa, size, access, privilege) -> whether PMP allows it.
    """

    read: Callable[[int], int | None]
    allows: Callable[[int, int, int, int], bool] = lambda spa, size, access, priv: True
    satp: int = 0
    vsatp: int = 0
    hgatp: int = 0
    priv: int = M_LEVEL
    v: bool = False
    sum: bool = False
    mxr: bool = False
    gmxr: bool = False
    adue: bool = False
    vs_adue: bool = False
    known: int = 0
    vs_known: int = 0

    @classmethod
    def of(cls, h: Hart, regime: int) -> View:
        """The translation CSRs of a hart as they are, with the rights in a Regime word."""

        def has(field: Field) -> bool:
            return field.of(regime) != 0

        adue = Menvcfg.ADUE.of(h.menvcfg) != 0
        return cls(
            read=lambda spa: ram_read(h, spa, PTE_SIZE) if in_ram(h, spa, PTE_SIZE) else None,
            allows=lambda spa, size, access, priv: allowed_now(h, spa, size, access, priv),
            satp=h.satp,
            vsatp=h.vsatp,
            hgatp=h.hgatp,
            priv=Regime.PRIV.of(regime),
            v=has(Regime.V),
            sum=has(Regime.SUM),
            mxr=has(Regime.MXR),
            gmxr=has(Regime.GMXR),
            adue=adue,
            vs_adue=adue and Henvcfg.ADUE.of(h.henvcfg) != 0,
            known=known_bits(h, Stage.S),
            vs_known=known_bits(h, Stage.VS),
        )

    @classmethod
    def current(cls, h: Hart, access: Access = Access.READ) -> View:
        """As the hart would make this access now: MPRV acts on loads and stores only
        (norm:mstatus_mprv_inst_xlat_op)."""
        return cls.of(h, regime_of(h, h.mode, h.v) if access == Access.FETCH else data_regime(h))

    @classmethod
    def host(cls, h: Hart) -> View:
        """HS-mode by satp, whatever the mode is now."""
        return cls.of(h, regime_of(h, S_LEVEL, 0))

    @classmethod
    def guest(cls, h: Hart, *, vsatp: int | None = None, hgatp: int | None = None) -> View:
        """VS-mode by vsatp and hgatp, or by given values of them: any world that has run."""
        view = cls.of(h, regime_of(h, S_LEVEL, 1))
        return replace(view, vsatp=view.vsatp if vsatp is None else vsatp, hgatp=view.hgatp if hgatp is None else hgatp)

    def guest_physical(self) -> View:
        """The G-stage alone: addresses are guest physical ones."""
        return replace(self, v=True, priv=S_LEVEL, vsatp=0)


def explain(view: View, va: int, access: Access = Access.READ, *, permissions: bool = True) -> Walk:
    """The walk for an access, every step in words.

    permissions=False: as debuggers access memory, ignoring PMP and U, R, W, X, A and D in all stages.
    """
    return _Walker(view, va, access, permissions).run()


def debug_translate(view: View, va: int) -> int | None:
    """The physical address of `va` ignoring permissions, None when it is not mapped."""
    return explain(view, va, permissions=False).spa


class _Stopped(Exception):
    """The walk has faulted; the result is in `walk`."""

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.walk = walk


class _Walker:
    """One walk in progress."""

    def __init__(self, view: View, va: int, access: Access, permissions: bool) -> None:
        self.view, self.va, self.access, self.permissions = view, va, access, permissions
        self.steps: list[WalkStep] = []
        self.gpa: int | None = None
        self.implicit: str | None = None
        self.updated: dict[int, int] = {}
        """Entries as hardware would have updated them by now, by physical address."""

    def run(self) -> Walk:
        """Both stages, then PMP."""
        view, spa = self.view, self.va
        try:
            if is_shadow(self.access):
                self.paging()
            if view.v:
                self.gpa = self.stage(Stage.VS, self.va, self.access)
                spa = self.stage(Stage.G, self.gpa, self.access)
            elif view.priv != M_LEVEL:
                spa = self.stage(Stage.S, self.va, self.access)
            if self.permissions:
                text, rule = f"PMP denies the access to {spa:#x}", "norm:H_pmp"
                self.protect(Denied(spa, 1, self.access, view.priv), text, rule)
        except _Stopped as stopped:
            return stopped.walk
        return Walk(tuple(self.steps), spa, self.gpa)

    def paging(self) -> None:
        """Shadow-stack instructions need a first stage."""
        if self.view.priv == M_LEVEL and not self.view.v:
            self.stop(access_fault(self.access), "there are no shadow stacks in M-mode", "norm:ssmp_ssamoswap")
        if not Satp.MODE.of(self.view.vsatp if self.view.v else self.view.satp):
            name = "vsatp" if self.view.v else "satp"
            self.stop(access_fault(self.access), f"shadow stacks need paging, and {name} is Bare", "norm:satp_mode_bare")

    def stage(self, stage: Stage, address: int, want: Access) -> int:
        """Translate in one stage; VS-stage entries are themselves translated by the G-stage."""
        atp = {Stage.S: self.view.satp, Stage.VS: self.view.vsatp, Stage.G: self.view.hgatp}[stage]
        mode = MODES[Satp.MODE.of(atp)]
        if mode.levels == 0:
            return address
        if not address_fits(address, mode.levels, stage):
            self.unfit(stage, address, mode)
        table = (Hgatp.PPN if stage == Stage.G else Satp.PPN).of(atp)
        level = mode.levels - 1
        while True:
            place = (table << 12) + PTE_SIZE * table_index(address, level, mode.levels, stage)
            spa = self.nested(place, Access.READ) if stage == Stage.VS else place
            pte = self.read_pte(spa)
            verdict = self.judge(stage, pte, level, want)
            if verdict == Verdict.POINTER:
                table = Pte.PPN.of(pte)
                self.note(stage, level, place, spa, pte, f"{verdict.words}, the table at {table << 12:#x}")
                level -= 1
                continue
            if verdict != Verdict.LEAF:
                words, rule = self.reason(stage, verdict)
                self.page_fault(stage, address, level, place, spa, pte, words, rule, verdict)
            missing = missing_ad(pte, want) if self.permissions else 0
            if missing and not self.update(stage, address, level, place, spa, pte, missing):
                continue  # the entry has changed: the walker looks again
            target = leaf_target(pte, level, address)
            kind = "shadow-stack " if stage != Stage.G and pte & PERMISSIONS == SHADOW_PAGE else ""
            updated = f"; hardware sets {bit_names(missing)}" if missing else ""
            self.note(stage, level, place, spa, pte, f"leaf, {kind}{size_words(pte, level)}: {target:#x}{updated}")
            return target

    def nested(self, gpa: int, want: Access) -> int:
        """The physical address of a VS-stage entry; a fault on the way is one of an implicit access
        (norm:H_vm_gpapriv)."""
        self.implicit = "write" if want == Access.WRITE else "read"
        spa = self.stage(Stage.G, gpa, want)
        self.implicit = None
        return spa

    def read_pte(self, spa: int) -> int:
        """An entry; it must be in RAM that S-level may read."""
        pte = self.updated.get(spa, self.view.read(spa))
        if pte is None:
            self.stop(access_fault(self.access), f"the page table entry at {spa:#x} is not in RAM", TABLE_RULE)
        if self.permissions:
            self.protect_pte(spa, Access.READ, "reading")
        return pte

    def protect_pte(self, spa: int, access: Access, doing: str) -> None:
        """The walker's own accesses are S-level's."""
        text = f"PMP denies {doing} the page table entry at {spa:#x}"
        self.protect(Denied(spa, PTE_SIZE, access, S_LEVEL), text, "norm:pmp_check_pagetable_access")

    def protect(self, wanted: Denied, text: str, rule: str) -> None:
        """Stop where PMP does not allow an access."""
        if not self.view.allows(wanted.spa, wanted.size, wanted.access, wanted.priv):
            self.stop(access_fault(self.access), text, rule, denied=wanted)

    def judge(self, stage: Stage, pte: int, level: int, want: Access) -> Verdict:
        """The verdict on an entry with the rights of the view; permissions count only if asked for."""
        view = self.view
        if stage == Stage.G:
            known, right = view.known & EXTENSION_BITS, Access.WRITE if is_shadow(want) else want
            verdict = judge(pte, level, right, known, False, False, view.gmxr and self.implicit is None)
        else:
            known = view.vs_known if stage == Stage.VS else view.known
            verdict = judge(pte, level, want, known, view.priv != 0, view.sum, view.mxr)
        if verdict >= Verdict.NOT_USER and not self.permissions:
            return Verdict.LEAF
        return VERDICTS[verdict]

    def reason(self, stage: Stage, verdict: Verdict) -> tuple[str, str]:
        """A verdict in words, and its rule."""
        if stage == Stage.G and verdict == Verdict.NOT_USER:
            return "U=0: the G-stage takes every access as user-level", "norm:H_vm_gpapriv"
        return verdict.words, verdict.rule

    def update(self, stage: Stage, address: int, level: int, place: int, spa: int, pte: int, missing: int) -> bool:
        """A or D is clear: a fault, or hardware would set it, for which it needs to write the entry. False: look again."""
        if not (self.view.vs_adue if stage == Stage.VS else self.view.adue):
            text = f"{bit_names(missing)} clear, and hardware does not set it (ADUE=0)"
            self.page_fault(stage, address, level, place, spa, pte, text, "norm:svade_access_ad_bit_clear")
        if stage == Stage.VS:
            spa = self.nested(place, Access.WRITE)
            if self.read_pte(spa) != pte:
                return False
        self.protect_pte(spa, Access.WRITE, "updating")
        self.updated[spa] = pte | missing
        return True

    def unfit(self, stage: Stage, address: int, mode: Mode) -> NoReturn:
        """The address is too wide for the mode."""
        name, bits = mode.name_at(stage), mode.bits_at(stage)
        if stage == Stage.G:
            text = f"guest physical address {address:#x} has bits above bit {bits - 1}, which {name} does not translate"
            self.stop(guest_page_fault(self.access), text, FITS_RULE[name], address)
        text = f"bits 63:{bits} of {address:#x} must all equal bit {bits - 1} in {name}"
        self.stop(page_fault(self.access), text, FITS_RULE[name])

    def page_fault(
        self,
        stage: Stage,
        address: int,
        level: int,
        place: int,
        spa: int,
        pte: int,
        text: str,
        rule: str,
        verdict: Verdict | None = None,
    ) -> NoReturn:
        """An entry fails, because of a verdict or of A and D."""
        self.note(stage, level, place, spa, pte, text, ok=False, verdict=verdict)
        where = f"{text}, in the {stage.name}-stage entry at {place:#x}"
        if verdict is not None and is_access_fault(verdict):
            self.stop(access_fault(self.access), where, rule)
        if stage == Stage.G:
            self.stop(guest_page_fault(self.access), where, rule, address)
        self.stop(page_fault(self.access), where, rule)

    def note(
        self,
        stage: Stage,
        level: int,
        place: int,
        spa: int,
        pte: int,
        text: str,
        *,
        ok: bool = True,
        verdict: Verdict | None = None,
    ) -> None:
        """Record a step."""
        self.steps.append(WalkStep(stage.name, level, place, pte, text, ok, spa, verdict))

    def stop(self, cause: int, text: str, rule: str, gpa: int | None = None, denied: Denied | None = None) -> NoReturn:
        """The walk ends in a fault."""
        words = f"{describe(cause)}: {text} ({rule})"
        implicit = self.implicit if gpa is not None else None
        found = Walk(tuple(self.steps), None, self.gpa, words, int(cause), rule, gpa, implicit, denied=denied)
        raise _Stopped(found)


def size_words(pte: int, level: int) -> str:
    """What a leaf maps, and its memory type if it tells one."""
    size = "4 KiB page of a 64 KiB range" if Pte.N.of(pte) else SIZES[level]
    memory_type = Pte.PBMT.of(pte)
    return f"{size}, memory type {Pte.PBMT.words(memory_type)}" if memory_type else size


def bit_names(bits: int) -> str:
    """ "A", "D" or "A and D"."""
    return " and ".join(field.name for field in (Pte.A, Pte.D) if field.of(bits))
