# SPDX-License-Identifier: Apache-2.0
"""The packets, by topic. Importing a module declares its packets; `load` imports them all."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Declare every packet of every module in this folder."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
