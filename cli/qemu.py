# SPDX-License-Identifier: Apache-2.0
"""`hartline qemu ...`: the command line of qemu-system-riscv64, so that a project's run script needs one word changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cli.arguments import usage_error
from cli.devices import parse_aia, parse_guests, parse_seed
from cli.launch import Options, cpu_properties
from cli.output import error, write
from cli.session import STATUS_HELP, Fronts, run_session
from cli.suggest import did_you_mean
from cli.values import FALSE, BadValue, parse_count, parse_cpu, parse_listen, parse_size

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
Options that mean nothing here (such as -d, -D, -accel) are named in one line and
passed over; others are refused.

{STATUS_HELP}
"""

MEANINGLESS = {  # option: whether a value follows
    "d": True, "D": True, "accel": True, "name": True, "nodefaults": False, "no-user-config": False, "vga": True,
    "rtc": True, "icount": True, "trace": True, "pidfile": True, "enable-kvm": False, "boot": True, "L": True,
    "no-shutdown": False, "no-acpi": False, "object": True, "nic": True, "net": True,
    "audiodev": True, "uuid": True, "k": True, "usb": False, "semihosting": False, "semihosting-config": True,
    "overcommit": True, "msg": True, "sandbox": True, "plugin": True, "dfilter": True, "only-migratable": False,
}  # fmt: skip
VIRTIO = {"virtio-rng": "rng", "virtio-serial": "console", "virtconsole": "", "virtio-net": "net"}


T = TypeVar("T")


@dataclass
class Wanted:
    """What the options have asked for so far."""

    file: Path | None = None
    bios: str = "builtin"
    memory: int = 128 << 20
    harts: int = 1
    cpu: dict[str, int] = field(default_factory=dict)
    append: str | None = None
    initrd: Path | None = None
    gdb: tuple[str, int] | None = None
    wait: bool = False
    drives: dict[str, tuple[Path, bool]] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)
    virtio: list[str] = field(default_factory=list)
    files: list[tuple[str, Path]] = field(default_factory=list)
    aia: str = "none"
    guests: int = 5
    netdevs: list[str] = field(default_factory=list)
    seed: int = 0
    legacy: bool = True
    snapshot: bool = False
    reboot: bool = True
    passed_over: list[str] = field(default_factory=list)


def properties(text: str, first: str = "") -> dict[str, str]:
    """`a,b=c` as {first: "a", "b": "c"}; a comma doubled is one in a value."""
    found: dict[str, str] = {}
    for index, part in enumerate(text.replace(",,", "\0").split(",")):
        name, equals, value = part.replace("\0", ",").partition("=")
        if index == 0 and not equals and first:
            found[first] = name
        elif part:
            found[name] = value if equals else "on"
    return found


def _machine(wanted: Wanted, text: str) -> None:
    given = properties(text, "type")
    kind = given.pop("type", "virt")
    if kind != "virt":
        usage_error(f"-machine: no machine {kind!r}; there is virt")
    if "aia" in given:
        wanted.aia = _value(parse_aia, "-machine", given.pop("aia")).value
    if "aia-guests" in given:
        wanted.guests = _value(parse_guests, "-machine", given.pop("aia-guests"))
    for name, value in given.items():
        if name not in ("accel", "acpi", "aclint", "memory-backend", "usb", "graphics"):
            known = ["aia", "aia-guests", "accel", "acpi", "aclint"]
            usage_error(f"-machine: no property {name!r}{did_you_mean(name, known)}")
        wanted.passed_over.append(f"-machine {name}={value}")


def _cpu(wanted: Wanted, text: str) -> None:
    known = cpu_properties()
    kept = []
    for index, part in enumerate(text.split(",")):
        name, equals, value = part.partition("=")
        if index and equals and name.lower() not in known and value.lower() in FALSE:
            continue  # what this machine never has may be switched off
        kept.append(part)
    try:
        wanted.cpu = parse_cpu(",".join(kept), known)
    except BadValue as problem:
        usage_error(f"-cpu: {problem}")


def _smp(wanted: Wanted, text: str) -> None:
    wanted.harts = _value(parse_count, "-smp", properties(text, "cpus").get("cpus", "1"))


def _memory(wanted: Wanted, text: str) -> None:
    wanted.memory = _value(parse_size, "-m", properties(text, "size").get("size", "128M"))


def _bios(wanted: Wanted, text: str) -> None:
    wanted.bios = "builtin" if text == "default" else text


def _gdb(wanted: Wanted, text: str) -> None:
    place = text.split(",")[0]
    kind, _, rest = place.partition(":")
    if kind != "tcp":
        usage_error(f"-gdb: {text!r} is not tcp:[HOST]:PORT")
    wanted.gdb = _value(parse_listen, "-gdb", rest.removeprefix(":"))


def _serial(wanted: Wanted, text: str) -> None:
    if text not in ("mon:stdio", "stdio", "none", "null", "chardev:mux"):
        usage_error(f"-serial: the UART is on standard input and output (mon:stdio), not {text!r}")


def _monitor(wanted: Wanted, text: str) -> None:
    if text not in ("none", "stdio", "null"):
        usage_error(f"-monitor: {text!r} is not possible; the console opens with Ctrl-A c")


