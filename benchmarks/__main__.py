# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks [NAME...]`: run all benchmarks, or those named."""

from __future__ import annotations

import importlib
import pkgutil
import platform
import sys

import benchmarks
from benchmarks.measure import BenchmarkError


def names() -> list[str]:
    """Every module here that has a `run()`."""
    helpers = ("__main__", "measure", "remote")
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in helpers]


def main(wanted: list[str]) -> int:
    """Run and print; 2 when something is missing or unknown."""
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        sys.stderr.write(f"no benchmark {unknown[0]!r}; there are {', '.join(names())}\n")
        return 2
    sys.stdout.write(f"{platform.machine()}, Python {platform.python_version()}\n\n")
    try:
        for name in wanted or names():
            sys.stdout.write(importlib.import_module(f"benchmarks.{name}").run() + "\n")
            sys.stdout.flush()
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
