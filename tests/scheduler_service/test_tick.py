"""What the tick remembers between two looks, and what it doesn't."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.models import Attempt, Outcome, Reason, RunStatus
from jupyter_schedule.core.object_keys import gate_key
from jupyter_schedule.core.store.records import ScheduledRun
from jupyter_schedule.core.timing import planning
from scheduler_service import effects
from scheduler_service.decide import PUBLISHING_TIME, Stop
from scheduler_service.launchers.base import Handle, WorkerState
from scheduler_service.worker.task import TASK_VERSION, frozen_task
from tests.scheduler_service.played import MINUTE, SECOND, Play


@pytest.fixture
def play(tmp_path: Path) -> Play:
    made = Play(tmp_path)
    made.schedule("daily")
    made.workers.finishes = False
    return made


def failing_once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Let the next call of a method fail."""
    method, left = getattr(owner, name), [True]

    def fail(*arguments: Any, **options: Any) -> Any:
        if left:
            left.pop()
            raise OSError("away for a moment")
        return method(*arguments, **options)

    monkeypatch.setattr(owner, name, fail)


def test_a_look_that_failed_long_ago_does_not_fail_the_first_hitch_in_publishing(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = play.operations.runs.run_now("daily")
    play.settle()
    failing_once(monkeypatch, play.objects, "get_or_none")
    play.until(play.now + 20 * MINUTE, each=lambda: play.workers.beat(str(play.now)))
    failing_once(monkeypatch, effects, "publish_or_hold")
    play.workers.finish(next(iter(play.workers.going)))
    play.until(play.now + 2 * MINUTE)
    assert play.operations.runs.get(run.id).status == RunStatus.SUCCEEDED


def publishing_fails(play: Play, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[float]]:
    """A run whose outputs nobody takes, as long as the patch lasts; its id, and the seconds awake at each try."""
    run = play.operations.runs.run_now("daily")
    play.settle()
    tries: list[float] = []

    def fail(*_: object, **__: object) -> None:
        tries.append(play.awake)
        raise OSError("The area is away.")

    monkeypatch.setattr(effects, "publish_or_hold", fail)
    play.workers.finish(next(iter(play.workers.going)))
    return run.id, tries


def test_a_good_run_is_published_by_the_first_try_after_its_area_is_back_however_long_that_was_away(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        run_id, tries = publishing_fails(play, away)
        play.settle()
        while play.awake < tries[0] + PUBLISHING_TIME - 60:
            play.until(play.now + 25 * SECOND, step=25 * SECOND)
    play.pass_by(20 * MINUTE)
    play.settle()
    assert play.operations.runs.get(run_id).status == RunStatus.SUCCEEDED


def test_publishing_is_given_up_by_a_try_that_fails_and_says_why(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, tries = publishing_fails(play, monkeypatch)
    play.until(play.now + 20 * MINUTE)
    ended = play.operations.runs.get(run_id)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.PUBLISHING)
    assert ended.message == (
        "The run succeeded; publishing didn't, for 15 minutes (The area is away). Its files are kept with the run."
    )
    assert tries[-2] - tries[0] < PUBLISHING_TIME <= tries[-1] - tries[0]


def test_an_object_store_that_was_away_for_long_makes_no_worker_hung(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = play.operations.runs.run_now("daily")
    play.workers.beat("before")
    play.settle()
    with monkeypatch.context() as away:

        def fail(key: str) -> bytes:
            raise OSError("away")

        away.setattr(play.objects, "get_or_none", fail)
        play.until(play.now + 15 * MINUTE)
    play.settle()
    play.pass_by(timedelta(seconds=70))
    play.settle()
    play.workers.beat("after")
    play.settle()
    assert play.operations.runs.get(run.id).status == RunStatus.RUNNING
    assert len(play.workers.launched) == 1


def test_what_is_away_is_logged_in_one_line_and_again_only_when_something_else_is(
    play: Play, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is logged with its traceback, each time."""
    play.operations.runs.run_now("daily")
    play.settle()
    problems: list[Exception] = [OSError("S3 is away.")] * 3 + [OSError("S3 is full.")] + [KeyError("x")] * 2

    def fail(key: str) -> bytes:
        raise problems.pop(0) if len(problems) > 1 else problems[0]

    monkeypatch.setattr(play.objects, "get_or_none", fail)
    play.until(play.now + 10 * MINUTE)
    said = [record for record in caplog.records if "action=failed" in record.getMessage()]
    assert [record.getMessage().partition("message=")[2] for record in said[:2]] == ['"S3 is away."', '"S3 is full."']
    assert [record.exc_info is not None for record in said[:4]] == [False, False, True, True]


def test_a_service_that_does_not_hold_a_run_any_more_ends_nothing(play: Play) -> None:
    run = play.operations.runs.run_now("daily")
    play.settle()
    other = play.another_service()
    play.now += timedelta(seconds=61)
    other.tick()
    stale = play.operations.runs.get(run.id).model_copy(update={"fence": 1, "cancelled_by": "ann"})
    held = ScheduledRun(stale, play.store.schedules.get_version(run.schedule_id, 1).spec, "ann")
    play.ticker._effect(held, play.operations.runs.list_attempts(run)[-1], Stop(Outcome.CANCELLED))
    assert play.workers.asked == []


def test_an_attempt_that_a_ledger_from_a_backup_does_not_know_of_is_adopted_not_repeated(play: Play) -> None:
    """The work area knows that attempt 1 was started; the ledger says that the run is still due."""
    run = play.operations.runs.run_now("daily")
    play.settle()
    (launched,) = play.workers.launched
    play.workers.finish(launched.token)
    play.settle()
    executed = len(play.workers.launched)

    restored = Play(Path(play._base.removeprefix("file://")).parent / "restored")
    restored.objects.content = play.objects.content
    restored.workers.objects = restored.objects
    restored.store.schedules.add(play.operations.schedules.get("daily"))
    restored.store.runs.add(run, actor="backup")
    restored.settle()
    assert restored.operations.runs.get(run.id).status == RunStatus.SUCCEEDED
    assert (executed, restored.workers.launched) == (1, [])


def test_a_failure_a_day_is_waited_for_a_second_each_time_and_told_each_time(
    play: Play, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What failed weeks ago makes no later failure wait longer, nor silent."""
    schedule = play.schedule("hourly", "0 * * * *")
    waits = []
    for day in range(3):
        play.pass_by(timedelta(hours=1))
        with monkeypatch.context() as away:

            def fail(*arguments: object) -> None:
                raise OSError("away for a moment")

            away.setattr(planning, "plan_runs", fail)
            play.ticker.tick()
        before = len(play.operations.runs.list_newest("hourly"))
        for second in range(1, 90):
            play.pass_by(timedelta(seconds=1))
            play.ticker.tick()
            if len(play.operations.runs.list_newest("hourly")) > before:
                waits.append(second)
                break
        for _ in range(5):
            play.settle()
        assert day == len(waits) - 1
    assert waits == [1] * 3
    line = f'action=failed of=plan:{schedule.id} message="away for a moment"'
    assert [record.message for record in caplog.records if record.message.startswith("action=failed")] == [line] * 3


def test_a_ledger_is_asked_to_record_nothing_when_nothing_is_due(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> set[str]:
        raise AssertionError(arguments)

    monkeypatch.setattr(play.store.schedules, "record_due_runs", fail)
    play.ticker.tick()


def test_an_attempt_of_another_version_is_left_to_a_service_that_has_it(
    play: Play, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The sentence names both versions, once; the run is anybody's then."""
    run = play.operations.runs.run_now("daily")
    launches = []

    def launch(attempt: Attempt) -> Handle:
        launches.append(attempt)
        frozen_task(attempt.parameters | {"version": 2})
        raise AssertionError

    monkeypatch.setattr(play.workers, "launch", launch)
    play.settle(20)
    play.pass_by(timedelta(seconds=30))
    play.settle(20)
    assert play.operations.runs.get(run.id).status == RunStatus.LAUNCHING
    said = [record.getMessage() for record in caplog.records if "action=left_to_others" in record.getMessage()]
    assert len(said) == len(launches)
    assert "of version 2" in said[0]
    assert f"understands version {TASK_VERSION}" in said[0]
    monkeypatch.undo()
    play.another_service().tick()
    assert len(play.workers.launched) == 1


def two_workers(play: Play, monkeypatch: pytest.MonkeyPatch) -> Callable[[Attempt], None]:
    """Launches are answered with the worker `loser`; calling the answer lets `winner` take the attempt's gate."""
    monkeypatch.setattr(play.workers, "launch", lambda _: {"worker": "loser"})

    def win(attempt: Attempt) -> None:
        play.objects.put_once(gate_key(attempt.token), json.dumps({"started_by": {"worker": "winner"}}).encode())
        play.workers.going[attempt.token] = attempt

    return win


def test_a_worker_that_wins_the_gate_before_the_launch_of_another_is_answered_is_the_attempts(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    win = two_workers(play, monkeypatch)

    def launch(attempt: Attempt) -> Handle:
        win(attempt)
        return {"worker": "loser"}

    monkeypatch.setattr(play.workers, "launch", launch)
    run = play.operations.runs.run_now("daily")
    play.settle(1)
    (attempt,) = play.operations.runs.list_attempts(run)
    assert attempt.handle == {"worker": "winner"}


def test_a_handle_of_a_worker_that_lost_the_gate_gives_way_to_the_winners(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who lost has gone, which says nothing about the one at work."""
    win = two_workers(play, monkeypatch)
    alive = {"winner": WorkerState.ALIVE, "loser": WorkerState.GONE}
    monkeypatch.setattr(play.workers, "poll", lambda attempt: alive[attempt.handle["worker"]])
    run = play.operations.runs.run_now("daily")
    play.settle(1)
    (attempt,) = play.operations.runs.list_attempts(run)
    assert attempt.handle == {"worker": "loser"}
    win(attempt)
    play.settle(4)
    assert [each.handle for each in play.operations.runs.list_attempts(run)] == [{"worker": "winner"}]
    assert play.operations.runs.get(run.id).status == RunStatus.RUNNING
