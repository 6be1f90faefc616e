# SPDX-License-Identifier: Apache-2.0
"""The base of what can go wrong that is for the user to hear: str() of each is one line."""

from __future__ import annotations


class DebugError(Exception):
    """Base of all."""


class BadValue(DebugError, ValueError):
    """An option or an argument that makes no sense."""
