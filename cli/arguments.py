# SPDX-License-Identifier: Apache-2.0
"""An argument parser whose complaints are one line each and name the nearest known spelling."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cli.output import error
from core.errors import BadValue
from core.suggest import did_you_mean

USAGE_STATUS = 2
"""Exit status for a command line that cannot be understood."""


def usage_error(text: str) -> NoReturn:
    """Say what is wrong with the command line and leave."""
    error(text)
    raise SystemExit(USAGE_STATUS)


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors, no abbreviated options, and hints."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("allow_abbrev", False)
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Called by argparse for anything wrong."""
        message = re.sub(r"^argument ((?:-\w/)?--?[\w-]+): ", r"\1: ", message)
        message = re.sub(r": expected one argument$", " needs a value", message)
        message = re.sub(r": ignored explicit argument .*$", " takes no value", message)
        if match := re.fullmatch(r"the following arguments are required: (.*)", message):
            message = f"{match[1]} is missing; {self.prog} --help shows the options"
        usage_error(message)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The options in `argv`. Leaves with one line and status 2 when they are wrong."""
        options = [name for action in self._actions for name in action.option_strings]
        for word in argv:  # before argparse gets to complain about something that follows from it
            if word == "--":
                break
            name = word.partition("=")[0]
            if name.startswith("--") and name not in options:
                usage_error(f"no option {name}{did_you_mean(name, options) or f'; {self.prog} --help lists them'}")
        known, unknown = self.parse_known_args(argv)
        if unknown:
            first = unknown[0]
            if first.startswith("-"):
                usage_error(f"no option {first}{did_you_mean(first, options) or f'; {self.prog} --help lists them'}")
            usage_error(f"{first!r} is one argument too many; {self.prog} --help shows the usage")
        return known


def value(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A function of cli.values as the `type` of an argument."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except BadValue as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return convert


def one_of(what: str, *known: str) -> Callable[[str], str]:
    """The `type` of an argument that is one of a few words."""

    def convert(text: str) -> str:
        if text not in known:
            hint = did_you_mean(text, known) or f"; there are {', '.join(known)}"
            raise argparse.ArgumentTypeError(f"no {what} {text!r}{hint}")
        return text

    return convert
