# SPDX-License-Identifier: Apache-2.0
"""One thing that Tab offers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """`text` replaces the last `length` characters before the cursor."""

    text: str
    length: int
    meaning: str = ""
