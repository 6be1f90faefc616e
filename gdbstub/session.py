# SPDX-License-Identifier: Apache-2.0
"""The state machine of one debugger's connection: bytes in, bytes out; stops of the target in, stop replies out."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Set
from enum import Enum, auto

from gdbstub import packets, replies
from gdbstub.files import FileTable
from gdbstub.framing import Ack, Corrupt, Deframer, Frame, Interrupt, Nak, Packet, frame
from gdbstub.grammar import PACKETS, MalformedPacket, split
from gdbstub.interface import ALL, ANY, Action, Motion, Newcomer, StopReport, Target, TargetError, TargetRunning, ThreadId
from gdbstub.monitor import Monitor
from gdbstub.stepoff import SILENT, StepOff
from gdbstub.unsaid import Unsaid

packets.load()

log = logging.getLogger("hartline.gdb")

BAD_PACKET = 0x16
OUTPUT_LIMIT = 0x40000
"""Bytes of answers after which further requests wait."""


class Phase(Enum):
    """Where the conversation is."""

    TALKING = auto()  # the debugger asks, we answer
    WAITING = auto()  # the debugger waits for a stop reply
    DETACHED = auto()  # the debugger has let go of the machine


class Session:
    """One client. Not thread safe: whoever owns it calls it from one thread.

    `killed` becomes true when the client asks for the end of the machine; what that means is its owner's affair.
    """

    def __init__(self, target: Target, monitor: Monitor | None = None) -> None:
        self.target = target
        self.monitor = monitor or Monitor()
        self.client: set[str] = set()
        """Features the client announced in qSupported, without the plus."""
        self.meets_newcomers = False
        """Whether the client can be told of new processes."""
        self.extended = False
        self.killed = False
        self.dead = False
        """Whether the client has killed the machine and not begun again."""
        self.over = False
        """Whether nothing more is to be said: the connection can be closed."""
        self.physical = False
        """Whether addresses in memory packets are physical (QEMU's PhyMemMode)."""
        self.files = FileTable()
        self.phase = Phase.TALKING
        self.general = ThreadId(ANY, ANY)
        self.control = ThreadId(ALL, ALL)
        self._acknowledge = True
        self._ending = False  # the machine has ended, and the client knows
        self._attaching: ThreadId | None = None  # the selection that a stop reply is due for
        self._gone: set[int] = set()  # processes that have ended or been detached from
        self._looked_at: set[int] = set()  # processes whose registers the client may still hold, as they were
        self._intended: Mapping[ThreadId, Action] | None = None  # how to resume, once the client knows all processes
        self._last_actions: Mapping[ThreadId, Action] | None = None  # how the target was resumed last
        self._off = StepOff()
        self._newcomer: Newcomer | None = None  # a process that the client is to be told of next
        self._stop_due = False  # a stop to be reported, once the client knows all processes
        self._diverted = False  # the client waits for the machine, while we wait for the client to know all processes
        self._interrupted = False  # the client has asked for a stop that is not reported yet
        self._unsaid = Unsaid()
        self._deframer = Deframer()
        self._frames: deque[Frame] = deque()
        self._last = b""
        self._out = bytearray()

    # What the owner calls

    def receive(self, data: bytes) -> bytes:
        """Digest what the client sent; the result is what to send to it. Never raises because of `data`.

        When the answers grow long the rest waits: once they are sent, call again, with nothing, while `backlog` is true.
        """
        self._frames.extend(self._deframer.feed(data))
        while self._frames and len(self._out) < OUTPUT_LIMIT:
            self._digest(self._frames.popleft())
        return self._flush()

    @property
    def backlog(self) -> bool:
        """Whether some of what was received still waits for its turn."""
        return bool(self._frames)

    def target_stopped(self) -> bytes:
        """Tell the session that the target may have stopped. Its state counts, not the number of calls."""
        if self.phase is Phase.WAITING and not self.target.running:
            self._send_stop()
        return self._flush()

    def say(self, text: str) -> None:
        """Show the user `text` as soon as the debugger listens, which it does while it waits for a stop. This alone may be
        called from any thread; `speak` should follow."""
        self._unsaid.add(text)

    def speak(self) -> bytes:
        """Something may be there to be said."""
        if self.phase is Phase.WAITING:
            self._say_now()
        return self._flush()

    def disconnected(self) -> None:
        """The client is gone. A machine it had set going stops where it is; its breakpoints are removed."""
        if self.phase is Phase.WAITING:
            self.target.interrupt()
        if self.phase is not Phase.DETACHED:
            self.phase = Phase.DETACHED
            self.target.release()

    # What packet handlers call

    def send(self, body: bytes) -> None:
        """Send one packet."""
        self._last = frame(body)
        self._out += self._last

    def print(self, text: str) -> None:
        """Make the debugger print `text`. Only while it waits: in a monitor command or before a stop reply."""
        for body in replies.console(text, 4096):
            self.send(body)

    def stop_acknowledging(self) -> None:
        """From the next packet on neither side sends `+` and `-`."""
        self._acknowledge = False

    def await_stop(self) -> None:
        """The client waits for a stop reply; it comes now if the machine stands still already."""
        self.phase = Phase.WAITING
        self._say_now()
        if not self.target.running:
            self._send_stop()

    def resume(self, actions: Mapping[ThreadId, Action], *, alone: bool = False) -> None:
        """Resume the target for the client. If somebody else has it running already, wait for that run's end.

        alone: the client wants nothing else to move, whatever else there is.
        """
        if not actions:
            raise TargetError("no thread was asked to move")
        if self.dead:
            process = min(thread.process for thread in actions)
            self.send(replies.terminated(process, self.client))
            return self.gone(process)
        self._looked_at -= {thread.process for thread in actions}
        if self._intended is None:
            self._off.lone = alone
        actions = self._intended or actions
        if self._off.goes_on(actions):
            actions, self._stop_due = {thread: Action(Motion.CONTINUE) for thread in self.threads()}, False
        if self._stop_due:
            return self.await_stop()
        if self._lets_others_run(actions) and (self._introduce() or self._refresh(self._looked_at)):
            self._intended = actions
            return None
        self._intended, self._last_actions = None, actions
        try:
            self.target.resume(actions, settle=self._off.resumed(actions))
        except TargetRunning:
            log.debug("the machine was running already")
        if self._interrupted:
            self.target.interrupt()
        return self.await_stop()

    def threads(self) -> list[ThreadId]:
        """All threads, but for those of processes that have ended, or gone, for the client: they must not come back."""
        threads = self.target.threads()
        return [thread for thread in threads if thread.process not in self._gone] if self._gone else list(threads)

    def select(self, wanted: ThreadId) -> ThreadId:
        """The thread a selection means: the one that stopped last if it fits, else the first that fits."""
        stopped = self.target.stop_report().thread
        candidates = self.threads()
        if stopped in candidates and wanted.matches(stopped):
            return stopped
        for thread in candidates:
            if wanted.matches(thread):
                return thread
        if not candidates:
            raise TargetError("the machine has ended")
        if wanted.process not in {thread.process for thread in candidates}:
            raise TargetError(f"there is no process {wanted.process}")
        raise TargetError(f"there is no thread {wanted.process}.{wanted.thread}")

    @property
    def thread(self) -> ThreadId:
        """The thread that register and memory packets are about (Hg)."""
        thread = self.select(self.general)
        self._looked_at.add(thread.process)
        return thread

    def meet(self, features: set[str]) -> None:
        """The client has announced its features."""
        self.client = features
        self.meets_newcomers = {"multiprocess", "exec-events"} <= features
        self.target.meet(self.meets_newcomers)

    def detach(self, process: int | None) -> None:
        """The client lets go of a process; of the last one: what it set is removed and the machine runs on, unless it
        cannot."""
        if process is not None and any(thread.process != process for thread in self.threads()):
            self.target.part(process)
            self._gone.add(process)
            return
        self.phase = Phase.DETACHED
        self.target.release()
        if self.dead:
            return
        try:
            self.target.resume({thread: Action(Motion.CONTINUE) for thread in self.target.threads()})
        except TargetError as reason:
            log.debug("detached without resuming: %s", reason)

    def attach(self, process: int | None = None) -> None:
        """The client takes the machine, even one that has ended, or a process it has let go of: stop it and report."""
        if process is None or self.phase is Phase.DETACHED:
            self._forget()
            self.target.meet(self.meets_newcomers)
        else:
            self._gone.discard(process)
            self.target.take(process)
            self.select(ThreadId(process, ALL))
        self.report(process)

    def kill(self) -> None:
        """The client ends the machine, and all processes with it."""
        self.killed = self.dead = True
        self.gone(min((thread.process for thread in self.threads()), default=ANY))

    def gone(self, process: int) -> None:
        """A process has ended, and the client knows. After the last one there is nothing to say but to extended remote."""
        self._gone.add(process)
        self.over = self.over or not (self.extended or self.threads())

    def begin_again(self) -> None:
        """The machine as after switching on, standing still. The client still has the processes that have not ended for it."""
        kept = {thread.process for thread in self.threads()}
        self.target.reset()
        self._forget()
        self.target.meet(self.meets_newcomers, kept)

    def report(self, process: int | None = None) -> None:
        """The client wants a stop reply, of a process or any, without having resumed anything."""
        self._attaching = ThreadId(process or ANY, ANY)
        if self.target.running:
            self.target.interrupt()
        self.await_stop()

    # The machinery

    def _digest(self, item: Frame) -> None:
        match item:
            case Packet(body):
                if self._acknowledge:
                    self._out += b"+"
                self._dispatch(body)
            case Corrupt(reason):
                log.debug("bad packet: %s", reason)
                if self._acknowledge:
                    self._out += b"-"
                else:
                    self.send(replies.error(f"bad packet: {reason}", BAD_PACKET, self.client))
            case Nak():
                self._out += self._last
            case Interrupt():
                if self.phase is Phase.WAITING:
                    self.target.interrupt()
                self._interrupted = self._diverted or self.phase is Phase.WAITING
            case Ack():
                pass

    def _dispatch(self, body: bytes) -> None:
        name, arguments = split(body)
        declaration = PACKETS.get(name)
        if declaration is None:
            self.send(replies.UNSUPPORTED)
            return
        try:
            reply = declaration.handler(self, **declaration.grammar.parse(arguments))
        except MalformedPacket as problem:
            reply = replies.error(f"packet {declaration.name}: {problem}", BAD_PACKET, self.client)
        except TargetError as problem:
            reply = replies.error(str(problem), problem.code, self.client)
        except Exception as problem:  # a bug of ours must not take the user's session along
            log.exception("packet %s", declaration.name)
            reply = replies.error(f"internal error in packet {declaration.name}: {problem!r}", 1, self.client)
        if reply is not None:
            self.send(reply)

    def _lets_others_run(self, actions: Mapping[ThreadId, Action]) -> bool:
        """Whether processes other than those that are to move will move as well: they share the machine."""
        if self.target.running:
            return False
        for thread, action in actions.items():
            if action.motion in (Motion.STEP, Motion.RANGE) and self.target.current(thread):
                return False
        return True

    def _introduce(self, *, stop_due: bool = False) -> bool:
        """Tell the client of one new process, if there is any: an exec event. When the client has met it, it resumes by
        itself; if there is a stop to report, that comes then."""
        newcomer, self._newcomer = self._newcomer or self.target.newcomer(), None
        if newcomer is None:
            return False
        self._gone.discard(newcomer.thread.process)
        self._divert(newcomer.thread, stop_due)
        self.send(replies.executing(newcomer.thread, newcomer.program, self.client))
        return True

    def _refresh(self, processes: Set[int], *, stop_due: bool = False) -> bool:
        """Make the client forget what it holds of a process that it has not resumed but that runs, or has run, all the
        same: an event that it takes no notice of, but for resuming that process."""
        if not processes or not self.meets_newcomers:
            return False
        begun = {process for process in processes if self.target.begun(process)}
        thread = next((thread for thread in self.threads() if thread.process in begun), None)
        if thread is None:
            return False
        self._looked_at.discard(thread.process)
        self._divert(thread, stop_due)
        self.send(replies.loading(thread, self.client))
        return True

    def _divert(self, thread: ThreadId, stop_due: bool) -> None:
        """The client takes the machine for running, while we wait for it to resume a process it was told of."""
        self.phase, self._diverted, self._stop_due = Phase.TALKING, True, stop_due
        self.general = thread

    def _forget(self) -> None:
        """The conversation about processes begins again."""
        self._gone.clear()
        self.dead = self._ending = False
        self._looked_at.clear()
        self._off, self._newcomer = StepOff(), None
        self._intended, self._stop_due, self._diverted, self._interrupted = None, False, False, False

    def _say_now(self) -> None:
        if self._unsaid and self._attaching is None:
            for text in self._unsaid.take():
                self.print(text)

    def _send_stop(self) -> None:
        report, attaching = self.target.stop_report(), self._attaching
        self._say_now()
        if attaching is None and self.meets_newcomers and (stepped := self._off.ends(report)):
            self._newcomer = self.target.newcomer()  # told of later, but from here on `stepped` is the world it was in
            self._divert(stepped, stop_due=True)
            self.send(replies.stopped(StopReport(stepped, SILENT), stepped, self.target.inside(stepped), self.client))
            return
        if attaching is None and report.exit_code is None:
            if self._introduce(stop_due=not report.passing):
                self._intended = self._unfinished_step() if report.passing else None
                return
            if self._refresh(self._looked_at & {report.thread.process}, stop_due=True):
                return
        self.phase, self._attaching = Phase.TALKING, None
        self._stop_due = self._diverted = self._interrupted = False
        self.general = thread = self._known(report.thread) if attaching is None else self.select(attaching)
        if report.remark and attaching is None and not (report.exit_code is not None and self._ending):
            self.print(report.remark + "\n")
        if report.exit_code is not None and attaching is None:
            self._send_end(report)
        else:
            self._looked_at.add(thread.process)
            self.send(replies.stopped(report, thread, self.target.expedited(thread), self.client))

    def _unfinished_step(self) -> Mapping[ThreadId, Action] | None:
        """What the client asked for, if that is more than to let the machine run."""
        actions = self._last_actions or {}
        return actions if any(action.motion in (Motion.STEP, Motion.RANGE) for action in actions.values()) else None

    def _known(self, thread: ThreadId) -> ThreadId:
        """`thread`, or one that the client still knows if it has let go of that thread's process."""
        return thread if thread.process not in self._gone else next(iter(self.threads()), thread)

    def _send_end(self, report: StopReport) -> None:
        """The machine has ended, and all processes with it: one is reported now, the next at the next resume."""
        process = next((thread.process for thread in self.threads()), report.thread.process)
        self.send(replies.exited(report.exit_code or 0, process, self.client))
        self._ending = True
        self.gone(process)

    def _flush(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out
