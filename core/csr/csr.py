# SPDX-License-Identifier: Apache-2.0
"""The base class of CSRs. To define a subclass is to declare the CSR: slot, place in the registry, functions.

    class Hstatus(Csr, address=0x600, ext="H", effects=Effect.TRANSLATION):
        \"\"\"hstatus, Hypervisor Status (norm:hstatus_sz_acc_op).\"\"\"
        VTSR = rw(22, "trap SRET in VS-mode")

From the fields follow three kernel functions: `read(h)`, `legalize(h, old, new)` (pure) and `write(h, value)`. A CSR
that is a view of others, or computed, defines its own as static methods. Optional static methods:

- `rule(h) -> u64`: 0, or the cause with which an access is refused now for a reason other than the privilege in the
  address (counter enables, TVM ...); see core.csr.access.
- `write_rule(h) -> u64`: the same for writes only, when `rule` has nothing against the access.
- `read_rule(h) -> u64`: the same for accesses that do not write, whatever `rule` says.
- `base(h) -> u64`: what CSRRS/CSRRC modify, where that differs from what they read (mip.SEIP).
- `peek(h)`, `poke(h, value)`: the debugger's read and write, where they differ from an instruction's.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from typing import Any, ClassVar

from core import hart
from core.csr.fields import Field
from core.features import Feature
from core.hart import Hart
from core.isa import intrinsics
from core.kernel import make_kernel

GROUPS = {0: "unprivileged", 1: "supervisor", 2: "hypervisor", 3: "machine"}
CSRS: list[type[Csr]] = []
"""All CSRs in order of definition; core.csr.registry has them by address and by name."""


class Effect(IntFlag):
    """What a write may change beyond the CSR; `core.csr.access` acts on it after the write."""

    TRANSLATION = 1  # how addresses are translated: update_regime
    PROTECTION = 2  # what physical memory may be accessed: all cached translations go
    INTERRUPT = 4  # which interrupts are pending or enabled: look again before the next instruction


class Csr:
    """A control and status register; the class attributes tell everything there is to know about it."""

    name: ClassVar[str]
    address: ClassVar[int]
    ext: ClassVar[str]
    """The extensions without which it does not exist, separated by blanks."""
    feature: ClassVar[Feature]
    """The same as bits."""
    group: ClassVar[str]
    privilege: ClassVar[int]
    """Lowest privilege that may access it, address bits 9:8 (norm:Zicsr_access): 0 U, 1 S, 2 HS, 3 M."""
    read_only: ClassVar[bool]
    """Whether the address is a read-only one (norm:Zicsr_rw)."""
    slot: ClassVar[bool]
    """Whether it has a state slot of its own, named like it."""
    effects: ClassVar[Effect]
    fields: ClassVar[tuple[Field, ...]]
    """Most significant first."""
    doc: ClassVar[str]
    """The docstring's first line."""
    reset: ClassVar[int]
    """Value of the slot after reset."""

    base: ClassVar[Any] = None
    rule: ClassVar[Any] = None
    write_rule: ClassVar[Any] = None
    read_rule: ClassVar[Any] = None
    peek: ClassVar[Any] = None
    poke: ClassVar[Any] = None

    def __init_subclass__(
        cls,
        *,
        address: int,
        ext: str = "Zicsr",
        slot: bool = True,
        group: str | None = None,
        name: str | None = None,
        effects: Effect | None = None,
    ) -> None:
        super().__init_subclass__()
        if not 0 <= address <= 0xFFF:
            raise ValueError(f"CSR address {address:#x} has more than 12 bits")
        cls.name, cls.address, cls.ext = name or cls.__name__.lower(), address, ext
        cls.feature = Feature(sum(Feature[part.upper()] for part in ext.split()))
        cls.privilege, cls.read_only = address >> 8 & 3, address >> 10 == 3
        cls.group = group or GROUPS[cls.privilege]
        cls.slot, cls.effects = slot, effects or Effect(0)
        cls.doc = (cls.__doc__ or "").partition("\n")[0]
        own = [member for base in reversed(cls.__mro__) for member in vars(base).values() if isinstance(member, Field)]
        cls.fields = tuple(sorted(own, key=lambda field: -field.msb))
        for upper, lower in zip(cls.fields, cls.fields[1:], strict=False):
            if lower.msb >= upper.lsb:
                raise ValueError(f"{cls.name}: fields {upper.name} and {lower.name} overlap")
        if "reset" not in vars(cls):
            cls.reset = sum(field.reset << field.lsb for field in cls.fields)
        if slot and cls.name not in hart.LAYOUT.slots:
            hart.state(cls.name, doc=cls.doc)
        cls._derive()
        CSRS.append(cls)

    @staticmethod
    def read(h: Hart) -> int:
        """The value an instruction reads; no checks, no side effects."""
        raise NotImplementedError

    @staticmethod
    def legalize(h: Hart, old: int, new: int) -> int:
        """What the CSR holds after `new` is written over `old`; pure."""
        raise NotImplementedError

    @staticmethod
    def write(h: Hart, value: int) -> None:
        """Write `value` as far as it is legal; no checks. `effects` are the caller's business."""
        raise NotImplementedError

    @classmethod
    def _derive(cls) -> None:
        """Make the kernel functions that the class does not define, where it has a slot to apply them to."""
        if cls.legalize is Csr.legalize:
            cls.legalize = staticmethod(_legalize(cls.name, cls.fields))  # type: ignore[method-assign]
        if cls.read is Csr.read:
            if not cls.slot:
                raise TypeError(f"{cls.name} has no slot and no read()")
            name = f"{cls.name}_read"
            text = f"def {name}(h: Hart) -> u64:\n    return h.{cls.name}\n"
            cls.read = staticmethod(make_kernel(name, text))  # type: ignore[method-assign]
        if cls.write is Csr.write:
            name = f"{cls.name}_write"
            if cls.slot and not cls.read_only:
                body = f"h.{cls.name} = legalize(h, h.{cls.name}, value)"
                text = f"def {name}(h: Hart, value: u64) -> None:\n    {body}\n"
                cls.write = staticmethod(make_kernel(name, text, legalize=cls.legalize))  # type: ignore[method-assign]
            elif cls.read_only:
                cls.write = staticmethod(ignore_write)  # type: ignore[method-assign]
            else:
                raise TypeError(f"{cls.name} has no slot and no write()")


