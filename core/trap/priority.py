# SPDX-License-Identifier: Apache-2.0
"""The order of interrupts for one privilege level.

Source: The RISC-V Advanced Interrupt Architecture 1.0, Defined major interrupts and default priorities. Interrupts without
a place there (custom ones and those not yet defined) come last, by number.
"""

from __future__ import annotations

from core.isa.intrinsics import cold, u64

DEFAULT = (
    *(47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40),
    *(11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13),
    *(39, 19, 38, 37, 18, 36, 35, 17, 34, 33, 16, 32),
)
"""Interrupts by default priority, highest first."""
_ALL = (*DEFAULT, *(number for number in range(64) if number not in DEFAULT))
_STEP = 2  # so that there is a place right before and right behind each
_WORDS = [
    sum((1 + _STEP * _ALL.index(8 * word + byte)) << (8 * byte) for byte in range(8)) for word in range(8)
]  # the rank of interrupt n is byte n
RANKS_0, RANKS_1, RANKS_2, RANKS_3, RANKS_4, RANKS_5, RANKS_6, RANKS_7 = _WORDS
NOTHING = 1 << 32
"""A place in the order behind that of all interrupts."""
EXTERNAL_256 = 256
"""Priority number of an external interrupt that no controller gives one."""
_LAST = 1 << 12


@cold
def rank(number: u64) -> u64:
    """Place of an interrupt in the default order: odd numbers, small ones first."""
    word = number >> 3
    ranks: u64 = RANKS_0
    if word == 1:
        ranks = RANKS_1
    elif word == 2:
        ranks = RANKS_2
    elif word == 3:
        ranks = RANKS_3
    elif word == 4:
        ranks = RANKS_4
    elif word == 5:
        ranks = RANKS_5
    elif word == 6:
        ranks = RANKS_6
    elif word == 7:
        ranks = RANKS_7
    return (ranks >> u64((number & 7) << 3)) & 0xFF


def order(priority: u64, own: u64, external: u64) -> u64:
    """Place of an interrupt with this priority number and rank among those of its level; smaller ones first.

    external: rank of the level's external interrupt. Priority number 0 means the default order: before all others or
    behind all (AIA, Effect of the machine-level iprio array); equal numbers are told apart by rank.
    """
    number = priority
    if priority == 0 and own >= external:
        number = _LAST
    return u64(number << 8) | own


def shown(priority: u64, own: u64, external: u64) -> u64:
    """The priority as field IPRIO of a *topi CSR has it: 0 to 255."""
    if priority == 0:
        return 0 if own < external else 255
    return priority if priority < 255 else 255
