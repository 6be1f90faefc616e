# SPDX-License-Identifier: Apache-2.0
"""Shutdown and reboot (SBI 2.0, System Reset Extension, EID "SRST")."""

from __future__ import annotations

from collections.abc import Callable

from core.boot.sbi.host import SbiHost
from core.boot.sbi.registry import Extension, Ret, SbiError, failure, sbi_function
from core.hart import Hart

SRST = Extension(0x53525354, "SRST")

NO_REASON, SYSTEM_FAILURE = 0, 1
"""Reset reasons."""
FAILURE_STATUS = 1
"""Exit status of a shutdown because of a system failure."""

RESET_TYPES: dict[int, Callable[[SbiHost, int], None]] = {
    0: lambda host, reason: host.shutdown(FAILURE_STATUS if reason == SYSTEM_FAILURE else 0),
    1: lambda host, reason: host.reboot(),  # cold
    2: lambda host, reason: host.reboot(),  # warm: there is nothing that could keep its state
}
"""What each reset type does."""


@sbi_function(SRST, 0)
def system_reset(host: SbiHost, h: Hart, reset_type: int, reset_reason: int) -> Ret | None:
    """Shut down or reboot; does not return unless the type or reason is reserved or vendor-specific."""
    act = RESET_TYPES.get(reset_type & 0xFFFF_FFFF)
    reason = reset_reason & 0xFFFF_FFFF
    if act is None or reason not in (NO_REASON, SYSTEM_FAILURE):
        return failure(SbiError.INVALID_PARAM)
    act(host, reason)
    return None
