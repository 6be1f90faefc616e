# SPDX-License-Identifier: Apache-2.0
"""Hints about shadow stacks (Zicfiss). See core.debug.hints."""

from __future__ import annotations

from core.csr.shadow import SSE
from core.debug.facts import Facts
from core.debug.registers import ABI_NAMES
from core.debug.walk import debug_translate
from core.features import Feature
from core.isa.decode import decode
from core.mmu.modes import is_shadow
from core.mmu.pte import Verdict
from core.trap.causes import Cause, SoftwareCheck

SWAPS = ("ssamoswap.w", "ssamoswap.d")
PAGES = {
    Verdict.SHADOW_STORE: "only sspush and ssamoswap write to shadow-stack pages: if software means to write here, the address "
    "is wrong, or the entry lacks R",
    Verdict.SHADOW_BLOCK: "cache-block instructions never act on shadow-stack pages, not even those that write nothing",
    Verdict.SHADOW_FETCH: "this page holds return addresses, not instructions",
    Verdict.NOT_SHADOW: "shadow-stack instructions access only pages with W=1, R=0 and X=0: map the shadow stack so, or set "
    "ssp to it",
    Verdict.SHADOW_READ_ONLY: "a page fault here is for copy-on-write: make a copy and map it with W=1, R=0 and X=0; a shadow "
    "stack itself is never read-only",
}
"""What to do about the faults of step 7."""
BY_RULE = {verdict.rule: text for verdict, text in PAGES.items()} | {
    "norm:satp_mode_bare": "turn paging on before the first push: shadow stacks need a page of their own kind",
    "norm:ssmp_ssamoswap": "M-mode has no shadow stack: ssamoswap reaches that of another mode through mstatus.MPRV",
}


def mismatch(facts: Facts) -> str | None:
    """SSPOPCHK has found another return address."""
    trap, line = facts.trap, facts.trap.line
    if line.interrupt or line.cause != Cause.SOFTWARE_CHECK or line.tval != SoftwareCheck.SHADOW_STACK:
        return None
    link = decode(line.inst, trap.hart.features).operands.get("rs1", 0)
    name = ABI_NAMES[link]
    return (
        f"{_found(facts, link, name)}: the return address on the regular stack was overwritten, pushes and pops do not pair, "
        "or sp was switched (another task, longjmp) without ssp (norm:sspop_exception)"
    )


def _found(facts: Facts, link: int, name: str) -> str:
    """The two values, as long as nothing has changed them."""
    trap = facts.trap
    ssp = int(trap.hart.ssp)
    view = trap.view()
    spa = debug_translate(view, ssp) if trap.ago == 0 else None
    value = None if spa is None else view.read(spa)
    if value is None:
        return f"{name} is not what the shadow stack holds"
    return f"{name} is {int(trap.hart.x[link]):#x}, the shadow stack holds {value:#x} at ssp, {ssp:#x}"


def unset(facts: Facts) -> str | None:
    """A push or pop with ssp as reset left it."""
    trap = facts.trap
    if trap.access is None or not is_shadow(trap.access) or trap.instruction in SWAPS:
        return None
    if trap.line.tval not in (0, (1 << 64) - 8):
        return None
    return "ssp has not been set: give it the end of the shadow stack, which grows downwards, before the first push"


def pages(facts: Facts) -> str | None:
    """The page is of the wrong kind for the access."""
    walk, access = facts.walk, facts.trap.access
    if walk is None or access is None:
        return None
    if walk.rule in BY_RULE:
        return BY_RULE[walk.rule]
    if is_shadow(access) and facts.failed is not None and facts.failed.stage == "G":
        return (
            "the G-stage must let shadow-stack instructions read and write, pops too; it has no shadow-stack pages of its own "
            "(norm:active_g_stage_pte)"
        )
    return None


def reserved(facts: Facts) -> str | None:
    """W=1 with R=0 in a stage without shadow stacks."""
    step, h = facts.failed, facts.trap.hart
    if (
        step is None
        or step.stage == "G"
        or not h.features & Feature.ZICFISS
        or Verdict.WRITE_WITHOUT_READ.words not in step.text
    ):
        return None
    missing = [name for name in ("menvcfg", "henvcfg")[: 1 + (step.stage == "VS")] if not getattr(h, name) & SSE]
    if not missing:
        return "X=1 with W=1 and R=0 means nothing: a shadow-stack page has W=1 alone (norm:ss_page_enc)"
    bits = " and ".join(f"{name}.SSE" for name in missing)
    return f"if this is to be a shadow-stack page, {bits} must be set first (norm:ss_page_enc)"
