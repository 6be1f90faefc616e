# SPDX-License-Identifier: Apache-2.0
"""Zifencei, instruction-fetch fence (unpriv, Zifencei)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import sync_code


@instruction("............ ..... 001 ..... 0001111", ext="Zifencei")
def fence_i(h: Hart) -> None:
    """FENCE.I, later fetches see earlier stores; its unused fields are ignored (norm:fence_i_op, norm:fence_i_rsv)."""
    sync_code(h)
