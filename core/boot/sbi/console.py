# SPDX-License-Identifier: Apache-2.0
"""Debug console (SBI 2.0, Debug Console Extension, EID "DBCN")."""

from __future__ import annotations

from core.boot.sbi.host import SbiHost
from core.boot.sbi.registry import SUCCESS, Extension, Ret, SbiError, failure, sbi_function
from core.hart import Hart

DBCN = Extension(0x4442434E, "DBCN")


def _accessible(host: SbiHost, length: int, low: int, high: int) -> bool:
    """Whether the range is main memory (SBI 2.0, Shared memory physical address range parameter)."""
    return high == 0 and (length == 0 or host.has_memory(low, length))


@sbi_function(DBCN, 0)
def console_write(host: SbiHost, h: Hart, num_bytes: int, base_addr_lo: int, base_addr_hi: int) -> Ret:
    """Write bytes from physical memory to the console; all of them are taken. Value: their number."""
    if not _accessible(host, num_bytes, base_addr_lo, base_addr_hi):
        return failure(SbiError.INVALID_PARAM)
    if num_bytes:
        host.console_write(host.read_memory(base_addr_lo, num_bytes))
    return Ret(value=num_bytes)


@sbi_function(DBCN, 1)
def console_read(host: SbiHost, h: Hart, num_bytes: int, base_addr_lo: int, base_addr_hi: int) -> Ret:
    """Read what input waits, at most num_bytes, into physical memory. Value: the number of bytes read."""
    if not _accessible(host, num_bytes, base_addr_lo, base_addr_hi):
        return failure(SbiError.INVALID_PARAM)
    data = host.console_read(num_bytes) if num_bytes else b""
    if data:
        host.write_memory(base_addr_lo, data)
    return Ret(value=len(data))


@sbi_function(DBCN, 2)
def console_write_byte(host: SbiHost, h: Hart, byte: int) -> Ret:
    """Write one byte to the console."""
    host.console_write(bytes((byte & 0xFF,)))
    return SUCCESS
