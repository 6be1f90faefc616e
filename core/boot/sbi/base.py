# SPDX-License-Identifier: Apache-2.0
"""Base extension (SBI 2.0, Base Extension, EID 0x10): what is there."""

from __future__ import annotations

from core.boot.sbi.host import SbiHost
from core.boot.sbi.registry import EXTENSIONS, Extension, Ret, sbi_function
from core.hart import Hart

BASE = Extension(0x10, "BASE")

SPECIFICATION_VERSION = 2 << 24 | 0
"""2.0: major number in bits 30:24, minor number below."""
IMPLEMENTATION_ID = 0x48415254
"""Ours ("HART" in ASCII). The specification's list of implementations assigns small numbers only, and none to
Hartline."""
IMPLEMENTATION_VERSION = 0x000100
"""0.1.0, one byte each."""


@sbi_function(BASE, 0)
def get_spec_version(host: SbiHost, h: Hart) -> Ret:
    """Version of the SBI specification."""
    return Ret(value=SPECIFICATION_VERSION)


@sbi_function(BASE, 1)
def get_impl_id(host: SbiHost, h: Hart) -> Ret:
    """Which implementation this is."""
    return Ret(value=IMPLEMENTATION_ID)


@sbi_function(BASE, 2)
def get_impl_version(host: SbiHost, h: Hart) -> Ret:
    """Version of this implementation."""
    return Ret(value=IMPLEMENTATION_VERSION)


@sbi_function(BASE, 3)
def probe_extension(host: SbiHost, h: Hart, extension_id: int) -> Ret:
    """1 when the extension is available, else 0."""
    return Ret(value=int(extension_id in EXTENSIONS))


@sbi_function(BASE, 4)
def get_mvendorid(host: SbiHost, h: Hart) -> Ret:
    """mvendorid."""
    return Ret(value=host.machine_ids[0])


@sbi_function(BASE, 5)
def get_marchid(host: SbiHost, h: Hart) -> Ret:
    """marchid."""
    return Ret(value=host.machine_ids[1])


@sbi_function(BASE, 6)
def get_mimpid(host: SbiHost, h: Hart) -> Ret:
    """mimpid."""
    return Ret(value=host.machine_ids[2])
