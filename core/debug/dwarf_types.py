# SPDX-License-Identifier: Apache-2.0
"""Types and variables of a program, out of its DWARF: enough to show structures, unions, bit-fields, arrays, enumerations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.debug.dwarf import Sources
from core.debug.registers import ABI_NAMES

QUALIFIERS = ("DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_restrict_type", "DW_TAG_atomic_type", "DW_TAG_typedef")
AGGREGATES = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union", "DW_TAG_class_type": "struct"}
SIGNED = (5, 6, 13)
"""DW_ATE_signed, DW_ATE_signed_char."""
BOOLEAN, FLOAT, CHARACTERS = 2, 4, (6, 8, 16)

Register = Callable[[str], int]
"""The value of a register by its name."""


@dataclass(eq=False)
class Type:
    """A type. kind: "base", "pointer", "array", "struct", "union", "enum", "function" or "void"."""

    kind: str
    name: str
    size: int = 0
    encoding: int = 0
    target: Type | None = None
    count: int = 0
    values: dict[int, str] = field(default_factory=dict)
    load_members: Callable[[], list[Member]] | None = None

    @cached_property
    def members(self) -> list[Member]:
        """Of a struct or union; read when first asked for, as types may contain pointers to themselves."""
        return self.load_members() if self.load_members else []

    @property
    def signed(self) -> bool:
        """Whether a number of this type has a sign."""
        return self.encoding in SIGNED


@dataclass(frozen=True)
class Member:
    """A member: its place in bytes; bits: (lowest bit, width) of a bit-field within the 8 bytes from there."""

    name: str
    type: Type
    offset: int
    bits: tuple[int, int] | None = None


@dataclass(frozen=True)
class Variable:
    """A variable where it is now: in memory, or (address None) in a register."""

    name: str
    type: Type
    address: int | None
    register: str | None = None


class Types:
    """The types and variables of one program."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._types: dict[int, Type] = {}

    @cached_property
    def _globals(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for unit in self.sources.units:
            for die in unit.get_top_DIE().iter_children():
                if die.tag == "DW_TAG_variable" and "DW_AT_location" in die.attributes:
                    found.setdefault(name_of(resolve(die)), die)
        return found

    def names(self) -> list[str]:
        """The global variables."""
        return sorted(self._globals)

    def variable(self, name: str, pc: int, register: Register) -> Variable | None:
        """The variable of that name seen from `pc`, None if there is none or the compiler has done away with it."""
        for die in self._locals(pc):
            if name_of(resolve(die)) == name and (found := self._place(die, name, pc, register)):
                return found
        unit = self.sources.unit_of(pc)
        die = next(
            (
                d
                for d in (unit.get_top_DIE().iter_children() if unit else ())
                if d.tag == "DW_TAG_variable" and "DW_AT_location" in d.attributes and name_of(resolve(d)) == name
            ),
            self._globals.get(name),
        )
        return None if die is None else self._place(die, name, pc, register)

    def local_names(self, pc: int) -> list[str]:
        """Variables and parameters of the function at `pc`, innermost block first."""
        return list(dict.fromkeys(name_of(resolve(die)) for die in self._locals(pc)))

    def returns(self, pc: int) -> Type | None:
        """What the function at `pc` returns, a "void" type for nothing; None when no function is known there."""
        unit = self.sources.unit_of(pc)
        functions = (d for d in (unit.get_top_DIE().iter_children() if unit else ()) if d.tag == "DW_TAG_subprogram")
        die = next((d for d in functions if self._covers(d, pc, unit)), None)
        return None if die is None else self.type_of(resolve(die))

    # -- places -------------------------------------------------------------------------------------------------------

    def _locals(self, pc: int) -> list[Any]:
        unit = self.sources.unit_of(pc)
        if unit is None:
            return []
        found: list[Any] = []

        def descend(die: Any) -> None:
            for child in die.iter_children():
                if child.tag in ("DW_TAG_subprogram", "DW_TAG_lexical_block", "DW_TAG_inlined_subroutine"):
                    if self._covers(child, pc, unit):
                        descend(child)
                elif die.tag != "DW_TAG_compile_unit" and child.tag in ("DW_TAG_variable", "DW_TAG_formal_parameter"):
                    found.insert(0, child)

        descend(unit.get_top_DIE())
        return found

    def _covers(self, die: Any, pc: int, unit: Any) -> bool:
        low, high = die.attributes.get("DW_AT_low_pc"), die.attributes.get("DW_AT_high_pc")
        if low is not None and high is not None:
            end = high.value if high.form == "DW_FORM_addr" else low.value + high.value
            return bool(low.value <= pc < end)
        ranges = die.attributes.get("DW_AT_ranges")
        lists = self.sources.dwarf.range_lists()
        if ranges is None or lists is None:
            return False
        base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        start = base.value if base is not None else 0
        for entry in lists.get_range_list_at_offset(ranges.value, unit):
            if hasattr(entry, "base_address"):
                start = entry.base_address
                continue
            offset = 0 if getattr(entry, "is_absolute", False) else start
            if offset + entry.begin_offset <= pc < offset + entry.end_offset:
                return True
        return False

    def _place(self, die: Any, name: str, pc: int, register: Register) -> Variable | None:
        from elftools.dwarf.locationlists import LocationExpr, LocationParser

        from core.debug.dwarf_places import locate

        attribute = die.attributes.get("DW_AT_location")
        if attribute is None:
            return None
        found = LocationParser(self.sources.dwarf.location_lists()).parse_from_attribute(attribute, die.cu["version"], die)
        expression = found.loc_expr if isinstance(found, LocationExpr) else self._listed(found, die.cu, pc)
        where = None if expression is None else locate(self.sources.dwarf, die.cu, expression, pc, register)
        if where is None:
            return None
        kind = self.type_of(resolve(die))
        return Variable(name, kind, None, where) if isinstance(where, str) else Variable(name, kind, where)

    def _listed(self, entries: Any, unit: Any, pc: int) -> Any:
        """The expression that holds at `pc` in a location list."""
        base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        start = base.value if base is not None else 0
        for entry in entries:
            if hasattr(entry, "base_address"):
                start = entry.base_address
            elif hasattr(entry, "loc_expr") and hasattr(entry, "begin_offset"):
                offset = 0 if getattr(entry, "is_absolute", False) else start
                if offset + entry.begin_offset <= pc < offset + entry.end_offset:
                    return entry.loc_expr
        return None

    # -- types --------------------------------------------------------------------------------------------------------

    def type_of(self, die: Any) -> Type:
        """The type that a DIE says it has."""
        if "DW_AT_type" not in die.attributes:
            return Type("void", "void")
        return self._type(die.get_DIE_from_attribute("DW_AT_type"))

    def _type(self, die: Any) -> Type:
        known = self._types.get(die.offset)
        if known is None:
            known = self._types[die.offset] = self._make(die)
        return known

    def _make(self, die: Any) -> Type:
        size = die.attributes["DW_AT_byte_size"].value if "DW_AT_byte_size" in die.attributes else 0
        name = name_of(die)
        if die.tag in QUALIFIERS:
            return self.type_of(die)
        if die.tag == "DW_TAG_base_type":
            return Type("base", name, size, die.attributes["DW_AT_encoding"].value)
        if die.tag == "DW_TAG_pointer_type":
            target = self.type_of(die) if "DW_AT_type" in die.attributes else None
            return Type("pointer", f"{target.name if target else 'void'} *", 8, target=target)
        if die.tag in AGGREGATES:
            made = Type(AGGREGATES[die.tag], f"{AGGREGATES[die.tag]} {name}".strip(), size)
            made.load_members = lambda: [self._member(child) for child in die.iter_children() if child.tag == "DW_TAG_member"]
            return made
        if die.tag == "DW_TAG_enumeration_type":
            values = {c.attributes["DW_AT_const_value"].value: name_of(c) for c in die.iter_children()}
            return Type("enum", f"enum {name}".strip(), size, values=values)
        if die.tag == "DW_TAG_array_type":
            return self._array(die)
        return Type("function" if die.tag == "DW_TAG_subroutine_type" else "void", name or "function")

    def _array(self, die: Any) -> Type:
        made = element = self.type_of(die)
        bounds = ""
        for child in reversed([c for c in die.iter_children() if c.tag == "DW_TAG_subrange_type"]):
            count = 0
            if "DW_AT_count" in child.attributes:
                count = child.attributes["DW_AT_count"].value
            elif "DW_AT_upper_bound" in child.attributes and isinstance(child.attributes["DW_AT_upper_bound"].value, int):
                count = child.attributes["DW_AT_upper_bound"].value + 1
            bounds = f"[{count or ''}]{bounds}"  # the last comes first here, and is the innermost
            made = Type("array", element.name + bounds, made.size * count, target=made, count=count)
        return made

    def _member(self, die: Any) -> Member:
        kind = self.type_of(die)
        place = die.attributes.get("DW_AT_data_member_location")
        offset = place.value if place is not None and isinstance(place.value, int) else 0
        bits = None
        if "DW_AT_bit_size" in die.attributes:
            width = die.attributes["DW_AT_bit_size"].value
            first = die.attributes["DW_AT_data_bit_offset"].value if "DW_AT_data_bit_offset" in die.attributes else 0
            if "DW_AT_bit_offset" in die.attributes:  # DWARF 3: counted from the other end of a unit of byte_size
                first = 8 * kind.size - die.attributes["DW_AT_bit_offset"].value - width
            offset += first // 8
            bits = (first % 8, width)
        return Member(name_of(die), kind, offset, bits)


def name_of(die: Any) -> str:
    """A DIE's name, "" without one."""
    found = die.attributes.get("DW_AT_name")
    return "" if found is None else found.value.decode("utf-8", "replace")


def resolve(die: Any) -> Any:
    """The DIE that says what a variable is, when this one only says where."""
    for attribute in ("DW_AT_abstract_origin", "DW_AT_specification"):
        if attribute in die.attributes:
            return resolve(die.get_DIE_from_attribute(attribute))
    return die


def register_name(number: int) -> str | None:
    """The register that DWARF numbers so (RISC-V ABIs, DWARF Register Numbers)."""
    return ABI_NAMES[number] if 0 <= number < 32 else None
