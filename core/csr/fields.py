# SPDX-License-Identifier: Apache-2.0
"""Fields of CSRs, drawn as the manual draws them: bits, kind of access, meaning in words.

    VTSR = rw(22, "trap SRET in VS-mode")
    VSXL = ro(33, 32, "XLEN of VS-mode", reset=2, values={2: "64"})

The kinds are the manual's (priv, CSR Field Specifications): rw holds any value, ro ignores writes, warl holds legal
values only, wlrl must be given legal values (any value is held). Bits without a field are WPRI: they read as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.features import Feature

STATES = {0: "Off", 1: "Initial", 2: "Clean", 3: "Dirty"}
"""Words for FS, VS and XS (norm:mstatus_fs_vs_xs_enc)."""
XLENS = {1: "32", 2: "64", 3: "reserved"}
"""Words for MXL, SXL, UXL and VSXL (norm:misa_mxl_enc)."""
PMM = {0: "off", 2: "upper 7 bits ignored", 3: "upper 16 bits ignored"}
"""Words for the legal values of PMM and HUPMM, pointer masking (norm:menvcfg_pmm_enc)."""
PRIVILEGES = {0: "U", 1: "S", 2: "reserved", 3: "M"}
"""Words for MPP; SPP and SPVP use the first two."""

ELPS = {0: "NO_LP_EXPECTED", 1: "LP_EXPECTED"}
"""Words for MPELP and SPELP (norm:mstatus_spelp_mpelp_enc_lead-in)."""


class Field:
    """Bits `msb`..`lsb` of a CSR.

    kind: "rw", "ro", "warl" or "wlrl". doc: what it means, in words. values: words for single values. reset: value
    after reset; what an ro field always reads as. needs: the field is read-only zero without this feature. legal:
    kernel function (h, old: u64, new: u64) -> u64, the value a warl field takes when `new` is written over `old`.
    """

    def __init__(
        self,
        kind: str,
        msb: int,
        lsb: int,
        doc: str,
        reset: int,
        values: Mapping[int, str] | None,
        needs: Feature | None = None,
        legal: Callable[[Any, int, int], int] | None = None,
    ) -> None:
        if not 63 >= msb >= lsb >= 0:
            raise ValueError(f"field bits {msb}:{lsb} are not within 63:0")
        self.kind, self.msb, self.lsb, self.doc, self.reset = kind, msb, lsb, doc, reset
        self.values = dict(values or {})
        self.needs, self.legal = needs, legal
        self.width = msb - lsb + 1
        self.mask = ((1 << self.width) - 1) << lsb
        self.name = ""
        if reset >> self.width:
            raise ValueError(f"reset value {reset} does not fit bits {msb}:{lsb}")

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the attribute's name."""
        self.name = self.name or name

    def __repr__(self) -> str:
        return f"<{self.name or 'field'} {self.kind} [{self.msb}:{self.lsb}]>"

    def of(self, value: int) -> int:
        """This field's value within the CSR value `value`."""
        return (value & self.mask) >> self.lsb

    def words(self, value: int) -> str:
        """What the field value `value` means, or "" when its number says it all."""
        return self.values.get(value, "")

    def value_of(self, word: str) -> int | None:
        """The field value that a word of `values` stands for, in any case; None for any other word."""
        return next((value for value, known in self.values.items() if known.lower() == word.lower()), None)


def _bits(msb: int, lsb: int | str | None, doc: str) -> tuple[int, int, str]:
    if isinstance(lsb, str):
        return msb, msb, lsb
    return msb, msb if lsb is None else lsb, doc


def rw(
    msb: int,
    lsb: int | str | None = None,
    doc: str = "",
    *,
    reset: int = 0,
    values: Mapping[int, str] | None = None,
    needs: Feature | None = None,
) -> Field:
    """A field that holds whatever is written. The lsb may be left out: rw(7, "one bit")."""
    return Field("rw", *_bits(msb, lsb, doc), reset, values, needs)


def ro(
    msb: int, lsb: int | str | None = None, doc: str = "", *, reset: int = 0, values: Mapping[int, str] | None = None
) -> Field:
    """A field that always reads as its reset value, unless the CSR computes it."""
    return Field("ro", *_bits(msb, lsb, doc), reset, values)


def warl(
    msb: int,
    lsb: int | str | None = None,
    doc: str = "",
    *,
    legal: Callable[[Any, int, int], int] | None = None,
    reset: int = 0,
    values: Mapping[int, str] | None = None,
    needs: Feature | None = None,
) -> Field:
    """A field that holds legal values only: what `legal` gives, or one of `values` (else it keeps the old value)."""
    if legal is None and not values:
        raise ValueError("a warl field needs legal= or values=")
    return Field("warl", *_bits(msb, lsb, doc), reset, values, needs, legal)


def wlrl(
    msb: int, lsb: int | str | None = None, doc: str = "", *, reset: int = 0, values: Mapping[int, str] | None = None
) -> Field:
    """A field software must give legal values; it holds any value of its width."""
    return Field("wlrl", *_bits(msb, lsb, doc), reset, values)
