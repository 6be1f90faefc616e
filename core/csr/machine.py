# SPDX-License-Identifier: Apache-2.0
"""Machine-level CSRs: identity, status, trap setup and trap handling (priv, Machine-Level CSRs)."""

from __future__ import annotations

from core.csr.config import SDT, double_traps
from core.csr.counting import COUNT, VSINH, VUINH
from core.csr.csr import Csr, Effect, zero
from core.csr.fields import ELPS, PRIVILEGES, STATES, XLENS, ro, rw, warl, wlrl
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import features_changed, get, inline, isset, u64
from core.trap.causes import Cause

state("features_all", doc="what the hart was made with; h.features is what of it misa enables", architectural=False)
state("geilen", doc="GEILEN: how many guest external interrupts there are (norm:geilen)", architectural=False)

VS_ONLY = 1 << 2 | 1 << 6 | 1 << 10
"""VSSI, VSTI, VSEI."""
VS_LEVEL = VS_ONLY | 1 << 12
"""The interrupts the hypervisor extension adds: VSSI, VSTI, VSEI, SGEI."""
S_LEVEL = 1 << 1 | 1 << 5 | 1 << 9
"""SSI, STI, SEI."""
LCOFI = 1 << 13
HYPERVISOR_CAUSES = 0xF << 20 | 1 << 10
"""The exceptions the hypervisor extension adds."""
HSTATUS_RESET = 2 << 32
"""VSXL: 64."""
SD = 1 << 63
MNPV = 1 << 7
"""Of mnstatus, in core.csr.rnmi."""
MXL_64 = 2 << 62
GUEST_FILTERS = VSINH | VUINH
B_EXTENSION = Feature.ZBA | Feature.ZBB | Feature.ZBS


class Mvendorid(Csr, address=0xF11, slot=False):
    """mvendorid, Machine Vendor ID (norm:mvendorid_sz_acc_op): 0, non-commercial."""

    read = staticmethod(zero)


class Marchid(Csr, address=0xF12, slot=False):
    """marchid, Machine Architecture ID (norm:marchid_sz_acc_op): 0, none allocated."""

    read = staticmethod(zero)


class Mimpid(Csr, address=0xF13, slot=False):
    """mimpid, Machine Implementation ID (norm:mimpid_op): 0."""

    read = staticmethod(zero)


class Mhartid(Csr, address=0xF14, slot=False):
    """mhartid, Hart ID (norm:mhartid_sz_acc_op)."""

    @staticmethod
    def read(h: Hart) -> u64:
        """The hart's number."""
        return u64(h.hartid)


class Mconfigptr(Csr, address=0xF15, slot=False):
    """mconfigptr, Machine Configuration Pointer (norm:mconfigptr_sz_acc): 0, no such structure."""

    read = staticmethod(zero)


def legal_mpp(h: Hart, old: u64, new: u64) -> u64:
    """MPP holds the implemented modes U, S and M; 2 is none (norm:mstatus_xpp_warl)."""
    return old if new == 2 else new


class StatusFields:
    """The fields that mstatus, sstatus and vsstatus have in common (norm:sstatus)."""

    SD = ro(63, "FS, VS or XS is Dirty")
    UXL = ro(33, 32, "XLEN in U-mode", reset=2, values=XLENS)
    SPELP = rw(23, "a landing pad was expected before the trap into S-mode", values=ELPS, needs=Feature.ZICFILP)
    MXR = rw(19, "loads may read pages that are only executable")
    SUM = rw(18, "S-mode may access pages of U-mode")
    XS = ro(16, 15, "state of other user extensions", values=STATES)
    FS = rw(14, 13, "state of the floating-point unit", values=STATES, needs=Feature.F)
    VS = ro(10, 9, "state of the vector unit", values=STATES)
    SPP = rw(8, "privilege before the trap into S-mode", values=PRIVILEGES)
    UBE = ro(6, "U-mode is big-endian")
    SPIE = rw(5, "SIE before the trap into S-mode")
    SIE = rw(1, "interrupts enabled in S-mode")


