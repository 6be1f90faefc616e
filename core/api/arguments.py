# SPDX-License-Identifier: Apache-2.0
"""Arguments of the API, checked: what cannot be meant is refused in words. All functions here raise BadValue."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from os import PathLike
from pathlib import Path

from core.csr.csr import Csr
from core.csr.fields import Field
from core.debug.specs import value_named
from core.errors import BadValue
from core.options import RNMI_VECTORS, parse_cpu


def number(value: object, what: str) -> int:
    """An integer of whatever type."""
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise BadValue(f"{what} is a number, not {value!r}") from None


def word(value: object, what: str, bits: int = 64) -> int:
    """A number of so many bits; negative ones as two's complement."""
    found = number(value, what)
    if not -(1 << (bits - 1)) <= found < 1 << bits:
        raise BadValue(f"{what}: {found:#x} does not fit into {bits} bits")
    return found & ((1 << bits) - 1)


def at_least(value: object, what: str, least: int = 0) -> int:
    """A number that is not below `least`."""
    found = number(value, what)
    if found < least:
        raise BadValue(f"{what} is a number from {least} on, not {found}")
    return found


def path(value: object, what: str) -> Path:
    """The name of a file."""
    if not isinstance(value, (str, PathLike)):
        raise BadValue(f"{what} is the name of a file, not {value!r}")
    return Path(value)


def of_type(value: object, kinds: tuple[type, ...], what: str) -> None:
    """Refuse what is of none of the types; `what` says what it should be: "data is bytes"."""
    if not isinstance(value, kinds):
        raise BadValue(f"{what}, not {value!r}")


def cpu_properties(cpu: Mapping[str, bool] | str | None, rnmi_vectors: tuple[int, int]) -> dict[str, int]:
    """What `cpu`, in the command line's words or by name, and `rnmi_vectors` say of the harts."""
    if cpu is not None and not isinstance(cpu, (str, Mapping)):
        raise BadValue(f'cpu is like {{"sstc": False}} or "rv64,sstc=off", not {cpu!r}')
    given = cpu if isinstance(cpu, str) else ",".join(["rv64", *(f"{name}={on}" for name, on in (cpu or {}).items())])
    if rnmi_vectors != (0, 0):
        if not isinstance(rnmi_vectors, tuple) or len(rnmi_vectors) != 2:
            raise BadValue(f"rnmi_vectors are two addresses, not {rnmi_vectors!r}")
        given = ",".join([given, *(f"{name}={value}" for name, value in zip(RNMI_VECTORS, rnmi_vectors, strict=True))])
    return parse_cpu(given)


def field_value(csr: type[Csr], field: Field, value: object) -> int:
    """The value of a CSR's field, given as a number or by its name."""
    name = f"{csr.name}.{field.name}"
    if isinstance(value, str):
        named = value_named(csr, field, value)
        if named is None:
            known = ", ".join(field.values.values())
            raise BadValue(f"{value!r} is no value of {name}; it takes numbers" + (f" and {known}" if known else ""))
        return named
    found = number(value, name)
    if found < 0 or found >> field.width:
        raise BadValue(f"{found:#x} does not fit into {name}, which has {field.width} bit{'s' * (field.width > 1)}")
    return found
