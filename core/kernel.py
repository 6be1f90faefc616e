# SPDX-License-Identifier: Apache-2.0
"""Kernel functions made from generated source text: decoders, CSR legalization and the like."""

from __future__ import annotations
import __future__

import linecache
import types
from collections.abc import Callable
from typing import Any

from core.features import Feature
from core.hart import Hart
from core.isa import intrinsics

_VOCABULARY = {name: getattr(intrinsics, name) for name in ("u64", "s64", "get", "put", "isset")}


def make_kernel(name: str, text: str, **names: Any) -> Callable[..., Any]:
    """Compile the kernel function `name` in `text`. Its globals are `names`, Hart, Feature and the commonest intrinsics.

    The source is kept where tracebacks and the native compiler find it.
    """
    file = f"<generated {name}>"
    scope: dict[str, Any] = {"__name__": "core.generated", "Hart": Hart, "Feature": Feature} | _VOCABULARY | names
    exec(compile(text, file, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True), scope)
    function: types.FunctionType = scope[name]
    function.__dict__["__kernel_source__"] = text
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    return function
