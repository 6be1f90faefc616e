# SPDX-License-Identifier: Apache-2.0
"""`hartline` as a process: options, standard input and output, exit status."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples import elf

ROOT = Path(__file__).resolve().parents[2]
HELLO = str(elf("hello"))
QUICK = ("--engine", "reference", "--memory", "16M")

ECHO = (  # sends back what it receives, powers off after a q
    0x100002B7,  #    lui   t0, 0x10000     the UART
    0x0052C303,  # 1: lbu   t1, 5(t0)       line status
    0x00137313,  #    andi  t1, t1, 1
    0xFE030CE3,  #    beqz  t1, 1b
    0x0002C303,  #    lbu   t1, 0(t0)
    0x00628023,  #    sb    t1, 0(t0)
    0x07100393,  #    li    t2, 'q'
    0xFE7314E3,  #    bne   t1, t2, 1b
    0x001002B7,  #    lui   t0, 0x100       the test finisher
    0x00005337,  #    lui   t1, 5
    0x55530313,  #    addi  t1, t1, 0x555
    0x0062A023,  #    sw    t1, 0(t0)
)
FAIL_3 = (0x001002B7, 0x00033337, 0x33330313, 0x0062A023)  # writes 0x33333 to the test finisher
WAIT_FOR_EVER = (0x10500073, 0xFFDFF06F)  # 1: wfi; j 1b
SPIN = (0x0000006F,)
CHATTER = (0x100002B7, 0x07800313, 0x00628023, 0xFFDFF06F)  # lui t0, 0x10000; li t1, 'x'; 1: sb t1, (t0); j 1b

Image = Callable[[tuple[int, ...]], tuple[str, ...]]


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start hartline with pipes, in the repository."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def hartline(*arguments: str, stdin: str = "", timeout: float = 120) -> tuple[int, str, str]:
    """Run hartline to its end: exit status, standard output, standard error."""
    process = start(*arguments)
    try:
        output, errors = process.communicate(stdin, timeout)
    finally:
        process.kill()
    return process.returncode, output, errors


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """Makes raw images of a few instructions; gives the arguments that run one in M-mode."""

    def make(words: tuple[int, ...]) -> tuple[str, ...]:
        path = tmp_path / "image.bin"
        path.write_bytes(struct.pack(f"<{len(words)}I", *words))
        return ("run", str(path), "--bios", "none", *QUICK)

    return make


def test_run_prints_the_uart_and_exits_with_the_guests_status() -> None:
    status, output, errors = hartline("run", HELLO)
    assert status == 0
    assert output.startswith("Hello from VS-mode\n")
    assert output.endswith("the guest has shut down after 24 exits\n")
    assert all(line.startswith("hartline: warning: ") for line in errors.splitlines())


def test_both_engines_print_the_same() -> None:
    assert hartline("run", HELLO)[:2] == hartline("run", HELLO, "--engine", "reference")[:2]


def test_demo_without_a_terminal_runs_to_the_end() -> None:
    status, output, _ = hartline("demo")
    assert (status, output.splitlines()[0]) == (0, "Hello from VS-mode")


def test_exit_status_of_the_test_finisher(image: Image) -> None:
    assert hartline(*image(FAIL_3))[0] == 3


def test_standard_input_goes_to_the_uart(image: Image) -> None:
    status, output, errors = hartline(*image(ECHO), stdin="hello \x01x q rest")
    assert (status, output, errors) == (0, "hello \x01x q", "")


def test_max_instructions(image: Image) -> None:
    status, output, errors = hartline(*image(SPIN), "--max-instructions", "5k")
    assert (status, output, errors) == (124, "", "hartline: 5000 instructions are over\n")


def test_waiting_for_ever_ends_when_input_has_ended(image: Image) -> None:
    status, output, errors = hartline(*image(WAIT_FOR_EVER))
    assert (status, output) == (125, "")
    assert errors == "hartline: all harts wait in WFI and nothing can wake them\n"


def test_ctrl_c_without_a_terminal(image: Image) -> None:
    process = start(*image(ECHO))
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("a")
    process.stdin.flush()
    assert process.stdout.read(1) == "a"
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, errors) == (130, "")


def test_commands_from_a_pipe() -> None:
    status, output, errors = hartline("run", HELLO, "--console", *QUICK, stdin="mode\ncsr hstatus\nfoo\n")
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0] == "hart 0: HS-mode (hypervisor-extended supervisor mode, V=0), world: host"
    assert "hstatus = 0x200000000   Hypervisor Status (CSR 0x600)" in lines
    assert lines[-1] == "unknown command 'foo'; 'help' lists all"
    assert "\x1b" not in output


def test_the_piped_console_exits_with_the_machines_status(image: Image) -> None:
    status, output, _ = hartline(*image(FAIL_3), "--console", stdin="continue\n")
    assert status == 3
    assert "the machine switched itself off with status 3" in output


class GdbClient:
    """Just enough of the protocol to continue a machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.settimeout(30)

    def ask(self, body: bytes) -> bytes:
        """Send a packet; the body of the reply. Text for the user is passed over."""
        self.socket.sendall(b"$%s#%02x" % (body, sum(body) & 0xFF))
        data = b""
        while not (match := re.search(rb"\$(?!O[0-9a-f])([^#]*)#..", data)):
            data += self.socket.recv(4096)
        self.socket.sendall(b"+")
        return match[1]


