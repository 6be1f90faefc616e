# SPDX-License-Identifier: Apache-2.0
"""Which version this is."""

from __future__ import annotations


def version() -> str:
    """The installed distribution's version."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hartline")
    except PackageNotFoundError:
        return "(not installed)"
