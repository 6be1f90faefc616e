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
    ZFHMIN = 1 << 35
    ZFH = 1 << 36
    ZFA = 1 << 37
    SMAIA = 1 << 38
    SSAIA = 1 << 39
    SVNAPOT = 1 << 44
    SMSTATEEN = 1 << 45
    SSSTATEEN = 1 << 46
    SSDBLTRP = 1 << 47
    SMDBLTRP = 1 << 48
    ZIHPM = 1 << 49
    SSCOFPMF = 1 << 50
    SMCNTRPMF = 1 << 51
    SHLCOFIDELEG = 1 << 52
    SSNPM = 1 << 53
    SMNPM = 1 << 54
    SMMPM = 1 << 55
    ZKR = 1 << 56
    SVVPTC = 1 << 57
    SDTRIG = 1 << 58
    ZICFILP = 1 << 59
    ZICFISS = 1 << 60
    SMRNMI = 1 << 61


def feature_set(names: str) -> Feature:
    """Several features by their names, parted by blanks: "Zcb C". Raises KeyError for an unknown one."""
    found = Feature(0)
    for name in names.split():
        found |= Feature[name.upper()]
    return found


NEEDS = {
    Feature.S: Feature.U,
    Feature.H: Feature.S,
    Feature.SSTC: Feature.S,
    Feature.SVADU: Feature.S,
    Feature.SV48: Feature.S,
    Feature.SV57: Feature.SV48,
    Feature.SVINVAL: Feature.S,
    Feature.SVPBMT: Feature.S,
    Feature.SVNAPOT: Feature.S,
    Feature.SVVPTC: Feature.S,
    Feature.SSAIA: Feature.S,
    Feature.SSSTATEEN: Feature.S,
    Feature.SSDBLTRP: Feature.S,
    Feature.SSCOFPMF: Feature.S,
    Feature.SSNPM: Feature.S,
    Feature.SMNPM: Feature.U,
    Feature.D: Feature.F,
    Feature.ZFHMIN: Feature.F,
    Feature.ZFH: Feature.ZFHMIN,
    Feature.ZFA: Feature.F,
    Feature.ZCB: Feature.C,
    Feature.ZCMOP: Feature.C,
    Feature.ZACAS: Feature.A,
    Feature.ZABHA: Feature.A,
    Feature.ZAWRS: Feature.A,
    Feature.SHLCOFIDELEG: Feature.H | Feature.SSCOFPMF,
    Feature.ZICFISS: Feature.ZIMOP | Feature.A | Feature.S,
}
"""What an extension depends on; those that depend on something listed come behind it."""


def consistent(features: Feature) -> Feature:
    """The features without those whose NEEDS are not all among them: F off takes D with it."""
    for feature, needed in NEEDS.items():
        if needed not in features:
            features &= ~feature
    return features


IMPLIED = {
    "B": Feature.ZBA | Feature.ZBB | Feature.ZBS,
    "Zca": Feature.C,
    "Zcd": Feature.C | Feature.D,
    "Zaamo": Feature.A,
    "Zalrsc": Feature.A,
    "Za64rs": Feature.A,
    "Ziccamoa": Feature.A,
    "Ziccrse": Feature.A,
    "Ziccif": Feature.I,
    "Zicclsm": Feature.I,
    "Zic64b": Feature.I,
    "Zkt": Feature.I,
    "Ssccptr": Feature.S,
    "Sscounterenw": Feature.S,
    "Ssstrict": Feature.S,
    "Sstvala": Feature.S,
    "Sstvecd": Feature.S,
    "Ssu64xl": Feature.S,
    "Svbare": Feature.S,
    "Shcounterenw": Feature.H,
    "Shgatpa": Feature.H,
    "Shtvala": Feature.H,
    "Shvsatpa": Feature.H,
    "Shvstvala": Feature.H,
    "Shvstvecd": Feature.H,
    "Sha": Feature.H | Feature.SSSTATEEN,
}
"""Extensions that are true of every hart with these features: parts of them, sums of them, and promises about behaviour
(profiles, RVA23 Profiles; priv, The Augmented Hypervisor Extension). Zkt: each instruction takes one unit of time."""


def isa_names(features: Feature, strict: bool) -> list[str]:
    """The names of all extensions that a hart has, for the device tree.

    Svade too says that A and D are left to software after reset: unless strict, Svadu does that from the start.
    """
    names = [str(feature.name) for feature in Feature if feature in features]
    names += [name for name, needed in IMPLIED.items() if needed in features]
    return [*names, "Svade"] if strict or Feature.SVADU not in features else names


DEFAULT_FEATURES = (
    Feature.I
    | Feature.M
    | Feature.A
    | Feature.F
    | Feature.D
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
    | Feature.ZICBOM
    | Feature.ZICBOZ
    | Feature.ZBA
    | Feature.ZBB
    | Feature.ZBC
    | Feature.ZBS
    | Feature.ZICOND
    | Feature.ZCB
    | Feature.ZICBOP
    | Feature.ZAWRS
    | Feature.ZIHINTPAUSE
    | Feature.ZIHINTNTL
    | Feature.ZIMOP
    | Feature.ZCMOP
    | Feature.ZACAS
    | Feature.ZABHA
    | Feature.ZFHMIN
    | Feature.ZFH
    | Feature.ZFA
    | Feature.SVINVAL
    | Feature.SVPBMT
    | Feature.SVNAPOT
    | Feature.SMSTATEEN
    | Feature.SSSTATEEN
    | Feature.SSDBLTRP
    | Feature.ZIHPM
    | Feature.SVVPTC
    | Feature.SDTRIG
    | Feature.SSCOFPMF
    | Feature.SMCNTRPMF
    | Feature.SHLCOFIDELEG
    | Feature.SSNPM
    | Feature.SMNPM
    | Feature.SMMPM
)
"""What a machine has unless `--cpu` says otherwise."""
