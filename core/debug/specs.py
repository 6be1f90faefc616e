# SPDX-License-Identifier: Apache-2.0
"""What a catch waits for, as the user writes it.

    vmentry    vmexit [CAUSE...]    trap CAUSE...    interrupt N    mode FROM TO    csr NAME [read|write] [VALUE]
    csr NAME.FIELD [read|write] VALUE    sbi EID [FID]    guest-ebreak    gpa START [END]    fence

CAUSE: a number or a name of core.trap.causes (load_guest_page_fault; an interrupt as sti, vsti ... or interrupt:N). FROM,
TO: M, HS, U, VS, VU or any. VALUE of a field: a number or one of its words (Sv39x4). EID, FID: a number of 32 bits or a
name (hsm hart_start). START, END: first and last address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from core.boot.sbi.registry import EXTENSIONS
from core.csr.csr import Csr
from core.csr.fields import Field
from core.csr.registry import CSRS_BY_NAME
from core.debug.errors import DebugError
from core.debug.registers import MODE_NUMBERS, csr_named
from core.isa.intrinsics import sext32
from core.trap.catches import ON_READ, ON_WRITE, Caught
from core.trap.causes import INTERRUPT_BIT, Cause, Interrupt

GUEST_PAGE_FAULTS = (
    Cause.INSTRUCTION_GUEST_PAGE_FAULT,
    Cause.LOAD_GUEST_PAGE_FAULT,
    Cause.STORE_GUEST_PAGE_FAULT,
)
MODES = {name.lower(): (number,) for name, number in MODE_NUMBERS.items()} | {"any": tuple(MODE_NUMBERS.values())}
MODES |= {"s": MODES["hs"], "*": MODES["any"]}
GPA_BYTES = 8
"""How much `gpa START` covers without END."""
FORMS = {
    "vmentry": "vmentry",
    "vmexit": "vmexit [CAUSE...]",
    "trap": "trap CAUSE...",
    "interrupt": "interrupt N",
    "mode": "mode FROM TO",
    "csr": "csr NAME[.FIELD] [read|write] [VALUE]",
    "sbi": "sbi EID [FID]",
    "guest-ebreak": "guest-ebreak",
    "gpa": "gpa START [END]",
    "fence": "fence",
}
"""Every event with its form, for help and completion."""


@dataclass(frozen=True)
class Spec:
    """An event to wait for. Only what belongs to the event is set.

    text: normalized words; caught: kinds of kernel events to look at; causes: xcause values, empty for all; froms, tos:
    mode numbers; access: core.trap.catches.ON_READ | ON_WRITE; value: of the CSR, or of the field of it; first, last: guest
    physical addresses.
    """

    event: str
    text: str
    caught: Caught
    causes: tuple[int, ...] = ()
    froms: tuple[int, ...] = ()
    tos: tuple[int, ...] = ()
    csr: type[Csr] | None = None
    field: Field | None = None
    access: int = 0
    value: int | None = None
    eid: int | None = None
    fid: int | None = None
    first: int = 0
    last: int = 0


def number(word: str, what: str) -> int:
    """A number in Python's spellings. Raises DebugError."""
    try:
        value = int(word, 0)
    except ValueError:
        raise DebugError(f"{word!r} is no {what}") from None
    if not 0 <= value < 1 << 64:
        raise DebugError(f"{word} is no 64-bit {what}")
    return value


def named_cause(word: str) -> int | None:
    """The xcause value that a name means, None for what is no name."""
    name = word.upper().replace("-", "_")
    if name in Cause.__members__:
        return int(Cause[name])
    return INTERRUPT_BIT | Interrupt[name] if name in Interrupt.__members__ else None


def value_named(csr: type[Csr], field: Field | None, word: str) -> int | None:
    """The value of a CSR, or of a field of it, that a word means; of xcause and its CODE a cause."""
    if csr.name.endswith("cause") and (field is None or field.name == "CODE"):
        value = named_cause(word)
        return value if field is None or value is None else field.of(value)
    return None if field is None else field.value_of(word)


