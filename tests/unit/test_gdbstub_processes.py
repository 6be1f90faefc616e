# SPDX-License-Identifier: Apache-2.0
"""Several processes in one session: how a debugger meets them, what is refreshed, how they end."""

from __future__ import annotations

import pytest

from gdbstub.framing import Deframer, Packet, frame
from gdbstub.interface import ALL, Action, Cause, Motion, Signal, StopReport, ThreadId
from gdbstub.riscv.regnums import PC
from gdbstub.session import Session
from tests.support.fake_target import FakeTarget

HOST = ThreadId(1, 1)
GUEST = ThreadId(2, 1)
EXEC = b"T05exec:%b;thread:p2.1;" % b"/guest.elf".hex().encode()
SUPPORTED = b"qSupported:multiprocess+;exec-events+;swbreak+;hwbreak+"


def replies(data: bytes) -> list[bytes]:
    return [item.body for item in Deframer().feed(data) if isinstance(item, Packet)]


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def session(target: FakeTarget) -> Session:
    session = Session(target)
    session.receive(frame(SUPPORTED))
    session.receive(frame(b"?"))
    return session


def ask(session: Session, body: bytes) -> list[bytes]:
    return replies(session.receive(frame(body)))


def resumed(target: FakeTarget) -> list[object]:
    """The resumes the target has seen, and forget them."""
    calls: list[object] = [call for call in target.calls if isinstance(call, dict)]
    target.calls = []
    return calls


def two(session: Session, target: FakeTarget) -> None:
    """The debugger has met process 2, which stands at a stop of its own."""
    target.add_process(2)
    ask(session, b"vCont;c")
    ask(session, b"vCont;c:p2.-1")
    target.stop(StopReport(GUEST))
    session.target_stopped()
    target.calls.clear()


def test_a_new_process_is_an_exec_event(session: Session, target: FakeTarget) -> None:
    ask(session, b"vCont;c")
    target.add_process(2)
    target.stop(StopReport(HOST, passing=True))
    assert replies(session.target_stopped()) == [EXEC]
    assert session.phase.name == "TALKING"
    assert ask(session, b"qfThreadInfo") == [b"mp1.1,p2.1"]
    # what gdb does by itself then
    resumed(target)
    assert ask(session, b"Hgp2.1") == [b"OK"]
    assert ask(session, b"Z0,80000100,4") == [b"OK"]
    assert ask(session, b"vCont;c:p2.-1") == []
    assert resumed(target) == [{GUEST: Action(Motion.CONTINUE)}]
    assert session.phase.name == "WAITING"


def test_a_stop_waits_until_the_new_process_has_been_met(session: Session, target: FakeTarget) -> None:
    ask(session, b"vCont;s:p1.1")
    target.add_process(2)
    target.stop(StopReport(GUEST, Signal.NONE))
    assert replies(session.target_stopped()) == [EXEC]
    resumed(target)
    (reply,) = ask(session, b"vCont;c:p2.-1")
    assert reply.startswith(b"T00thread:p2.1;20:")
    assert resumed(target) == []


def test_processes_known_to_the_target_are_told_before_it_runs(session: Session, target: FakeTarget) -> None:
    target.add_process(2)
    target.add_process(3)
    assert ask(session, b"vCont;c:p1.-1") == [EXEC]
    assert ask(session, b"vCont;c:p2.-1") == [EXEC.replace(b"p2", b"p3")]
    assert resumed(target) == []
    assert ask(session, b"vCont;c:p3.-1") == []
    assert resumed(target) == [{HOST: Action(Motion.CONTINUE)}]  # what was asked for first


def test_a_step_is_made_before_new_processes_are_told(session: Session, target: FakeTarget) -> None:
    target.add_process(2)
    assert ask(session, b"vCont;s:p1.1") == []
    assert resumed(target) == [{HOST: Action(Motion.STEP)}]
    target.stop(StopReport(HOST))
    assert replies(session.target_stopped()) == [EXEC]
    assert ask(session, b"vCont;c:p2.-1")[0].startswith(b"T05thread:p1.1;")


@pytest.mark.parametrize("features", [b"multiprocess+", b"exec-events+", b"swbreak+", b""])
def test_who_cannot_be_told_sees_one_process(features: bytes) -> None:
    target = FakeTarget()
    session = Session(target)
    ask(session, b"qSupported:" + features)
    target.add_process(2)
    assert ask(session, b"vCont;c") == []
    assert resumed(target) == [{HOST: Action(Motion.CONTINUE)}]


