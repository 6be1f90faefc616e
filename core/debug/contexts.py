# SPDX-License-Identifier: Apache-2.0
"""Registers and translation of a world, whether it runs now or not.

Of a world that does not run, general registers, pc and mode are those it was left with. CSRs that both worlds share are the
hart's own; the vs* CSRs are, too, as long as hgatp still names the guest, else those of its last exit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.csr.machine import Mstatus
from core.csr.registry import CSRS_BY_NAME
from core.csr.translation import Hgatp
from core.csr.vs import Vsstatus
from core.debug import registers
from core.debug.errors import UnknownRegister, WorldNotCurrent
from core.debug.registers import ABI_NAMES
from core.debug.walk import M_LEVEL, View
from core.debug.worlds import HOST, Worlds, guest_entry
from core.engine.breakpoints import world_key
from core.hart import Hart
from core.isa.intrinsics import retired
from core.mmu.watch import GUEST_WORLD
from core.trap.worlds import EXIT, HISTORY, LINE

KEPT = ("vsatp", "vsstatus", "vstvec", "vsscratch", "vsepc", "vscause", "vstval", "vstimecmp")
"""CSRs kept at a VM exit, in slots named guest_*."""
VS_VIEWS = ("vsie", "vsip")
"""CSRs with a guest's state in them that is not kept."""


@dataclass(frozen=True)
class Context:
    """A world that does not run on a hart. slot: its place in the hart's table, None for the host."""

    hart: Hart
    number: int
    name: str
    key: int
    slot: int | None

    def x(self, number: int) -> int:
        """An integer register as it was left."""
        if number == 0:
            return 0
        return int(self.hart.host_x[number] if self.slot is None else self.hart.guest_x[32 * self.slot + number])

    @property
    def pc(self) -> int:
        """Of the host: the sret into the guest; of a guest: the instruction that the exit came in the place of."""
        return int(self.hart.host_pc if self.slot is None else self.hart.guest_pc[self.slot])

    @property
    def mode(self) -> int:
        """Nominal privilege."""
        return int(self.hart.host_mode if self.slot is None else self.hart.guest_mode[self.slot])

    @property
    def loaded(self) -> bool:
        """Whether the vs* CSRs are still this guest's, as far as hgatp tells."""
        return self.slot is not None and self.hart.hgatp | GUEST_WORLD == self.key

    def csr(self, name: str) -> int:
        """A CSR as this world has it. Raises UnknownRegister where its value is not known."""
        if self.slot is not None and registers.has_csr(self.hart, name):
            if name == "hgatp":
                return self.key & ~GUEST_WORLD
            if not self.loaded:
                if name in KEPT:
                    return int(getattr(self.hart, f"guest_{name}")[self.slot])
                if name in VS_VIEWS:
                    raise UnknownRegister(f"{name} of {self.name} is not known while another guest is loaded (hgatp)")
        return registers.read_register(self.hart, name)

    def read(self, name: str) -> int:
        """Any register by name. Raises UnknownRegister."""
        if name in ABI_NAMES:
            return self.x(ABI_NAMES.index(name))
        if name == "pc":
            return self.pc
        if name in ("mode", "priv"):
            return self.mode | (0 if self.slot is None else 4)
        if name == "virt":
            return 0 if self.slot is None else 1
        if name == "vmid":
            return Hgatp.VMID.of(self.csr("hgatp"))
        if name in CSRS_BY_NAME:
            return self.csr(name)
        if name == "elp":
            raise UnknownRegister(f"what ELP was in {self.name} is where its trap has put it, in SPELP or MPELP")
        return registers.read_register(self.hart, name)

    @property
    def just_left(self) -> bool:
        """Whether a guest has exited and no instruction was executed since: its registers are still in the hart."""
        h = self.hart
        if self.slot is None or h.v or h.history_next == 0 or not self.loaded:
            return False
        last = LINE * ((h.history_next - 1) % HISTORY)
        return bool(h.history[last] & 0xFF == EXIT and h.history[last + 5] == retired(h))

    def write(self, name: str, value: int) -> int:
        """Write a register where that truly changes the world; else raises WorldNotCurrent."""
        if name in CSRS_BY_NAME:
            self._require_own(name)
            return registers.write_register(self.hart, name, value)
        if self.just_left and name in ABI_NAMES and name != "zero":
            self.hart.guest_x[32 * (self.slot or 0) + ABI_NAMES.index(name)] = value
            return registers.write_register(self.hart, name, value)
        if self.just_left and name == "pc":
            value &= ~1
            self.hart.guest_pc[self.slot or 0] = value
            return registers.write_register(self.hart, "sepc" if self.hart.mode == 1 else "mepc", value)
        raise self._elsewhere(name)

    def _require_own(self, name: str) -> None:
        """CSRs are the hart's, whatever runs, but for those of a guest that were put aside."""
        if self.slot is None:
            return
        if name == "hgatp":
            raise WorldNotCurrent(
                f"{self.name} is the guest with that hgatp, and does not run: write the hart's hgatp in the host"
            )
        if name.startswith("vs") and not self.loaded:
            raise self._elsewhere(name)

    def _elsewhere(self, name: str) -> WorldNotCurrent:
        return WorldNotCurrent(
            f"{self.name} does not run on hart {self.hart.hartid}: {name} is where the hypervisor has put it, "
            "change it there or while the world runs"
        )

    def view(self) -> View:
        """How its addresses translate, with the rights of the mode it was left in."""
        h = self.hart
        if self.slot is None:
            return View.of(h, M_LEVEL) if self.mode == M_LEVEL else View.host(h)
        status = self.csr("vsstatus")
        mxr = bool(Mstatus.MXR.of(h.mstatus))
        return replace(
            View.guest(h, vsatp=self.csr("vsatp"), hgatp=self.csr("hgatp")),
            priv=self.mode,
            sum=bool(Vsstatus.SUM.of(status)),
            mxr=mxr or bool(Vsstatus.MXR.of(status)),
            gmxr=mxr,
        )


def context(worlds: Worlds, hart: Hart, number: int) -> Context | None:
    """A world as a hart left it; None when the hart is in it now. Raises UnknownWorld, UnknownRegister."""
    key = worlds.key_of(number)
    if key == world_key(hart):
        return None
    name = worlds.name(number)
    if number == HOST:
        if not hart.host_left:
            raise UnknownRegister(
                f"the host has not been left by a VM entry on hart {hart.hartid}: its registers are not known"
            )
        return Context(hart, number, name, key, None)
    slot = guest_entry(hart, key)
    if slot is None or not hart.guest_exits[slot]:
        raise UnknownRegister(f"{name} has not run on hart {hart.hartid}")
    return Context(hart, number, name, key, slot)
