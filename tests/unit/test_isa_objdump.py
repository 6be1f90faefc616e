# SPDX-License-Identifier: Apache-2.0
"""Decoder and disassembler against GNU objdump: every 16-bit pattern, and every instruction with random operands."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from core.csr.registry import CSRS_BY_ADDRESS
from core.features import Feature
from core.isa.decode import encode, expand
from core.isa.disassemble import disassemble
from core.isa.drawing import Operand
from core.isa.encoding import COMPRESSED, INSTRUCTIONS, Instruction

TOOLS = "riscv64-unknown-elf-as", "riscv64-unknown-elf-objdump"
ARCHITECTURE = (
    "rv64imafdch_zicbom_zicbop_zicboz_zicsr_zifencei_zihintpause_zawrs_zfh_zba_zbb_zbc_zbs_svinval"  # binutils 2.40 and newer
)
NEWER = Feature.ZICOND | Feature.ZIMOP | Feature.ZCMOP | Feature.ZACAS | Feature.ZABHA | Feature.ZCB | Feature.ZFA
NEWER |= Feature.ZICFISS | Feature.SMRNMI
"""What binutils 2.40 does not know; `test_texts` has these."""
NEWER_CSRS = {0x011, 0x321, 0x322, 0x740, 0x741, 0x742, 0x744}
"""ssp and those of Smcntrpmf and Smrnmi, which it shows as numbers."""
KNOWN_CSRS = [address for address in CSRS_BY_ADDRESS if address not in NEWER_CSRS]
NEWER_SHORT = [record for record in COMPRESSED if record.ext & NEWER]
NTL = {2: "ntl.p1", 3: "ntl.pall", 4: "ntl.s1", 5: "ntl.all"}
"""Zihintntl, which binutils 2.40 does not know either, by rs2 of ADD x0, x0, rs2."""
EXACT = ("fcvt.d.s ", "fcvt.d.w ", "fcvt.d.wu ", "fcvt.s.h ", "fcvt.d.h ")
"""Conversions that binutils 2.40 knows with RNE only, though any rounding mode will do (norm:roundingmode_rsv)."""


class Row(NamedTuple):
    """A line of objdump's."""

    address: int
    raw: int
    text: str


def objdump(raws: Sequence[int], folder: Path) -> list[Row]:
    """What objdump makes of these instructions (16 or 32 bits each), laid out one after the other from address 0."""
    for tool in TOOLS:
        assert shutil.which(tool), f"{tool} is missing: apt-get install binutils-riscv64-unknown-elf"
    source, binary = folder / "code.s", folder / "code.o"
    lines = [f".insn {4 if raw & 3 == 3 else 2}, {raw:#x}\n" for raw in raws]
    source.write_text(".option rvc\n" + "".join(lines))
    subprocess.run([TOOLS[0], f"-march={ARCHITECTURE}", "-o", binary, source], check=True)
    listing = subprocess.run([TOOLS[1], "-d", binary], check=True, capture_output=True, text=True).stdout
    rows = [
        Row(int(found[1], 16), int(found[2], 16), plain(found[3]))
        for found in re.finditer(r"^\s*([0-9a-f]+):\t([0-9a-f]{8}|[0-9a-f]{4})\s+\t(.*)$", listing, re.MULTILINE)
    ]
    assert [row.raw for row in rows] == list(raws)
    return rows


IMMEDIATE_FORM = re.compile(
    r"(?P<op>add|slt|xor|or|and|sll|srl|sra|add(?=w)|sll(?=w)|srl(?=w)|sra(?=w)|slt(?=u)|csrr?[wsc]|ror|b(?:set|clr|inv|ext))"
    r"(?P<tail>[wu]?)"
    r" (?P<rest>.*,)(?P<value>-?\d+|0x[0-9a-f]+)"
)


def plain(text: str) -> str:
    """A text with blanks made single and notes removed, and the i put back that binutils 2.40 drops.

    It prints `add a0,a0,1` for ADDI, `csrw mepc,3` for CSRRWI and so on. Older versions print the mnemonics of the
    manual, and so do we.
    """
    text = re.sub(r"\s+", " ", text.split("#")[0].split("<")[0]).strip()
    found = IMMEDIATE_FORM.fullmatch(text)
    if found:
        tail = {"": "i", "w": "iw", "u": "iu"}[found["tail"]]
        text = f"{found['op']}{tail} {found['rest']}{found['value']}"
    return text


