# SPDX-License-Identifier: Apache-2.0
"""The state machine of one debugger's connection: bytes in, bytes out; stops of the target in, stop replies out."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from enum import Enum, auto

from gdbstub import packets, replies
from gdbstub.framing import Ack, Corrupt, Deframer, Frame, Interrupt, Nak, Packet, frame
from gdbstub.grammar import PACKETS, MalformedPacket, split
from gdbstub.interface import ALL, ANY, Action, Motion, Target, TargetError, TargetRunning, ThreadId
from gdbstub.monitor import Monitor

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
        self.extended = False
        self.killed = False
        self.phase = Phase.TALKING
        self.general = ThreadId(ANY, ANY)
        self.control = ThreadId(ALL, ALL)
        self._acknowledge = True
        self._attaching = False
        self._deframer = Deframer()
        self._frames: deque[Frame] = deque()
        self._last = b""
        self._out = bytearray()

    # What the owner calls

    def receive(self, data: bytes) -> bytes:
        """Digest what the client sent; the result is what to send to it. Never raises because of `data`.

        When the answers grow long the rest waits: as long as `backlog` is true, call again, with nothing, once they
        are sent.
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
        if not self.target.running:
            self._send_stop()

    def resume(self, actions: Mapping[ThreadId, Action]) -> None:
        """Resume the target for the client. If somebody else has it running already, wait for that run's end."""
        if all(action.motion is Motion.HOLD for action in actions.values()):
            raise TargetError("no thread was asked to move")
        try:
            self.target.resume(actions)
        except TargetRunning:
            log.debug("the machine was running already")
        self.await_stop()

    def select(self, wanted: ThreadId) -> ThreadId:
        """The thread a selection means: the one that stopped last if it fits, else the first that fits."""
        stopped = self.target.stop_report().thread
        candidates = self.target.threads()
        if stopped in candidates and wanted.matches(stopped):
            return stopped
        for thread in candidates:
            if wanted.matches(thread):
                return thread
        raise TargetError(f"no thread {wanted.process}.{wanted.thread}")

    @property
    def thread(self) -> ThreadId:
        """The thread that register and memory packets are about (Hg)."""
        return self.select(self.general)

    def detach(self) -> None:
        """The client lets go: what it set is removed and the machine runs on, unless it cannot."""
        self.phase = Phase.DETACHED
        self.target.release()
        try:
            self.target.resume({thread: Action(Motion.CONTINUE) for thread in self.target.threads()})
        except TargetError as reason:
            log.debug("detached without resuming: %s", reason)

    def attach(self) -> None:
        """The client takes the machine (again): stop it and report. A machine that has ended can still be looked at."""
        self._attaching = True
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

    def _send_stop(self) -> None:
        report, attaching = self.target.stop_report(), self._attaching
        self.phase, self._attaching = Phase.TALKING, False
        self.general = report.thread
        if report.remark and not attaching:
            self.print(report.remark + "\n")
        if report.exit_code is not None and not attaching:
            self.send(replies.exited(report, self.client))
        else:
            self.send(replies.stopped(report, self.target.expedited(report.thread), self.client))

    def _flush(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out
