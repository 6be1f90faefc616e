# SPDX-License-Identifier: Apache-2.0
"""Real-time clock of the Goldfish platform: wall-clock time in nanoseconds, and one alarm.

Source: "Goldfish virtual hardware" of the Android emulator, section on the real-time clock, with the four registers
from 0x10 on as QEMU's virt machine and the device-tree binding "google,goldfish-rtc" have them. The time is
`services.epoch` plus machine time, so it is deterministic; writes to mtime do not move this clock.
"""

from __future__ import annotations

from typing import ClassVar

from core.boot.fdt import Node, Value, wide
from core.devices.device import NANOSECONDS_PER_TICK, Device, Register

WORD_MASK = (1 << 64) - 1
LOW_HALF = (1 << 32) - 1


class GoldfishRtc(Device):
    """The clock. All registers are 32 bits wide; times are in nanoseconds since 1970."""

    length: ClassVar[int] = 0x1000

    def reset(self) -> None:
        """No alarm, interrupt disabled, time as configured."""
        self._adjust = self.services.epoch
        self._latched = 0  # time at the last read of TIME_LOW
        self._alarm = 0
        self._armed = self._pending = self._enabled = False
        self._update()

    def _offset(self) -> int:
        """Ticks that writes to mtime have moved it by."""
        harts = self.services.harts
        return int(harts[0].time_offset) if harts else 0

    def _time(self) -> int:
        ticks = (self.services.now() - self._offset()) & WORD_MASK
        return (self._adjust + ticks * NANOSECONDS_PER_TICK) & WORD_MASK

    def _update(self) -> None:
        self.interrupt(self._pending and self._enabled)

    def deadline(self) -> int | None:
        """When the alarm goes off, in ticks of mtime."""
        if not self._armed:
            return None
        ticks = -((self._adjust - self._alarm) // NANOSECONDS_PER_TICK)  # rounded up
        return (ticks + self._offset()) & WORD_MASK

    def advance(self) -> None:
        """Let the alarm go off when its time has come."""
        if self._armed and self._time() >= self._alarm:
            self._armed, self._pending = False, True
            self._update()

    def _peek_low(self, index: int) -> int:
        return self._time() & LOW_HALF

    def _read_low(self, index: int) -> int:
        self._latched = self._time()
        return self._latched & LOW_HALF

    def _read_high(self, index: int) -> int:
        return self._latched >> 32

    def _set_time(self, time: int) -> None:
        self._adjust += time - self._time()
        self.advance()
        self.services.changed()

    def _write_low(self, index: int, value: int) -> None:
        self._set_time((self._time() & ~LOW_HALF) | value)

    def _write_high(self, index: int, value: int) -> None:
        self._set_time((self._time() & LOW_HALF) | (value << 32))

    def _read_alarm_low(self, index: int) -> int:
        return self._alarm & LOW_HALF

    def _write_alarm_low(self, index: int, value: int) -> None:
        self._alarm = (self._alarm & ~LOW_HALF) | value
        self._armed = True
        self.advance()
        self.services.changed()

    def _read_alarm_high(self, index: int) -> int:
        return self._alarm >> 32

    def _write_alarm_high(self, index: int, value: int) -> None:
        self._alarm = (self._alarm & LOW_HALF) | (value << 32)

    def _read_enabled(self, index: int) -> int:
        return int(self._enabled)

    def _write_enabled(self, index: int, value: int) -> None:
        self._enabled = bool(value & 1)
        self._update()

    def _clear_alarm(self, index: int, value: int) -> None:
        self._armed = False
        self.services.changed()

    def _read_status(self, index: int) -> int:
        return int(self._armed)

    def _clear_interrupt(self, index: int, value: int) -> None:
        self._pending = False
        self._update()

    registers: ClassVar[tuple[Register, ...]] = (
        Register("TIME_LOW", 0x00, 4, _read_low, _write_low, _peek_low),
        Register("TIME_HIGH", 0x04, 4, _read_high, _write_high, pure=True),
        Register("ALARM_LOW", 0x08, 4, _read_alarm_low, _write_alarm_low, pure=True),
        Register("ALARM_HIGH", 0x0C, 4, _read_alarm_high, _write_alarm_high, pure=True),
        Register("IRQ_ENABLED", 0x10, 4, _read_enabled, _write_enabled, pure=True),
        Register("CLEAR_ALARM", 0x14, 4, write=_clear_alarm),
        Register("ALARM_STATUS", 0x18, 4, _read_status, pure=True),
        Register("CLEAR_INTERRUPT", 0x1C, 4, write=_clear_interrupt),
    )

    def nodes(self) -> list[Node]:
        """The node of a "google,goldfish-rtc"."""
        properties: dict[str, Value] = {
            "compatible": "google,goldfish-rtc",
            "reg": wide(self.base, self.length),
            **self.wiring(),
        }
        return [Node(f"rtc@{self.base:x}", properties)]
