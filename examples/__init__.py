# SPDX-License-Identifier: Apache-2.0
"""Small bare-metal hypervisors to try the debugger on, with their sources and as ELF files ready to run."""

from pathlib import Path

_PREBUILT = Path(__file__).parent / "prebuilt"
_HYPERVISORS = ("enter", "loop", "hello", "mmio", "twins")  # in the order in which a reader meets them
_MISTAKES = (  # in mistakes/, each hypervisor with one of the usual mistakes
    "no_user_bit",
    "no_execute_bit",
    "unaligned_root",
    "wrong_mode",
    "wrong_spvp",
    "no_hedeleg",
    "unaligned_stvec",
    "htinst_ignored",
    "sepc_not_advanced",
)
_GUESTS = ("twins-guest",)  # inside a hypervisor's ELF already; here for their symbols


def names() -> list[str]:
    """The examples that can be run, simplest first."""
    return list(_HYPERVISORS)


def mistakes() -> list[str]:
    """The hypervisors that do not work, each for one of the usual reasons."""
    return [f"mistake_{name}" for name in _MISTAKES]


def elf(name: str) -> Path:
    """The ELF file of an example, or of a guest that has an ELF file of its own (twins-guest)."""
    known = (*_HYPERVISORS, *mistakes(), *_GUESTS)
    if name not in known:
        raise LookupError(f"no example is called {name!r}; there are {', '.join(known)}")
    return _PREBUILT / f"{name}.elf"
