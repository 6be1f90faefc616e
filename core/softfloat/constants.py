# SPDX-License-Identifier: Apache-2.0
"""The constants of FLI (norm:fli-s_op)."""

from __future__ import annotations

import struct

from core.isa.intrinsics import cold, s64, u64
from core.softfloat.formats import RNE, canonical_nan, fraction_width, infinity
from core.softfloat.number import LEADING, rounded

MINIMUM, INFINITY, NOT_A_NUMBER = 1, 30, 31
"""Those that are not the same number in every format, or no number."""
VALUES = (
    1.0, 0.0, 2.0**-16, 2.0**-15, 2.0**-8, 2.0**-7, 0.0625, 0.125,
    0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75, 0.875,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0,
    8.0, 16.0, 128.0, 256.0, 2.0**15, 2.0**16, 0.0, 0.0,
)  # fmt: skip
"""Magnitudes of the others; number 0 is negative."""
NAMES = {MINIMUM: "min", INFINITY: "inf", NOT_A_NUMBER: "nan"}


def _packed(values: tuple[float, ...]) -> int:
    """Eight constants in a word: for each a byte, its exponent + 16 above the two upper bits of its fraction."""
    patterns = [struct.unpack("<Q", struct.pack("<d", value))[0] for value in values]
    return sum((((bits >> 52) - 1023 + 16) << 2 | bits >> 50 & 3) << 8 * i for i, bits in enumerate(patterns) if bits)


PACKED_0, PACKED_8, PACKED_16, PACKED_24 = (_packed(VALUES[i : i + 8]) for i in range(0, 32, 8))


@cold
def constant(index: u64, fmt: u64) -> u64:
    """Constant number `index` in a format; 2**16 is infinity in half precision (norm:fli-h_op)."""
    if index == MINIMUM:
        return u64(1 << fraction_width(fmt))
    if index == INFINITY:
        return infinity(fmt)
    if index == NOT_A_NUMBER:
        return canonical_nan(fmt)
    packed = PACKED_0 if index < 8 else PACKED_8 if index < 16 else PACKED_16 if index < 24 else PACKED_24
    code = (packed >> u64((index & 7) << 3)) & 0xFF
    significand = LEADING | u64((code & 3) << 60)
    return u64(rounded(u64(index == 0), s64(s64(code >> 2) - 16), significand, fmt, RNE))


def constant_text(index: int) -> str:
    """Constant number `index` as the GNU tools show it: a name, or a number in hex as C's %a has it ("0x1.4p+0")."""
    if index in NAMES:
        return NAMES[index]
    digits, exponent = VALUES[index].hex().split("p")
    return ("-" if index == 0 else "") + digits.rstrip("0").rstrip(".") + "p" + exponent
