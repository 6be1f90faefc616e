# SPDX-License-Identifier: Apache-2.0
"""Remote fences (SBI 2.0, RFENCE Extension, EID "RFNC").

A fence may always do more than it is asked to (priv, Supervisor Memory-Management Fence Instruction), so whatever
range, ASID or VMID is named, the harts of the mask forget everything.
"""

from __future__ import annotations

from core.boot.sbi.host import SbiHost
from core.boot.sbi.registry import SUCCESS, Extension, Ret, SbiError, failure, hart_list, sbi_function
from core.features import Feature
from core.hart import Hart

RFENCE = Extension(0x52464E43, "RFENCE")


def _fence(host: SbiHost, mask: int, base: int) -> Ret:
    harts = hart_list(host, mask, base)
    if harts is None:
        return failure(SbiError.INVALID_PARAM)
    host.flush(harts)
    return SUCCESS


def _hypervisor_fence(host: SbiHost, mask: int, base: int) -> Ret:
    """As `_fence`, for harts with the hypervisor extension only."""
    harts = hart_list(host, mask, base)
    if harts is not None and not all(host.harts[hart].features & Feature.H for hart in harts):
        return failure(SbiError.NOT_SUPPORTED)
    return _fence(host, mask, base)


@sbi_function(RFENCE, 0)
def remote_fence_i(host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int) -> Ret:
    """FENCE.I on the harts of the mask."""
    return _fence(host, hart_mask, hart_mask_base)


@sbi_function(RFENCE, 1)
def remote_sfence_vma(host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int, start_addr: int, size: int) -> Ret:
    """SFENCE.VMA for a range of virtual addresses."""
    return _fence(host, hart_mask, hart_mask_base)


@sbi_function(RFENCE, 2)
def remote_sfence_vma_asid(
    host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int, start_addr: int, size: int, asid: int
) -> Ret:
    """SFENCE.VMA for a range of virtual addresses of one ASID."""
    return _fence(host, hart_mask, hart_mask_base)


@sbi_function(RFENCE, 3)
def remote_hfence_gvma_vmid(
    host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int, start_addr: int, size: int, vmid: int
) -> Ret:
    """HFENCE.GVMA for a range of guest physical addresses of one VMID."""
    return _hypervisor_fence(host, hart_mask, hart_mask_base)


@sbi_function(RFENCE, 4)
def remote_hfence_gvma(host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int, start_addr: int, size: int) -> Ret:
    """HFENCE.GVMA for a range of guest physical addresses of all guests."""
    return _hypervisor_fence(host, hart_mask, hart_mask_base)


@sbi_function(RFENCE, 5)
def remote_hfence_vvma_asid(
    host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int, start_addr: int, size: int, asid: int
) -> Ret:
    """HFENCE.VVMA for a range of guest virtual addresses of one ASID, in the caller's VMID."""
    return _hypervisor_fence(host, hart_mask, hart_mask_base)


@sbi_function(RFENCE, 6)
def remote_hfence_vvma(host: SbiHost, h: Hart, hart_mask: int, hart_mask_base: int, start_addr: int, size: int) -> Ret:
    """HFENCE.VVMA for a range of guest virtual addresses, in the caller's VMID."""
    return _hypervisor_fence(host, hart_mask, hart_mask_base)
