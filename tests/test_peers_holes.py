"""What goes wrong with schedulers of notebooks elsewhere, each as a fact about this one."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Outcome, Overlap, Reason, RunStatus, Schedule, ScheduleState, Timing
from jupyter_schedule.core.store.records import ScheduleAdvance
from jupyter_schedule.core.timing import planning
from scheduler_service.decide import SILENCE
from tests.factories import NOON
from tests.scheduler_service.played import MINUTE, Play

HOUR = timedelta(hours=1)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


@pytest.mark.promise("P1")
def test_two_services_on_one_database_fire_once(play: Play) -> None:
    """Both tick at the very minute, and after it."""
    play.schedule("hourly", "0 * * * *")
    other = play.another_service()
    play.pass_by(HOUR)
    for _ in range(5):
        other.tick()
        play.ticker.tick()
    (run,) = play.runs("hourly")
    assert run.status == RunStatus.SUCCEEDED
    assert len(play.workers.launched) == 1


def test_a_run_that_is_due_across_a_restart_is_run(play: Play) -> None:
    """The service is down from before its minute until after it."""
    play.schedule("hourly", "0 * * * *")
    play.until(NOON + 59 * MINUTE)
    play.pass_by(2 * MINUTE)
    play.restart()
    play.settle()
    assert play.fired("hourly") == ["2026-11-24T13:00:00Z"]


@pytest.mark.parametrize("where", ["in the ledger", "at the launch"])
def test_an_exception_at_the_due_time_loses_no_run(play: Play, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """It is tried again a moment later."""
    play.schedule("hourly", "0 * * * *")
    if where == "at the launch":
        play.workers.failing = 1
    else:
        settle, failing = play.store.schedules.record_due_runs, [True]

        def settle_later(*arguments: Any, **options: Any) -> set[str]:
            if failing and arguments[0]:
                failing.pop()
                raise OSError("the disk is full")
            return settle(*arguments, **options)

        monkeypatch.setattr(play.store.schedules, "record_due_runs", settle_later)
    play.until(NOON + HOUR + 2 * MINUTE, step=MINUTE / 4)
    assert play.fired("hourly") == ["2026-11-24T13:00:00Z"]


@pytest.mark.parametrize("cron", ["30 2 30 2 *", "0 12 31 4,6,9,11 *", "61 * * * *", "* * * * * *", "@reboot"])
def test_an_expression_that_never_matches_is_refused_before_anything_is_stored(play: Play, cron: str) -> None:
    """So is one that this grammar doesn't have."""
    with pytest.raises(Refused):
        play.schedule("never", cron)
    assert play.operations.schedules.list_page() == []
    with pytest.raises(Refused):
        play.operations.schedules.edit(
            "daily", play.spec(timing=Timing(cron=cron)), if_version=play.schedule("daily").version
        )
    assert play.operations.schedules.get("daily").version == 1


