# SPDX-License-Identifier: Apache-2.0
"""Timer and inter-processor interrupts (SBI 2.0, Timer Extension, EID "TIME"; IPI Extension, EID "sPI")."""

from __future__ import annotations

from core.boot.sbi.host import SbiHost
from core.boot.sbi.registry import SUCCESS, Extension, Ret, SbiError, failure, hart_list, sbi_function
from core.hart import Hart

TIME = Extension(0x54494D45, "TIME")
IPI = Extension(0x735049, "IPI")


@sbi_function(TIME, 0)
def set_timer(host: SbiHost, h: Hart, stime_value: int) -> Ret:
    """Clear the timer interrupt and raise it when the time reaches stime_value."""
    host.set_timer(h.hartid, stime_value)
    return SUCCESS


@sbi_function(IPI, 0)
def send_ipi(host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int) -> Ret:
    """Make the supervisor software interrupt pending in the harts of the mask."""
    harts = hart_list(host, hart_mask, hart_mask_base)
    if harts is None:
        return failure(SbiError.INVALID_PARAM)
    host.send_ipi(harts)
    return SUCCESS
