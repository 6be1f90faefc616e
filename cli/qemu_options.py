# SPDX-License-Identifier: Apache-2.0
"""QEMU's options, one by one: what each asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cli.arguments import usage_error
from cli.devices import parse_aia, parse_guests, parse_seed
from cli.values import parse_harts, parse_listen
from core.errors import BadValue
from core.options import CPU_PROPERTIES, FALSE, parse_cpu, parse_size
from core.suggest import did_you_mean

MEANINGLESS = {  # option: whether a value follows
    "d": True, "D": True, "accel": True, "name": True, "nodefaults": False, "no-user-config": False, "vga": True,
    "rtc": True, "icount": True, "trace": True, "pidfile": True, "enable-kvm": False, "boot": True, "L": True,
    "no-shutdown": False, "no-acpi": False, "object": True, "nic": True, "net": True,
    "audiodev": True, "uuid": True, "k": True, "usb": False,
    "overcommit": True, "msg": True, "sandbox": True, "plugin": True, "dfilter": True, "only-migratable": False,
}  # fmt: skip
SEMIHOSTING = "there is none here: the program's calls would be plain ebreak instructions"
REFUSED = {"semihosting": SEMIHOSTING, "semihosting-config": SEMIHOSTING}
"""Options without which a program would not do the same, with the reason."""
VIRTIO = {"virtio-rng": "rng", "virtio-serial": "console", "virtconsole": "", "virtio-net": "net"}
INTERFACES = ("none", "virtio")
"""What -drive if= can be; "virtio" is also a device."""
NO_SLIPS = ("maxcpus", "auto-read-only")
"""Properties that QEMU has and that only look like another one."""
DEVICES = ("virtio-blk-device", "virtio-rng-device", "virtio-serial-device", "virtio-net-device")
"""What -device can be, for hints and help."""


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
    drives: dict[str, tuple[Path, bool, bool]] = field(default_factory=dict)
    """By ID: the file, whether it is read-only, whether it stays as it is."""
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
    refers: list[tuple[str, str, str]] = field(default_factory=list)
    """What must be there when all options are read: who names it, the option that makes it, its ID."""
    passed_over: list[str] = field(default_factory=list)


def _value(read: Callable[[str], T], option: str, text: str) -> T:
    try:
        return read(text)
    except BadValue as problem:
        usage_error(f"{option}: {problem}")


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


def known_properties(wanted: Wanted, option: str, text: str, known: tuple[str, ...], first: str = "") -> dict[str, str]:
    """The `known` ones of `properties`; what may be a slip is refused, others are passed over."""
    given = properties(text, first)
    for name in [name for name in given if name not in known]:
        if (near := did_you_mean(name, known)) and name not in NO_SLIPS:
            usage_error(f"{option}: no property {name!r}{near}")
        wanted.passed_over.append(f"{option} {name}={given.pop(name)}")
    return given


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
    kept = []
    for index, part in enumerate(text.split(",")):
        name, equals, value = part.partition("=")
        if index and equals and name.lower() not in CPU_PROPERTIES and value.lower() in FALSE:
            continue  # what this machine never has may be switched off
        kept.append(part)
    try:
        wanted.cpu = parse_cpu(",".join(kept))
    except BadValue as problem:
        usage_error(f"-cpu: {problem}")


def _smp(wanted: Wanted, text: str) -> None:
    given = known_properties(wanted, "-smp", text, ("cpus",), "cpus")
    if "cpus" not in given:
        usage_error("-smp: cpus= is missing")
    wanted.harts = _value(parse_harts, "-smp", given["cpus"])


def _memory(wanted: Wanted, text: str) -> None:
    wanted.memory = _value(parse_size, "-m", known_properties(wanted, "-m", text, ("size",), "size").get("size", "128M"))


def _bios(wanted: Wanted, text: str) -> None:
    wanted.bios = "builtin" if text == "default" else text


def _gdb(wanted: Wanted, text: str) -> None:
    place = text.split(",")[0]
    kind, _, rest = place.partition(":")
    if kind != "tcp":
        usage_error(f"-gdb: {text!r} is not tcp:[HOST]:PORT")
    wanted.gdb = _value(parse_listen, "-gdb", rest.removeprefix(":"))


def _serial(wanted: Wanted, text: str) -> None:
    if text in ("none", "null"):
        wanted.passed_over.append(f"-serial {text}")
    elif text not in ("mon:stdio", "stdio", "chardev:mux"):
        usage_error(f"-serial: the UART is on standard input and output (mon:stdio), not {text!r}")


def _monitor(wanted: Wanted, text: str) -> None:
    if text not in ("none", "null"):
        usage_error(f"-monitor: {text!r} is not possible; the console opens with Ctrl-A c")


def _display(wanted: Wanted, text: str) -> None:
    if text != "none":
        usage_error(f"-display: there is none, not {text!r}")


def _drive(wanted: Wanted, text: str) -> None:
    given = known_properties(wanted, "-drive", text, ("file", "format", "readonly", "snapshot", "id", "if"))
    if "file" not in given:
        usage_error("-drive: file= is missing")
    if given.get("if", "none") not in INTERFACES:
        usage_error(f"-drive: if={given['if']} is not possible; there are {', '.join(INTERFACES)}")
    if given.get("format", "raw") != "raw":
        usage_error(f"-drive: only format=raw is known, not {given['format']!r}")
    name = given.get("id", f"drive{len(wanted.drives)}")
    if name in wanted.drives:
        usage_error(f"-drive: id={name} is given twice")
    readonly, snapshot = (given.get(each, "off") == "on" for each in ("readonly", "snapshot"))
    wanted.drives[name] = (Path(given["file"]), readonly, snapshot)
    if given.get("if") == "virtio":
        wanted.attached.append(name)


def _device(wanted: Wanted, text: str) -> None:
    driver = properties(text, "driver").get("driver", "")
    known = ("driver", "drive", "netdev", "id", "bus")
    given = known_properties(wanted, f"-device {driver}", text, known, "driver")
    base = driver.removesuffix("-device")
    if base == "virtio-blk":
        name = given.get("drive", "")
        if not name:
            usage_error(f"-device {driver}: drive=ID is missing")
        if name in wanted.attached:
            usage_error(f"-device {driver}: the drive {name} has a device already")
        wanted.refers.append((f"-device {driver}", "-drive", name))
        wanted.attached.append(name)
    elif base in VIRTIO:
        name = given.get("netdev", "")
        if name:
            wanted.refers.append((f"-device {driver}", "-netdev", name))
        if VIRTIO[base]:
            wanted.virtio.append(VIRTIO[base])
    else:
        hint = did_you_mean(driver, DEVICES) or "; there are " + ", ".join(DEVICES)
        usage_error(f"-device: no device {driver!r}{hint}")


def _netdev(wanted: Wanted, text: str) -> None:
    given = known_properties(wanted, "-netdev", text, ("type", "id"), "type")
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
