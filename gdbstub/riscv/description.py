# SPDX-License-Identifier: Apache-2.0
"""The target description gdb is given, made from the register file's and the CSR registry's own declarations.

How CSRs are typed is a choice with reasons. A CSR with fields is a gdb `flags` type: `p $hstatus` prints the fields by
name, while `p/x $hstatus`, `$hstatus & 0x80`, `$hgatp == 0` and `set $hstatus |= 0x80` work as on a number, and
`info registers` shows both. (A union of number and struct would give `$hstatus.f.SPV`, but none of the others.)
gdb assigns to flags only what has their size, hence they are 32 bits wide where all fields lie there: `set $hvip = 4`
works, while `set $hgatp = 0` must be written `set $hgatp = 0UL`.
Exception PCs and trap vectors are code pointers, so that gdb prints the symbol they point at. Cause registers are
enumerations of the exceptions; an interrupt is a number with bit 63 set there, as gdb takes no enumerator so large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import quoteattr

from core.trap.causes import Cause
from gdbstub.riscv.regnums import ELP, F0, F_NAMES, FP, MODE, PC, PRIV, VIRT, VMID, X_NAMES, csr_number


class FieldLike(Protocol):
    """What the description needs to know about a CSR field."""

    @property
    def name(self) -> str: ...
    @property
    def msb(self) -> int: ...
    @property
    def lsb(self) -> int: ...
    @property
    def values(self) -> Mapping[int, str] | None: ...


class CsrLike(Protocol):
    """What the description needs to know about a CSR."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> int: ...
    @property
    def fields(self) -> Sequence[FieldLike]: ...


@dataclass(frozen=True, slots=True)
class Register:
    """A register as gdb sees it: number, name and width in bytes. `source` is the machine's name for it."""

    number: int
    name: str
    width: int
    source: str


@dataclass(frozen=True, slots=True)
class Description:
    """The document, and the registers it describes by number."""

    xml: bytes
    registers: Mapping[int, Register]


MODES = {0: "U", 1: "HS", 3: "M", 4: "VU", 5: "VS"}
"""Values of the `mode` register: nominal privilege, plus 4 when V=1."""

_X_TYPES = {"ra": "code_ptr", "sp": "data_ptr", "gp": "data_ptr", "tp": "data_ptr", "fp": "data_ptr"}
_FPU_CSRS = {1: "fflags", 2: "frm", 3: "fcsr"}
_CODE_POINTER = re.compile(r"\w*(epc|tvec)")
_CAUSE = re.compile(r"(m|mn|s|vs)cause")


def describe(csrs: Iterable[CsrLike], landing_pads: bool = False) -> Description:
    """The target description of a hart with these CSRs; landing_pads: it has ELP."""
    writer = _Writer()
    with_fields = sorted(csrs, key=lambda csr: csr.address)
    writer.line('<?xml version="1.0"?>')
    writer.line('<!DOCTYPE target SYSTEM "gdb-target.dtd">')
    writer.line("<target>")
    writer.line("<architecture>riscv:rv64</architecture>")
    # Without this gdb takes a bare machine for GNU/Linux and steps in software, which loses control at sret.
    writer.line("<osabi>none</osabi>")
    _cpu(writer)
    _fpu(writer)
    _csrs(writer, [csr for csr in with_fields if csr.address not in _FPU_CSRS])
    _virtual(writer, landing_pads)
    writer.line("</target>")
    return Description("\n".join(writer.lines).encode(), writer.registers)


