# SPDX-License-Identifier: Apache-2.0
"""A session as a state machine: acknowledgements, stops, errors, the end of a connection."""

from __future__ import annotations

import pytest

from gdbstub.framing import Deframer, Packet, frame
from gdbstub.interface import ALL, Action, Cause, Motion, Signal, StopReport, ThreadId
from gdbstub.session import Phase, Session
from tests.support.fake_target import BASE, FakeTarget

FIRST = ThreadId(1, 1)
STOP = b"T05thread:1;20:0000008000000000;02:0080008000000000;08:0000000000000000;01:0000000000000000;1043:01;"


def replies(data: bytes) -> list[bytes]:
    return [item.body for item in Deframer().feed(data) if isinstance(item, Packet)]


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def session(target: FakeTarget) -> Session:
    return Session(target)


def test_acknowledgements(session: Session) -> None:
    assert session.receive(frame(b"qC")) == b"+" + frame(b"QC1")
    assert session.receive(b"+") == b""
    assert session.receive(b"-") == frame(b"QC1")
    assert session.receive(b"$qC#00") == b"-"
    assert session.receive(b"$qC") == b""
    assert session.receive(b"#b4") == b"+" + frame(b"QC1")


def test_no_ack_mode(session: Session) -> None:
    assert session.receive(frame(b"QStartNoAckMode")) == b"+" + frame(b"OK")
    assert session.receive(b"+" + frame(b"qC")) == frame(b"QC1")
    assert session.receive(b"$qC#00") == frame(b"E16")


def test_unknown_packets_get_the_empty_reply(session: Session) -> None:
    for body in (
        b"vMustReplyEmpty",
        b"qTStatus",
        b"qL1200",
        b"jThreadsInfo",
        b"",
        b"\xff",
        b"QThreadEvents:1",
        b"vFile:chmod:0",
    ):
        assert replies(session.receive(frame(body))) == [b""], body


def test_malformed_arguments_are_an_error_in_words_if_the_client_can_read(session: Session) -> None:
    assert replies(session.receive(frame(b"mzz"))) == [b"E16"]
    session.receive(frame(b"qSupported:error-message+"))
    assert replies(session.receive(frame(b"mzz"))) == [b"E.packet m: arguments do not have the form ADDRESS,LENGTH"]


def test_a_bug_in_the_target_does_not_end_the_session(session: Session, target: FakeTarget) -> None:
    def broken(thread: ThreadId) -> bytes:
        raise KeyError("x")

    target.read_general = broken  # type: ignore[method-assign]
    assert replies(session.receive(frame(b"g"))) == [b"E01"]
    assert replies(session.receive(frame(b"qC"))) == [b"QC1"]


def test_attaching_to_a_machine_that_stands_still(session: Session) -> None:
    assert replies(session.receive(frame(b"?"))) == [STOP]


def test_attaching_stops_a_running_machine(session: Session, target: FakeTarget) -> None:
    target.running = True
    assert session.receive(frame(b"?")) == b"+"
    assert target.calls == ["interrupt"]
    assert session.target_stopped() == b""  # it runs still
    target.stop(StopReport(FIRST, Signal.INT))
    assert replies(session.target_stopped()) == [STOP.replace(b"T05", b"T02")]
    assert session.target_stopped() == b""


def test_continue_and_stop(session: Session, target: FakeTarget) -> None:
    assert session.receive(frame(b"vCont;c")) == b"+"
    assert target.calls == [{FIRST: Action(Motion.CONTINUE)}]
    assert session.receive(b"\x03") == b""
    assert target.calls[1:] == ["interrupt"]
    target.stop(StopReport(FIRST, Signal.INT))
    assert replies(session.target_stopped()) == [STOP.replace(b"T05", b"T02")]


def test_interrupt_while_nothing_runs_is_ignored(session: Session, target: FakeTarget) -> None:
    assert session.receive(b"\x03\x03") == b""
    assert target.calls == []


