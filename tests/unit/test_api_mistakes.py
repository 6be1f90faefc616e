# SPDX-License-Identifier: Apache-2.0
"""core.Machine: what cannot be meant is a DebugError whose text is one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from core import DebugError, Machine
from core.api.hooks import TAKE
from core.boot.errors import BootError
from core.debug.target import BadValue, MachineClosed, MachineRunning, StopKind
from core.devices.config import Aia, BoardConfig, Drive
from examples import elf

RAM = 0x8040_0000
MODES = "it takes numbers and Bare, Sv39x4, Sv48x4, Sv57x4"
NUMBERED = "a world is given by its number: 1 is the host, guests are 2, 3 ..."
SOURCE = "examples/hello/main.c"


@pytest.fixture(scope="module")
def hello() -> Iterator[Machine]:
    with Machine(elf("hello"), memory="16M", engine="reference") as machine:
        yield machine


def refused(action: Callable[[], object]) -> str:
    with pytest.raises(DebugError) as caught:
        action()
    text = str(caught.value)
    assert text and "\n" not in text
    return text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"engine": "foo"}, "no engine 'foo'; there are native, reference"),
        ({"engine": "referense"}, "no engine 'referense'; did you mean reference?"),
        ({"harts": 0}, "a machine has 1 to 64 harts, not 0"),
        ({"harts": 65}, "a machine has 1 to 64 harts, not 65"),
        ({"harts": "2"}, "a machine has 1 to 64 harts, not '2'"),
        ({"memory": -5}, "memory comes in whole pages of 4096 bytes, at least one; not -5 bytes"),
        ({"memory": 5000}, "memory comes in whole pages of 4096 bytes, at least one; not 5000 bytes"),
        ({"memory": "16Q"}, "size '16Q' is not a number followed by K, M or G (for instance 128M)"),
        ({"memory": 1 << 50}, "the host cannot provide 1073741824 MiB of RAM"),
        ({"cpu": "rv64,sst=off"}, "no CPU property 'sst'; did you mean sstc?"),
        ({"cpu": {"sst": False}}, "no CPU property 'sst'; did you mean sstc?"),
        ({"cpu": {"sstc": "never"}}, "CPU property 'sstc' is on or off, not 'never'"),
        ({"cpu": 5}, 'cpu is like {"sstc": False} or "rv64,sstc=off", not 5'),
        ({"rnmi_vectors": 5}, "rnmi_vectors are two addresses, not 5"),
        ({"rnmi_vectors": (0x81, 0)}, "CPU property 'rnmi-interrupt-vector' is 129: instructions have even addresses"),
        ({"bios": 5}, "bios is the name of a file, not 5"),
        ({"initrd": 5}, "initrd is the name of a file, not 5"),
        ({"bootargs": 5}, "bootargs is a text, not 5"),
        ({"strict": "no"}, "strict is True or False, not 'no'"),
        ({"board": "virt"}, "board is a BoardConfig, not 'virt'"),
        ({"symbols": {"guest:1": 5}}, "symbols is the name of a file, not 5"),
        ({"program": None}, "nothing to run: give a program, or a firmware file"),
    ],
)
def test_machines_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    usual: dict[str, Any] = {"program": elf("hello"), "memory": 16 << 20, "engine": "reference"}
    assert refused(lambda: Machine(**usual | arguments)) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"drives": ("disk.img",)}, "drives are Drives, not 'disk.img'"),
        ({"virtio": "rng"}, "virtio is several names, not 'rng'"),
        ({"seed": 1 << 64}, "seed is a number of up to 64 bits, not 18446744073709551616"),
        ({"guests": 8}, "guests is a number from 0 to 7, not 8"),
        ({"aia": "aplik"}, "no aia 'aplik'; there are none, aplic, aplic-imsic"),
    ],
)
def test_boards_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    assert refused(lambda: BoardConfig(**arguments)) == text


def test_boards_take_names(tmp_path: Path) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(512))
    (tmp_path / "item").write_bytes(b"x")
    drive: Any = Drive(str(tmp_path / "disk.img"))  # type: ignore[arg-type]
    board = BoardConfig((drive,), aia="aplic", files=(("opt/x", str(tmp_path / "item")),))  # type: ignore[arg-type]
    with Machine(elf("hello"), memory="16M", engine="reference", board=board) as machine:
        assert machine.machine.config.board.aia is Aia.APLIC
    missing = BoardConfig(files=(("opt/x", tmp_path / "missing"),))
    assert refused(lambda: Machine(elf("hello"), memory="16M", board=missing)).startswith(str(tmp_path))


def test_files_that_cannot_be_booted(tmp_path: Path) -> None:
    missing, image = tmp_path / "missing.bin", tmp_path / "image.bin"
    image.write_text("just text")
    for program, bios in ((missing, "builtin"), (elf("hello"), str(missing)), (image, "builtin")):
        with pytest.raises(BootError) as caught:
            Machine(program, bios=bios)
        assert isinstance(caught.value, DebugError) and str(caught.value).startswith(str(tmp_path))
    assert refused(lambda: Machine(5)) == "program is the name of a file, not 5"  # type: ignore[arg-type]


@pytest.mark.parametrize("cpu", ["rv64,sstc=off", "max,-sstc", {"sstc": False}, {"SSTC": 0}, {"sstc": "off"}])
def test_cpu_in_the_command_lines_words_and_by_name(cpu: Any) -> None:
    with Machine(elf("hello"), memory="16M", engine="reference", cpu=cpu) as machine:
        assert "stimecmp" not in machine.csrs() and machine.machine.ram.size == 16 << 20


@pytest.mark.parametrize(
    "how", [{"cpu": "rv64,smrnmi=on,rnmi-interrupt-vector=0x80001000"}, {"rnmi_vectors": (0x8000_1000, 0)}]
)
def test_rnmi_vectors_both_ways(how: dict[str, Any]) -> None:
    with Machine(elf("hello"), memory="16M", engine="reference", **how) as machine:
        assert machine.machine.config.rnmi_vectors == (0x8000_1000, 0)


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (lambda m: m.registers().__setitem__("a0", 1 << 64), "a0: 0x10000000000000000 does not fit into 64 bits"),
        (lambda m: m.registers().__setitem__("a0", -(1 << 63) - 1), "a0: -0x8000000000000001 does not fit into 64 bits"),
        (lambda m: m.registers().__setitem__("a0", "x"), "a0 is a number, not 'x'"),
        (lambda m: m.csrs().__setitem__("sscratch", 1 << 64), "sscratch: 0x10000000000000000 does not fit into 64 bits"),
        (lambda m: m.csrs().set("hstatus", SPV=5), "0x5 does not fit into hstatus.SPV, which has 1 bit"),
        (lambda m: m.csrs().set("hgatp", MODE=16), "0x10 does not fit into hgatp.MODE, which has 4 bits"),
        (lambda m: m.csrs().set("hstatus", SPV=-1), "-0x1 does not fit into hstatus.SPV, which has 1 bit"),
        (lambda m: m.csrs().set("hstatus", SPV="on"), "'on' is no value of hstatus.SPV; it takes numbers"),
        (lambda m: m.csrs().set("hgatp", MODE="X"), f"'X' is no value of hgatp.MODE; {MODES}"),
        (lambda m: m.csrs().set("sscratch", X=1), "sscratch has no field X"),
        (lambda m: m.registers(3)["a0"], "there is no hart 3; the machine has 1"),
        (lambda m: m.step(-1), "count is a number from 0 on, not -1"),
        (lambda m: m.step("x"), "count is a number, not 'x'"),
        (lambda m: m.step(hart="x"), "there is no hart x; the machine has 1"),
        (lambda m: m.debugger.nmi(9), "there is no hart 9; the machine has 1"),
        (lambda m: m.step(hart=9), "there is no hart 9; the machine has 1"),
        (lambda m: m.run(timeout=-1), "timeout is a number of seconds, not -1"),
        (lambda m: m.run(1.5), "a place is an address, a symbol or FILE:LINE, not 1.5"),
        (lambda m: m.run("gest_entry"), "no symbol 'gest_entry'; did you mean guest_entry?"),
        (lambda m: m.disassemble("main", -1), "count is a number from 0 on, not -1"),
        (lambda m: m.translate(1 << 64), "an address: 0x10000000000000000 does not fit into 64 bits"),
        (lambda m: m.physical.read(RAM, -1), "the length is a number from 0 on, not -1"),
        (lambda m: m.debugger.read_memory(RAM, -1), "-1 bytes cannot be read"),
        (lambda m: m.physical.read("main", 8), "an address is a number, not 'main'"),
        (lambda m: m.physical.number(RAM, 0), "the size is a number from 1 on, not 0"),
        (lambda m: m.physical.set_number(RAM, 256, 1), "the number: 0x100 does not fit into 8 bits"),
        (lambda m: m.physical.text(RAM, -1), "the most bytes is a number from 0 on, not -1"),
        (lambda m: m.physical.write(RAM, "text"), "data is bytes, not 'text'"),
        (lambda m: m.send(5), "what is typed is a text, not 5"),
        (lambda m: m.remove(99), "there is no breakpoint 99"),
        (lambda m: m.remove("main"), "what is removed is a breakpoint or its number, not 'main'"),
        (lambda m: m.watch("vcpu", access="x"), "no access 'x'; there are w, r, a"),
        (lambda m: m.watch("vcpu", 0), "the length is a number from 1 on, not 0"),
        (lambda m: m.break_at("main", world=0), "there is no world 0; 1 is the host, guests are 2, 3, ..."),
        (lambda m: m.break_at("main", world="g"), f"{NUMBERED}, not 'g'"),
        (lambda m: m.catch("vmexit", hart=1), "there is no hart 1; the machine has 1"),
        (lambda m: m.break_at("main", ignore=-1), "ignore is a number from 0 on, not -1"),
        (lambda m: m.at("main", 5), "a hook is a function of the machine, not 5"),
        (lambda m: m.break_at("main.c:999"), "no code for main.c:999; was it compiled with -g?"),
        (lambda m: m.catch(5), "an event is words such as \"vmexit load_guest_page_fault\", not 5"),
        (lambda m: m.catch("vmexit in guest2"), f"'vmexit in guest2': 'in' belongs to the console; {TAKE.format('world=')}"),
        (lambda m: m.break_at("main on hart 0"), f"'main on hart 0': 'on' belongs to the console; {TAKE.format('hart=')}"),
        (lambda m: m.run("exit ignore 1"), f"'vmexit ignore 1': 'ignore' belongs to the console; {TAKE.format('ignore=')}"),
        (lambda m: m.catch("fence if 1"), f"'fence if 1': 'if' belongs to the console; {TAKE.format('when=')}"),
        (lambda m: m.catch("fence once"), "'fence once': 'once' belongs to the console; run(until=...) stops once"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(hello: Machine, action: Callable[[Machine], object], text: str) -> None:
    before = hello.pc
    assert refused(lambda: action(hello)) == text
    assert (hello.pc, hello.debugger.breakpoints(), hello.debugger.running) == (before, [], False)


def test_fields_by_name(hello: Machine) -> None:
    assert hello.csrs().set("hgatp", MODE="Sv48x4", VMID=3).words("MODE") == "Sv48x4"
    assert hello.csr("hgatp").VMID == 3
    assert hello.csrs().set("hstatus", SPVP="s").SPVP == 1
    assert hello.csrs().set("scause", CODE="load_page_fault").CODE == 13
    assert repr(deepcopy(hello.csr("hgatp"))) == repr(hello.csr("hgatp"))
    assert refused(lambda: hello.csr("hgatp").words("NOTHING")).startswith("hgatp has no field NOTHING; there are MODE")


def test_lines_of_source_are_places() -> None:
    guests = {"guest:*": elf("twins-guest")}
    with Machine(elf("hello"), memory="16M", engine="reference") as machine:
        assert machine.address("main.c:25") == machine.address(f"{SOURCE}:25") == machine.address("main")
        machine.break_at("main.c:25")
        assert machine.run().text == "breakpoint 1 at main"
        machine.remove(machine.stop.number or 0)
        assert machine.debugger.breakpoints() == []
    with Machine(elf("twins"), memory="16M", engine="reference", symbols=guests) as machine:
        assert machine.address("user.c:1") == machine.address("user.c:1", world=2) < 0x8000_0000
        assert refused(lambda: machine.address("user.c:1", world=1)).startswith("no code for user.c:1")
        assert refused(lambda: machine.address("main.c:1", world=2)).startswith("no code for main.c:1")


def test_names_of_a_world_and_a_point_in_it() -> None:
    with Machine(elf("twins"), memory="16M", engine="reference", symbols={"guest:*": elf("twins-guest")}) as machine:
        assert refused(lambda: machine.address("user_main", world=1)).startswith("no symbol 'user_main'")
        point = machine.break_at("user_main", world=3)
        stop = machine.run()
        assert (stop.number, stop.world) == (point.number, 3)


def test_a_hook_that_fails_is_called_one() -> None:
    with Machine(elf("hello"), memory="16M", engine="reference") as machine:
        hook = machine.at("vcpu_run", lambda machine: 1 // 0)
        said = "breakpoint 1 at vcpu_run; its hook failed: ZeroDivisionError: integer division or modulo by zero"
        assert machine.run().text == said
        machine.remove(hook)
        machine.on("vmexit", lambda machine: machine.csr("nothing"))
        assert machine.run().text.endswith("; its hook failed: this machine has no CSR 'nothing'")
        machine.break_at("vcpu_run", when=lambda machine: machine.registers()["none"])
        while (stop := machine.run()).kind is not StopKind.BREAKPOINT:
            pass
        assert stop.text.endswith("; its condition failed: there is no register 'none'")


def test_a_hook_can_neither_run_nor_reset_nor_close_the_machine() -> None:
    heard: list[str] = []

    def hook(machine: Machine) -> bool:
        heard.extend([refused(machine.close), refused(machine.reset)])
        with pytest.raises(MachineRunning):
            machine.step()
        return True

    with Machine(elf("hello"), memory="16M", engine="reference") as machine:
        machine.at("main", hook)
        assert machine.run().text == "breakpoint 1 at main"
        assert heard == [f"a hook cannot {what} the machine; it returns True to stop it" for what in ("close", "reset")]


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.run(),
        lambda m: m.run("main"),
        lambda m: m.step(),
        lambda m: m.reset(),
        lambda m: m.send("x"),
        lambda m: m.break_at("main"),
        lambda m: m.remove(1),
        lambda m: m.registers()["a0"],
        lambda m: m.csr("sepc"),
        lambda m: m.physical.read(RAM, 1),
        lambda m: m.worlds,
        lambda m: m.mode,
    ],
)
def test_after_close(use: Callable[[Machine], object]) -> None:
    with Machine(elf("hello"), memory="16M", engine="reference") as machine:
        machine.run()
    with pytest.raises(MachineClosed, match="the machine is closed; make a new one"):
        use(machine)
    machine.close()
    assert (repr(machine), machine.exit_code) == ("<Machine hello.elf: closed>", 0)
    assert machine.output.startswith("Hello") and machine.stop.kind is StopKind.EXITED


def test_bad_values_are_value_errors() -> None:
    assert issubclass(BadValue, ValueError) and issubclass(BadValue, DebugError)


@pytest.mark.parametrize("until", [None, 0x1000])
def test_ctrl_c_stops_the_machine(until: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Machine(elf("loop"), memory="16M", engine="reference") as machine:
        wait, waits = machine.debugger.wait, iter([KeyboardInterrupt])

        def interrupted(timeout: float | None = None) -> object:
            for problem in waits:
                raise problem
            return wait(timeout)

        monkeypatch.setattr(machine.debugger, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            machine.run(until)
        assert machine.stop.kind is StopKind.INTERRUPTED and machine.debugger.breakpoints() == []
        assert machine.step().kind is StopKind.STEP
