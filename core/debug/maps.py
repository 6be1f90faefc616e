# SPDX-License-Identifier: Apache-2.0
"""All that page tables map: each stage of a world as ranges with permissions, and who maps a physical address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.csr.translation import Hgatp, Satp
from core.debug.errors import UnknownRegister
from core.debug.walk import View, debug_translate
from core.debug.worlds import HOST
from core.mmu.modes import MODES, Mode, Stage
from core.mmu.pte import PERMISSIONS as RIGHTS
from core.mmu.pte import SHADOW_PAGE, Pte, leaf_target

if TYPE_CHECKING:
    from core.debug.target import Debugger

FLAGS = (("r", Pte.R), ("w", Pte.W), ("x", Pte.X), ("u", Pte.U), ("g", Pte.G), ("a", Pte.A), ("d", Pte.D))
PERMISSIONS = Pte.R.mask | Pte.W.mask | Pte.X.mask | Pte.U.mask | Pte.G.mask | Pte.A.mask | Pte.D.mask
PAGE = 4096
TABLES = 1 << 14
"""Page tables read at most: tables that point to each other would go on for ever."""


@dataclass(frozen=True)
class Range:
    """Addresses `start` to `start + size - 1` go to `target` on; bits: of the PTEs; leaf: bytes of the largest page; shadow:
    these are shadow-stack pages."""

    start: int
    size: int
    target: int
    bits: int
    leaf: int
    shadow: bool = False

    @property
    def flags(self) -> str:
        """`rwxugad`, `-` for what is clear; `s` instead of `w` for shadow-stack pages."""
        text = "".join(letter if field.of(self.bits) else "-" for letter, field in FLAGS)
        return text.replace("w", "s") if self.shadow else text

    def reaches(self, target: int) -> int | None:
        """The address that goes to `target`, None if none does."""
        return self.start + target - self.target if self.target <= target < self.target + self.size else None


@dataclass(frozen=True)
class StageMap:
    """A stage: "S", "VS" or "G", its mode's name, the root table's place, and its ranges by address."""

    stage: str
    mode: str
    root: int
    ranges: tuple[Range, ...]
    complete: bool = True


def stage_map(stage: Stage, mode: Mode, root: int, read: Callable[[int], int | None], known: int = 0) -> StageMap:
    """Read all tables. `read`: the 8 bytes at an address of the tables' space, None where there is nothing; known: as for
    core.mmu.pte.judge."""
    left = [TABLES]
    leaves = _leaves(stage, mode, root, mode.levels - 1, 0, read, left) if mode.levels else iter(())
    if known & SHADOW_PAGE:
        leaves = (replace(leaf, shadow=leaf.bits & RIGHTS == SHADOW_PAGE) for leaf in leaves)
    found = tuple(_merged(leaves))
    return StageMap(stage.name, mode.name_at(stage), root, found, left[0] > 0)


def _leaves(
    stage: Stage, mode: Mode, table: int, level: int, base: int, read: Callable[[int], int | None], left: list[int]
) -> Iterator[Range]:
    left[0] -= 1
    if left[0] <= 0:
        return
    size = PAGE << 9 * level
    root = level == mode.levels - 1
    for index in range(2048 if root and stage == Stage.G else 512):
        pte = read(table + 8 * index)
        if pte is None or not pte & Pte.V.mask:
            continue
        address = base + index * size
        if pte & (Pte.R.mask | Pte.W.mask | Pte.X.mask):
            if root and stage != Stage.G and index >= 256:
                address |= ~((1 << mode.bits) - 1) & (1 << 64) - 1
            yield Range(address, size, leaf_target(pte, level, 0), pte & PERMISSIONS, size)
        elif level:
            if root and stage != Stage.G and index >= 256:
                address |= ~((1 << mode.bits) - 1) & (1 << 64) - 1
            yield from _leaves(stage, mode, Pte.PPN.of(pte) << 12, level - 1, address, read, left)


def _merged(leaves: Iterator[Range]) -> Iterator[Range]:
    """Neighbours that go to neighbours with the same rights, made one."""
    last: Range | None = None
    for leaf in leaves:
        if (
            last is not None
            and leaf.start == last.start + last.size
            and leaf.target == last.target + last.size
            and leaf.bits == last.bits
        ):
            last = replace(last, size=last.size + leaf.size, leaf=max(last.leaf, leaf.leaf))
            continue
        if last is not None:
            yield last
        last = leaf
    if last is not None:
        yield last


def world_view(debugger: Debugger, world: int, hart: int) -> View:
    """How a world translates, running or not. Raises UnknownWorld, UnknownRegister."""
    view = debugger.address_space("hva" if world == HOST else "gva", hart, world).view()
    assert view is not None
    return view


def maps_of(debugger: Debugger, world: int, hart: int = 0) -> list[StageMap]:
    """The stages of a world: S of the host, VS and G of a guest. A stage that is Bare has no ranges."""
    if world == HOST:
        view = View.host(debugger.machine.harts[hart])
        return [stage_map(Stage.S, MODES[Satp.MODE.of(view.satp)], Satp.PPN.of(view.satp) << 12, view.read, view.known)]
    view = world_view(debugger, world, hart)
    physical = view.guest_physical()

    def read_guest(gpa: int) -> int | None:
        spa = debug_translate(physical, gpa)
        return None if spa is None else view.read(spa)

    return [
        stage_map(Stage.VS, MODES[Satp.MODE.of(view.vsatp)], Satp.PPN.of(view.vsatp) << 12, read_guest, view.vs_known),
        stage_map(Stage.G, MODES[Hgatp.MODE.of(view.hgatp)], Hgatp.PPN.of(view.hgatp) << 12, view.read),
    ]


@dataclass(frozen=True)
class Alias:
    """A way to a physical address: through which world's stage, from which address, with which rights."""

    world: int
    stage: str
    address: int
    flags: str


def who_maps(debugger: Debugger, spa: int, hart: int = 0) -> list[Alias]:
    """Every mapping of every known world that leads to a physical address."""
    found: list[Alias] = []
    for world in debugger.worlds():
        try:
            stages = {each.stage: each for each in maps_of(debugger, world.number, hart)}
        except UnknownRegister:
            continue
        last = "S" if world.number == HOST else "G"
        targets = [spa] if stages[last].mode == "Bare" and last == "G" else []
        for each in stages[last].ranges:
            address = each.reaches(spa)
            if address is not None:
                found.append(Alias(world.number, last, address, each.flags))
                targets.append(address)
        if last == "G":
            found += [
                Alias(world.number, "VS", address, each.flags)
                for gpa in targets
                for each in stages["VS"].ranges
                if (address := each.reaches(gpa)) is not None
            ]
    return found