def test_stops_nobody_waits_for_are_not_reported(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"?"))
    target.running = True  # the console resumed it
    assert replies(session.receive(frame(b"g"))) == [b"E10"]
    assert replies(session.receive(frame(b"m80000000,4"))) == [b"E10"]
    target.stop(StopReport(FIRST))
    assert session.target_stopped() == b""
    assert replies(session.receive(frame(b"m80000000,4"))) == [b"13000000"]


def test_resuming_what_runs_already_joins_that_run(session: Session, target: FakeTarget) -> None:
    target.running = True
    assert session.receive(frame(b"c")) == b"+"
    target.stop(StopReport(FIRST))
    assert replies(session.target_stopped()) == [STOP]


def test_requests_during_a_run_are_answered(session: Session) -> None:
    session.receive(frame(b"c"))
    assert replies(session.receive(frame(b"g"))) == [b"E10"]
    assert replies(session.receive(frame(b"qfThreadInfo"))) == [b"m1"]
    assert session.phase is Phase.WAITING


@pytest.mark.parametrize(
    ("report", "reply"),
    [
        (StopReport(FIRST, cause=Cause.SOFTWARE_BREAKPOINT), b"T05swbreak:;thread:p1.1;"),
        (StopReport(FIRST, cause=Cause.HARDWARE_BREAKPOINT), b"T05hwbreak:;thread:p1.1;"),
        (StopReport(FIRST, cause=Cause.WRITE_WATCH, address=0x80001000), b"T05watch:80001000;thread:p1.1;"),
        (StopReport(FIRST, cause=Cause.READ_WATCH, address=0x80001000), b"T05rwatch:80001000;thread:p1.1;"),
        (StopReport(FIRST, cause=Cause.ACCESS_WATCH, address=0x80001000), b"T05awatch:80001000;thread:p1.1;"),
    ],
)
def test_causes_of_stops(session: Session, target: FakeTarget, report: StopReport, reply: bytes) -> None:
    session.receive(frame(b"qSupported:multiprocess+;swbreak+;hwbreak+"))
    session.receive(frame(b"c"))
    target.stop(report)
    assert replies(session.target_stopped())[0].startswith(reply + b"20:")


def test_breakpoint_causes_only_for_clients_that_announced_them(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"c"))
    target.stop(StopReport(FIRST, cause=Cause.SOFTWARE_BREAKPOINT))
    assert replies(session.target_stopped()) == [STOP]


def test_the_end_of_the_machine(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"c"))
    target.stop(StopReport(FIRST, exit_code=3, remark="powered off"))
    assert replies(session.target_stopped()) == [b"O" + b"powered off\n".hex().encode(), b"W03"]
    # who attaches afterwards can look at what is left
    assert replies(session.receive(frame(b"?"))) == [STOP]
    session.receive(frame(b"qSupported:multiprocess+"))
    session.receive(frame(b"c"))
    target.stop(StopReport(FIRST, exit_code=0))
    assert replies(session.target_stopped()) == [b"W00;process:1"]


def test_threads_are_selected(target: FakeTarget) -> None:
    target = FakeTarget(threads=3)
    session = Session(target)
    target.values[1][10] = 0xABC
    assert replies(session.receive(frame(b"Hg2") + frame(b"pa"))) == [b"OK", b"bc0a000000000000"]
    assert replies(session.receive(frame(b"Hgp1.3") + frame(b"pa"))) == [b"OK", b"0000000000000000"]
    assert replies(session.receive(frame(b"Hg4") + frame(b"Hgp2.1"))) == [b"E01", b"E01"]
    session.receive(frame(b"Hc2") + frame(b"s"))
    assert target.calls == [{ThreadId(1, 2): Action(Motion.STEP)}]
    target.stop(StopReport(ThreadId(1, 2)))
    assert b"thread:2;" in session.target_stopped()
    assert replies(session.receive(frame(b"pa") + frame(b"qC"))) == [b"bc0a000000000000", b"QC2"]
    session.receive(frame(b"Hc-1") + frame(b"c"))
    assert target.calls[1:] == [{ThreadId(1, n): Action(Motion.CONTINUE) for n in (1, 2, 3)}]


