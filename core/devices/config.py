# SPDX-License-Identifier: Apache-2.0
"""What a user may put on the board or change about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from core.csr.imsic import MOST_GUESTS
from core.errors import BadValue


class Aia(Enum):
    """What takes the interrupts of devices: the value is QEMU's spelling of its machine property `aia`."""

    NONE = "none"
    """A PLIC."""
    APLIC = "aplic"
    """An APLIC that delivers interrupts itself."""
    APLIC_IMSIC = "aplic-imsic"
    """An APLIC that forwards them as messages to the harts' IMSICs; the harts then have Smaia and Ssaia."""


@dataclass(frozen=True)
class Drive:
    """A file as a virtio block device.

    readonly: the guest cannot write; snapshot: what it writes is kept in memory until the machine is reset, and the
    file stays as it is.
    """

    path: Path
    readonly: bool = False
    snapshot: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))  # scripts may give its name


@dataclass(frozen=True)
class BoardConfig:
    """Devices besides those that are always there.

    drives: block devices, in the first virtio slots; virtio: what sits in the next ones, by name ("console", "rng",
    "net"; see core.devices.virtio); legacy: virtio slots have the interface of before VIRTIO 1.0, as QEMU's have unless
    told otherwise; seed: what the entropy device and the CSR seed start from; files: (name, file) pairs that firmware finds
    in fw_cfg; aia: the interrupt controllers, or the word for them; guests: interrupt files for guests that each IMSIC has
    (GEILEN), 0 to 7. Raises BadValue.
    """

    drives: tuple[Drive, ...] = ()
    virtio: tuple[str, ...] = ()
    legacy: bool = False
    seed: int = 0
    files: tuple[tuple[str, Path], ...] = ()
    aia: Aia = Aia.NONE
    guests: int = 5

    def __post_init__(self) -> None:
        for drive in self.drives:
            if not isinstance(drive, Drive):
                raise BadValue(f"drives are Drives, not {drive!r}")
        if isinstance(self.virtio, str):
            raise BadValue(f"virtio is several names, not {self.virtio!r}")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 1 << 64:
            raise BadValue(f"seed is a number of up to 64 bits, not {self.seed!r}")
        if self.guests not in range(MOST_GUESTS + 1):
            raise BadValue(f"guests is a number from 0 to {MOST_GUESTS}, not {self.guests!r}")
        found = next((each for each in Aia if self.aia in (each, each.value)), None)
        if found is None:
            raise BadValue(f"no aia {self.aia!r}; there are {', '.join(each.value for each in Aia)}")
        object.__setattr__(self, "aia", found)
        object.__setattr__(self, "files", tuple((name, Path(file)) for name, file in self.files))


USUAL_BOARD = BoardConfig()
"""Nothing but what is always there."""
