# SPDX-License-Identifier: Apache-2.0
"""Names for HINTs: Zihintntl, non-temporal locality, and Zicbop, prefetches (unpriv, Zihintntl; unpriv, Zicbop).

They are encodings of ADD and ORI that write x0, so they do nothing on any hart (norm:NTL_target_definition,
norm:cbp_unperm_noexcep). PAUSE, of Zihintpause, is named where FENCE is (norm:pause_enc_fence).
"""

from __future__ import annotations

from core.isa import rv_c, rv_i  # noqa: F401 (declare what is named)
from core.isa.encoding import alias, hint

alias("ntl.p1", "add x0, x0, x2")  # norm:NTL-P1_enc
alias("ntl.pall", "add x0, x0, x3")  # norm:NTL-PALL_enc
alias("ntl.s1", "add x0, x0, x4")  # norm:NTL-S1_enc
alias("ntl.all", "add x0, x0, x5")  # norm:NTL-ALL_enc

hint("prefetch.i", "imm[11:5] 00000 rs1 110 00000 0010011", "ori", syntax="imm(rs1)")  # norm:prefetch-i_op
hint("prefetch.r", "imm[11:5] 00001 rs1 110 00000 0010011", "ori", syntax="imm(rs1)")  # norm:prefetch-r_op
hint("prefetch.w", "imm[11:5] 00011 rs1 110 00000 0010011", "ori", syntax="imm(rs1)")  # norm:prefetch-w_op
