# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping and suspending harts (SBI 2.0, Hart State Management Extension, EID "HSM")."""

from __future__ import annotations

from core.boot.sbi.host import HartState, SbiHost
from core.boot.sbi.registry import SUCCESS, Extension, Ret, SbiError, failure, sbi_function
from core.hart import Hart

HSM = Extension(0x48534D, "HSM")

RETENTIVE = 0x0000_0000
"""Default retentive suspend: the hart goes on where it was."""
NON_RETENTIVE = 0x8000_0000
"""Default non-retentive suspend: the hart resumes at an address it names."""


def _executable(host: SbiHost, address: int) -> bool:
    """Whether a hart can begin at this physical address: main memory, aligned for an instruction."""
    return address % 2 == 0 and host.has_memory(address, 2)


@sbi_function(HSM, 0)
def hart_start(host: SbiHost, h: Hart, hartid: int, start_addr: int, opaque: int) -> Ret:
    """Start a stopped hart in HS-mode, without paging, at a physical address."""
    if hartid >= len(host.harts):
        return failure(SbiError.INVALID_PARAM)
    if not _executable(host, start_addr):
        return failure(SbiError.INVALID_ADDRESS)
    if host.hart_state(hartid) != HartState.STOPPED:
        return failure(SbiError.ALREADY_AVAILABLE)
    host.hart_start(hartid, start_addr, opaque)
    return SUCCESS


@sbi_function(HSM, 1)
def hart_stop(host: SbiHost, h: Hart) -> None:
    """Stop the calling hart; the call does not return."""
    host.hart_stop(h.hartid)


@sbi_function(HSM, 2)
def hart_get_status(host: SbiHost, h: Hart, hartid: int) -> Ret:
    """The state of a hart, a HartState."""
    if hartid >= len(host.harts):
        return failure(SbiError.INVALID_PARAM)
    return Ret(value=host.hart_state(hartid))


@sbi_function(HSM, 3)
def hart_suspend(host: SbiHost, h: Hart, suspend_type: int, resume_addr: int, opaque: int) -> Ret | None:
    """Suspend the calling hart until an interrupt is pending. Platform-specific types are not implemented."""
    suspend_type &= 0xFFFF_FFFF
    if suspend_type == RETENTIVE:
        host.hart_suspend(h.hartid, None)
        return SUCCESS
    if suspend_type != NON_RETENTIVE:
        return failure(SbiError.INVALID_PARAM)
    if not _executable(host, resume_addr):
        return failure(SbiError.INVALID_ADDRESS)
    host.hart_suspend(h.hartid, (resume_addr, opaque))
    return None
