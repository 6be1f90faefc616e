# SPDX-License-Identifier: Apache-2.0
"""Calls of SBI 0.1 (SBI 2.0, Legacy Extensions, EIDs 0x00 to 0x08): one extension each, result in a0 only."""

from __future__ import annotations

from core.boot.sbi.host import SbiHost
from core.boot.sbi.registry import Extension, sbi_function
from core.hart import Hart

SET_TIMER = Extension(0x00, "legacy", legacy=True)
CONSOLE_PUTCHAR = Extension(0x01, "legacy", legacy=True)
CONSOLE_GETCHAR = Extension(0x02, "legacy", legacy=True)
CLEAR_IPI = Extension(0x03, "legacy", legacy=True)
SEND_IPI = Extension(0x04, "legacy", legacy=True)
REMOTE_FENCE_I = Extension(0x05, "legacy", legacy=True)
REMOTE_SFENCE_VMA = Extension(0x06, "legacy", legacy=True)
REMOTE_SFENCE_VMA_ASID = Extension(0x07, "legacy", legacy=True)
SHUTDOWN = Extension(0x08, "legacy", legacy=True)


def _harts(host: SbiHost, h: Hart, hart_mask: int) -> list[int]:
    """Harts of a mask in virtual memory, one bit each; address 0 means all harts. Bits without a hart are ignored."""
    count = len(host.harts)
    if hart_mask == 0:
        return list(range(count))
    bits = sum(host.read_virtual(h.hartid, hart_mask + 8 * i, 8) << (64 * i) for i in range((count + 63) // 64))
    return [hart for hart in range(count) if bits >> hart & 1]


def _fence(host: SbiHost, h: Hart, hart_mask: int) -> int:
    host.flush(_harts(host, h, hart_mask))
    return 0


@sbi_function(SET_TIMER)
def set_timer(host: SbiHost, h: Hart, stime_value: int) -> int:
    """Clear the timer interrupt and raise it when the time reaches stime_value."""
    host.set_timer(h.hartid, stime_value)
    return 0


@sbi_function(CONSOLE_PUTCHAR)
def console_putchar(host: SbiHost, h: Hart, ch: int) -> int:
    """Write a byte to the console."""
    host.console_write(bytes((ch & 0xFF,)))
    return 0


@sbi_function(CONSOLE_GETCHAR)
def console_getchar(host: SbiHost, h: Hart) -> int:
    """A byte of console input, -1 when none waits."""
    data = host.console_read(1)
    return data[0] if data else -1


@sbi_function(CLEAR_IPI)
def clear_ipi(host: SbiHost, h: Hart) -> int:
    """Clear the caller's supervisor software interrupt; 1 when it was pending."""
    return int(host.clear_ipi(h.hartid))


@sbi_function(SEND_IPI)
def send_ipi(host: SbiHost, h: Hart, hart_mask: int) -> int:
    """Make the supervisor software interrupt pending in the harts of the mask."""
    host.send_ipi(_harts(host, h, hart_mask))
    return 0


@sbi_function(REMOTE_FENCE_I)
def remote_fence_i(host: SbiHost, h: Hart, hart_mask: int) -> int:
    """FENCE.I on the harts of the mask."""
    return _fence(host, h, hart_mask)


@sbi_function(REMOTE_SFENCE_VMA)
def remote_sfence_vma(host: SbiHost, h: Hart, hart_mask: int, start: int, size: int) -> int:
    """SFENCE.VMA for a range of virtual addresses (all are forgotten, which is allowed)."""
    return _fence(host, h, hart_mask)


@sbi_function(REMOTE_SFENCE_VMA_ASID)
def remote_sfence_vma_asid(host: SbiHost, h: Hart, hart_mask: int, start: int, size: int, asid: int) -> int:
    """SFENCE.VMA for a range of virtual addresses of one ASID."""
    return _fence(host, h, hart_mask)


@sbi_function(SHUTDOWN)
def shutdown(host: SbiHost, h: Hart) -> None:
    """Switch off; does not return."""
    host.shutdown(0)
