# SPDX-License-Identifier: Apache-2.0
"""Did you mean: the known name nearest to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name in `known` most like `word`, or None when nothing is near enough (`cutoff` 0..1, as in difflib)."""
    from difflib import get_close_matches

    by_folded: dict[str, str] = {}
    for name in known:
        by_folded.setdefault(name.lower(), name)
    folded = word.lower()
    if matches := get_close_matches(folded, by_folded, n=1, cutoff=cutoff):
        return by_folded[matches[0]]
    if len(folded) >= 3:  # a beginning: --eng, hgat
        return next((name for key, name in by_folded.items() if key.startswith(folded)), None)
    return None


def did_you_mean(word: str, known: Iterable[str], wrap: str = "{}") -> str:
    """`; did you mean NAME?` for appending to an error, or nothing. `wrap` formats the name."""
    near = nearest(word, known)
    return f"; did you mean {wrap.format(near)}?" if near else ""
