# SPDX-License-Identifier: Apache-2.0
"""IEEE 754 arithmetic on exact rational numbers: what results and flags should be, computed without any of core/softfloat.

A value is a Fraction, or one of the strings "inf", "-inf", "nan", "snan"; -0 is the string "-0".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

Value = Fraction | str
Operation = Callable[..., int]
"""A kernel function under test."""
NV, DZ, OF, UF, NX = 16, 8, 4, 2, 1
RNE, RTZ, RDN, RUP, RMM = range(5)
MODES = (RNE, RTZ, RDN, RUP, RMM)
TWO = Fraction(2)


@dataclass(frozen=True)
class Format:
    """A binary interchange format; `code` is what RISC-V has for it in fmt."""

    code: int
    letter: str
    width: int
    precision: int
    """Bits of a significand, the leading one included."""

    @property
    def fraction(self) -> int:
        """Bits of the fraction field."""
        return self.precision - 1

    @property
    def emax(self) -> int:
        """Largest exponent; the smallest of normal numbers is 1 - emax."""
        return (1 << (self.width - self.precision - 1)) - 1

    @property
    def infinity(self) -> int:
        """Its bits."""
        return (2 * self.emax + 1) << self.fraction

    @property
    def nan(self) -> int:
        """Bits of the canonical NaN."""
        return self.infinity | 1 << (self.fraction - 1)

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << (self.width - 1)

    def value(self, bits: int) -> Value:
        """What the bits mean."""
        negative, magnitude = bits & self.sign, bits & (self.sign - 1)
        if magnitude > self.infinity:
            return "nan" if magnitude & (1 << (self.fraction - 1)) else "snan"
        if magnitude == self.infinity:
            return "-inf" if negative else "inf"
        field = magnitude >> self.fraction
        significand = magnitude & ((1 << self.fraction) - 1) | (1 << self.fraction if field else 0)
        found = significand * TWO ** (max(field, 1) - self.emax - self.fraction)
        return "-0" if negative and not found else -found if negative else found

    def random(self, rng: Random) -> int:
        """Bits of some number: often at an edge, a NaN, near 1, or one with few bits set."""
        field = rng.choice((0, 1, self.emax - 1, self.emax, self.emax + 1, 2 * self.emax, 2 * self.emax + 1))
        spread = rng.randrange(-self.precision - 3, self.precision + 4)
        field = rng.choice((field, rng.randrange(2 * self.emax + 2), min(max(self.emax + spread, 0), 2 * self.emax)))
        top = (1 << self.fraction) - 1
        bit = 1 << rng.randrange(self.fraction)
        fraction = rng.choice((0, 1, top, top - 1, bit, top & -bit, bit - 1, rng.getrandbits(self.fraction)))
        return rng.choice((0, self.sign)) | field << self.fraction | fraction


HALF, SINGLE, DOUBLE = Format(2, "h", 16, 11), Format(0, "s", 32, 24), Format(1, "d", 64, 53)
FORMATS = (HALF, SINGLE, DOUBLE)


def to_integer(value: Fraction, mode: int) -> int:
    """Round to an integer."""
    down = math.floor(value)
    rest = value - down
    if mode == RTZ:
        return down + (rest != 0 and value < 0)
    if mode in (RDN, RUP):
        return down + (mode == RUP and rest != 0)
    if rest == Fraction(1, 2):
        return down + ((down & 1) if mode == RNE else value > 0)
    return down + (rest > Fraction(1, 2))


def exponent(value: Fraction) -> int:
    """The exponent of the leading one of a number that is not zero."""
    magnitude = abs(value)
    found = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    return found if TWO**found <= magnitude else found - 1


def rounded(value: Fraction, fmt: Format, mode: int, negative_zero: bool = False) -> tuple[int, int]:
    """An exact result in a format: bits and flags. `negative_zero`: zero is -0."""
    if value == 0:
        return (fmt.sign if negative_zero else 0), 0
    sign = fmt.sign if value < 0 else 0
    unbounded = exponent(value)
    quantum = TWO ** (max(unbounded, 1 - fmt.emax) - fmt.fraction)
    result = to_integer(value / quantum, mode) * quantum
    flags = NX if result != value else 0
    if abs(result) >= TWO ** (fmt.emax + 1):
        away = mode in (RNE, RMM) or mode == (RDN if value < 0 else RUP)
        return sign | (fmt.infinity if away else fmt.infinity - 1), OF | NX
    fine = TWO ** (unbounded - fmt.fraction)
    if flags and abs(to_integer(value / fine, mode) * fine) < TWO ** (1 - fmt.emax):
        flags |= UF
    if result == 0:
        return sign, flags
    biased = max(exponent(result), 1 - fmt.emax)
    significand = int(abs(result) / TWO ** (biased - fmt.fraction))
    return sign | (biased + fmt.emax - 1 << fmt.fraction) + significand, flags


def is_negative(value: Value) -> bool:
    """Whether the sign is set; NaNs count as positive."""
    return value.startswith("-") if isinstance(value, str) else value < 0


def is_infinite(value: Value) -> bool:
    """Plus or minus infinity."""
    return value in ("inf", "-inf")


def is_zero(value: Value) -> bool:
    """Plus or minus zero."""
    return value in ("-0", 0)


def number(value: Value) -> Fraction:
    """A finite value as a Fraction, -0 as 0."""
    return Fraction(0) if isinstance(value, str) else value


def nan(fmt: Format, *values: Value) -> tuple[int, int] | None:
    """The result if an operand is a NaN."""
    if "snan" in values:
        return fmt.nan, NV
    return (fmt.nan, 0) if "nan" in values else None


def multiply_add(a: Value, b: Value, c: Value, fmt: Format, mode: int) -> tuple[int, int]:
    """a * b + c."""
    if (is_infinite(a) and is_zero(b)) or (is_zero(a) and is_infinite(b)):
        return fmt.nan, NV
    negative = is_negative(a) != is_negative(b)
    product_infinite = is_infinite(a) or is_infinite(b)
    if (found := nan(fmt, a, b, c)) is not None:
        return found
    if product_infinite and is_infinite(c) and negative != is_negative(c):
        return fmt.nan, NV
    if product_infinite or is_infinite(c):
        return (fmt.sign if (negative if product_infinite else is_negative(c)) else 0) | fmt.infinity, 0
    exact = number(a) * number(b) + number(c)
    return rounded(exact, fmt, mode, negative if negative == is_negative(c) else mode == RDN)


def multiply(a: Value, b: Value, fmt: Format, mode: int) -> tuple[int, int]:
    """a * b: plus a zero of the same sign."""
    return multiply_add(a, b, "-0" if is_negative(a) != is_negative(b) else Fraction(0), fmt, mode)


def divide(a: Value, b: Value, fmt: Format, mode: int) -> tuple[int, int]:
    """a / b."""
    if (found := nan(fmt, a, b)) is not None:
        return found
    sign = fmt.sign if is_negative(a) != is_negative(b) else 0
    if is_infinite(a) or is_infinite(b):
        return (fmt.nan, NV) if is_infinite(a) and is_infinite(b) else (sign | (fmt.infinity if is_infinite(a) else 0), 0)
    if is_zero(b):
        return (fmt.nan, NV) if is_zero(a) else (sign | fmt.infinity, DZ)
    return rounded(number(a) / number(b), fmt, mode, bool(sign))


def square_root(a: Value, fmt: Format, mode: int) -> tuple[int, int]:
    """The square root of a: more than enough bits, and a little more where it is no rational number."""
    if (found := nan(fmt, a)) is not None:
        return found
    if is_zero(a) or is_negative(a):
        return (fmt.sign if a == "-0" else 0, 0) if is_zero(a) else (fmt.nan, NV)
    if is_infinite(a):
        return fmt.infinity, 0
    scaled = number(a) * 4**1200
    root = math.isqrt(int(scaled))
    return rounded((root + (Fraction(1, 2) if root * root != scaled else 0)) / TWO**1200, fmt, mode)


def convert(a: Value, fmt: Format, mode: int) -> tuple[int, int]:
    """a in another format."""
    if (found := nan(fmt, a)) is not None:
        return found
    if is_infinite(a):
        return (fmt.sign if is_negative(a) else 0) | fmt.infinity, 0
    return rounded(number(a), fmt, mode, a == "-0")


def integer(a: Value, bits: int, signed: bool, mode: int) -> tuple[int, int]:
    """a as an integer of so many bits, and flags (unpriv, Domains of float-to-integer conversions)."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if a in ("nan", "snan") or is_infinite(a):
        return low if is_negative(a) else high, NV
    found = to_integer(number(a), mode)
    if not low <= found <= high:
        return low if found < low else high, NV
    return found, NX if found != number(a) else 0


def integral(a: Value, fmt: Format, mode: int) -> tuple[int, int]:
    """a rounded to an integer in its own format."""
    if isinstance(a, str):
        return convert(a, fmt, mode)
    found = to_integer(a, mode)
    bits, flags = rounded(Fraction(found), fmt, mode, a < 0)
    assert flags == 0, "an integer of that size has a place in the format"
    return bits, NX if found != a else 0