def test_wait_stays_paused_until_gdb_continues() -> None:
    process = start("run", HELLO, "--gdb", "0", "--wait", *QUICK)
    try:
        assert process.stderr is not None and process.stdout is not None
        first, second = process.stderr.readline(), process.stderr.readline()
        match = re.fullmatch(
            r"gdb server on 127\.0\.0\.1:(\d+) \(the machine waits for it\); attach in another terminal with:\n", first
        )
        assert match is not None
        assert second == f"  gdb-multiarch {HELLO} -ex 'target remote :{match[1]}'\n"
        client = GdbClient(int(match[1]))
        assert client.ask(b"?").startswith(b"T05")
        assert client.ask(b"vCont;c").startswith(b"W00")
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert output.startswith("Hello from VS-mode\n")
    finally:
        process.kill()


def test_extended_remote_runs_the_program_again_until_it_leaves() -> None:
    process = start("run", HELLO, "--gdb", "0", "--wait", *QUICK)
    try:
        assert process.stderr is not None
        client = GdbClient(int(process.stderr.readline().partition("127.0.0.1:")[2].split()[0]))
        assert client.ask(b"!") == b"OK"
        assert client.ask(b"?").startswith(b"T05")
        assert client.ask(b"vCont;c") == b"W00"
        assert client.ask(b"vRun;").startswith(b"T05")
        assert client.ask(b"vKill;1") == b"OK"
        assert client.ask(b"vRun;").startswith(b"T05")
        assert client.ask(b"vCont;c") == b"W00"
        assert process.poll() is None
        client.socket.close()
        output, _ = process.communicate(timeout=30)
        assert (process.returncode, output.count("Hello from VS-mode")) == (0, 2)
    finally:
        process.kill()


@pytest.mark.parametrize(("worlds", "stop"), [("separate", rb"T05exec:"), ("auto", rb"W00"), ("merged", rb"W00")])
def test_worlds_says_whether_gdb_is_told_of_guests(worlds: str, stop: bytes) -> None:
    process = start("run", HELLO, "--gdb", "0", "--wait", "--worlds", worlds, *QUICK)
    try:
        assert process.stderr is not None
        client = GdbClient(int(process.stderr.readline().partition("127.0.0.1:")[2].split()[0]))
        client.ask(b"qSupported:multiprocess+;exec-events+;swbreak+")
        client.ask(b"?")
        assert re.match(stop, client.ask(b"vCont;c"))
    finally:
        process.kill()


def test_port_in_use_names_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output, errors = hartline("run", HELLO, "--gdb", str(port), *QUICK)
    assert (status, output) == (1, "")
    assert len(errors.splitlines()) == 1
    assert f"port 127.0.0.1:{port} is in use" in errors and "--gdb [HOST:]PORT" in errors


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["run"], 2, "FILE is missing; hartline run --help shows the options"),
        (["run", "x", "--engin", "native"], 2, "no option --engin; did you mean --engine?"),
        (["run", "x", "--engine", "nativ"], 2, "--engine: no engine 'nativ'; did you mean native?"),
        (["run", "x", "--engine"], 2, "--engine needs a value"),
        (["run", "x", "--strict=1"], 2, "--strict takes no value"),
        (["run", "x", "--memory", "12Q"], 2, "--memory: size '12Q' is not a number followed by K, M or G (for instance 128M)"),
        (["run", "x", "--cpu", "rv64,sst=off"], 2, "--cpu: no CPU property 'sst'; did you mean sstc?"),
        (["run", "x", "--symbols", "host="], 2, "--symbols: 'host=' is not WORLD=FILE, for instance guest:1=kernel.elf"),
        (["run", "x", "--symbols", "foo"], 2, "--symbols: 'foo' is not WORLD=FILE, for instance guest:1=kernel.elf"),
        (
            ["run", "x", "--symbols", "guest:0=f"],
            2,
            "--symbols: 'guest:0' names no world; possible: host, guest:N (from 1 on), guest:*",
        ),
        (["run", "x", "--worlds", "x"], 2, "--worlds: no way to show worlds 'x'; there are separate, merged, auto"),
        (["run", "x", "--wait"], 2, "--wait needs somebody to continue: --gdb PORT or --console"),
        (["run", "x", "y"], 2, "'y' is one argument too many; hartline run --help shows the usage"),
        (["run", "x", "-q"], 2, "no option -q; hartline run --help lists them"),
        (["rum"], 2, "no command 'rum'; did you mean run?"),
        (["--verson"], 2, "no option --verson; did you mean --version?"),
        (["demo", "--gbd", "1"], 2, "no option --gbd; did you mean --gdb?"),
        (["run", "nofile.elf"], 1, "nofile.elf: cannot be read: No such file or directory"),
        (["run", str(ROOT)], 1, f"{ROOT}: cannot be read: Is a directory"),
        (["run", __file__], 1, f"{__file__}: not an ELF file or raw image: it is text"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], status: int, line: str) -> None:
    assert hartline(*arguments) == (status, "", f"hartline: {line}\n")