def test_what_the_debugger_has_looked_at_is_refreshed_before_it_runs_on(session: Session, target: FakeTarget) -> None:
    """gdb keeps the registers of a process that it did not resume: an event without meaning makes it resume that, too."""
    two(session, target)
    target.stop(StopReport(HOST))
    ask(session, b"Hgp2.1")
    ask(session, b"g")
    ask(session, b"Hgp1.1")
    assert ask(session, b"vCont;c:p1.-1") == [b"T05library:;thread:p2.1;"]
    assert resumed(target) == []
    assert ask(session, b"vCont;c:p2.-1") == []
    assert resumed(target) == [{HOST: Action(Motion.CONTINUE)}]


def test_what_was_not_looked_at_is_not_refreshed(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"vCont;c:p2.-1") == []
    target.stop(StopReport(HOST))
    session.target_stopped()
    assert ask(session, b"vCont;c:p1.-1") == []
    assert len(resumed(target)) == 2


def test_a_step_into_a_process_refreshes_it(session: Session, target: FakeTarget) -> None:
    two(session, target)
    ask(session, b"Hgp2.1")
    ask(session, b"g")
    target.stop(StopReport(HOST))
    ask(session, b"vCont;s:p1.1;c:p1.-1")
    assert len(resumed(target)) == 1
    target.stop(StopReport(GUEST, Signal.NONE))
    assert replies(session.target_stopped()) == [b"T05library:;thread:p2.1;"]
    assert ask(session, b"vCont;s:p2.1;c:p2.-1")[0].startswith(b"T00thread:p2.1;")
    assert resumed(target) == []


def test_a_step_of_what_does_not_run_refreshes_what_does(session: Session, target: FakeTarget) -> None:
    two(session, target)
    ask(session, b"Hgp2.1")
    ask(session, b"g")
    assert ask(session, b"vCont;s:p1.1") == [b"T05library:;thread:p2.1;"]
    assert ask(session, b"vCont;s:p2.1") == []
    assert resumed(target) == [{HOST: Action(Motion.STEP)}]


def test_all_processes_end_one_after_the_other(session: Session, target: FakeTarget) -> None:
    two(session, target)
    ask(session, b"vCont;c")
    target.stop(StopReport(GUEST, exit_code=3, remark="powered off"))
    assert replies(session.target_stopped()) == [b"O" + b"powered off\n".hex().encode(), b"W03;process:1"]
    assert ask(session, b"qfThreadInfo") == [b"mp2.1"]
    assert ask(session, b"T" + b"p1.1") == [b"E01"]
    ask(session, b"vCont;c:p2.-1")
    target.stop(StopReport(GUEST, exit_code=3, remark="powered off"))
    assert replies(session.target_stopped()) == [b"W03;process:2"]
    assert ask(session, b"qfThreadInfo") == [b"l"]
    assert ask(session, b"g") == [b"E01"]
    ask(session, b"vRun;")
    assert ask(session, b"qfThreadInfo") == [b"mp1.1,p2.1"]


def test_detaching_from_one_process_leaves_the_machine_standing(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"D;2") == [b"OK"]
    assert target.calls == ["part 2"]
    assert ask(session, b"qfThreadInfo") == [b"mp1.1"]
    assert ask(session, b"D;1") == [b"OK"]
    assert target.calls[1:] == ["release", {HOST: Action(Motion.CONTINUE)}]


def test_after_the_first_process_is_let_go_its_stops_are_those_of_the_other(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"D;1") == [b"OK"]
    ask(session, b"vCont;c:p2.-1")
    target.stop(StopReport(HOST))
    assert replies(session.target_stopped())[0].startswith(b"T05thread:p2.1;")


def test_kill_names_its_victim(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"vKill;2") == [b"E01"]
    assert ask(session, b"vKill;7") == [b"E01"]
    assert not session.killed
    ask(session, SUPPORTED + b";error-message+")
    assert ask(session, b"vKill;2") == [b"E.process 2 ends with the machine only"]
    assert ask(session, b"vKill;1") == [b"OK"]
    assert session.killed and not session.over
    before = list(target.calls)
    assert ask(session, b"vCont;c:p2.-1") == [b"X09;process:2"]
    assert session.over
    assert target.calls == before


