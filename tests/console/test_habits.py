# SPDX-License-Identifier: Apache-2.0
"""What people are used to: several lines of input, paging, progress, start files, scripts, history kept across sessions."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from cli.console import Console
from cli.pager import DELAY, LEAST, Enough, Pager, Progress
from cli.registry import COMMANDS
from core.debug.target import Debugger
from examples import elf
from tests.console.driver import Typist, ask, machine
from tests.console.test_terminal import Terminal, terminal

__all__ = ["terminal"]
SVG = "{http://www.w3.org/2000/svg}"


# -- input --------------------------------------------------------------------------------------------------------------


def test_a_backslash_joins_lines(typist: Typist) -> None:
    typist.type("p 1 + \\\r2 + \\\r3\rp 7\rquit\r")
    assert typist.text.splitlines()[-2:] == ["0x6 = 6", "0x7 = 7"]


def test_history_is_kept_and_offered(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    screen = terminal(80, 24)
    screen.type(f"export HARTLINE_HISTORY={tmp_path / 'deep' / 'history'}", "Enter")
    for again in (False, True):
        screen.start("run", str(elf("hello")), "--console", "--engine", "reference")
        screen.sees("(hartline)")
        if again:
            screen.type("csr hst")
            screen.sees("(hartline) csr hstatus.SPV = 1")  # the suggestion, from the session before
            screen.type("Right", "Enter")
        else:
            screen.type("csr hstatus.SPV = 1", "Enter")
        screen.finds("(hartline) csr hstatus.SPV = 1\nhstatus.SPV = 1\n")
        screen.type("quit", "Enter")
        screen.sees("status 0")
    assert (tmp_path / "deep" / "history").read_text().count("+csr hstatus.SPV = 1") == 2


# -- long output and long work --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "shown"), [(["enough"], 19), (["more", "enough"], 38), (["all"], 100), (["more"] * 9, 100)]
)
def test_the_pager_asks_at_the_end_of_each_screen(answers: list[str], shown: int) -> None:
    left = list(answers)
    pager = Pager(lambda: (80, 20), lambda: left.pop(0))
    pager.start()
    count = 0
    try:
        for _ in range(100):
            pager.line("x")
            count += 1
    except Enough:
        pass
    assert count == shown


def test_long_lines_count_as_often_as_they_are_wide_and_low_screens_are_not_paged() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return "enough"

    wide = Pager(lambda: (10, 20), ask)
    wide.start()
    with pytest.raises(Enough):
        for _ in range(7):
            wide.line("x" * 30)
    low = Pager(lambda: (80, LEAST - 1), ask)
    low.start()
    for _ in range(100):
        low.line("x")
    assert len(asked) == 1


def test_help_is_paged_in_a_terminal(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(80, 24)
    screen.start("run", str(elf("hello")), "--console", "--engine", "reference")
    screen.sees("(hartline)")
    screen.type("help", "Enter")
    screen.sees("-- Enter: more, a: all, q: enough --")
    screen.type("Enter")
    screen.sees("-- Enter: more", "Running and stopping:")
    screen.type("q")
    screen.sees("| stopped |")
    assert "-- Enter" not in screen.screen
    screen.type("help", "Enter")
    screen.sees("-- Enter: more")
    screen.type("a")
    screen.sees("Keys: Tab completes", "| stopped |")
    screen.type("quit", "Enter")
    screen.sees("status 0")


def test_progress_shows_only_after_a_while_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now, written = [10.0], list[str]()
    monkeypatch.setattr("cli.pager.time.monotonic", lambda: now[0])
    progress = Progress(written.append)
    progress("1 %")
    progress("")
    assert written == []
    progress("1 %")
    now[0] += DELAY
    progress("2 %")
    progress("")
    assert written == ["\r\x1b[K2 %", "\r\x1b[K"]


def test_searching_tells_how_far_it_is(hello: Debugger) -> None:
    typist, told = Typist(hello), list[str]()
    typist.context.progress = told.append
    shown = typist.lines("search 0x80000000 0x40000 0x1122334455667788")
    assert "0x1122334455667788 is not there" in shown
    assert told == ["searching, 25 %", "searching, 50 %", "searching, 75 %", "searching, 100 %", ""]


def test_text_is_found_where_it_stands_in_memory(hello: Debugger) -> None:
    typist = Typist(hello)
    typist.lines("poke 0x80300ffd 0x6f6c6c6548", "poke 0x80301002 0x21")  # "Hello!" across two pages
    assert typist.lines('search 0x80300000 0x2000 "Hello!"') == "0x80300ffd\n"
    assert typist.lines('search 0x80300000 0x2000 "ello! w"') == '"ello! w" is not there\n'
    assert typist.lines('search 0x80300000 0x2000 ""') == '"" is no text: write some between two "\n'
    assert typist.lines('search 0x80300000 0x2000 "Hel') == '"Hel is no text: write some between two "\n'
    assert typist.lines('search 0x80300000 0x2000 "Hello" --size 4') == "text is as long as it is; --size is for numbers\n"


def test_info_shows_catches_and_worlds_under_gdbs_word(hello: Debugger) -> None:
    typist = Typist(hello)
    typist.lines("catch vmexit")
    assert "vmexit" in typist.lines("info catches")
    assert typist.lines("info worlds") == typist.lines("worlds")


# -- start files and scripts ----------------------------------------------------------------------------------------------


def test_the_start_file_of_the_user_is_run(typist: Typist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    (home / ".hartlinerc").write_text("# mine\ndefine sp p/x $sp\nbreak main\n")
    (here / ".hartlinerc").write_text("poke 0x80200000 0\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    Console(typist.context, typist.screen).start_files()
    assert "breakpoint 1 at 0x80200ffe <main>" in typist.text
    assert "there is a .hartlinerc in this folder; `source .hartlinerc` runs it" in typist.text
    assert typist.debugger.read_memory(0x8020_0000, 2) != b"\0\0"  # a stranger's is not run
    assert typist.lines("sp") == "0x0\n"


def test_a_mistake_in_a_start_file_names_its_line(typist: Typist, tmp_path: Path) -> None:
    file = tmp_path / "start"
    file.write_text("mode\nnonsense\nmode\n")
    shown = typist.lines(f"source {file}")
    assert shown.count("hart 0:") == 1
    assert f"{file}:2: unknown command 'nonsense'" in " ".join(shown.split())


def test_commands_of_ones_own_in_python(typist: Typist, tmp_path: Path) -> None:
    file = tmp_path / "exits.py"
    file.write_text(
        '@command("exits", help="count the VM exits of every guest", example="exits")\n'
        "def exits(context):\n"
        '    """More about it."""\n'
        "    for world in context.debugger.worlds():\n"
        '        yield f"{world.name}: {world.exits}"\n'
    )
    try:
        typist.lines(f"source {file}", "until exit", "exits")
        assert typist.text.endswith("host: 1\nguest 1 (vmid 1): 1\n")
        assert "count the VM exits of every guest" in typist.lines("help")
        assert "  More about it.\n" in typist.lines("help exits")
    finally:
        COMMANDS.pop("exits", None)


# -- traces ---------------------------------------------------------------------------------------------------------------


def test_a_trace_for_perfetto_and_a_picture(tmp_path: Path) -> None:
    debugger = machine("twins")
    typist = Typist(debugger)
    trace, picture = tmp_path / "trace.json", tmp_path / "timeline.svg"
    typist.lines("until exit sti")
    assert f"172 events written to {trace}" in typist.lines(f"history --perfetto {trace} --svg {picture}")
    events = json.loads(trace.read_text())["traceEvents"]
    tracks = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert tracks == {1: "host", 2: "guest 1 (vmid 1)"}
    spans = [event for event in events if event["ph"] == "X"]
    assert [event["tid"] for event in spans[:3]] == [2, 1, 2]
    for before, after in pairwise(spans):  # one world after the other, without a gap
        assert before["ts"] + before["dur"] == pytest.approx(after["ts"])
    assert spans[-2]["args"] == {"ended by": "supervisor timer interrupt"}
    assert sum(event["ph"] == "i" for event in events) == 172 - sum(event["tid"] == 2 for event in spans)
    root = ElementTree.parse(picture).getroot()
    assert root.tag == f"{SVG}svg"
    assert [text.text for text in root.findall(f"{SVG}text")][:2] == ["host", "guest 1 (vmid 1)"]
    assert len(root.findall(f"{SVG}rect")) == 1 + len(spans)
    missing = tmp_path / "no" / "such"
    shown = " ".join(typist.lines(f"history --svg {missing}").split())
    assert shown == f"{missing}: cannot be written: No such file or directory"
    debugger.close()


def test_list_where_no_file_is_known_names_the_guest() -> None:
    debugger = machine("twins")
    try:
        debugger.add_catch("vmentry", owner="test", temporary=True)
        debugger.resume()
        debugger.wait(60)
        answer = "no file is known for guest 1 (vmid 1) here; `symfile guest1 FILE` takes lines and symbols from one"
        assert ask(debugger, "list") == [answer]
        debugger.set_symbols("guest:1", elf("twins-guest"))
        assert any("kernel_stack_top" in line for line in ask(debugger, "list"))
    finally:
        debugger.close()


def test_both_names_of_trap_are_listed(hello: Debugger) -> None:
    assert ask(hello, "explain 3") == ["explain: '3' is too much; usage: explain"]
    assert ask(hello, "explain") == ask(hello, "trap")
    assert any(line.startswith("  explain ") for line in ask(hello, "help", front="monitor"))


def test_after_the_end_no_world_runs(hello: Debugger) -> None:
    hello.resume()
    hello.wait(60)
    states = [line.split(": ")[1].partition(" (")[0] for line in ask(hello, "worlds") if line[2:3].isdigit()]
    assert states == ["switched off", "exited"]