@inline
def with_sd(value: u64) -> u64:
    """A status value with SD, which sums up FS (the only state here that can be dirty; norm:mstatus_sd_op1)."""
    return value | SD if get(value, StatusFields.FS) == 3 else value


def legal_sdt(h: Hart, old: u64, new: u64) -> u64:
    """SDT is read-only zero while menvcfg.DTE is 0 (norm:menvcfg_dte_op)."""
    return new if double_traps(h) else 0


class HostStatusFields(StatusFields):
    """What of sstatus vsstatus has in its own way."""

    SDT = warl(24, "a trap into S-mode is a double trap (norm:sstatus_sdt)", legal=legal_sdt, needs=Feature.SSDBLTRP)


def masked_by_sdt(status: u64) -> u64:
    """A status value as software may set it: SIE is 0 with SDT (norm:sstatus_sdt_sstatus_sie_overwrite)."""
    return status & u64(~StatusFields.SIE.mask) if isset(status, HostStatusFields.SDT) else status


class Mstatus(HostStatusFields, Csr, address=0x300, effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """mstatus, Machine Status (norm:mstatus_sz_acc)."""

    MDT = rw(42, "a trap into M-mode is a critical error (norm:mstatus_mdt_sz_warl)", needs=Feature.SMDBLTRP)
    MPELP = rw(41, "a landing pad was expected before the trap into M-mode", values=ELPS, needs=Feature.ZICFILP)
    MPV = rw(39, "virtualization mode before the trap into M-mode", needs=Feature.H)
    GVA = rw(38, "mtval holds a guest virtual address", needs=Feature.H)
    MBE = ro(37, "M-mode is big-endian")
    SBE = ro(36, "S-mode is big-endian")
    SXL = ro(35, 34, "XLEN in S-mode", reset=2, values=XLENS)
    TSR = rw(22, "trap SRET in HS-mode")
    TW = rw(21, "trap WFI below M-mode")
    TVM = rw(20, "trap satp, hgatp and their fences in HS-mode")
    MPRV = rw(17, "loads and stores use the privilege in MPP and MPV")
    MPP = warl(12, 11, "privilege before the trap into M-mode", legal=legal_mpp, values=PRIVILEGES)
    MPIE = rw(7, "MIE before the trap into M-mode")
    MIE = rw(3, "interrupts enabled in M-mode")

    @staticmethod
    def read(h: Hart) -> u64:
        """The slot and SD."""
        return with_sd(h.mstatus)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set the slot; SDT rules SIE, MDT rules MIE (norm:mstatus_mie_clr_by_mdt_rv64)."""
        new = masked_by_sdt(Mstatus.legalize(h, h.mstatus, value))
        h.mstatus = new & u64(~Mstatus.MIE.mask) if isset(new, Mstatus.MDT) else new


@inline
def letter(h: Hart, feature: u64, bit: u64) -> u64:
    """The misa bit of a feature."""
    return u64(1 << bit) if h.features & feature != 0 else 0


class Misa(Csr, address=0x301, slot=False, effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """misa, Machine ISA (norm:misa_acc); only H can be switched (norm:misa_h_op)."""

    MXL = ro(63, 62, "XLEN in M-mode", reset=2, values=XLENS)
    U = ro(20, "U-mode")
    S = ro(18, "S-mode")
    M = ro(12, "multiplication and division")
    I = ro(8, "base ISA")
    H = rw(7, "hypervisor extension")
    F = ro(5, "single-precision floating point")
    D = ro(3, "double-precision floating point")
    C = ro(2, "compressed instructions")
    B = ro(1, "bit manipulation: Zba, Zbb and Zbs")
    A = ro(0, "atomic instructions")

    @staticmethod
    def read(h: Hart) -> u64:
        """What the enabled features say."""
        value = MXL_64 | letter(h, Feature.I, 8) | letter(h, Feature.M, 12) | letter(h, Feature.A, 0)
        value |= letter(h, Feature.C, 2) | letter(h, Feature.F, 5) | letter(h, Feature.D, 3) | letter(h, Feature.H, 7)
        if h.features & B_EXTENSION == B_EXTENSION:
            value |= 1 << 1  # norm:misa_b_op
        return value | letter(h, Feature.S, 18) | letter(h, Feature.U, 20)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Switch H. Without it, what it adds is gone; with it, that is as after reset but for the vs* CSRs."""
        if isset(value, Misa.H) and h.features_all & Feature.H != 0 and h.features & Feature.H == 0:
            h.features |= Feature.H
            h.mideleg |= always_delegated(h)
            features_changed(h)
        elif not isset(value, Misa.H) and h.features & Feature.H != 0:
            drop_hypervisor(h)
            h.features &= u64(~Feature.H)
            features_changed(h)


def drop_hypervisor(h: Hart) -> None:
    """Clear what the hypervisor extension keeps in other CSRs, and its controls (norm:misa_extensions_disabling)."""
    h.mstatus &= u64(~(Mstatus.MPV.mask | Mstatus.GVA.mask))
    h.mnstatus &= u64(~MNPV)
    h.mideleg &= u64(~VS_LEVEL)
    h.mie &= u64(~VS_LEVEL)
    h.mip &= u64(~VS_LEVEL)
    h.medeleg &= u64(~HYPERVISOR_CAUSES)
    h.hstatus = HSTATUS_RESET
    h.vsstatus &= u64(~SDT)
    h.hedeleg = 0
    h.hideleg = 0
    h.hvip = 0
    h.hgeie = 0
    h.hcounteren = 0
    h.henvcfg = 0
    h.hgatp = 0
    h.vsatp = 0
    h.mcyclecfg &= u64(~GUEST_FILTERS)
    h.minstretcfg &= u64(~GUEST_FILTERS)
    for index in range(COUNT):
        h.hpm_event[index] &= u64(~GUEST_FILTERS)


class DelegationFields:
    """Exceptions by bit, as in medeleg (norm:medeleg_enc_txt)."""

    HARDWARE_ERROR = rw(19, "hardware error")
    SOFTWARE_CHECK = rw(18, "software check")
    STORE_PAGE_FAULT = rw(15, "store/AMO page fault")
    LOAD_PAGE_FAULT = rw(13, "load page fault")
    INSTRUCTION_PAGE_FAULT = rw(12, "instruction page fault")
    ECALL_U = rw(8, "environment call from U-mode or VU-mode")
    STORE_ACCESS_FAULT = rw(7, "store/AMO access fault")
    STORE_ADDRESS_MISALIGNED = rw(6, "store/AMO address misaligned")
    LOAD_ACCESS_FAULT = rw(5, "load access fault")
    LOAD_ADDRESS_MISALIGNED = rw(4, "load address misaligned")
    BREAKPOINT = rw(3, "breakpoint")
    ILLEGAL_INSTRUCTION = rw(2, "illegal instruction")
    INSTRUCTION_ACCESS_FAULT = rw(1, "instruction access fault")
    INSTRUCTION_ADDRESS_MISALIGNED = rw(0, "instruction address misaligned")


class Medeleg(DelegationFields, Csr, address=0x302):
    """medeleg, Machine Exception Delegation (norm:medeleg_sz_acc): which exceptions go to HS-mode."""

    STORE_GUEST_PAGE_FAULT = rw(23, "store/AMO guest-page fault", needs=Feature.H)
    VIRTUAL_INSTRUCTION = rw(22, "virtual instruction", needs=Feature.H)
    LOAD_GUEST_PAGE_FAULT = rw(21, "load guest-page fault", needs=Feature.H)
    INSTRUCTION_GUEST_PAGE_FAULT = rw(20, "instruction guest-page fault", needs=Feature.H)
    ECALL_VS = rw(10, "environment call from VS-mode", needs=Feature.H)
    ECALL_S = rw(9, "environment call from HS-mode")


def always_delegated(h: Hart) -> u64:
    """The mideleg bits that are read-only one: VS-level, and SGEI if there can be any (norm:mideleg_acc_h)."""
    if h.features & Feature.H == 0:
        return 0
    return VS_LEVEL if h.geilen != 0 else VS_ONLY


@inline
def local(h: Hart) -> u64:
    """LCOFI, if there is one (norm:mip_lcofip_mie_lcofie_rdonly0)."""
    return LCOFI if h.features & Feature.SSCOFPMF != 0 else 0


class Mideleg(Csr, address=0x303, effects=Effect.INTERRUPT):
    """mideleg, Machine Interrupt Delegation (norm:mideleg_sz_acc): which interrupts go to HS-mode."""

    LCOFI = rw(13, "local counter overflow interrupt", needs=Feature.SSCOFPMF)
    SGEI = ro(12, "supervisor guest external interrupt")
    VSEI = ro(10, "virtual supervisor external interrupt")
    SEI = rw(9, "supervisor external interrupt")
    VSTI = ro(6, "virtual supervisor timer interrupt")
    STI = rw(5, "supervisor timer interrupt")
    VSSI = ro(2, "virtual supervisor software interrupt")
    SSI = rw(1, "supervisor software interrupt")

    @staticmethod
    def legalize(h: Hart, old: u64, new: u64) -> u64:
        """S-level interrupts may be delegated, VS-level ones always are."""
        return (new & (S_LEVEL | local(h))) | always_delegated(h)


class VectorFields:
    """A trap vector (norm:mtvec_sz_warl_acc)."""

    BASE = rw(63, 2, "address of the handler, divided by 4")
    MODE = warl(1, 0, "where interrupts go", values={0: "Direct", 1: "Vectored"})


class Mtvec(VectorFields, Csr, address=0x305):
    """mtvec, Machine Trap-Vector Base-Address (norm:mtvec_sz_warl_acc)."""


class Mscratch(Csr, address=0x340):
    """mscratch, Machine Scratch (norm:mscratch_sz_acc)."""


def legal_epc(h: Hart, old: u64, new: u64) -> u64:
    """xepc holds instruction addresses: bit 0 is zero, bit 1 too without C (norm:sepc)."""
    return new & u64(~1) if h.features & Feature.C != 0 else new & u64(~3)


class Mepc(Csr, address=0x341):
    """mepc, Machine Exception Program Counter (norm:mepc_sz_acc)."""

    legalize = staticmethod(legal_epc)


class CauseFields:
    """Why a trap was taken (norm:scause); the words are in core.trap.causes."""

    INTERRUPT = rw(63, "the trap was an interrupt")
    CODE = wlrl(62, 0, "number of the exception or interrupt")


class Mcause(CauseFields, Csr, address=0x342):
    """mcause, Machine Cause (norm:mcause_sz_acc)."""


class Mtval(Csr, address=0x343):
    """mtval, Machine Trap Value (norm:mtval_sz_acc)."""


class Mtinst(Csr, address=0x34A, ext="H"):
    """mtinst, Machine Trap Instruction (norm:mtinst_sz_acc_op)."""


class Mtval2(Csr, address=0x34B):
    """mtval2, Machine Second Trap Value: faulting guest physical address shifted right by 2 (norm:mtval2_sz_acc_op).

    On a double trap, the cause of the unexpected trap, so that Ssdbltrp too needs it (norm:mtval2_Ssdbltrap).
    """

    @staticmethod
    def rule(h: Hart) -> u64:
        """It comes with either extension."""
        return 0 if h.features & (Feature.H | Feature.SSDBLTRP) != 0 else Cause.ILLEGAL_INSTRUCTION
