# SPDX-License-Identifier: Apache-2.0
"""Zicsr, access to control and status registers (unpriv, Zicsr), and the names Zicntr and F give to some accesses.

Whether the access is allowed is decided before anything happens: as a write if the instruction would write, whatever
the value (norm:csrrs_csrrc_rs1_x0, norm:csrrw_rs1_x0, norm:csrrsi_csrrci_uimm_zero).
"""

from __future__ import annotations

from core.csr.access import csr_base, csr_check, csr_read, csr_write
from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg, u64


@instruction("csr[11:0] rs1 001 rd 1110011", ext="Zicsr", syntax="rd, csr, rs1")
def csrrw(h: Hart, rd: Reg, rs1: Reg, csr: u64) -> None:
    """CSRRW, swap; no read with rd=x0 (norm:csrrw_op)."""
    csr_check(h, csr, True)
    new = h.x[rs1]
    old = u64(0)
    if rd != 0:
        old = csr_read(h, csr)
    csr_write(h, csr, new)
    h.x[rd] = old


@instruction("csr[11:0] uimm[4:0] 101 rd 1110011", ext="Zicsr", syntax="rd, csr, uimm")
def csrrwi(h: Hart, rd: Reg, uimm: u64, csr: u64) -> None:
    """CSRRWI, swap with an immediate; no read with rd=x0 (norm:csrrwi_rd_x0)."""
    csr_check(h, csr, True)
    old = u64(0)
    if rd != 0:
        old = csr_read(h, csr)
    csr_write(h, csr, uimm)
    h.x[rd] = old


@instruction("csr[11:0] rs1 010 rd 1110011", ext="Zicsr", syntax="rd, csr, rs1")
def csrrs(h: Hart, rd: Reg, rs1: Reg, csr: u64) -> None:
    """CSRRS, read and set bits; no write with rs1=x0 (norm:csrrs_op)."""
    csr_check(h, csr, rs1 != 0)
    old = csr_read(h, csr)
    if rs1 != 0:
        csr_write(h, csr, csr_base(h, csr) | h.x[rs1])
    h.x[rd] = old


@instruction("csr[11:0] uimm[4:0] 110 rd 1110011", ext="Zicsr", syntax="rd, csr, uimm")
def csrrsi(h: Hart, rd: Reg, uimm: u64, csr: u64) -> None:
    """CSRRSI, read and set bits of an immediate; no write with uimm=0 (norm:csrrwi_csrrsi_csrrci_ops)."""
    csr_check(h, csr, uimm != 0)
    old = csr_read(h, csr)
    if uimm != 0:
        csr_write(h, csr, csr_base(h, csr) | uimm)
    h.x[rd] = old


@instruction("csr[11:0] rs1 011 rd 1110011", ext="Zicsr", syntax="rd, csr, rs1")
def csrrc(h: Hart, rd: Reg, rs1: Reg, csr: u64) -> None:
    """CSRRC, read and clear bits; no write with rs1=x0 (norm:csrrc_op)."""
    csr_check(h, csr, rs1 != 0)
    old = csr_read(h, csr)
    if rs1 != 0:
        csr_write(h, csr, csr_base(h, csr) & u64(~h.x[rs1]))
    h.x[rd] = old


@instruction("csr[11:0] uimm[4:0] 111 rd 1110011", ext="Zicsr", syntax="rd, csr, uimm")
def csrrci(h: Hart, rd: Reg, uimm: u64, csr: u64) -> None:
    """CSRRCI, read and clear bits of an immediate; no write with uimm=0 (norm:csrrwi_csrrsi_csrrci_ops)."""
    csr_check(h, csr, uimm != 0)
    old = csr_read(h, csr)
    if uimm != 0:
        csr_write(h, csr, csr_base(h, csr) & u64(~uimm))
    h.x[rd] = old


alias("unimp", "csrrw x0, 0xc00, x0")
for _csr, _number in (("csr", 3), ("rm", 2), ("flags", 1)):  # norm:fcsr_op_sz_acc, norm:fflags_frm_op_sz_acc
    alias(f"fr{_csr} rd", f"csrrs rd, {_number}, x0")
    alias(f"fs{_csr} rs1", f"csrrw x0, {_number}, rs1")
    alias(f"fs{_csr} rd, rs1", f"csrrw rd, {_number}, rs1")
alias("fsrmi rd, uimm", "csrrwi rd, 2, uimm")
alias("fsflagsi rd, uimm", "csrrwi rd, 1, uimm")
alias("csrw csr, rs1", "csrrw x0, csr, rs1")
alias("csrwi csr, uimm", "csrrwi x0, csr, uimm")
alias("rdcycle rd", "csrrs rd, 0xc00, x0")  # norm:zicntr_rdcycle_op
alias("rdtime rd", "csrrs rd, 0xc01, x0")  # norm:zicntr_rdtime_op
alias("rdinstret rd", "csrrs rd, 0xc02, x0")  # norm:zicntr_rdinstret_op
alias("csrr rd, csr", "csrrs rd, csr, x0")
alias("csrs csr, rs1", "csrrs x0, csr, rs1")
alias("csrsi csr, uimm", "csrrsi x0, csr, uimm")
alias("csrc csr, rs1", "csrrc x0, csr, rs1")
alias("csrci csr, uimm", "csrrci x0, csr, uimm")