def test_a_killed_machine_does_not_run_on_when_the_last_process_is_let_go(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"vKill;1") == [b"OK"]
    assert ask(session, b"D;2") == [b"OK"]
    assert resumed(target) == []


def test_with_the_machine_all_processes_are_killed(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"vKill;1") == [b"OK"]
    assert ask(session, b"vKill;2") == [b"OK"]
    assert session.over


def test_registers_are_those_of_the_selected_process(session: Session, target: FakeTarget) -> None:
    two(session, target)
    target.others[GUEST][10] = 0xABC
    assert (ask(session, b"Hgp1.1"), ask(session, b"pa")) == ([b"OK"], [b"0000000000000000"])
    assert (ask(session, b"Hgp2.1"), ask(session, b"pa")) == ([b"OK"], [b"bc0a000000000000"])
    assert ask(session, b"qAttached:2") == [b"1"]
    assert session.select(ThreadId(2, ALL)) == GUEST


def test_threads_come_in_one_document_with_their_words(session: Session, target: FakeTarget) -> None:
    two(session, target)
    (reply,) = ask(session, b"qXfer:threads:read::0,1000")
    assert reply == (
        b'l<?xml version="1.0"?>\n<threads>\n<thread id="p1.1" core="0">HS, hart 0</thread>\n'
        b'<thread id="p2.1" core="0">HS, hart 0</thread>\n</threads>'
    )


def test_text_waits_until_the_debugger_listens(session: Session, target: FakeTarget) -> None:
    session.say("first")
    assert session.speak() == b""
    assert ask(session, b"vCont;c") == [b"O" + b"first\n".hex().encode()]
    session.say("second\n")
    assert replies(session.speak()) == [b"O" + b"second\n".hex().encode()]
    session.say("third")
    target.stop(StopReport(HOST))
    said, stop = replies(session.target_stopped())
    assert said == b"O" + b"third\n".hex().encode()
    assert stop.startswith(b"T05")


def test_a_process_that_was_let_go_can_be_taken_back(session: Session, target: FakeTarget) -> None:
    two(session, target)
    ask(session, b"D;2")
    assert ask(session, b"vAttach;2")[0].startswith(b"T05thread:p2.1;")
    assert ask(session, b"qfThreadInfo") == [b"mp1.1,p2.1"]
    assert ask(session, b"vAttach;1")[0].startswith(b"T05thread:p1.1;")
    ask(session, b"D;1")
    ask(session, b"D;2")
    target.stop(StopReport(HOST))
    assert ask(session, b"vAttach;1")[0].startswith(b"T05thread:p1.1;")


def test_ctrl_c_while_the_debugger_meets_a_process(session: Session, target: FakeTarget) -> None:
    ask(session, b"vCont;c")
    target.add_process(2)
    target.stop(StopReport(HOST, passing=True))
    session.target_stopped()
    session.receive(b"\x03")
    assert "interrupt" not in target.calls
    ask(session, b"vCont;c:p2.-1")
    assert target.calls[-1] == "interrupt"
    target.stop(StopReport(GUEST, Signal.INT))
    session.target_stopped()
    target.calls.clear()
    ask(session, b"vCont;c:p2.-1")
    assert "interrupt" not in target.calls


def test_ctrl_c_that_crosses_a_new_process_on_its_way(session: Session, target: FakeTarget) -> None:
    ask(session, b"vCont;c")
    target.add_process(2)
    target.stop(StopReport(HOST, passing=True))
    session.receive(b"\x03")  # the session has not been told of the stop yet
    assert replies(session.target_stopped()) == [EXEC]
    target.calls.clear()
    ask(session, b"vCont;c:p2.-1")
    assert target.calls == [{GUEST: Action(Motion.CONTINUE)}, "interrupt"]


def test_a_step_interrupted_by_a_new_process_is_taken_up_again(session: Session, target: FakeTarget) -> None:
    two(session, target)
    assert ask(session, b"vCont;s:p1.1;c:p1.-1") == [b"T05library:;thread:p2.1;"]
    assert ask(session, b"vCont;c:p2.-1") == []
    assert resumed(target) == [{HOST: Action(Motion.STEP)}]
    target.add_process(3)
    target.stop(StopReport(GUEST, passing=True))
    assert replies(session.target_stopped()) == [EXEC.replace(b"p2", b"p3")]
    ask(session, b"vCont;c:p3.-1")
    assert resumed(target) == [{HOST: Action(Motion.STEP)}]


