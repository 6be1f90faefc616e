# SPDX-License-Identifier: Apache-2.0
"""Random programs on our machine and, instruction by instruction, on QEMU: `python -m tests.support.beside_qemu --steps 20k`.

QEMU is reached through its gdb port and must be 11 or newer: its gdb stub then knows V. Registers are brought over
before each slice, so a difference does not spread; those that judgements (qemu_judged.py) do not explain are printed.
Interrupts stay off in both, and what depends on time is not compared.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from core.boot.loader import Bios, BootConfig
from core.csr.machine import Mstatus
from core.csr.registry import CSRS_BY_ADDRESS, read_csr, write_csr
from core.csr.vs import Vsstatus
from core.debug.walk import View, debug_translate
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.decode import decode, encode
from core.isa.disassemble import disassemble
from core.machine import Machine, MachineConfig, Outcome
from core.mmu.modes import Access
from core.mmu.tlb import flush_all, update_regime
from gdbstub.client import Remote, RemoteError
from gdbstub.framing import frame
from tests.support.fuzz import count
from tests.support.programs import MASK, MEMORY, PAGE, RAM
from tests.support.programs_episode import Episode
from tests.support.programs_profile import PROFILES, Profile
from tests.support.qemu_judged import Step, explained

X = "zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split()
F = [f"f{name}" for name in
     "t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t8 t9 t10 t11".split()]  # fmt: skip
PMP = ("pmpcfg0", "pmpcfg2", *(f"pmpaddr{number}" for number in range(16)))
CSRS = (
    "menvcfg medeleg mideleg mie mtvec mcounteren mscratch mepc mcause mtval mtinst mtval2 stvec scounteren senvcfg sscratch"
    " sepc scause stval satp vsstatus vstvec vsscratch vsepc vscause vstval vsatp hstatus hedeleg hideleg hcounteren hgeie"
    " henvcfg htval htinst hgatp fcsr mstatus"
).split()
"""Brought over and compared. mstatus comes last: others can be written while it has floating point on."""
GUESTS_OWN = {"sstatus", "stvec", "sscratch", "sepc", "scause", "stval", "satp"}
"""With V=1 QEMU shows the VS copy under these names, and keeps HS-mode's out of sight."""
HIDDEN = {f"v{name}" for name in GUESTS_OWN}
STATUS = {"mstatus", "sstatus", "vsstatus"}
SD = Mstatus.SD.mask
"""QEMU computes it only when a program reads it."""
SHARED_STATUS = sum(
    field.mask for field in (Vsstatus.SIE, Vsstatus.SPIE, Vsstatus.SPP, Vsstatus.FS, Vsstatus.SUM, Vsstatus.MXR, Vsstatus.UXL)
)
"""Bits of mstatus that mean vsstatus with V=1, as QEMU sees it."""
LATER = {Feature.SDTRIG, Feature.SMSTATEEN, Feature.SSSTATEEN, Feature.SSDBLTRP, Feature.SMDBLTRP, Feature.SSCOFPMF,
         Feature.SMCNTRPMF, Feature.SHLCOFIDELEG, Feature.SSNPM, Feature.SMNPM, Feature.SMMPM, Feature.ZKR}  # fmt: skip
"""Off: they bring CSRs and bits that are not brought over."""
FEATURES = DEFAULT_FEATURES & ~Feature(sum(LATER))
CPU = (
    "zba zbb zbc zbs zicond zcb zfa zfh zfhmin zicbom zicboz zicbop zawrs zimop zcmop zacas zabha svinval svnapot svpbmt svadu"
)
WAITS = tuple(encode(name) for name in ("wfi", "wrs.nto", "wrs.sto"))
"""WFI, WRS.NTO and WRS.STO: QEMU would wait."""
MEMORY_OPCODES = {0x03, 0x07, 0x0F, 0x23, 0x27, 0x2F, 0x73}
"""Instructions with an address in rs1, among others."""
PATIENCE = 3.0
"""Seconds until QEMU counts as lost."""


