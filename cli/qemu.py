# SPDX-License-Identifier: Apache-2.0
"""`hartline qemu ...`: the command line of qemu-system-riscv64, so that a project's run script needs one word changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from cli.arguments import usage_error
from cli.launch import Options, cpu_help
from cli.output import error, write
from cli.qemu_options import DEVICES, FLAGS, MEANINGLESS, REFUSED, VALUED, Wanted
from cli.session import STATUS_HELP, Fronts, run_session
from cli.version import version
from core.suggest import did_you_mean

HELP = f"""\
usage: hartline qemu QEMU-OPTIONS

Understood, in QEMU's spellings (one dash or two):
  -machine virt[,aia=none|aplic|aplic-imsic][,aia-guests=N]  -cpu rv64[,h=true,...]  -smp N  -m SIZE
  -bios default|none|FILE  -kernel FILE  -initrd FILE  -append STRING
  -nographic  -display none  -serial mon:stdio|stdio|none  -monitor none
  -s  -S  -gdb tcp:[HOST]:PORT  -snapshot  -no-reboot
  -drive file=FILE,if=none,id=ID  -device virtio-blk-device,drive=ID
  -netdev user,id=ID  -device virtio-net-device,netdev=ID
  -device virtio-rng-device|virtio-serial-device|virtio-net-device  -seed N
  -fw_cfg name=NAME,file=FILE  -global virtio-mmio.force-legacy=false
  -version  -machine help  -cpu help  -device help
Options that mean nothing here (such as -d, -D, -accel) are named in one line and
passed over; others are refused.

{STATUS_HELP}
"""


def _machines() -> Iterator[str]:
    yield "virt"


def _devices() -> Iterator[str]:
    yield from DEVICES


HELPS: Mapping[str, Callable[[], Iterator[str]]] = {"machine": _machines, "M": _machines, "cpu": cpu_help, "device": _devices}
"""What `-machine help` and the like list."""


def parse(argv: Sequence[str]) -> Wanted:
    """Read the options. Leaves with one line and status 2 when one is not understood."""
    wanted, rest = Wanted(), list(argv)
    while rest:
        word = rest.pop(0)
        name = word.removeprefix("-").removeprefix("-")
        if not word.startswith("-") or not name:
            usage_error(f"{word!r} is no option; the program is named with -kernel FILE")
        if name in FLAGS:
            slot, value = FLAGS[name]
            if slot:
                setattr(wanted, slot, value)
            continue
        takes = name in VALUED or MEANINGLESS.get(name)
        if takes and not rest:
            usage_error(f"-{name} needs a value")
        if name in HELPS and rest[0] == "help":
            write("".join(f"{line}\n" for line in HELPS[name]()))
            raise SystemExit(0)
        if name in VALUED:
            VALUED[name](wanted, rest.pop(0))
        elif name in REFUSED:
            usage_error(f"-{name}: {REFUSED[name]}")
        elif name in MEANINGLESS:
            wanted.passed_over.append(f"-{name}" + (f" {rest.pop(0)}" if takes else ""))
        else:
            known = [f"-{each}" for each in (*VALUED, *FLAGS, *MEANINGLESS, "version") if len(each) > 1]
            usage_error(f"no option {word}{did_you_mean('-' + name, known) or '; hartline qemu --help lists them'}")
    for option, kind, ident in wanted.refers:  # what is named may stand before or behind
        idents = {"-drive": list(wanted.drives), "-netdev": wanted.netdevs}[kind]
        if ident not in idents:
            usage_error(f"{option}: no {kind} with id={ident}{did_you_mean(ident, idents)}")
    wanted.passed_over += [f"-drive id={name} (no -device has it)" for name in wanted.drives if name not in wanted.attached]
    return wanted


def options_of(wanted: Wanted) -> Options:
    """The machine that was asked for."""
    from core.devices.config import Aia, BoardConfig, Drive

    files = (wanted.drives[name] for name in wanted.attached)
    drives = tuple(Drive(path, readonly, snapshot or wanted.snapshot) for path, readonly, snapshot in files)
    board = BoardConfig(
        drives=drives,
        virtio=tuple(wanted.virtio),
        legacy=wanted.legacy,
        seed=wanted.seed,
        files=tuple(wanted.files),
        aia=Aia(wanted.aia),
        guests=wanted.guests,
    )
    return Options(
        file=wanted.file,
        bios=wanted.bios,
        memory=wanted.memory,
        harts=wanted.harts,
        cpu=wanted.cpu,
        append=wanted.append,
        initrd=wanted.initrd,
        board=board,
        reboot=wanted.reboot,
    )


def main(argv: Sequence[str]) -> int:
    """Run it; the exit status."""
    if any(word in ("-h", "--help", "-help") for word in argv) or not argv:
        write(HELP)
        return 0
    if any(word in ("-version", "--version") for word in argv):
        write(f"hartline {version()}\n")
        return 0
    wanted = parse(argv)
    if wanted.file is None and wanted.bios in ("builtin", "none"):
        usage_error("-kernel FILE is missing")
    if wanted.passed_over:
        error(f"without effect here: {', '.join(wanted.passed_over)}")
    if wanted.wait and wanted.gdb is None:
        error("-S without -s or -gdb: paused in the console")
    fronts = Fronts(
        console=wanted.wait and wanted.gdb is None, gdb=wanted.gdb, gdb_option="-gdb tcp:[HOST]:PORT", wait=wanted.wait
    )
    return run_session(options_of(wanted).make, fronts)