def cause_of(word: str) -> int:
    """The xcause value that a word means. Raises DebugError."""
    if word.upper().startswith("INTERRUPT:"):
        return interrupt_of(word.partition(":")[2])
    known = named_cause(word)
    if known is not None:
        return known
    names = [each.lower() for each in (*Cause.__members__, *Interrupt.__members__)]
    near = [each for each in names if each.startswith(word.lower())] or get_close_matches(word.lower(), names, 3)
    hint = f"; did you mean {', '.join(near[:4])}?" if near else ": give its number or a name such as load_guest_page_fault"
    value = number(word, f"cause{hint}")
    if value & ~INTERRUPT_BIT > 63:
        raise DebugError(f"{word} is no cause; exceptions are 0 to 63, interrupts interrupt:0 to interrupt:63")
    return value


def interrupt_of(word: str) -> int:
    """The xcause value of an interrupt by number or name. Raises DebugError."""
    if word.upper() in Interrupt.__members__:
        return INTERRUPT_BIT | Interrupt[word.upper()]
    value = number(word, "interrupt: give its number or a name such as vsti")
    if value > 63:
        raise DebugError(f"{word} is no interrupt; they are 0 to 63")
    return INTERRUPT_BIT | value


def _plain(name: str, caught: Caught, causes: tuple[int, ...] = ()) -> Callable[[Sequence[str]], Spec]:
    def make(words: Sequence[str]) -> Spec:
        _count(name, words, 0, 0)
        return Spec(name, name, caught, causes)

    return make


def _count(event: str, words: Sequence[str], least: int, most: int) -> None:
    if not least <= len(words) <= most:
        raise DebugError(f"the form is: catch {FORMS[event]}")


def _vmexit(words: Sequence[str]) -> Spec:
    return Spec("vmexit", " ".join(["vmexit", *words]), Caught.EXIT, tuple(map(cause_of, words)))


def _trap(words: Sequence[str]) -> Spec:
    _count("trap", words, 1, 64)
    return Spec("trap", " ".join(["trap", *words]), Caught.TRAP, tuple(map(cause_of, words)))


def _interrupt(words: Sequence[str]) -> Spec:
    _count("interrupt", words, 1, 1)
    return Spec("interrupt", f"interrupt {words[0]}", Caught.TRAP, (interrupt_of(words[0]),))


def _mode(words: Sequence[str]) -> Spec:
    _count("mode", words, 2, 2)
    for word in words:
        if word.lower() not in MODES:
            raise DebugError(f"{word!r} is no mode; there are M, HS, U, VS, VU and any")
    froms, tos = (MODES[word.lower()] for word in words)
    return Spec("mode", " ".join(["mode", *(word.upper() for word in words)]), Caught.MODE, froms=froms, tos=tos)


def _csr(words: Sequence[str]) -> Spec:
    _count("csr", words, 1, 3)
    csr, field = _csr_named(words[0])
    rest, access = list(words[1:]), ON_READ | ON_WRITE
    if rest and rest[0] in ("read", "write"):
        access = ON_READ if rest.pop(0) == "read" else ON_WRITE
    if len(rest) > 1:
        raise DebugError(f"the form is: catch {FORMS['csr']}")
    name = csr.name if field is None else f"{csr.name}.{field.name}"
    if field is not None and not rest:
        raise DebugError(f"a field needs a VALUE: catch csr {name} write 1; `catch csr {csr.name}` catches every access")
    value = _csr_value(rest[0], name, csr, field) if rest else None
    text = " ".join(["csr", name, *words[1:]])
    return Spec("csr", text, Caught.CSR, csr=csr, field=field, access=access, value=value)