def test_actions_of_vcont(target: FakeTarget) -> None:
    target = FakeTarget(threads=2)
    session = Session(target)
    first, second = target.threads()
    for text, actions in {
        b"vCont;c": {first: Action(Motion.CONTINUE), second: Action(Motion.CONTINUE)},
        b"vCont;s:p1.2;c": {first: Action(Motion.CONTINUE), second: Action(Motion.STEP)},
        b"vCont;s:2": {second: Action(Motion.STEP)},
        b"vCont;r80000000,80000010:1;t:2": {first: Action(Motion.RANGE, 0x80000000, 0x80000010)},
        b"vCont;t:2;c": {first: Action(Motion.CONTINUE)},
        b"vCont;C05:p1.1;S0f:p1.-1": {first: Action(Motion.CONTINUE), second: Action(Motion.STEP)},
        b"vCont;c:p1.-1": {first: Action(Motion.CONTINUE), second: Action(Motion.CONTINUE)},
    }.items():
        session.receive(frame(text))
        assert target.calls.pop() == actions, text
        target.stop(StopReport(first))
        session.target_stopped()
    for text in (b"vCont", b"vCont;", b"vCont;z", b"vCont;r1", b"vCont;s:x", b"vCont;c;;"):
        assert replies(session.receive(frame(text))) == [b"E16"], text
    for text in (b"vCont;t", b"vCont;s:p7.1"):
        assert replies(session.receive(frame(text))) == [b"E01"], text
    assert target.calls == []


def test_detach_removes_and_resumes(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"Z0,80000100,4"))
    assert replies(session.receive(frame(b"D;1"))) == [b"OK"]
    assert target.points == set()
    assert target.calls == ["release", {FIRST: Action(Motion.CONTINUE)}]
    session.disconnected()
    assert len(target.calls) == 2


def test_a_client_that_vanishes_during_its_run_stops_the_machine(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"Z0,80000100,4") + frame(b"c") + b"$m8000")
    session.disconnected()
    assert target.calls[1:] == ["interrupt", "release"]


def test_a_client_that_vanishes_leaves_the_run_of_another_alone(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"?"))
    target.running = True
    session.disconnected()
    assert target.calls == ["release"]
    assert target.running


def test_kill_is_the_owners_affair(session: Session, target: FakeTarget) -> None:
    assert session.receive(frame(b"k")) == b"+"
    assert session.killed and session.over
    assert target.calls == []


def test_kill_of_the_only_process_is_the_end(session: Session, target: FakeTarget) -> None:
    assert replies(session.receive(frame(b"vKill;1"))) == [b"OK"]
    assert session.killed and session.over
    assert target.calls == []


def test_extended_remote_stays_after_a_kill(session: Session, target: FakeTarget) -> None:
    session.receive(frame(b"!"))
    assert replies(session.receive(frame(b"vKill;1"))) == [b"OK"]
    assert session.killed and not session.over
    assert replies(session.receive(frame(b"vRun;")))[0].startswith(b"T05")
    assert target.calls[0] == "reset"


def test_extended_remote_runs_again(session: Session, target: FakeTarget) -> None:
    assert replies(session.receive(frame(b"!"))) == [b"OK"]
    assert session.extended
    target.write_pc(FIRST, BASE + 64)
    assert replies(session.receive(frame(b"vRun;"))) == [STOP]
    assert "reset" in target.calls
    target.write_pc(FIRST, BASE + 64)
    assert session.receive(frame(b"R00")) == b"+"
    assert replies(session.receive(frame(b"p20"))) == [b"0000008000000000"]


def test_wildcards_mean_the_thread_that_stopped(target: FakeTarget) -> None:
    target = FakeTarget(threads=2)
    session = Session(target)
    target.stop(StopReport(ThreadId(1, 2)))
    assert session.thread == ThreadId(1, 2)
    assert session.select(ThreadId(1, ALL)) == ThreadId(1, 2)
    assert session.select(ThreadId(1, 1)) == ThreadId(1, 1)
