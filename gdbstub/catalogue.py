# SPDX-License-Identifier: Apache-2.0
"""Every packet of gdb's manual: what we do with it, or why not. `python -m gdbstub.catalogue` prints it for docs/gdb.md.

What is supported says the registry itself; here stands only what is not, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from gdbstub import packets
from gdbstub.grammar import PACKETS

packets.load()

NO_OS: Final = "there is no operating system under the machine that could do this"
NO_TRACE: Final = "no tracepoints: the machine can be stopped and repeated exactly instead"
OBSOLETE: Final = "obsolete; newer packets do this"
FLASH: Final = "the machine has no flash memory to program"

UNSUPPORTED: Final[dict[str, str]] = {
    # Packets of one letter
    "A": "the program is chosen on Hartline's command line",
    "B": OBSOLETE,
    "d": OBSOLETE,
    "F": "the machine makes no system calls through the debugger; its console is the UART",
    "i": "it steps by a machine's clock; use s or vCont",
    "I": "it steps by a machine's clock; use s or vCont",
    "r": "obsolete; R, or `monitor reset`",
    "t": OBSOLETE,
    # v
    "vCtrlC": "for non-stop mode; Ctrl-C arrives as the byte 0x03",
    "vFlashErase": FLASH,
    "vFlashWrite": FLASH,
    "vFlashDone": FLASH,
    "vMustReplyEmpty": "it must get the empty reply, as every unknown packet",
    "vStopped": "for non-stop mode: all harts of the machine stop together",
    # Queries and settings
    "QAgent": "no in-process agent: conditions and commands run in the server itself",
    "QAllow": "everything is always allowed",
    "QCatchSyscalls": "`monitor catch sbi` and `monitor catch vmexit` catch SBI calls and hypercalls",
    "QDisableRandomization": NO_OS,
    "QEnvironmentHexEncoded": NO_OS,
    "QEnvironmentReset": NO_OS,
    "QEnvironmentUnset": NO_OS,
    "qExecAndArgs": "the program is chosen on Hartline's command line; qXfer:exec-file names it",
    "qGetTIBAddr": NO_OS,
    "qGetTLSAddr": "thread-local storage is an affair of an operating system in the machine",
    "qIsAddressTagged": "RISC-V memory has no tags",
    "qL": OBSOLETE,
    "qMemTags": "RISC-V memory has no tags",
    "QMemTags": "RISC-V memory has no tags",
    "qOffsets": "programs run where they are linked; an empty answer means so",
    "qP": "obsolete; qXfer:threads and qThreadExtraInfo",
    "QPassSignals": "a machine has no signals",
    "QProgramSignals": "a machine has no signals",
    "QSetWorkingDir": NO_OS,
    "QStartupWithShell": NO_OS,
    "QThreadEvents": "a guest appears as an exec event and harts neither start nor end",
    "QThreadOptions": "threads are harts: they are not cloned and do not exit",
    "Qbtrace": "no branch trace; `monitor history` lists switches and traps",
    "Qbtrace-conf": "no branch trace; `monitor history` lists switches and traps",
    # Tracepoints
    **dict.fromkeys(
        (
            "QTBuffer", "QTDP", "QTDPsrc", "QTDV", "QTDisable", "QTEnable", "QTFrame", "QTinit", "QTNotes", "QTro",
            "QTSave", "QTStart", "QTStop", "qTBuffer", "qTfP", "qTfSTM", "qTfV", "qTMinFTPILen", "qTP", "qTsP", "qTsSTM",
            "qTStatus", "qTSTMat", "qTsV", "qTV",
        ),
        NO_TRACE,
    ),
}  # fmt: skip
"""Packets that get the empty reply."""

UNSUPPORTED_OBJECTS: Final[dict[str, str]] = {
    "auxv": NO_OS,
    "btrace": "no branch trace",
    "btrace-conf": "no branch trace",
    "fdpic": NO_OS,
    "libraries": "no shared libraries: a world has one program",
    "libraries-svr4": NO_OS,
    "memory-map": "gdb would refuse every address outside it, kernel virtual addresses too",
    "sdata": NO_TRACE,
    "siginfo": "a machine has no signals",
    "statictrace": NO_TRACE,
    "traceframe-info": NO_TRACE,
    "uib": NO_OS,
}
"""Objects of qXfer that get the empty reply."""

UNSUPPORTED_FEATURES: Final[dict[str, str]] = {
    "ConditionalTracepoints": NO_TRACE,
    "EnableDisableTracepoints": NO_TRACE,
    "InstallInTrace": NO_TRACE,
    "ReverseContinue": "no history is recorded, so bc is answered with an error",
    "ReverseStep": "no history is recorded, so bs is answered with an error",
    "StaticTracepoints": NO_TRACE,
    "TracepointSource": NO_TRACE,
    "augmented-libraries-svr4-read": NO_OS,
    "fork-events": NO_OS,
    "memory-tagging": "RISC-V memory has no tags",
    "multi-wp-addr": "one watchpoint is reported at a time",
    "no-resumed": "the machine runs as a whole, so that some hart always runs",
    "single-inf-arg": "vRun takes the machine's program, whatever arguments are sent",
    "tracenz": NO_TRACE,
    "vfork-events": NO_OS,
}
"""Features of qSupported that are not offered."""

STOP_REASONS: Final[dict[str, str]] = {
    "watch": "a watchpoint was hit: something was written at this address",
    "rwatch": "something was read there",
    "awatch": "something was read or written there",
    "swbreak": "a breakpoint was hit; to clients that announce it, and for nothing else",
    "hwbreak": "the same for those set with Z1",
    "exec": "a guest was entered for the first time; its program",
    "library": "without meaning but that gdb forgets the registers of a process it has not resumed itself",
    "thread": "the hart and the world that stopped",
}
"""What we say behind T beside registers."""

UNSUPPORTED_STOP_REASONS: Final[dict[str, str]] = {
    "clone": NO_OS,
    "core": "a thread is a hart: qXfer:threads says which",
    "create": "harts neither start nor end",
    "fork": NO_OS,
    "replaylog": "no history is recorded",
    "syscall_entry": "`monitor catch sbi` and `monitor catch vmexit` catch SBI calls and hypercalls",
    "syscall_return": "`monitor catch vmentry` catches the return to the guest",
    "vfork": NO_OS,
    "vforkdone": NO_OS,
}
"""What we never say there."""

REPLIES: Final[dict[str, str]] = {
    "T": "each stop, with pc, sp, fp, ra and mode",
    "W": "the machine has ended, with its exit code; for one process after the other",
    "O": "text for the user: monitor commands, catches, agent `dprintf`",
    "E": "an error; `E.` and words for clients that announce error-message, and for P to every gdb",
    "F": "the result of a vFile operation",
}
"""Replies beyond OK and data."""

UNSUPPORTED_REPLIES: Final[dict[str, str]] = {
    "S": "T says more",
    "X": "a machine has no signals that could end it",
    "w": "harts do not end",
    "N": "the machine runs as a whole, so that some hart always runs",
    "Stop": "for non-stop mode: all harts of the machine stop together",
    "Trace": NO_TRACE,
    "Fopen, Fclose, Fread, Fwrite, Flseek, Frename, Funlink, Fstat, Ffstat, Fgettimeofday, Fisatty, Fsystem":
        "File-I/O: the machine makes no system calls through the debugger; its console is the UART",
}  # fmt: skip
"""Replies, notifications and requests that we never send."""

FILE_OPERATIONS: Final[dict[str, str]] = {
    "open": "only files that the target has named, only for reading",
    "close, fstat, pread": "of what is open",
    "lstat, stat, readlink": "of what could be opened; none is a link",
    "setfs": "every process sees the same few files",
    "pwrite, unlink": "refused: files are served for reading only",
}
"""What vFile does."""


def table() -> Iterator[str]:
    """The packets as Markdown tables: what the registry declares, what is missing, files, replies."""
    yield "| packet | what we do |"
    yield "|---|---|"
    for declaration in sorted(PACKETS.values(), key=lambda declaration: declaration.name.lower()):
        yield f"| `{declaration.name}` | {_cell(declaration.doc)} |"
    yield ""
    yield "| not supported | why |"
    yield "|---|---|"
    for rows in (UNSUPPORTED, {f"qXfer:{name}": why for name, why in UNSUPPORTED_OBJECTS.items()}, UNSUPPORTED_FEATURES):
        yield from (f"| `{name}` | {why} |" for name, why in sorted(rows.items(), key=lambda row: row[0].lower()))
    yield from _rows("operation of vFile", "what we do", FILE_OPERATIONS)
    yield from _rows("reply", "when we send it", REPLIES)
    yield from _rows("in a stop reply T", "what it means", STOP_REASONS)
    never = {**UNSUPPORTED_REPLIES, **{f"T with {reason}": why for reason, why in UNSUPPORTED_STOP_REASONS.items()}}
    yield from _rows("never sent", "why", never)


def _rows(first: str, second: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield f"| {first} | {second} |"
    yield "|---|---|"
    yield from (f"| {', '.join(f'`{part}`' for part in name.split(', '))} | {why} |" for name, why in rows.items())


def _cell(doc: str) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join(doc.partition("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    import sys

    sys.stdout.write("\n".join(table()) + "\n")