def stepped_away(session: Session, target: FakeTarget) -> list[bytes]:
    """What the debugger is told when the step of process 2 alone has ended in process 1."""
    two(session, target)
    target.others[GUEST][PC] = 0x80000100
    ask(session, b"vCont;s:p2.1")
    assert resumed(target) == [{GUEST: Action(Motion.STEP)}]
    target.stop(StopReport(HOST, Signal.NONE, away=True))
    return replies(session.target_stopped())


def test_a_lone_step_that_ends_in_another_process_is_a_silent_signal_first(session: Session, target: FakeTarget) -> None:
    (first,) = stepped_away(session, target)
    assert first.startswith(b"T10thread:p2.1;20:0101008000000000;")


def test_a_debugger_that_then_tries_the_step_again_wants_to_go_on(session: Session, target: FakeTarget) -> None:
    stepped_away(session, target)
    assert ask(session, b"vCont;S10:p2.1") == []
    assert resumed(target) == [{HOST: Action(Motion.CONTINUE), GUEST: Action(Motion.CONTINUE)}]
    target.stop(StopReport(HOST, cause=Cause.SOFTWARE_BREAKPOINT))
    assert replies(session.target_stopped())[0].startswith(b"T05swbreak:;thread:p1.1;")


def test_one_that_lets_the_thread_run_is_told_of_the_stop(session: Session, target: FakeTarget) -> None:
    stepped_away(session, target)
    (stop,) = ask(session, b"vCont;C10:p2.1;c:p2.-1")
    assert stop.startswith(b"T00thread:p1.1;")
    assert resumed(target) == []


def test_more_than_a_step_that_has_left_is_never_passed_over(session: Session, target: FakeTarget) -> None:
    two(session, target)
    ask(session, b"vCont;s:p2.1")
    resumed(target)
    target.stop(StopReport(HOST, Signal.NONE, remark="catch 1: VM exit"))
    assert replies(session.target_stopped())[0].startswith(b"T10thread:p2.1;")
    told = ask(session, b"vCont;S10:p2.1")
    assert (told[0][:1], told[-1][:15]) == (b"O", b"T00thread:p1.1;")
    assert resumed(target) == []


def test_a_new_process_is_told_of_after_the_silent_signal(session: Session, target: FakeTarget) -> None:
    ask(session, b"vCont;s:p1.1")
    target.add_process(2)
    target.stop(StopReport(HOST, Signal.NONE, away=True))
    assert replies(session.target_stopped())[0].startswith(b"T10thread:p1.1;")
    assert ask(session, b"vCont;S10:p1.1") == [EXEC]
    resumed(target)
    assert ask(session, b"vCont;c:p2.-1") == []
    assert resumed(target) == [{HOST: Action(Motion.CONTINUE), GUEST: Action(Motion.CONTINUE)}]


def test_a_process_that_has_not_begun_again_is_not_refreshed(session: Session, target: FakeTarget) -> None:
    """The debugger would want its registers, and has none."""
    two(session, target)
    assert ask(session, b"Hgp2.1") == [b"OK"]
    ask(session, b"g")
    target.waiting = {2}
    assert ask(session, b"vCont;c:p1.-1") == []
    assert resumed(target) == [{HOST: Action(Motion.CONTINUE)}]


def test_what_is_asked_of_a_thread_that_is_not_there_fails(session: Session, target: FakeTarget) -> None:
    """Debuggers go on as if Hg had not failed; that must not go to the thread they have chosen before."""
    ask(session, SUPPORTED + b";error-message+")
    two(session, target)
    assert ask(session, b"Hgp2.1") == [b"OK"]
    for wanted, reason in ((b"p7.1", b"there is no process 7"), (b"p2.5", b"there is no thread 2.5")):
        for request in (b"Hg" + wanted, b"g", b"m80000000,4", b"M80000000,1:00", b"Z0,80000000,4", b"P1=0000000000000000"):
            assert ask(session, request) == [b"E." + reason], request
        assert not target.points
    assert ask(session, b"Hgp1.1") == [b"OK"]
    assert ask(session, b"Z0,80000000,4") == [b"OK"]


def test_processes_that_do_not_exist(session: Session, target: FakeTarget) -> None:
    ask(session, SUPPORTED + b";error-message+")
    two(session, target)
    for request in (b"D;7", b"vKill;7", b"Tp7.1", b"qThreadExtraInfo,p7.1"):
        assert ask(session, request) == [b"E.there is no process 7"], request
