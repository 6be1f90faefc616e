# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with the files a machine is to boot."""

from __future__ import annotations

from core.errors import DebugError


class BootError(DebugError):
    """A file cannot be booted. str() is one line for the user: which file, what is wrong, and where known what would
    help."""