class _Writer:
    """Collects lines and the registers they describe."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.registers: dict[int, Register] = {}
        self._enumerations: dict[tuple[tuple[int, str], ...], str] = {}

    def enumeration(self, name: str, values: Mapping[int, str], size: int = 4) -> str:
        """The type for these values, under `name` unless there is one already."""
        rows = tuple((value, _identifier(words)) for value, words in sorted(values.items()))
        if rows not in self._enumerations:
            self._enumerations[rows] = name
            body = "".join(f'<evalue name="{words}" value="{value}"/>' for value, words in rows)
            self.line(f'<enum id="{name}" size="{size}">{body}</enum>')
        return self._enumerations[rows]

    def line(self, text: str) -> None:
        self.lines.append(text)

    def register(
        self, number: int, name: str, kind: str, *, bits: int = 64, group: str | None = None, source: str | None = None
    ) -> None:
        in_group = f" group={quoteattr(group)}" if group else ""
        self.line(
            f'<reg name={quoteattr(name)} bitsize="{bits}" type={quoteattr(kind)} regnum="{number}"'
            f' save-restore="{"yes" if number <= PC else "no"}"{in_group}/>'
        )
        self.registers[number] = Register(number, name, bits // 8, source or name)


def _cpu(writer: _Writer) -> None:
    writer.line('<feature name="org.gnu.gdb.riscv.cpu">')
    for number, name in enumerate(X_NAMES):
        writer.register(number, name, _X_TYPES.get(name, "int"), source="s0" if number == FP else name)
    writer.register(PC, "pc", "code_ptr")
    writer.line("</feature>")


def _fpu(writer: _Writer) -> None:
    """Always there: gdb refuses hard-float programs on a target without it."""
    writer.line('<feature name="org.gnu.gdb.riscv.fpu">')
    writer.line(
        '<union id="riscv_double"><field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>'
    )
    for number, name in enumerate(F_NAMES):
        writer.register(F0 + number, name, "riscv_double", group="float", source=f"f{number}")
    for address, name in _FPU_CSRS.items():
        writer.register(csr_number(address), name, "int", bits=32, group="float")
    writer.line("</feature>")


def _csrs(writer: _Writer, csrs: Sequence[CsrLike]) -> None:
    writer.line('<feature name="org.gnu.gdb.riscv.csr">')
    for csr in csrs:
        kind, bits = _csr_type(writer, csr)
        writer.register(csr_number(csr.address), csr.name, kind, bits=bits, group="csr")
    writer.line("</feature>")


def _csr_type(writer: _Writer, csr: CsrLike) -> tuple[str, int]:
    """The gdb type of a CSR and its width in bits. The type's definition is written if it is one of its own."""
    if _CODE_POINTER.fullmatch(csr.name):
        return "code_ptr", 64
    if _CAUSE.fullmatch(csr.name):
        return writer.enumeration("cause_t", {cause.value: cause.name for cause in Cause}, 8), 64
    fields = sorted(csr.fields, key=lambda field: field.lsb)
    if len(fields) < 2:
        return "uint64", 64
    bits = 32 if fields[-1].msb < 32 else 64
    lines = [f'<flags id="{csr.name}_t" size="{bits // 8}">']
    for field in fields:
        kind = "bool" if field.msb == field.lsb else _field_type(writer, csr, field)
        lines.append(f'<field name={quoteattr(_identifier(field.name))} start="{field.lsb}" end="{field.msb}" type="{kind}"/>')
    writer.lines += [*lines, "</flags>"]
    return f"{csr.name}_t", bits


def _field_type(writer: _Writer, csr: CsrLike, field: FieldLike) -> str:
    if not field.values:
        return "uint64"
    return writer.enumeration(f"{csr.name}_{_identifier(field.name)}", field.values)


def _identifier(words: str) -> str:
    """`words` as one name that gdb can print and XML can hold."""
    return re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_") or "_"


def _virtual(writer: _Writer, landing_pads: bool) -> None:
    """What is no register by its name: privilege, virtualization, ELP. gdb shows `priv` by a rule of its own."""
    writer.line('<feature name="org.gnu.gdb.riscv.virtual">')
    writer.register(PRIV, "priv", "int", group="system")
    writer.register(VIRT, "virt", "bool", bits=8, group="system")
    writer.register(MODE, "mode", writer.enumeration("mode_t", MODES, 1), bits=8, group="system")
    writer.register(VMID, "vmid", "int", bits=16, group="system")
    if landing_pads:
        writer.register(ELP, "elp", "bool", bits=8, group="system")
    writer.line("</feature>")