def test_help_and_version() -> None:
    assert "usage: hartline COMMAND" in hartline("--help")[1]
    assert hartline()[0] == 0
    status, output, _ = hartline("run", "--help")
    assert status == 0
    for option in (
        "--bios --gdb --wait --console --memory --harts --cpu --append --initrd --engine --max-instructions --strict"
    ).split():
        assert option in output
    assert output.count("exit status:") == 1
    assert re.match(r"hartline \S", hartline("--version")[1])
    status, output, _ = hartline("run", "--cpu", "help")
    on, off = output.split("off unless told:")
    assert status == 0 and {"h", "sstc"} <= set(on.split()) and {"zkr", "smdbltrp", "rnmi-interrupt-vector"} <= set(off.split())


def test_a_plain_run_does_not_load_what_only_the_console_needs() -> None:
    program = (
        "import sys; from cli.__main__ import main; main(['run', sys.argv[1], '--engine', 'reference']);"
        "print(sorted({'prompt_toolkit', 'asyncio', 'llvmlite', 'gdbstub'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, HELLO], cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_gigabytes_of_memory() -> None:
    """The places of native code and RAM are the system's choice: where they lay badly, native code could not be loaded."""
    for _ in range(6):
        assert hartline("run", HELLO, "--memory", "6G")[0] == 0


def test_without_s_mode() -> None:
    """U off takes S along, and the built-in SBI has nowhere to start a program."""
    for cpu in ("rv64,u=off", "rv64,s=off"):
        status, output, errors = hartline("run", HELLO, "--cpu", cpu)
        assert (status, output) == (1, "")
        assert errors == (
            "hartline: the hart has no S-mode, where the built-in SBI starts programs; without firmware they start in M-mode\n"
        )


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2)])
@pytest.mark.parametrize("command", [("run", HELLO, "--console", *QUICK), ("run", HELLO, *QUICK), ("--version",)])
def test_closed_streams(command: tuple[str, ...], closed: tuple[int, ...]) -> None:
    """As services and some IDEs start programs. A closed input is an empty one."""

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    process = subprocess.run(
        [sys.executable, "-m", "cli", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=close,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0
    assert "Traceback" not in process.stderr


def test_no_home_directory(tmp_path: Path) -> None:
    """A container's user of whom nothing but a number is known."""
    tmp_path.chmod(0o777)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    code = (
        "import os, pwd; os.setuid(54321) if not os.getuid() else None; pwd.getpwuid = lambda uid: {}[uid]\n"
        "import sys; from cli.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, "run", "--console", *QUICK, HELLO],
        env=environment,
        input="continue\nquit\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert "Hello from VS-mode" in process.stdout


def test_nobody_reads_the_output(image: Image) -> None:
    """`hartline run ... | head -1`: the run ends with its reader."""
    process = start(*image(CHATTER))
    assert process.stdout is not None and process.stdout.read(3) == "xxx"
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr is not None and process.stderr.read() == ""


def test_the_output_cannot_be_written() -> None:
    process = subprocess.run(
        f"exec {sys.executable} -m cli run {HELLO} {' '.join(QUICK)} > /dev/full",
        shell=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    said = "hartline: standard output: No space left on device; what the guest prints is lost\n"
    assert (process.returncode, process.stderr) == (1, said)


def test_a_debugger_that_leaves_the_machine_standing() -> None:
    """Whoever sits at the guest's UART must not wonder why nothing happens; after `detach` it runs on."""
    process = start("run", HELLO, "--gdb", "0", "--wait", *QUICK)
    try:
        assert process.stderr is not None
        port = int(process.stderr.readline().partition("127.0.0.1:")[2].split()[0])
        process.stderr.readline()
        client = GdbClient(port)
        assert client.ask(b"?").startswith(b"T05")
        client.socket.close()
        said = "hartline: the debugger has gone, and the machine stands still until one attaches again\n"
        assert process.stderr.readline() == said
        client = GdbClient(port)
        assert client.ask(b"?").startswith(b"T05")
        assert client.ask(b"D") == b"OK"
        client.socket.close()
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, "gone" in errors) == (0, False)
    finally:
        process.kill()
