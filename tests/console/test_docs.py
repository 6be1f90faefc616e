# SPDX-License-Identifier: Apache-2.0
"""The sessions in README.md and docs/console.md are what the console shows, and so are the pictures."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from cli.console import Console
from cli.demo import GREETING
from cli.launch import Options
from examples import elf
from tests.console.driver import MEMORY, Typist

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "(hartline) "
START = re.compile(r"\$ (?:hartline run examples/prebuilt/(?P<name>\w+)\.elf(?P<strict> --strict)? --console|make demo)")


def sessions() -> Iterator[tuple[str, list[str]]]:
    """(title, lines) of every session in the documents."""
    for file in ("README.md", "docs/console.md"):
        for block in re.findall(r"^```\n(.*?)^```$", (ROOT / file).read_text("utf-8"), re.DOTALL | re.MULTILINE):
            lines = block.splitlines()
            if START.fullmatch(lines[0]):
                yield f"{file}: {lines[0][2:]}", lines


SESSIONS = list(sessions())


def fits(shown: list[str], told: list[str]) -> bool:
    """Whether `told`, in which `...` stands for any lines, is what was shown."""
    if not told:
        return not shown
    if told[0] == "...":
        return any(fits(shown[skipped:], told[1:]) for skipped in range(len(shown) + 1))
    return bool(shown) and shown[0].rstrip() == told[0] and fits(shown[1:], told[1:])


@pytest.mark.parametrize(("title", "lines"), SESSIONS, ids=[title for title, _ in SESSIONS])
def test_a_session_in_the_documents(title: str, lines: list[str]) -> None:
    start = START.fullmatch(lines[0])
    assert start is not None
    name = start["name"] or "hello"
    debugger = Options(file=elf(name), engine="reference", memory=MEMORY, strict=bool(start["strict"])).make()
    try:
        typist = Typist(debugger)
        console = Console(typist.context, typist.screen)
        debugger.machine.warning = console.warn
        if start["name"] is None:  # the demo
            console.report()
            greeting = [*GREETING, "gdb server on 127.0.0.1:1234; attach in another terminal with:"]
            assert fits([*greeting, *typist.text.splitlines()], lines[1:])
            return
        told: list[str] = []
        for command in "\n".join(lines[1:]).split(PROMPT)[1:]:
            line, *told = command.splitlines()
            before = len(typist.shown)
            console.run_lines([line])
            shown = "".join(typist.shown[before:]).splitlines()
            assert fits(shown, told), f"{line}:\n" + "\n".join(shown)
        assert told
    finally:
        debugger.close()


def test_every_mistake_has_a_session() -> None:
    import examples

    text = "\n".join(title for title, _ in SESSIONS)
    assert [name for name in examples.mistakes() if f"{name}.elf" not in text] == []


def pictures() -> ModuleType:
    """scripts/console-pictures."""
    path = str(ROOT / "scripts" / "console-pictures")
    loader = SourceFileLoader("console_pictures", path)
    spec = importlib.util.spec_from_loader("console_pictures", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


PICTURES = pictures()


@pytest.mark.parametrize("name", PICTURES.PICTURES)
def test_a_picture_is_up_to_date(name: str) -> None:
    made = PICTURES.svg(PICTURES.screen(*PICTURES.PICTURES[name]))
    assert made == (ROOT / "docs" / "images" / f"console-{name}.svg").read_text("utf-8"), "run scripts/console-pictures"


def test_every_picture_is_shown_and_made() -> None:
    shown = set(re.findall(r"images/console-(\w+)\.svg", (ROOT / "docs" / "console.md").read_text("utf-8")))
    assert shown == set(PICTURES.PICTURES)
    assert {path.stem.removeprefix("console-") for path in (ROOT / "docs" / "images").glob("console-*.svg")} == shown
