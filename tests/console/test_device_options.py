# SPDX-License-Identifier: Apache-2.0
"""`hartline run` and `hartline qemu`: what is on the board, in one line when it is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.__main__ import main
from cli.devices import board
from cli.qemu import options_of, parse
from cli.run import parser
from core.devices.config import USUAL_BOARD, Aia, BoardConfig, Drive
from core.devices.virtio import KINDS, SLOTS
from examples import elf
from tests.console.test_command_line import QUICK, hartline

HELLO = str(elf("hello"))


def made(line: str) -> BoardConfig:
    """The board that options of `run` ask for."""
    return board(parser().parse([HELLO, *line.split()]))


def test_nothing_said() -> None:
    assert made("") == USUAL_BOARD


def test_everything_said() -> None:
    line = "--machine virt,aia=aplic-imsic,aia-guests=3 --drive a.img --drive b,,c.img,snapshot,readonly --device rng"
    assert made(line + " --device net-loopback --seed 0x10") == BoardConfig(
        drives=(Drive(Path("a.img")), Drive(Path("b,c.img"), readonly=True, snapshot=True)),
        virtio=("rng", "net-loopback"),
        seed=16,
        aia=Aia.APLIC_IMSIC,
        guests=3,
    )
    assert made("--machine aia=aplic").aia is Aia.APLIC


def test_the_help_names_every_device() -> None:
    assert f"virtio {', '.join(KINDS)}; repeatable" in " ".join(parser().format_help().split())


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("--machine sifive_u", "--machine: no machine 'sifive_u'; there is virt"),
        ("--machine virt,ai=aplic", "--machine: no property 'ai'; did you mean aia?"),
        ("--machine aia=imsic", "--machine: no aia=imsic; did you mean aplic-imsic?"),
        ("--machine aia=none-at-all", "--machine: no aia=none-at-all; there are none, aplic, aplic-imsic"),
        (
            "--machine aia=aplic,aia-guests=3",
            "--machine: aia-guests counts interrupt files of IMSICs, which come with aia=aplic-imsic",
        ),
        ("--machine aia-guests=8", "--machine: aia-guests=8 is not a number from 0 to 7"),
        ("--drive disk.img,readolny", "--drive: 'disk.img,readolny': no property 'readolny'; did you mean readonly?"),
        ("--drive ,readonly", "--drive: ',readonly' names no file"),
        ("--device rgn", "--device: no device 'rgn'; did you mean rng?"),
        ("--device disk", "--device: no device 'disk'; there are console, rng, net, net-loopback, and --drive for disks"),
        ("--seed x", "--seed: 'x' is not a number of up to 64 bits"),
        ("--seed -1", "--seed: '-1' is not a number of up to 64 bits"),
        ("--seed 0x10000000000000000", "--seed: '0x10000000000000000' is not a number of up to 64 bits"),
    ],
)
def test_what_is_not_understood_is_refused(line: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", HELLO, *line.split()]) == 2
    assert capsys.readouterr().err == f"hartline: {answer}\n"


def test_a_file_may_be_missing_only_after_firmware(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ([], ["--bios", "none"]):
        assert main(["run", *line]) == 2
        assert capsys.readouterr().err == "hartline: FILE is missing; hartline run --help shows the options\n"
    status, output, errors = hartline("run", "--bios", HELLO, *QUICK, "--max-instructions", "1000")
    assert (status, output) == (124, "") and errors.endswith("hartline: 1000 instructions are over\n")


def test_what_is_not_to_be_had(tmp_path: Path) -> None:
    missing = str(tmp_path / "disk.img")
    status, _, errors = hartline("run", HELLO, *QUICK, "--drive", missing)
    assert (status, errors) == (1, f"hartline: {missing}: no such file, or not a regular one, to be a disk\n")
    status, _, errors = hartline("run", HELLO, *QUICK, *["--device", "rng"] * (SLOTS + 1))
    assert (status, errors) == (1, f"hartline: {SLOTS + 1} virtio devices, but the board has {SLOTS} slots\n")


def test_a_machine_with_everything_runs(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(4096))
    line = f"--drive {disk},readonly --device console --device rng --device net --machine aia=aplic-imsic"
    status, output, _ = hartline("run", HELLO, *QUICK, *line.split())
    assert status == 0 and output.endswith("the guest has shut down after 24 exits\n")


def test_qemus_words() -> None:
    line = "-kernel k -machine virt,aia=aplic-imsic,aia-guests=1 -netdev user,id=n0 -device virtio-net-device,netdev=n0 -seed 7"
    wanted = parse(line.split())
    assert wanted.passed_over == []
    assert options_of(wanted).board == BoardConfig(virtio=("net",), legacy=True, seed=7, aia=Aia.APLIC_IMSIC, guests=1)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("-machine virt,aia=imsic", "-machine: no aia=imsic; there are none, aplic, aplic-imsic"),
        ("-machine virt,aia-guests=x", "-machine: aia-guests=x is not a number from 0 to 7"),
        ("-netdev tap,id=n", "-netdev: only user,id=ID is known, not 'tap,id=n'"),
        ("-netdev user,id=net0 -device virtio-net-device,netdev=net1", "-device virtio-net-device: no -netdev with id=net1"),
        ("-seed x", "-seed: 'x' is not a number of up to 64 bits"),
    ],
)
def test_qemus_words_misspelt(line: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["qemu", *line.split()]) == 2
    assert capsys.readouterr().err.partition(";")[0].strip() == f"hartline: {answer.partition(';')[0]}"
