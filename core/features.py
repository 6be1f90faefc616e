# SPDX-License-Identifier: Apache-2.0
"""What a hart can have: extensions and choices as bits of `h.features`."""

from __future__ import annotations

from enum import IntFlag


class Feature(IntFlag):
    """Extensions by their name in the manual; kernel code tests `h.features & Feature.SSTC`."""

    I = 1 << 0
    M = 1 << 1
    A = 1 << 2
    F = 1 << 3
    D = 1 << 4
    C = 1 << 5
    H = 1 << 6
    ZICSR = 1 << 7
    ZIFENCEI = 1 << 8
    ZICNTR = 1 << 9
    S = 1 << 10
    U = 1 << 11
    SSTC = 1 << 12
    SVADU = 1 << 13
    SV48 = 1 << 14
    SV57 = 1 << 15
    SVINVAL = 1 << 16
    SVPBMT = 1 << 17
    ZICBOM = 1 << 18
    ZICBOZ = 1 << 19
    SMEPMP = 1 << 20
    ZBA = 1 << 21
    ZBB = 1 << 22
    ZBC = 1 << 23
    ZBS = 1 << 24
    ZICOND = 1 << 25
    ZCB = 1 << 26
    ZICBOP = 1 << 27
    ZAWRS = 1 << 28
    ZIHINTPAUSE = 1 << 29
    ZIHINTNTL = 1 << 30
    ZIMOP = 1 << 31
    ZCMOP = 1 << 32
    ZACAS = 1 << 33
    ZABHA = 1 << 34


def features(names: str) -> Feature:
    """Several features by their names, parted by blanks: "Zcb C". Raises KeyError for an unknown one."""
    found = Feature(0)
    for name in names.split():
        found |= Feature[name.upper()]
    return found


DEFAULT_FEATURES = (
    Feature.I
    | Feature.M
    | Feature.A
    | Feature.C
    | Feature.H
    | Feature.S
    | Feature.U
    | Feature.ZICSR
    | Feature.ZIFENCEI
    | Feature.ZICNTR
    | Feature.SSTC
    | Feature.SVADU
    | Feature.SV48
    | Feature.SV57
)
"""What a machine has unless `--cpu` says otherwise."""
