# SPDX-License-Identifier: Apache-2.0
"""Zawrs, wait on a reservation set (unpriv, Zawrs).

Here a stall ends as soon as it begins, as the manual permits (norm:Zawrs_stall_terminate), or with the exception that
TW and VTW ask for: the time limit is zero.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.trap.rules import require_wait


@instruction("000000001101 00000 000 00000 1110011", ext="Zawrs")
def wrs_nto(h: Hart) -> None:
    """WRS.NTO, wait until the reservation is lost or an interrupt is pending (norm:Zawrs_wrs-nto_stall_exec)."""
    require_wait(h)


@instruction("000000011101 00000 000 00000 1110011", ext="Zawrs")
def wrs_sto(h: Hart) -> None:
    """WRS.STO, as WRS.NTO, but for a short time at most; TW does not matter (norm:Zawrs_wrs-sto_stall_duration)."""