def _display(wanted: Wanted, text: str) -> None:
    if text != "none":
        usage_error(f"-display: there is none, not {text!r}")


def _drive(wanted: Wanted, text: str) -> None:
    given = properties(text)
    if "file" not in given:
        usage_error("-drive: file= is missing")
    if given.get("format", "raw") != "raw":
        usage_error(f"-drive: only format=raw is known, not {given['format']!r}")
    name = given.get("id", f"drive{len(wanted.drives)}")
    wanted.drives[name] = (Path(given["file"]), given.get("readonly", "off") == "on")
    if given.get("if") == "virtio":
        wanted.attached.append(name)


def _device(wanted: Wanted, text: str) -> None:
    given = properties(text, "driver")
    driver = given.get("driver", "")
    base = driver.removesuffix("-device")
    if base == "virtio-blk":
        name = given.get("drive", "")
        if name not in wanted.drives:
            usage_error(f"-device {driver}: no -drive with id={name}{did_you_mean(name, wanted.drives)}")
        wanted.attached.append(name)
    elif base in VIRTIO:
        name = given.get("netdev", "")
        if name and name not in wanted.netdevs:
            usage_error(f"-device {driver}: no -netdev with id={name}{did_you_mean(name, wanted.netdevs)}")
        if VIRTIO[base]:
            wanted.virtio.append(VIRTIO[base])
    else:
        known = ["virtio-blk-device", "virtio-rng-device", "virtio-serial-device", "virtio-net-device"]
        usage_error(f"-device: no device {driver!r}{did_you_mean(driver, known) or '; there are ' + ', '.join(known)}")


def _netdev(wanted: Wanted, text: str) -> None:
    given = properties(text, "type")
    if given.get("type") != "user":
        usage_error(f"-netdev: only user,id=ID is known, not {text!r}")
    wanted.netdevs.append(given.get("id", ""))


def _seed(wanted: Wanted, text: str) -> None:
    wanted.seed = _value(parse_seed, "-seed", text)


def _fw_cfg(wanted: Wanted, text: str) -> None:
    given = properties(text, "name")
    if "file" not in given or "name" not in given:
        usage_error("-fw_cfg: name=NAME,file=FILE is understood")
    wanted.files.append((given["name"], Path(given["file"])))


def _global(wanted: Wanted, text: str) -> None:
    if text.startswith("virtio-mmio.force-legacy="):
        wanted.legacy = text.rpartition("=")[2] not in FALSE
    else:
        wanted.passed_over.append(f"-global {text}")


def _path(name: str) -> Callable[[Wanted, str], None]:
    def keep(wanted: Wanted, text: str) -> None:
        setattr(wanted, name, Path(text))

    return keep


def _append(wanted: Wanted, text: str) -> None:
    wanted.append = text


VALUED: dict[str, Callable[[Wanted, str], None]] = {
    "machine": _machine,
    "M": _machine,
    "cpu": _cpu,
    "smp": _smp,
    "m": _memory,
    "bios": _bios,
    "kernel": _path("file"),
    "initrd": _path("initrd"),
    "append": _append,
    "gdb": _gdb,
    "serial": _serial,
    "monitor": _monitor,
    "display": _display,
    "drive": _drive,
    "device": _device,
    "netdev": _netdev,
    "seed": _seed,
    "fw_cfg": _fw_cfg,
    "global": _global,
}
FLAGS: dict[str, tuple[str, object]] = {
    "s": ("gdb", ("127.0.0.1", 1234)),
    "S": ("wait", True),
    "snapshot": ("snapshot", True),
    "no-reboot": ("reboot", False),
    "nographic": ("", None),
}


def _value(read: Callable[[str], T], option: str, text: str) -> T:
    try:
        return read(text)
    except BadValue as problem:
        usage_error(f"{option}: {problem}")


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
        if name in VALUED:
            VALUED[name](wanted, rest.pop(0))
        elif name in MEANINGLESS:
            wanted.passed_over.append(f"-{name}" + (f" {rest.pop(0)}" if takes else ""))
        else:
            known = [f"-{each}" for each in (*VALUED, *FLAGS, *MEANINGLESS) if len(each) > 1]
            usage_error(f"no option {word}{did_you_mean('-' + name, known) or '; hartline qemu --help lists them'}")
    return wanted


def options_of(wanted: Wanted) -> Options:
    """The machine that was asked for."""
    from core.devices.config import Aia, BoardConfig, Drive

    drives = tuple(Drive(path, readonly, wanted.snapshot) for path, readonly in (wanted.drives[n] for n in wanted.attached))
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
    wanted = parse(argv)
    if wanted.file is None and wanted.bios in ("builtin", "none"):
        usage_error("-kernel FILE is missing")
    if wanted.passed_over:
        error(f"without effect here: {', '.join(wanted.passed_over)}")
    if wanted.wait and wanted.gdb is None:
        error("-S without -s or -gdb: paused in the console")
    fronts = Fronts(console=wanted.wait and wanted.gdb is None, gdb=wanted.gdb, wait=wanted.wait)
    return run_session(options_of(wanted).make, fronts)
