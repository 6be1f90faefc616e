# SPDX-License-Identifier: Apache-2.0
"""Access to physical memory by a size known at run time only, and the causes of faults."""

from __future__ import annotations

from core.hart import Hart
from core.isa.intrinsics import device_read, device_write, in_ram, ram_read, ram_write, u64
from core.mmu.modes import Access
from core.trap.causes import Cause


def faults_as_store(access: u64) -> bool:
    """Whether the faults of an access are store/AMO faults."""
    return access == Access.WRITE or access >= Access.MANAGE


def access_fault(access: u64) -> u64:
    """The access-fault cause of an access."""
    if access == Access.FETCH:
        return Cause.INSTRUCTION_ACCESS_FAULT
    return Cause.STORE_ACCESS_FAULT if faults_as_store(access) else Cause.LOAD_ACCESS_FAULT


def page_fault(access: u64) -> u64:
    """The page-fault cause of an access."""
    if access == Access.FETCH:
        return Cause.INSTRUCTION_PAGE_FAULT
    return Cause.STORE_PAGE_FAULT if faults_as_store(access) else Cause.LOAD_PAGE_FAULT


def guest_page_fault(access: u64) -> u64:
    """The guest-page-fault cause of an access."""
    if access == Access.FETCH:
        return Cause.INSTRUCTION_GUEST_PAGE_FAULT
    return Cause.STORE_GUEST_PAGE_FAULT if faults_as_store(access) else Cause.LOAD_GUEST_PAGE_FAULT


def read_ram(h: Hart, spa: u64, size: u64) -> u64:
    """Little-endian value of 1 to 8 bytes of RAM."""
    if size == 8:
        return ram_read(h, spa, 8)
    if size == 4:
        return ram_read(h, spa, 4)
    if size == 2:
        return ram_read(h, spa, 2)
    value: u64 = 0
    for index in range(size):
        value |= u64(ram_read(h, u64(spa + index), 1) << u64(8 * index))
    return value


def write_ram(h: Hart, spa: u64, size: u64, value: u64) -> None:
    """Store the low 1 to 8 bytes of `value` in RAM."""
    if size == 8:
        ram_write(h, spa, 8, value)
    elif size == 4:
        ram_write(h, spa, 4, value)
    elif size == 2:
        ram_write(h, spa, 2, value)
    else:
        for index in range(size):
            ram_write(h, u64(spa + index), 1, value >> u64(8 * index))


def read_physical(h: Hart, spa: u64, size: u64) -> u64:
    """RAM, or a device register; h.bus_error tells whether nothing answered. Devices take aligned accesses only."""
    h.bus_error = 0
    if in_ram(h, spa, size):
        return read_ram(h, spa, size)
    if spa & u64(size - 1) != 0:
        h.bus_error = 1
        return 0
    return device_read(h, spa, size)


def write_physical(h: Hart, spa: u64, size: u64, value: u64) -> None:
    """RAM, or a device register; h.bus_error tells whether nothing answered. Devices take aligned accesses only."""
    h.bus_error = 0
    if in_ram(h, spa, size):
        write_ram(h, spa, size, value)
    elif spa & u64(size - 1) != 0:
        h.bus_error = 1
    else:
        device_write(h, spa, size, value)