def zero(h: Hart) -> intrinsics.u64:
    """The read function of CSRs that are read-only zero."""
    return 0


def ignore_write(h: Hart, value: intrinsics.u64) -> None:
    """The write function of CSRs that have nothing to write."""


def _legalize(name: str, fields: tuple[Field, ...]) -> Callable[..., Any]:
    """The kernel function legalize(h, old, new) that the fields say; a CSR without fields holds any 64 bits."""
    function, names = f"{name}_legalize", {}
    always = sum(field.mask for field in fields if field.kind in ("rw", "wlrl") and field.needs is None)
    fixed = sum(field.reset << field.lsb for field in fields if field.kind == "ro")
    if not fields:
        always = intrinsics.M64
    lines = [f"value = (new & {always:#x}) | {fixed:#x}" if fixed else f"value = new & {always:#x}"]
    for field in fields:
        if field.kind == "ro" or always & field.mask:
            continue
        if field.kind == "warl":
            new = f"(new >> {field.lsb}) & {field.mask >> field.lsb:#x}"
            old = f"(old >> {field.lsb}) & {field.mask >> field.lsb:#x}"
            if field.legal is not None:
                names[f"legal_{field.name}"] = field.legal
                take = [f"value |= u64(legal_{field.name}(h, {old}, {new}) << {field.lsb})"]
            else:
                test = " or ".join(f"{field.name} == {number}" for number in sorted(field.values))
                take = [f"{field.name} = {new}", f"if not ({test}):", f"    {field.name} = {old}"]
                take.append(f"value |= u64({field.name} << {field.lsb})")
        else:
            take = [f"value |= new & {field.mask:#x}"]
        if field.needs is not None:
            take = [f"if h.features & {int(field.needs):#x} != 0:"] + ["    " + line for line in take]
        lines += take
    body = "".join(f"    {line}\n" for line in [*lines, "return value"])
    return make_kernel(function, f"def {function}(h: Hart, old: u64, new: u64) -> u64:\n{body}", **names)
