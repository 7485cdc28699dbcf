"""Who may tick for a ledger in a file."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_schedule.core.store.records import ServiceRecord
from scheduler_service import standby
from scheduler_service.standby import STOPPED_SECONDS, LeaderWatch
from tests.engine import Engine, eventually

LEADER = ServiceRecord("1", "here", has_lock=True, beats=7)


@dataclass
class Seconds:
    """A clock in hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("leader", [None, LEADER])
def test_who_gets_the_lock_leads_at_once_since_its_holder_is_dead(leader: ServiceRecord | None) -> None:
    assert LeaderWatch(Seconds()).may_lead(leader, has_lock=True)


def test_nobody_leads_without_lock_instead_of_one_of_whom_nothing_is_known() -> None:
    clock = Seconds()
    watch = LeaderWatch(clock)
    for clock.now in (0.0, 1000.0):
        assert not watch.may_lead(None, has_lock=False)


@pytest.mark.parametrize("has_lock", [True, False])
def test_a_leader_without_lock_leads_as_long_as_it_ticks(has_lock: bool) -> None:
    """It took over from one that was stopped; who gets the lock when that one is killed waits for it to stop."""
    clock = Seconds()
    watch = LeaderWatch(clock)
    for clock.now in (0.0, 50.0, 100.0):
        leader = LEADER._replace(has_lock=False, beats=int(clock.now))
        assert not watch.may_lead(leader, has_lock=has_lock)
    clock.now += STOPPED_SECONDS
    assert watch.may_lead(leader, has_lock=has_lock)


def test_a_leader_that_notes_no_tick_for_a_minute_is_followed_by_another() -> None:
    clock = Seconds()
    watch = LeaderWatch(clock)
    for clock.now in (0.0, STOPPED_SECONDS - 1):
        assert not watch.may_lead(LEADER, has_lock=False)
    clock.now = STOPPED_SECONDS
    assert watch.may_lead(LEADER, has_lock=False)
    assert not watch.may_lead(LEADER._replace(beats=8), has_lock=False)


@pytest.mark.promise("P31")
def test_a_standby_takes_over_from_a_service_that_is_stopped_and_that_one_stands_by_when_it_wakes_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(standby, "STOPPED_SECONDS", 1.0)
    engine = Engine(tmp_path)
    engine.script("hello", "echo hello")
    with engine.service_process() as stopped:
        eventually(lambda: any(each.is_working for each in engine.store.services.list_all()), what="the first tick")
        os.kill(stopped.pid, signal.SIGSTOP)
        with engine.service():
            run = engine.ended(engine.run("hello"))
            assert run.status == "succeeded"
            (leader,) = engine.store.services.list_all()
            assert not leader.has_lock
            os.kill(stopped.pid, signal.SIGCONT)
            log = engine.root / "service.log"
            eventually(lambda: "action=deposed" in log.read_text(), what="the word of who woke up")
            assert engine.ended(engine.run("hello")).status == "succeeded"
            assert [each.holder for each in engine.store.services.list_all()] == [leader.holder]
    assert "action=takes_over" in caplog.text
