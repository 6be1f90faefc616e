# SPDX-License-Identifier: Apache-2.0
"""The built-in SBI: every function's effect on the machine, every error code, and which registers it may touch."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from core.boot.sbi import BuiltinSbi, HartState, SbiError, SbiHost, call_name
from core.boot.sbi.registry import EXTENSIONS, Extension, hart_list, sbi_function
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import Trap
from core.memory.ram import Ram

WORD = (1 << 64) - 1
BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN = 0x10, 0x54494D45, 0x735049, 0x52464E43, 0x48534D, 0x53525354, 0x4442434E
RAM = 0x8000_0000


class Host:
    """A machine of three harts that writes down what the SBI asks of it."""

    def __init__(self) -> None:
        self.harts: list[Hart] = [Hart(i) for i in range(3)]
        for hart in self.harts:
            hart.features = int(Feature.H)
        self.machine_ids = (1, 2, 3)
        self.ram = Ram(RAM, 0x10000)
        self.log: list[tuple[object, ...]] = []
        self.input = bytearray()
        self.output = bytearray()
        self.states = [HartState.STARTED, HartState.STOPPED, HartState.STOPPED]
        self.ipi = False

    def has_memory(self, address: int, length: int) -> bool:
        return self.ram.contains(address, length)

    def read_memory(self, address: int, length: int) -> bytes:
        return self.ram.read_bytes(address, length)

    def write_memory(self, address: int, data: bytes) -> None:
        self.ram.write_bytes(address, data)

    def read_virtual(self, hart: int, address: int, size: int) -> int:
        if not self.ram.contains(address - 0x1000_0000, size):
            raise Trap(13, address)
        return self.ram.read(address - 0x1000_0000, size)

    def console_write(self, data: bytes) -> None:
        self.output += data

    def console_read(self, limit: int) -> bytes:
        data, self.input = bytes(self.input[:limit]), self.input[limit:]
        return data

    def set_timer(self, hart: int, deadline: int) -> None:
        self.log.append(("timer", hart, deadline))

    def send_ipi(self, harts: Sequence[int]) -> None:
        self.log.append(("ipi", *harts))

    def clear_ipi(self, hart: int) -> bool:
        was, self.ipi = self.ipi, False
        return was

    def flush(self, harts: Sequence[int]) -> None:
        self.log.append(("flush", *harts))

    def hart_state(self, hart: int) -> HartState:
        return self.states[hart]

    def hart_start(self, hart: int, address: int, opaque: int) -> None:
        self.log.append(("start", hart, address, opaque))

    def hart_stop(self, hart: int) -> None:
        self.log.append(("stop", hart))

    def hart_suspend(self, hart: int, resume: tuple[int, int] | None) -> None:
        self.log.append(("suspend", hart, resume))

    def shutdown(self, code: int) -> None:
        self.log.append(("shutdown", code))

    def reboot(self) -> None:
        self.log.append(("reboot",))


class Rig:
    """Calls the SBI from a hart and checks that it leaves all other registers alone."""

    def __init__(self) -> None:
        self.host = Host()
        host: SbiHost = self.host
        self.sbi = BuiltinSbi(host)

    def raw(self, eid: int, fid: int = 0, *arguments: int, hart: int = 0) -> tuple[int, int]:
        """a0 and a1 after the call, as 64-bit values."""
        h = self.host.harts[hart]
        for i in range(32):
            h.x[i] = 0xABCD_0000 + i
        for i, argument in enumerate(arguments):
            h.x[10 + i] = argument & WORD
        h.x[17], h.x[16] = eid & WORD, fid & WORD
        before = list(h.x)
        self.sbi.call(h)
        assert [h.x[i] for i in range(32) if i not in (10, 11)] == [before[i] for i in range(32) if i not in (10, 11)]
        if eid <= 8:
            assert h.x[11] == before[11]  # legacy calls write a0 only
        return h.x[10], h.x[11]

    def call(self, eid: int, fid: int, *arguments: int, hart: int = 0) -> tuple[SbiError, int]:
        """Error code and value."""
        error, value = self.raw(eid, fid, *arguments, hart=hart)
        return SbiError(error - (1 << 64) if error >> 63 else error), value

    def untouched(self, eid: int, fid: int, *arguments: int) -> bool:
        """Whether a0 and a1 are as before: the call does not return."""
        arguments = (*arguments, *range(0x77, 0x79))[:2] if len(arguments) < 2 else arguments
        return self.raw(eid, fid, *arguments) == tuple(argument & WORD for argument in arguments[:2])


@pytest.fixture
def rig() -> Rig:
    return Rig()


OK, NOT_SUPPORTED, INVALID_PARAM, INVALID_ADDRESS = (
    SbiError.SUCCESS,
    SbiError.NOT_SUPPORTED,
    SbiError.INVALID_PARAM,
    SbiError.INVALID_ADDRESS,
)


def test_unknown_calls_are_not_supported(rig: Rig) -> None:
    for eid, fid in ((0x11, 0), (9, 0), (WORD, 0), (BASE, 7), (BASE, WORD), (TIME, 1), (0x0A000000, 3)):
        assert rig.call(eid, fid)[0] is NOT_SUPPORTED
    assert rig.host.log == []


def test_base(rig: Rig) -> None:
    assert rig.call(BASE, 0) == (OK, 2 << 24)
    error, implementation = rig.call(BASE, 1)
    assert error is OK
    assert implementation > 11  # none of the assigned ones
    assert rig.call(BASE, 2)[0] is OK
    assert [rig.call(BASE, fid)[1] for fid in (4, 5, 6)] == [1, 2, 3]


def test_probe(rig: Rig) -> None:
    for eid in (*range(9), BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN):
        assert rig.call(BASE, 3, eid) == (OK, 1), hex(eid)
    for eid in (9, 0x0F, 0x504D55, WORD):
        assert rig.call(BASE, 3, eid) == (OK, 0), hex(eid)


def test_debug_console_write(rig: Rig) -> None:
    rig.host.ram.write_bytes(RAM + 0x100, b"hello")
    assert rig.call(DBCN, 0, 5, RAM + 0x100, 0) == (OK, 5)
    assert rig.host.output == b"hello"
    assert rig.call(DBCN, 0, 0, 0, 0) == (OK, 0)
    assert rig.call(DBCN, 2, 0x1_0000_0021) == (OK, 0)
    assert rig.host.output == b"hello!"


@pytest.mark.parametrize("fid", [0, 1])
@pytest.mark.parametrize(
    ("length", "low", "high"),
    [(5, 0x1000_0000, 0), (5, RAM, 1), (0x10001, RAM, 0), (1, RAM - 1, 0), (WORD, RAM, 0), (1, WORD, WORD)],
)
def test_debug_console_refuses_what_is_not_memory(rig: Rig, fid: int, length: int, low: int, high: int) -> None:
    rig.host.input += b"unread"
    assert rig.call(DBCN, fid, length, low, high)[0] is INVALID_PARAM
    assert rig.host.output == b""
    assert rig.host.input == b"unread"


def test_debug_console_read(rig: Rig) -> None:
    assert rig.call(DBCN, 1, 8, RAM, 0) == (OK, 0)
    rig.host.input += b"abcdefghijk"
    assert rig.call(DBCN, 1, 8, RAM, 0) == (OK, 8)
    assert rig.call(DBCN, 1, 8, RAM + 8, 0) == (OK, 3)
    assert rig.host.ram.read_bytes(RAM, 12) == b"abcdefghijk\0"


def test_timer(rig: Rig) -> None:
    assert rig.call(TIME, 0, WORD, hart=2) == (OK, 0)
    assert rig.raw(0, 99, 1234)[0] == 0
    assert rig.host.log == [("timer", 2, WORD), ("timer", 0, 1234)]


def test_hart_masks() -> None:
    host = Host()
    assert hart_list(host, 0, 0) == []
    assert hart_list(host, 0b101, 0) == [0, 2]
    assert hart_list(host, 0b11, 1) == [1, 2]
    assert hart_list(host, 0b1000, WORD) == [0, 1, 2]
    assert hart_list(host, 0b1000, 0) is None
    assert hart_list(host, 1, 3) is None
    assert hart_list(host, 0, 3) == []
    assert hart_list(host, 2, WORD - 1) is None


def test_ipi(rig: Rig) -> None:
    assert rig.call(IPI, 0, 0b110, 0)[0] is OK
    assert rig.call(IPI, 0, 0, WORD)[0] is OK
    assert rig.call(IPI, 0, 0b1000, 0)[0] is INVALID_PARAM
    assert rig.host.log == [("ipi", 1, 2), ("ipi", 0, 1, 2)]


@pytest.mark.parametrize("fid", range(7))
def test_remote_fences(rig: Rig, fid: int) -> None:
    assert rig.call(RFENCE, fid, 0b1, 2, 0x1000, 0x1000, 5)[0] is OK
    assert rig.call(RFENCE, fid, 0, WORD, 0, 0, 0)[0] is OK
    assert rig.call(RFENCE, fid, 0b10, 2, 0, WORD, 0)[0] is INVALID_PARAM
    assert rig.host.log == [("flush", 2), ("flush", 0, 1, 2)]


@pytest.mark.parametrize("fid", range(7))
def test_hypervisor_fences_need_the_extension(rig: Rig, fid: int) -> None:
    rig.host.harts[1].features = 0
    expected = NOT_SUPPORTED if fid >= 3 else OK
    assert rig.call(RFENCE, fid, 0b10, 0, 0, 0)[0] is expected
    assert rig.call(RFENCE, fid, 0b01, 0, 0, 0)[0] is OK


def test_hart_start(rig: Rig) -> None:
    assert rig.call(HSM, 0, 1, RAM + 0x200, 0x1234)[0] is OK
    assert rig.host.log == [("start", 1, RAM + 0x200, 0x1234)]
    assert rig.call(HSM, 0, 3, RAM, 0)[0] is INVALID_PARAM
    assert rig.call(HSM, 0, 1, 0x1000, 0)[0] is INVALID_ADDRESS
    assert rig.call(HSM, 0, 1, RAM + 1, 0)[0] is INVALID_ADDRESS
    assert rig.call(HSM, 0, 0, RAM, 0)[0] is SbiError.ALREADY_AVAILABLE
    rig.host.states[2] = HartState.SUSPENDED
    assert rig.call(HSM, 0, 2, RAM, 0)[0] is SbiError.ALREADY_AVAILABLE
    assert len(rig.host.log) == 1


def test_hart_status(rig: Rig) -> None:
    rig.host.states[2] = HartState.SUSPENDED
    assert [rig.call(HSM, 2, hart) for hart in range(3)] == [(OK, 0), (OK, 1), (OK, 4)]
    assert rig.call(HSM, 2, 3)[0] is INVALID_PARAM


def test_hart_stop_does_not_return(rig: Rig) -> None:
    assert rig.untouched(HSM, 1)
    assert rig.host.log == [("stop", 0)]


def test_hart_suspend(rig: Rig) -> None:
    assert rig.call(HSM, 3, 0, WORD, 0)[0] is OK
    assert rig.untouched(HSM, 3, 0xFFFF_FFFF_8000_0000, RAM, 7)
    assert rig.host.log == [("suspend", 0, None), ("suspend", 0, (RAM, 7))]
    assert rig.call(HSM, 3, 0x8000_0000, 0x1000, 0)[0] is INVALID_ADDRESS
    for kind in (1, 0x0FFF_FFFF, 0x1000_0000, 0x8000_0001, 0x9000_0000, 0xFFFF_FFFF):
        assert rig.call(HSM, 3, kind, RAM, 0)[0] is INVALID_PARAM
    assert len(rig.host.log) == 2


def test_system_reset(rig: Rig) -> None:
    for kind, reason, expected in (
        (0, 0, ("shutdown", 0)),
        (0, 1, ("shutdown", 1)),
        (1, 0, ("reboot",)),
        (2, 1, ("reboot",)),
    ):
        assert rig.untouched(SRST, 0, kind, reason)
        assert rig.host.log.pop() == expected
    for kind, reason in ((3, 0), (0xF000_0000, 0), (0, 2), (0, 0xE000_0000), (1, 0xFFFF_FFFF)):
        assert rig.call(SRST, 0, kind, reason)[0] is INVALID_PARAM
    assert rig.host.log == []


def test_legacy_console(rig: Rig) -> None:
    for byte in b"ok":
        assert rig.raw(1, 5, byte)[0] == 0
    assert rig.host.output == b"ok"
    assert rig.raw(2)[0] == WORD
    rig.host.input += b"\xff"
    assert rig.raw(2)[0] == 0xFF


def test_legacy_ipi_and_fences_take_a_mask_in_virtual_memory(rig: Rig) -> None:
    rig.host.ram.write(RAM + 0x40, 8, 0b1101)  # hart 3 does not exist and is ignored
    for eid in (4, 5, 6, 7):
        assert rig.raw(eid, 0, RAM + 0x1000_0040)[0] == 0
        assert rig.raw(eid, 0, 0)[0] == 0
    both = [("flush", 0, 2), ("flush", 0, 1, 2)]
    assert rig.host.log == [("ipi", 0, 2), ("ipi", 0, 1, 2), *both, *both, *both]
    with pytest.raises(Trap) as trap:
        rig.raw(4, 0, 0xBAD0)
    assert (trap.value.cause, trap.value.tval) == (13, 0xBAD0)


def test_legacy_clear_ipi_and_shutdown(rig: Rig) -> None:
    rig.host.ipi = True
    assert [rig.raw(3)[0], rig.raw(3)[0]] == [1, 0]
    assert rig.untouched(8, 0)
    assert rig.host.log == [("shutdown", 0)]


def test_names() -> None:
    assert call_name(HSM, 0) == "HSM hart_start"
    assert call_name(1, 77) == "legacy console_putchar"
    assert call_name(0x99, 1) == "SBI extension 0x99 function 0x1"


def test_declaring_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Extension(TIME, "again")
    with pytest.raises(ValueError, match="cannot be declared"):
        sbi_function(EXTENSIONS[TIME], 0)(lambda host, h: None)
