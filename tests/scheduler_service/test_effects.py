"""What an effect leaves alone that was decided a moment too early."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import Attempt, Outcome, Policies, RunStatus
from jupyter_schedule.core.object_keys import gate_key
from scheduler_service.decide import MAX_ATTEMPTS
from scheduler_service.launchers.base import Handle, WorkerEnd
from tests.scheduler_service.played import MINUTE, Play

TEN_SECONDS = timedelta(seconds=10)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    made = Play(tmp_path)
    made.workers.finishes = False
    return made


@pytest.mark.promise("P2")
def test_an_attempt_whose_gate_a_worker_has_just_won_is_not_given_up(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that we know is gone; another of the same attempt starts while we take the gate."""
    play.schedule("daily")
    run = play.operations.runs.run_now("daily")
    launched: list[Attempt] = []

    def launch(attempt: Attempt) -> Handle:
        launched.append(attempt)
        return {"worker": "that never began"}

    put_once = play.objects.put_once

    def lose(key: str, data: bytes) -> None:
        if "revoked_by" in json.loads(data):
            put_once(key, json.dumps({"started_by": {"worker": "that was slow"}}).encode())
            play.workers.going[launched[0].token] = launched[0]
        put_once(key, data)

    monkeypatch.setattr(play.workers, "launch", launch)
    monkeypatch.setattr(play.objects, "put_once", lose)
    play.settle()

    assert len(launched) == 1
    assert "started_by" in json.loads(play.objects.get(gate_key(launched[0].token)))
    (attempt,) = play.operations.runs.list_attempts(run)
    assert (attempt.ended_at, attempt.handle) == (None, {"worker": "that was slow"})
    monkeypatch.undo()
    play.workers.finish(launched[0].token)
    play.settle()
    assert play.operations.runs.get(run.id).status == RunStatus.SUCCEEDED


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_run_that_is_cancelled_while_it_waits_for_its_next_attempt_is_not_tried_again(
    play: Play, cancelled: bool
) -> None:
    """It ends with what its last attempt said."""
    play.schedule("daily", policies=Policies(retries=1, retry_wait=5))
    run = play.operations.runs.run_now("daily")
    play.settle()
    play.workers.finish(next(iter(play.workers.going)), exit_code=1)
    play.settle()
    assert play.operations.runs.get(run.id).status == RunStatus.RUNNING
    if cancelled:
        play.operations.runs.cancel(run.id)
    play.until(play.now + 10 * MINUTE)
    now = play.operations.runs.get(run.id)
    assert len(play.workers.launched) == (1 if cancelled else 2)
    assert now.status == (RunStatus.FAILED if cancelled else RunStatus.RUNNING)


@pytest.mark.promise("P37")
def test_what_the_outside_says_of_a_lost_worker_stands_with_the_attempt_the_run_and_its_log(play: Play) -> None:
    play.schedule("daily")
    play.workers.finishes = False
    run = play.operations.runs.run_now("daily")
    play.settle()
    for number in range(1, MAX_ATTEMPTS + 1):
        (token,) = play.workers.going
        log = "kernel panic\n" if number == MAX_ATTEMPTS else ""
        play.workers.ends[token] = WorkerEnd(f"EC2 took it back, {number}.", log=log)
        play.workers.crash()
        play.settle()
    ended = play.operations.runs.get(run.id)
    assert (ended.status, ended.message) == (RunStatus.FAILED, "EC2 took it back, 3. It was the last of 3 attempts.")
    told = [attempt.detail for attempt in play.operations.runs.list_attempts(run)]
    assert told == ["EC2 took it back, 1.", "EC2 took it back, 2.", ended.message]
    assert b"kernel panic" in play.operations.files.log(ended)


@pytest.mark.promise("P20")
def test_a_machine_that_boots_is_waited_for_as_long_as_its_launcher_says(play: Play) -> None:
    """Ten minutes to its first heartbeat; from there on three."""
    play.workers.starts_within = 600
    play.schedule("daily")
    run = play.operations.runs.run_now("daily")
    play.settle()

    watch(play, 9 * MINUTE)
    assert [attempt.ended_at for attempt in play.operations.runs.list_attempts(run)] == [None]
    play.workers.beat("at last")
    watch(play, 2.5 * MINUTE)
    assert [attempt.ended_at for attempt in play.operations.runs.list_attempts(run)] == [None]
    watch(play, MINUTE)
    first, second = play.operations.runs.list_attempts(run)
    assert (first.outcome, second.ended_at) == (Outcome.LOST, None)


def test_a_machine_that_never_boots_is_given_up(play: Play) -> None:
    play.workers.starts_within = 600
    play.schedule("daily")
    run = play.operations.runs.run_now("daily")
    play.settle()
    watch(play, 10.5 * MINUTE)
    first, second = play.operations.runs.list_attempts(run)
    assert (first.outcome, second.ended_at) == (Outcome.LOST, None)


def watch(play: Play, time: timedelta) -> None:
    """Let time pass, with a tick every ten seconds."""
    for _ in range(int(time / TEN_SECONDS)):
        play.pass_by(TEN_SECONDS)
        play.ticker.tick()
