# SPDX-License-Identifier: Apache-2.0
"""The SBI that the machine itself serves: what a kernel in HS-mode finds below it when no firmware runs.

Source: RISC-V Supervisor Binary Interface Specification 2.0. One file per extension or group of small ones; every
function is declared once, with `sbi_function`.
"""

from core.boot.sbi import base, console, fences, hsm, interrupts, legacy, reset  # noqa: F401 - declare their functions
from core.boot.sbi.host import HartState, SbiHost
from core.boot.sbi.registry import BuiltinSbi, SbiError, call_name

__all__ = ["BuiltinSbi", "HartState", "SbiError", "SbiHost", "call_name"]