class Qemu(Remote):
    """A QEMU of our own, standing still behind its gdb port."""

    def __init__(self, command: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        cpu = ",".join(["rv64,h=on,sstc=on,svade=on,debug=off", *(f"{name}=on" for name in CPU.split())])
        self.process = subprocess.Popen(
            [command, "-machine", "virt", "-cpu", cpu, "-m", f"{MEMORY >> 20}M", "-nographic", "-bios", "none", "-S",
             "-gdb", f"tcp:127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                super().__init__("127.0.0.1", port)
                break
            except RemoteError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    raise RemoteError((self.process.communicate()[0] or b"QEMU does not answer").decode().strip()) from None
                time.sleep(0.05)
        self._socket.settimeout(PATIENCE)
        self.ask(b"Qqemu.PhyMemMode:1")
        self.ask(b"Qqemu.sstep=0x7")  # one instruction, no interrupts, no timers

    def all(self, bodies: list[bytes]) -> list[bytes]:
        """Several packets at once, and their answers."""
        try:
            self._socket.sendall(b"".join(map(frame, bodies)))
            return [self._receive() for _ in bodies]
        except OSError as error:
            raise RemoteError(f"QEMU is lost: {error}") from error

    def get(self, names: Iterable[str]) -> dict[str, int]:
        """Registers by name, those that can be read now."""
        wanted = list(names)
        answers = self.all([b"p%x" % self.registers[name][0] for name in wanted])
        readable = [(name, text) for name, text in zip(wanted, answers, strict=True) if text[:1] != b"E"]
        return {name: int.from_bytes(bytes.fromhex(text.decode()), "little") for name, text in readable}

    def put(self, values: list[tuple[str, int]]) -> None:
        """Write registers, in this order."""
        bodies = []
        for name, value in values:
            number, bits = self.registers[name]
            bodies.append(b"P%x=%b" % (number, (value & (1 << bits) - 1).to_bytes(bits // 8, "little").hex().encode()))
        self.all(bodies)

    def end(self) -> None:
        """Away with it."""
        self.process.kill()
        self.process.wait()
        self._socket.close()


class Beside:
    """Our machine and QEMU, for an Episode."""

    def __init__(self, command: str) -> None:
        self.command = command
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "program.bin"
            image.write_bytes(bytes(64))
            config = MachineConfig(BootConfig(image, bios=Bios.NONE), memory=MEMORY, features=FEATURES, strict=True)
            self.reference = Machine(config)
        self.machines = [self.reference]
        self.trace: list[tuple[int, int, int, int, int, int]] = []
        self.steps = self.total = self.lost = 0
        self.described = ""
        self.address: int | None = None
        self.judged: Counter[str] = Counter()
        self.unexplained = 0
        self.begin()

    def begin(self) -> None:
        """A QEMU that knows nothing of ours."""
        self.qemu = Qemu(self.command)
        self.mirror = bytearray(MEMORY)
        self.apart = True
        self.ignored: dict[str, int] = {}
        self.names = [name for name in ("pc", "priv", *X[1:], *F, *CSRS, "sstatus") if name in self.qemu.registers]

    # -- what an Episode does to machines ---------------------------------------------------------------------------

    def reset(self) -> None:
        """Power-on state."""
        self.reference.reset()
        self.qemu.ask(b"qRcmd," + b"system_reset".hex().encode())
        self.steps, self.apart = 0, True

    def change(self, action: Callable[[Hart], object], hart: int = 0) -> None:
        """Do something to the hart."""
        action(self.reference.harts[hart])
        flush_all(self.reference.harts[hart])
        self.apart = True

    def write(self, spa: int, data: bytes) -> None:
        """Store into RAM."""
        self.reference.ram.write_bytes(spa, data)
        self.reference.memory_changed(spa, len(data))
        self.apart = True

    def type(self, data: bytes) -> None:
        """No input."""

    def compare_ram(self) -> None:
        """Compare the RAM that programs use."""
        if not self.apart:
            for page in range(0, MEMORY // 4, PAGE):
                mine = self.reference.ram.read_bytes(RAM + page, PAGE)
                theirs = bytes.fromhex(self.qemu.ask(b"m%x,%x" % (RAM + page, PAGE)).decode())
                if mine != theirs:
                    self.tell(f"RAM differs in the page at {RAM + page:#x}")

    def run(self, units: int, hart: int = 0, patience: int = 0) -> Outcome:
        """Up to `units` instructions on both."""
        h, outcome = self.reference.harts[0], Outcome.BUDGET
        if self.apart:
            self.bring_over()
        for _ in range(units):
            bits = self.bits(h.pc)
            if bits in WAITS or h.wfi:
                self.apart = True
                return Outcome.IDLE
            before, retired = h.pc, h.limit - h.left
            self.address = address_of(h, bits)
            outcome = self.reference.run(1, 0)
            self.steps += 1
            self.total += 1
            if outcome is not Outcome.BUDGET:
                self.apart = True
                break
            self.qemu.step()
            trapped = h.limit - h.left == retired
            if not self.agree(before, bits, ("VS" if h.v else "M" if h.mode == 3 else "HS") if trapped else ""):
                self.apart = True
                break
        return outcome

    # -- state ------------------------------------------------------------------------------------------------------

    def bring_over(self) -> None:
        """QEMU gets our state; what it makes of CSR values that differ is not compared until the next time."""
        h, ram = self.reference.harts[0], self.reference.ram
        for page in range(0, MEMORY // 4, PAGE):
            mine = ram.read_bytes(RAM + page, PAGE)
            if mine != self.mirror[page : page + PAGE]:
                self.mirror[page : page + PAGE] = mine
                self.qemu.all(
                    [b"M%x,400:%b" % (RAM + page + at, mine[at : at + 1024].hex().encode()) for at in range(0, PAGE, 1024)]
                )
        write_csr(h, "misa", MASK)
        update_regime(h)
        value = {name: read_csr(h, name) for name in (*CSRS, *PMP)}
        values = [("priv", 3), ("pmpcfg0", 0), ("pmpcfg2", 0)]
        values += [(name, value[name]) for name in (*PMP[2:], *PMP[:2])]
        values += [("mie", 0), ("stimecmp", MASK), ("vstimecmp", MASK)]
        values += [(name, value[name] & ~SD if name in STATUS else value[name]) for name in CSRS]
        values += [("satp", value["satp"] ^ 1 << 44), ("satp", value["satp"])]  # forget translations
        values += [(X[number], h.x[number]) for number in range(1, 32)]
        values += [("mstatus", value["mstatus"] | Mstatus.FS.mask), *((F[number], h.f[number]) for number in range(32))]
        values += [("fcsr", value["fcsr"]), ("mstatus", value["mstatus"] & ~SD), ("priv", h.mode | h.v << 2), ("pc", h.pc)]
        self.qemu.put(values)
        self.apart, self.ignored = False, {}
        ours, theirs = self.ours(), self.qemu.get(self.names)
        self.ignored = {name: ours[name] ^ theirs.get(name, ~ours[name] & MASK) for name in self.names}

    def ours(self) -> dict[str, int]:
        """Our registers, under the names that QEMU has for them now."""
        h = self.reference.harts[0]
        found = {name: h.x[number] for number, name in enumerate(X)} | {name: h.f[number] for number, name in enumerate(F)}
        found |= {"pc": h.pc, "priv": h.mode | h.v << 2}
        return found | {name: read_csr(h, f"v{name}" if h.v and name in GUESTS_OWN else name) for name in (*CSRS, "sstatus")}

    def comparable(self, name: str) -> int:
        """The bits of a register that are compared."""
        bits = MASK & ~self.ignored.get(name, 0)
        if name in STATUS:
            bits &= ~SD
        if self.reference.harts[0].v:
            bits &= 0 if name in HIDDEN else ~SHARED_STATUS if name == "mstatus" else MASK
        return bits

    def bits(self, pc: int) -> int:
        """The instruction about to be executed, 0 if it cannot be fetched."""
        view, found = View.current(self.reference.harts[0], Access.FETCH), 0
        for part in (0, 2):
            spa = debug_translate(view, pc + part & MASK)
            if spa is None or not RAM <= spa < RAM + MEMORY - 1:
                return found
            found |= int.from_bytes(self.reference.ram.read_bytes(spa, 2), "little") << 8 * part
        return found

    def agree(self, pc: int, bits: int, taker: str) -> bool:
        """Whether nothing differs; tells what no judgement explains."""
        ours, theirs = self.ours(), self.qemu.get(self.names)
        differing = {name: (ours[name] ^ value) & self.comparable(name) for name, value in theirs.items()}
        differing = {name: bits for name, bits in differing.items() if bits}
        if not differing:
            return True
        differing.pop(self.result_of_unknown(bits), None)
        step = Step(bits, taker, ours, theirs, differing, range(RAM, RAM + MEMORY // 4), self.address)
        reasons = explained(step)
        for reason in reasons.values():
            for name, mask in reason.items():
                differing[name] &= ~mask
        rest = sorted(name for name, left in differing.items() if left)
        self.judged.update(reasons.keys())
        if rest:
            trap = f"trap to {taker}, cause {step.cause():#x}, tval {step.tval():#x}" if taker else "no trap"
            self.tell(f"at {pc:#x}: {disassemble(bits, pc)}, {trap}")
        for name in rest:
            print(f"    {name:<10} ours {ours[name]:#x}, QEMU {theirs[name]:#x}")  # noqa: T201
        return False

    def result_of_unknown(self, bits: int) -> str:
        """The register that a CSR instruction has put a value into that was not the same before, if it is one."""
        csr = CSRS_BY_ADDRESS.get(bits >> 20)
        if bits & 0x7F != 0x73 or bits & 0x3000 == 0 or csr is None:
            return ""
        return "" if csr.name in self.names and not self.ignored.get(csr.name) else X[bits >> 7 & 31]

    def tell(self, text: str) -> None:
        """Something is not as it should be."""
        self.unexplained += 1
        print(f"  {self.described}, step {self.steps}: {text}")  # noqa: T201


def address_of(h: Hart, bits: int) -> int | None:
    """Where a load or store that is about to be executed goes to."""
    found = decode(bits)
    if found.instruction is None or "rs1" not in found.operands or found.instruction.match & 0x7F not in MEMORY_OPCODES:
        return None
    return int(h.x[found.operands["rs1"]]) + found.operands.get("imm", 0) & MASK


def episodes(beside: Beside, profile: Profile, seed: str, steps: int) -> None:
    """Run episodes of a profile until they have made `steps` steps."""
    number, goal = 0, beside.total + steps
    while beside.total < goal:
        beside.described = f"--seed {seed} --profile {profile.name}, episode {number}"
        try:
            Episode(beside, profile, f"{seed} {profile.name} {number}").run()  # type: ignore[arg-type]
        except RemoteError as error:
            beside.lost += 1
            beside.qemu.end()
            print(f"  {beside.described}, step {beside.steps}: {error}; last lines of QEMU: ", end="")  # noqa: T201
            print((beside.qemu.process.communicate()[0] or b"none").decode()[-200:].strip())  # noqa: T201
            beside.begin()
        number += 1


def main(argv: list[str]) -> int:
    """Run the command line; 1 when there is a difference that no judgement explains."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.beside_qemu", description=__doc__)
    parser.add_argument("--qemu", default="qemu-system-riscv64", help="the command of a QEMU 11 or newer")
    parser.add_argument("--steps", type=count, default=20_000, help="instructions of each kind of program (20k)")
    parser.add_argument("--seed", default="1", help="any text")
    kinds = [name for name, profile in PROFILES.items() if profile.harts == 1 and profile.bios is Bios.NONE]
    parser.add_argument("--profile", choices=kinds, action="append", help="kinds of programs; repeatable")
    chosen = parser.parse_args(argv)
    try:
        beside = Beside(chosen.qemu)
    except (OSError, RemoteError) as error:
        print(f"{chosen.qemu}: {error}")  # noqa: T201
        return 2
    usual = ("legal", "float", "raw", "privileged", "paging", "guests", "guests-strict", "mixed")
    try:
        for name in chosen.profile or usual:
            profile = replace(
                PROFILES[name], features=FEATURES, strict=True, devices=0, interrupts=0, points=0, forget=0, longest=400
            )
            episodes(beside, profile, chosen.seed, chosen.steps)
            print(f"{name}: {beside.total} instructions in all, {beside.unexplained} differences not explained", flush=True)  # noqa: T201
    finally:
        beside.qemu.end()
    for reason, times in beside.judged.most_common():
        print(f"{times:6} times: {reason}")  # noqa: T201
    print(f"QEMU was lost {beside.lost} times")  # noqa: T201
    return 1 if beside.unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