def _csr_named(word: str) -> tuple[type[Csr], Field | None]:
    """The CSR, and its field if there is one, that NAME or NAME.FIELD mean. Raises DebugError."""
    name, dot, field_name = word.lower().partition(".")
    csr = CSRS_BY_NAME.get(csr_named(name))
    if csr is None:
        raise DebugError(f"there is no CSR {name!r}")
    field = next((each for each in csr.fields if each.name.lower() == field_name), None)
    if dot and field is None:
        fields = ", ".join(each.name for each in csr.fields)
        raise DebugError(f"{csr.name} has no field {word.partition('.')[2]!r}" + (f"; it has {fields}" if fields else ""))
    return csr, field


def _csr_value(word: str, name: str, csr: type[Csr], field: Field | None) -> int:
    named, names = value_named(csr, field, word), ", ".join(field.values.values()) if field else ""
    what = f"value of {name}" + (f"; it has {names}" if names else "") if field else "value"
    value = number(word, what) if named is None else named
    if field is not None and value >> field.width:
        raise DebugError(f"{word} does not fit into {name}, which has {field.width} bit{'s' * (field.width > 1)}")
    return value


def _sbi(words: Sequence[str]) -> Spec:
    text, legacy = " ".join(["sbi", *words]), [each for each in EXTENSIONS.values() if each.legacy]
    if len(words) == 2 and words[0].lower() == "legacy":
        words = words[1:]
    _count("sbi", words, 1, 2)
    eids = {extension.name.lower(): eid for eid, extension in EXTENSIONS.items() if not extension.legacy}
    eids |= {extension.functions[0].name: extension.eid for extension in legacy}
    eid = _sbi_number(words[0], eids, f"SBI extension: give its number or one of {', '.join(eids)}")
    if len(words) == 1:
        return Spec("sbi", text, Caught.SBI, eid=eid)
    extension = EXTENSIONS.get(eid)
    functions = {function.name: fid for fid, function in extension.functions.items()} if extension else {}
    names = f" or one of {', '.join(functions)}" if functions else ""
    fid = _sbi_number(words[1], functions, f"function of {words[0]}: give its number{names}")
    return Spec("sbi", text, Caught.SBI, eid=eid, fid=None if extension in legacy else fid)


def _sbi_number(word: str, names: Mapping[str, int], what: str) -> int:
    """An EID or FID as it stands in a register: 32 bits, sign-extended (SBI 2.0, Binary Encoding). Raises DebugError."""
    value = names[word.lower()] if word.lower() in names else number(word, what)
    if value >> 32:
        raise DebugError(f"{word} is too much: numbers of SBI extensions and functions have 32 bits")
    return sext32(value)


def _gpa(words: Sequence[str]) -> Spec:
    _count("gpa", words, 1, 2)
    first = number(words[0], "guest physical address")
    last = number(words[1], "guest physical address") if len(words) > 1 else first + GPA_BYTES - 1
    if last < first:
        raise DebugError(f"the last address of the range, {last:#x}, is below the first, {first:#x}")
    text = f"gpa {first:#x} to {last:#x}"
    return Spec("gpa", text, Caught.TRAP, tuple(map(int, GUEST_PAGE_FAULTS)), first=first, last=last)


PARSERS: dict[str, Callable[[Sequence[str]], Spec]] = {
    "vmentry": _plain("vmentry", Caught.ENTRY),
    "vmexit": _vmexit,
    "trap": _trap,
    "interrupt": _interrupt,
    "mode": _mode,
    "csr": _csr,
    "sbi": _sbi,
    "guest-ebreak": _plain("guest-ebreak", Caught.TRAP, (int(Cause.BREAKPOINT),)),
    "gpa": _gpa,
    "fence": _plain("fence", Caught.FENCE),
}


def parse(text: str) -> Spec:
    """The event that a user's words mean. Raises DebugError, which says what is possible."""
    words = text.split()
    if not words or words[0] not in PARSERS:
        what = f"cannot catch {words[0]!r}" if words else "catch what?"
        raise DebugError(f"{what}; possible: {', '.join(FORMS)}")
    return PARSERS[words[0]](words[1:])