def test_one_schedule_that_cannot_be_reckoned_stops_no_other(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even at the next start."""
    broken, _ = play.schedule("broken", "0 * * * *"), play.schedule("hourly", "0 * * * *")
    owed = planning.plan_runs

    def fail(schedule: Schedule, *arguments: Any) -> planning.RunPlan:
        if schedule.id == broken.id:
            raise RuntimeError("nobody thought of this")
        return owed(schedule, *arguments)

    monkeypatch.setattr(planning, "plan_runs", fail)
    play.pass_by(HOUR)
    play.restart()
    play.settle()
    assert play.fired("hourly") == ["2026-11-24T13:00:00Z"]


def test_one_schedule_that_cannot_be_recorded_stops_no_other(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits longer after each try, and is recorded when that can be done."""
    broken, _ = play.schedule("broken", "0 * * * *"), play.schedule("hourly", "0 * * * *")
    record, tries = play.store.schedules.record_due_runs, [0]

    def fail(advances: Sequence[ScheduleAdvance], **options: Any) -> set[str]:
        if any(advance.before.id == broken.id for advance in advances) and tries[0] < 6:
            tries[0] += 1
            raise ValueError("nobody thought of this row")
        return record(advances, **options)

    monkeypatch.setattr(play.store.schedules, "record_due_runs", fail)
    play.pass_by(HOUR)
    play.ticker.tick()
    play.ticker.tick()
    assert play.fired("hourly") == ["2026-11-24T13:00:00Z"]
    assert play.runs("broken") == []
    play.until(play.now + 2 * MINUTE)
    assert play.fired("broken") == ["2026-11-24T13:00:00Z"]


def test_twelve_runs_due_at_once_are_never_more_than_the_operator_allows(play: Play) -> None:
    """The others wait for their turn, and all are run."""
    for number in range(12):
        play.schedule(f"s{number}", "0 * * * *")
    play.workers.finishes = False
    play.pass_by(HOUR)
    play.settle()
    assert len(play.workers.going) == 4
    while play.workers.going:
        for token in list(play.workers.going):
            play.workers.finish(token)
        play.settle()
    assert (len(play.workers.launched), play.workers.most_at_once) == (12, 4)


@pytest.mark.parametrize("overlap", [Overlap.QUEUE_ONE, Overlap.SKIP, Overlap.CANCEL_PREVIOUS])
def test_three_times_of_a_long_schedule_never_run_side_by_side(play: Play, overlap: Overlap) -> None:
    """Whatever the policy but `allow`, and with two services."""
    play.schedule("long", "0 * * * *", overlap=overlap, timeout=600)
    other = play.another_service()
    play.workers.finishes = False

    def go_on() -> None:
        play.workers.beat(str(play.now))
        other.tick()

    play.until(NOON + 3 * HOUR + 30 * MINUTE, each=go_on)
    assert play.workers.most_at_once == 1
    assert sum(run.count for run in play.runs("long")) == 3


def test_a_run_whose_workers_crash_does_not_stay_in_progress_for_ever(play: Play) -> None:
    """Three workers are tried, then it has failed, says why, and has an end time."""
    play.schedule("daily")
    play.workers.finishes = False
    run = play.operations.runs.run_now("daily")
    for _ in range(4):
        play.settle()
        play.workers.crash()
    play.settle()
    ended = play.operations.runs.get(run.id)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.LOST)
    assert ended.ended_at is not None
    assert [attempt.outcome for attempt in play.operations.runs.list_attempts(ended)] == [Outcome.LOST] * 3


def test_a_run_that_was_going_when_everything_crashed_is_taken_up_by_the_next_service(play: Play) -> None:
    """The worker had finished meanwhile."""
    play.schedule("daily")
    play.workers.finishes = False
    run = play.operations.runs.run_now("daily")
    play.settle()
    for token in list(play.workers.going):
        play.workers.finish(token)
    play.restart()
    play.settle()
    assert play.operations.runs.get(run.id).status == RunStatus.SUCCEEDED
    assert len(play.workers.launched) == 1


def test_stop_ends_a_run_whose_worker_listens_to_nobody(play: Play) -> None:
    """It is asked, and when it isn't heard any more it is ended."""
    play.schedule("daily")
    play.workers.finishes = False
    run = play.operations.runs.run_now("daily")
    play.settle()
    play.operations.runs.cancel(run.id)
    play.settle()
    assert play.workers.asked
    assert play.operations.runs.get(run.id).status == RunStatus.RUNNING
    play.until(play.now + timedelta(seconds=SILENCE) + 2 * MINUTE, step=MINUTE / 6)
    ended = play.operations.runs.get(run.id)
    assert (ended.status, ended.reason) == (RunStatus.CANCELLED, Reason.BY_HAND)
    assert ended.ended_at is not None


def test_a_worker_that_still_saves_its_files_after_stop_is_let_to(play: Play) -> None:
    """Ten minutes after it was asked, its result is kept."""
    play.schedule("daily")
    play.workers.finishes = False
    run = play.operations.runs.run_now("daily")
    play.settle()
    play.operations.runs.cancel(run.id)
    play.until(play.now + 10 * MINUTE, step=MINUTE / 2, each=lambda: play.workers.beat(str(play.now)))
    assert play.operations.runs.get(run.id).status == RunStatus.RUNNING
    play.workers.finish(next(iter(play.workers.going)), exit_code=143)
    play.settle()
    assert play.operations.runs.get(run.id).status.terminal


def test_a_failed_run_has_an_end_time_and_a_sentence(play: Play) -> None:
    """As every run that ended."""
    play.schedule("daily")
    play.workers.finishes = False
    run = play.operations.runs.run_now("daily")
    play.settle()
    play.workers.finish(next(iter(play.workers.going)), exit_code=1)
    play.settle()
    ended = play.operations.runs.get(run.id)
    assert (ended.status, ended.reason, ended.message) == (
        RunStatus.FAILED,
        Reason.EXIT_CODE,
        "It ended with code 1.",
    )
    assert ended.ended_at is not None


def test_a_new_schedule_is_active_and_a_new_run_is_due(play: Play) -> None:
    """Nothing reads as stopped that nobody stopped."""
    assert play.schedule("daily").state == ScheduleState.ACTIVE
    assert play.operations.runs.run_now("daily").status == RunStatus.DUE