def shown_otherwise(raw: int, ours: str, theirs: str) -> bool:
    """Where we knowingly differ."""
    if raw == 0x6101:  # c.addi16sp with nzimm=0 is reserved, so illegal (norm:c-addi16sp_rsv); objdump shows it
        return (ours, theirs) == (".2byte 0x6101", "addi sp,sp,0")
    if raw & 3 != 3 and any(record.matches(raw) for record in NEWER_SHORT):
        return theirs == f".2byte {raw:#x}" and ours != theirs
    if raw & 0xFE0F_FFFF == 0x33 or raw & 0xFF83 == 0x9002:  # ADD or C.ADD that is a hint about locality
        return ours.removeprefix("c.") == NTL.get(raw >> 20 if raw & 3 == 3 else raw >> 2 & 31)
    if ours.startswith(EXACT):
        return theirs == f".4byte {raw:#x}" and raw >> 12 & 7 != 0
    if raw & 0x707F == 0x000F:  # a fence mode without a meaning yet is executed as FENCE (norm:fence_unused_flds_rsv)
        return ours.startswith("fence ") and theirs == f".4byte {raw:#x}" and raw >> 28 != 0
    return False


def disagreements(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """(raw, our text, objdump's text) where they differ unknowingly."""
    found = []
    for row in rows:
        ours = disassemble(row.raw, row.address)
        if ours != row.text and not shown_otherwise(row.raw, ours, row.text):
            found.append((f"{row.raw:#x}", ours, row.text))
    return found


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """objdump's view of all 16-bit patterns."""
    return objdump([half for half in range(1 << 16) if half & 3 != 3], tmp_path_factory.mktemp("halves"))


def test_the_same_short_encodings_are_legal(halves: list[Row]) -> None:
    differing = [
        f"{row.raw:#x} {row.text}"
        for row in halves
        if (expand(row.raw) != 0) == (row.text == "unimp" or row.text.startswith(".2byte"))
        and not any(record.matches(row.raw) for record in NEWER_SHORT)
    ]
    assert differing == ["0x6101 addi sp,sp,0"]


def test_short_instructions_mean_the_same(halves: list[Row]) -> None:
    assert disagreements(halves) == []


def field(operand: Operand, rng: random.Random) -> int:
    """Instruction bits of an operand: its ends as often as random ones."""
    mask = operand.mask
    return rng.choice((0, mask, mask & -mask, rng.getrandbits(32) & mask, rng.getrandbits(32) & mask))


def random_words(record: Instruction, count: int) -> list[int]:
    """The instruction with random operands; CSR numbers only of CSRs that exist here."""
    rng = random.Random(record.name)
    words = []
    for _ in range(count):
        word = record.match
        for operand in record.fields + record.hints:
            known = operand.name == "csr"
            word |= operand.insert(rng.choice(KNOWN_CSRS)) if known else field(operand, rng)
        words.append(word)
    return words


def test_every_instruction_with_random_operands(tmp_path: Path) -> None:
    known = [record for record in INSTRUCTIONS if not record.ext & NEWER]
    rows = objdump([word for record in known for word in random_words(record, 60)], tmp_path)
    assert disagreements(rows) == []


def test_prefetches_have_names(tmp_path: Path) -> None:
    """Zicbop, and what lies next to it."""
    rng = random.Random(0)
    numbers = (0, 1, 3, 0, 1, 3, 2, 4, 5, 31)
    words = [encode("ori", rd=0, rs1=rng.randrange(32), imm=32 * rng.randrange(-64, 64) + n) for n in numbers * 8]
    rows = objdump(words, tmp_path)
    assert disagreements(rows) == []
    assert sum(row.text.startswith("prefetch.") for row in rows) == 48


def test_every_csr_has_its_name(tmp_path: Path) -> None:
    words = [encode("csrrs", rd=10, csr=address) for address in KNOWN_CSRS]
    assert disagreements(objdump(words, tmp_path)) == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x0000_0013, "nop"),
        (0x0000_0001, "nop"),
        (0x0000_8067, "ret"),
        (0x0000_8082, "ret"),
        (0x1020_0073, "sret"),
        (0x1050_0073, "wfi"),
        (0x0000_0073, "ecall"),
        (0x0000_9002, "ebreak"),
        (0x0100_000F, "pause"),
        (0x0FF0_000F, "fence"),
        (0x0330_000F, "fence rw,rw"),
        (0xC000_1073, "unimp"),
        (0xC010_2573, "rdtime a0"),
        (0x6000_2573, "csrr a0,hstatus"),
        (0x6805_1073, "csrw hgatp,a0"),
        (0x7C00_2573, "csrr a0,0x7c0"),
        (0x6205_0073, "hfence.gvma a0"),
        (0x6C05_C573, "hlv.d a0,(a1)"),
        (0x06B5_252F, "amoadd.w.aqrl a0,a1,(a0)"),
        (0x0000_0000, "unimp"),
        (0xFFFF_FFFF, ".4byte 0xffffffff"),
        (0x0000_9000, ".2byte 0x9000"),
        (0x0EC5_D533, "czero.eqz a0,a1,a2"),
        (0x0EC5_F533, "czero.nez a0,a1,a2"),
        (0x28C5_A52F, "amocas.w a0,a2,(a1)"),
        (0x2CC5_B52F, "amocas.d.aq a0,a2,(a1)"),
        (0x28C5_C52F, "amocas.q a0,a2,(a1)"),
        (0x0EB6_052F, "amoswap.b.aqrl a0,a1,(a2)"),
        (0xE2B6_152F, "amomaxu.h.rl a0,a1,(a2)"),
        (0x28B6_152F, "amocas.h a0,a1,(a2)"),
        (0x81C5_C573, "mop.r.0 a0,a1"),
        (0xCDF5_C573, "mop.r.31 a0,a1"),
        (0x82C5_C573, "mop.rr.0 a0,a1,a2"),
        (0xCEC5_C573, "mop.rr.7 a0,a1,a2"),
        (0x7020_0073, "mnret"),
        (0x0020_0033, "ntl.p1"),
        (0x0050_0033, "ntl.all"),
        (0x0000_900E, "c.ntl.pall"),
        (0x0000_9012, "c.ntl.s1"),
        (0x0000_6081, "c.mop.1"),
        (0x0000_6781, "c.mop.15"),
        (0x0000_8040, "lbu s0,1(s0)"),
        (0x0000_8020, "lbu s0,2(s0)"),
        (0x0000_84C4, "lh s1,0(s1)"),
        (0x0000_8484, "lhu s1,0(s1)"),
        (0x0000_8860, "sb s0,3(s0)"),
        (0x0000_8C20, "sh s0,2(s0)"),
        (0x0000_9C61, "zext.b s0,s0"),
        (0x0000_9C65, "sext.b s0,s0"),
        (0x0000_9C69, "zext.h s0,s0"),
        (0x0000_9C6D, "sext.h s0,s0"),
        (0x0000_9C71, "zext.w s0,s0"),
        (0x0000_9C75, "not s0,s0"),
        (0x0000_9C45, "mul s0,s0,s1"),
    ],
)
def test_texts(word: int, text: str) -> None:
    assert disassemble(word, 0) == text


def test_targets_are_addresses_with_symbols() -> None:
    symbols = {0x8000_0010: "loop", 0x7FFF_FFF0: "main+0x8"}
    assert disassemble(encode("jal", rd=1, imm=16), 0x8000_0000, symbols.get) == "jal 80000010 <loop>"
    assert disassemble(encode("c.beqz", rs1=8, imm=-16), 0x8000_0000, symbols.get) == "beqz s0,7ffffff0 <main+0x8>"
    assert disassemble(encode("bne", rs1=8, rs2=9, imm=32), 0x8000_0000, symbols.get) == "bne s0,s1,80000020"
    assert disassemble(encode("jal", rd=0, imm=-4), 0) == "j fffffffffffffffc"
