# SPDX-License-Identifier: Apache-2.0
"""What can withhold a CSR or an instruction from software on a hart that has it: the tables behind the hints.

CSR_GATES and INSTRUCTIONS name everything whose use depends on more than the privilege in a CSR's address; a test compares
them with what harts do in every mode.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.csr.config import CounterenFields, EnvcfgFields, TranslationEnvcfgFields
from core.csr.csr import Csr
from core.csr.fields import Field
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.pmp import MSECCFG_FEATURES, Mseccfg
from core.csr.registry import CSRS_BY_ADDRESS, CSRS_BY_NAME
from core.csr.vs import Vsstatus
from core.debug.gates import (
    BELOW_M,
    EMULATE,
    GUESTS,
    HS,
    ILLEGAL,
    LEVELS,
    NESTED,
    VIRTUAL,
    VS,
    VU,
    Gate,
    Guard,
    M,
    U,
    bit,
)
from core.debug.withheld_aia import AIA_GATES, VTI_WRITES
from core.debug.withheld_state import STATE_GATES
from core.features import Feature
from core.isa.encoding import INSTRUCTIONS as ALL
from core.trap.causes import Cause

FLOAT = Feature.F | Feature.D | Feature.ZFH | Feature.ZFHMIN | Feature.ZFA
COUNTERS = range(0xC00, 0xC20)
HYPERVISOR_CSR = f"is a hypervisor CSR: {NESTED}"
HS_ONLY = f"is for HS-mode: {NESTED}"


def _counter(number: int) -> tuple[Gate, ...]:
    """The bits that let a counter be read."""

    def gate(register: str, traps: Mapping[int, Cause]) -> Gate:
        words = f"{register}{('.CY', '.TM', '.IR')[number] if number < 3 else f' bit {number}'} is 0"
        return Gate(lambda trap: None if trap.held(register) >> number & 1 else words, traps, f"norm:{register}_op")

    return tuple(gate(f"{letter}counteren", traps) for letter, traps in LEVELS)


def _envcfg(field: Field, *rules: str) -> tuple[Gate, ...]:
    """A field of menvcfg, henvcfg and senvcfg, with the rule for each."""
    return tuple(bit(f"{letter}envcfg", field, traps, rule) for (letter, traps), rule in zip(LEVELS, rules, strict=True))


def _no_extension(features: Feature, rule: str) -> Gate:
    """For a CSR that comes with any one of several extensions."""
    names = ", ".join(str(part.name).capitalize() for part in Feature if part in features)
    words = f"the hart has none of {names}"
    return Gate(lambda trap: None if trap.hart.features & features else words, {M: ILLEGAL}, rule)


TVM = bit("mstatus", Mstatus.TVM, {HS: ILLEGAL}, "norm:mstatus_tvm_warl_op", shut=1)
HOST_TVM = bit("mstatus", Mstatus.TVM, {HS: ILLEGAL}, "norm:mstatus_tvm_hs", shut=1)
VTVM = bit("hstatus", Hstatus.VTVM, {VS: VIRTUAL}, "norm:hstatus_vtvm_op", shut=1, note=EMULATE)
TSR = bit("mstatus", Mstatus.TSR, {HS: ILLEGAL}, "norm:mstatus_tsr_op", shut=1)
VTSR = bit("hstatus", Hstatus.VTSR, {VS: VIRTUAL}, "norm:hstatus_vtsr_op", shut=1, note=EMULATE)
TW = bit("mstatus", Mstatus.TW, BELOW_M, "norm:mstatus_tw_op", shut=1)
VTW = bit("hstatus", Hstatus.VTW, {VS: VIRTUAL}, "norm:hstatus_vtw_op", shut=1, note=EMULATE)
VTW_WAIT = bit("hstatus", Hstatus.VTW, GUESTS, "norm:Zawrs_virtual_instr_excp", shut=1, note=EMULATE)
HU = bit("hstatus", Hstatus.HU, {U: ILLEGAL}, "norm:hlsv_illegalinst")
FS = (
    bit("vsstatus", Vsstatus.FS, {VU: ILLEGAL, VS: ILLEGAL}, "norm:H_illegalinst_xstatus_fs_vs"),
    bit("sstatus", Mstatus.FS, BELOW_M, "norm:mstatus_fs_vs_xs_off_op"),
    bit("mstatus", Mstatus.FS, {M: ILLEGAL}, "norm:mstatus_fs_vs_xs_off_op"),
)
SSE = _envcfg(EnvcfgFields.SSE, *["norm:zicfiss_ssp_csr"] * 3)
CBZE = _envcfg(EnvcfgFields.CBZE, "norm:menvcfg_cbze_op", "norm:henvcfg_cbze", "norm:senvcfg_cbze")
CBCFE = _envcfg(EnvcfgFields.CBCFE, "norm:menvcfg_cbcfe_op", "norm:henvcfg_cbcfe", "norm:senvcfg_cbcfe")
CBIE = _envcfg(EnvcfgFields.CBIE, "norm:menvcfg_cbie_cbo-inval_op_lead-in", "norm:henvcfg_cbie", "norm:senvcfg_cbie")
SSTC = (
    bit("mcounteren", CounterenFields.TM, BELOW_M, "norm:mcounteren_tm_clr"),
    bit("menvcfg", TranslationEnvcfgFields.STCE, BELOW_M, "norm:menvcfg_stce_op2"),
)
GUEST_SSTC = (
    bit("hcounteren", CounterenFields.TM, GUESTS, "norm:hcounteren_acc"),
    bit("henvcfg", TranslationEnvcfgFields.STCE, GUESTS, "norm:henvcfg_stce"),
)
SEED = (
    Gate(
        lambda trap: None if trap.writes else "the instruction does not write (csrrw rd, seed, x0 does)",
        {**BELOW_M, M: ILLEGAL},
        "norm:mseccfg_sseed_useed_op_tbl",
    ),
    bit("mseccfg", Mseccfg.SSEED, {HS: ILLEGAL}, "norm:mseccfg_sseed_SorHS-mode_op"),
    bit("mseccfg", Mseccfg.SSEED, {VS: ILLEGAL, VU: ILLEGAL}, "norm:mseccfg_sseed_useed_op_tbl"),
    bit("mseccfg", Mseccfg.USEED, {U: ILLEGAL}, "norm:mseccfg_useed_U-mode_op"),
)

_GATES: dict[str, tuple[Gate, ...]] = {
    **{CSRS_BY_ADDRESS[address].name: _counter(address & 31) for address in COUNTERS},
    "satp": (TVM, VTVM),
    "hgatp": (HOST_TVM,),
    "stimecmp": (*SSTC, *GUEST_SSTC, VTI_WRITES),
    "vstimecmp": SSTC,
    "fflags": FS,
    "frm": FS,
    "fcsr": FS,
    "ssp": SSE,
    "seed": SEED,
    "mseccfg": (_no_extension(MSECCFG_FEATURES, "norm:mseccfg_presence"),),
    "mtval2": (_no_extension(Feature.H | Feature.SSDBLTRP, "norm:mtval2_Ssdbltrap"),),
}
_TABLES = (STATE_GATES, _GATES, AIA_GATES)
CSR_GATES: dict[str, tuple[Gate, ...]] = {
    name: tuple(gate for table in _TABLES for gate in table.get(name, ())) for table in _TABLES for name in table
}
"""What besides the privilege in its address decides about a CSR, by its name."""
HOSTS = {"seed": "is for the host alone (norm:mseccfg_sseed_VSorVU-mode_op)"}
"""Why guests may not use a CSR whose address would let them."""
_GUEST_ACCESS = Guard(host=HS_ONLY, gates=(HU,))
_HYPERVISOR_FENCE = Guard(lowest=1, host=HS_ONLY)
_GSTAGE_FENCE = Guard(lowest=1, host=HS_ONLY, gates=(HOST_TVM,))
_SFENCE = Guard(lowest=1, gates=(TVM, VTVM))
INSTRUCTIONS: dict[str, Guard] = {
    "mret": Guard(lowest=M, note="; S-mode returns from its traps by sret (norm:xret_in_lower_mode)"),
    "mnret": Guard(lowest=M, note=" (norm:mnret_mode)"),
    "sret": Guard(lowest=1, gates=(TSR, VTSR)),
    "wfi": Guard(lowest=1, gates=(TW, VTW)),
    "wrs.nto": Guard(gates=(TW, VTW_WAIT)),
    "sfence.vma": _SFENCE,
    "sinval.vma": _SFENCE,
    "sfence.w.inval": Guard(lowest=1),
    "sfence.inval.ir": Guard(lowest=1),
    "hfence.vvma": _HYPERVISOR_FENCE,
    "hinval.vvma": _HYPERVISOR_FENCE,
    "hfence.gvma": _GSTAGE_FENCE,
    "hinval.gvma": _GSTAGE_FENCE,
    "cbo.zero": Guard(gates=CBZE),
    "cbo.clean": Guard(gates=CBCFE),
    "cbo.flush": Guard(gates=CBCFE),
    "cbo.inval": Guard(gates=CBIE),
    "ssamoswap.w": Guard(gates=SSE),
    "ssamoswap.d": Guard(gates=SSE),
    **{each.name: _GUEST_ACCESS for each in ALL if each.name.startswith(("hlv", "hsv"))},
    **{each.name: Guard(gates=FS) for each in ALL if each.ext & FLOAT},
}
"""Instructions that not every mode may always use, by name."""


def csr_guard(csr: type[Csr]) -> Guard:
    """Who may use a CSR, by its address and the tables."""
    host = HYPERVISOR_CSR if csr.privilege == 2 else HOSTS.get(csr.name, "")
    lowest = 1 if csr.privilege == 2 else csr.privilege
    twin = next((name for name in (f"s{csr.name[1:]}", csr.name[1:]) if name in CSRS_BY_NAME), None)
    note = f"; S-mode has {twin}" if lowest == M and twin else ""
    return Guard(lowest, host, CSR_GATES.get(csr.name, ()), note)
