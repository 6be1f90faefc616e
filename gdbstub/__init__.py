# SPDX-License-Identifier: Apache-2.0
"""A GDB remote serial protocol server. The protocol half knows no machine; `gdbstub.riscv` binds it to ours."""

from gdbstub.monitor import Monitor
from gdbstub.server import GdbServer, ServerError
from gdbstub.session import Session

__all__ = ["GdbServer", "Monitor", "ServerError", "Session"]
