# SPDX-License-Identifier: Apache-2.0
"""`hartline qemu`: QEMU's spellings."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.launch import Options, cpu_help
from cli.qemu import options_of, parse
from cli.qemu_options import SEMIHOSTING
from cli.version import version
from examples import elf
from tests.console.test_command_line import hartline

BLK = "-device virtio-blk-device"
HELLO = str(elf("hello"))
USUAL = "-machine virt -cpu rv64,h=true -bios default -smp 1 -m 128M -nographic -serial mon:stdio --no-reboot".split()


def test_the_usual_line() -> None:
    wanted = parse([*USUAL, "-kernel", HELLO, "-s", "-S"])
    assert (wanted.gdb, wanted.wait, wanted.file) == (("127.0.0.1", 1234), True, Path(HELLO))
    assert (wanted.passed_over, wanted.reboot) == ([], False)
    options = options_of(wanted)
    assert (options.bios, options.memory, options.harts, options.cpu) == ("builtin", 128 << 20, 1, {"h": True})


def test_it_runs() -> None:
    status, output, errors = hartline("qemu", *USUAL, "-d", "in_asm", "-D", "log", "-kernel", HELLO)
    assert status == 0
    assert output.endswith("the guest has shut down after 24 exits\n")
    assert errors.splitlines()[0] == "hartline: without effect here: -d in_asm, -D log"


def test_a_port_that_is_taken_is_told_in_qemus_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, errors = hartline("qemu", *USUAL, "-kernel", HELLO, "-gdb", f"tcp::{port}")
    assert status == 1 and f":{port}" in errors and errors.endswith("(-gdb tcp:[HOST]:PORT)\n") and errors.count("\n") == 1


RESETS = (  # prints an R, then asks the test finisher for a reset
    0x1000_02B7,  # lui  t0, 0x10000
    0x0520_0313,  # li   t1, 'R'
    0x0062_8023,  # sb   t1, 0(t0)
    0x0010_02B7,  # lui  t0, 0x100
    0x0000_7337,  # lui  t1, 7
    0x7773_0313,  # addi t1, t1, 0x777
    0x0062_A023,  # sw   t1, 0(t0)
    0x0000_006F,  # j    .
)


@pytest.mark.parametrize("line", [("qemu", "-bios", "none", "-no-reboot", "-kernel"), ("run", "--bios", "none", "--no-reboot")])
def test_no_reboot_ends_where_the_program_wants_a_reset(line: tuple[str, ...], tmp_path: Path) -> None:
    image = tmp_path / "resets.bin"
    image.write_bytes(struct.pack(f"<{len(RESETS)}I", *RESETS))
    assert hartline(*line, str(image)) == (0, "R", "")


def test_otherwise_it_is_reset(tmp_path: Path) -> None:
    image = tmp_path / "resets.bin"
    image.write_bytes(struct.pack(f"<{len(RESETS)}I", *RESETS))
    debugger = Options(file=image, bios="none", engine="reference", memory=16 << 20).make()
    output = bytearray()

    def listen(data: bytes) -> None:
        output.extend(data)
        if len(output) == 3:
            debugger.interrupt()

    debugger.machine.console_output = listen
    debugger.resume()
    assert debugger.wait(60) is not None
    assert output.startswith(b"RRR")


def test_devices() -> None:
    line = "-drive file=disk.img,if=none,format=raw,id=hd0,readonly=on -device virtio-blk-device,drive=hd0 -snapshot"
    line += " -device virtio-rng-device -global virtio-mmio.force-legacy=false -fw_cfg name=opt/x,file=f -kernel k"
    board = options_of(parse(line.split())).board
    assert board is not None
    assert [(str(d.path), d.readonly, d.snapshot) for d in board.drives] == [("disk.img", True, True)]
    assert (board.virtio, board.legacy, board.files) == (("rng",), False, (("opt/x", Path("f")),))


def test_ids_may_be_named_before_what_they_name() -> None:
    line = "-device virtio-blk-device,drive=b -drive file=a.img,id=a,if=none -device virtio-blk-device,drive=a"
    line += " -drive file=b.img,id=b,if=none,snapshot=on -device virtio-net-device,netdev=n0 -netdev user,id=n0 -kernel k"
    board = options_of(parse(line.split())).board
    assert board is not None
    assert [(str(drive.path), drive.snapshot) for drive in board.drives] == [("b.img", True), ("a.img", False)]
    assert board.virtio == ("net",)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("-version", [f"hartline {version()}"]),
        ("-machine help", ["virt"]),
        ("-M help", ["virt"]),
        ("-cpu help", list(cpu_help())),
        ("-device help", ["virtio-blk-device", "virtio-rng-device", "virtio-serial-device", "virtio-net-device"]),
    ],
)
def test_what_there_is(line: str, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["qemu", *line.split()]) == 0
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("-kernle x", "no option -kernle; did you mean -kernel?"),
        ("-kernel", "-kernel needs a value"),
        ("hello.elf", "'hello.elf' is no option; the program is named with -kernel FILE"),
        ("-machine sifive_u", "-machine: no machine 'sifive_u'; there is virt"),
        ("-machine virt,ai=aplic", "-machine: no property 'ai'; did you mean aia?"),
        ("-cpu rv64,sst=on", "-cpu: no CPU property 'sst'; did you mean sstc?"),
        ("-m 12Q", "-m: size '12Q' is not a number followed by K, M or G (for instance 128M)"),
        ("-device virtio-blk-devic", "-device: no device 'virtio-blk-devic'; did you mean virtio-blk-device?"),
        ("-device virtio-blk-device,drive=a", "-device virtio-blk-device: no -drive with id=a"),
        ("-device virtio-blk-device", f"{BLK}: drive=ID is missing"),
        (f"{BLK},drive=a {BLK},drive=a -drive file=f,id=a", f"{BLK}: the drive a has a device already"),
        ("-drive file=f,id=a -drive file=g,id=a", "-drive: id=a is given twice"),
        ("-drive file=f,if=pflash", "-drive: if=pflash is not possible; there are none, virtio"),
        ("-drive file=f,readonyl=on", "-drive: no property 'readonyl'; did you mean readonly?"),
        ("-smp sockets=2", "-smp: cpus= is missing"),
        (
            "-device virtio-blk-device,drive=disk1 -drive file=f,id=disk0",
            f"{BLK}: no -drive with id=disk1; did you mean disk0?",
        ),
        ("-device virtio-net-device,netdev=n -netdev user,id=m", "-device virtio-net-device: no -netdev with id=n"),
        ("-monitor stdio", "-monitor: 'stdio' is not possible; the console opens with Ctrl-A c"),
        ("-semihosting", f"-semihosting: {SEMIHOSTING}"),
        ("-semihosting-config enable=on", f"-semihosting-config: {SEMIHOSTING}"),
        ("-smp 65", "-smp: 65 harts are too many; at most 64"),
        ("-gdb unix:x", "-gdb: 'unix:x' is not tcp:[HOST]:PORT"),
        ("-nographic", "-kernel FILE is missing"),
    ],
)
def test_what_is_not_understood_is_refused(line: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["qemu", *line.split()]) == 2
    assert capsys.readouterr().err == f"hartline: {answer}\n"


def test_properties_without_effect_are_said() -> None:
    line = "-smp 2,maxcpus=4 -m 64M,slots=2 -drive file=f,id=a,cache=none -netdev user,id=n,hostfwd=tcp::1-:2"
    line += f" {BLK},drive=a,bus=virtio-mmio-bus.0"
    wanted = parse([*line.split(), "-device", "virtio-rng-device,max-bytes=1", "-drive", "file=g,id=b,snapshot=on"])
    assert (wanted.harts, wanted.memory) == (2, 64 << 20)
    assert wanted.passed_over == [
        "-smp maxcpus=4",
        "-m slots=2",
        "-drive cache=none",
        "-netdev hostfwd=tcp::1-:2",
        "-device virtio-rng-device max-bytes=1",
        "-drive id=b (no -device has it)",
    ]


def test_a_serial_port_that_stays_is_said() -> None:
    assert parse(["-serial", "none", "-serial", "mon:stdio"]).passed_over == ["-serial none"]


def test_what_this_machine_never_has_may_be_switched_off() -> None:
    assert parse(["-cpu", "rv64,v=false,h=true"]).cpu == {"h": True}
    assert parse(["-gdb", "tcp::5555"]).gdb == ("127.0.0.1", 5555)
