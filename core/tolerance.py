# SPDX-License-Identifier: Apache-2.0
"""What the machine tolerates by default and hardware does not; each first use gives one warning line."""

from __future__ import annotations

from enum import IntEnum


class Tolerance(IntEnum):
    """Codes for `warn`; the texts are in WARNINGS. With `strict` none of them is tolerated.

    A bit of `h.warned` says that a code needs no warning any more: it has been given, or (AD_UPDATE_*) software has set
    ADUE itself.
    """

    GSTAGE_ROOT_4K = 0
    AD_UPDATE_S = 1
    AD_UPDATE_VS = 2
    AD_UPDATE_G = 3
    HTINST_ALWAYS = 4
    CRITICAL_ERROR = 5  # no tolerance, but told in the same way


WARNINGS = {
    Tolerance.GSTAGE_ROOT_4K: "hgatp = {detail:#x}: the G-stage root page table has 16 KiB and must be aligned "
    "to that; hardware reads hgatp.PPN[1:0] as zero and would walk another table (norm:hgatp_ppn_op)",
    Tolerance.AD_UPDATE_S: "A or D was clear in the page-table entry at {detail:#x} and has been set, as "
    "menvcfg.ADUE is 1 from reset on; on hardware it is 0, then this is a page fault (norm:menvcfg_adue_op)",
    Tolerance.AD_UPDATE_VS: "A or D was clear in the VS-stage page-table entry at guest physical address "
    "{detail:#x} and has been set, as henvcfg.ADUE is 1 from reset on; on hardware it is 0, then this is a page "
    "fault (norm:henvcfg_adue_op)",
    Tolerance.AD_UPDATE_G: "A or D was clear in the G-stage page-table entry at {detail:#x} and has been set, as "
    "menvcfg.ADUE is 1 from reset on; on hardware it is 0, then this is a guest-page fault (norm:menvcfg_adue_op)",
    Tolerance.HTINST_ALWAYS: "htinst = {detail:#x} was read: hardware may leave htinst 0 on this trap; be ready "
    "to load the instruction from guest memory, for instance with HLVX (norm:H_trap_xtinst)",
    Tolerance.CRITICAL_ERROR: "a trap into M-mode (xcause {detail:#x}) while mstatus.MDT is 1 (or mnstatus.NMIE 0): the "
    "hart is in the critical-error state and stands still until a reset (norm:trap_unexp_hndl_no_rnmi)",
}
"""One line for each code; {detail} is the number given to `warn`."""
