"""A service beside another that is hindered, hangs, or is made otherwise: by a clock in hand."""

from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, Run, RunStatus
from scheduler_service.observe import LONGEST_PAUSE, seconds_between_looks
from tests.scheduler_service.played import MINUTE, AtOnce, Hanging, Play

HOUR = timedelta(hours=1)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    made = Play(tmp_path)
    made.workers.finishes = False
    return made


def status(play: Play, run_id: str) -> RunStatus:
    return play.operations.runs.get(run_id).status


@pytest.mark.promise("P31")
def test_what_is_due_is_started_by_the_healthy_one_beside_a_full_disk(play: Play) -> None:
    play.schedule("daily")
    full = play.another_service(free=lambda: 0)
    run = play.operations.runs.run_now("daily")
    for _ in range(5):
        full.tick()
    assert status(play, run.id) == RunStatus.DUE
    play.another_service().tick()
    assert status(play, run.id) == RunStatus.LAUNCHING


@pytest.mark.promise("P31")
def test_a_run_that_needs_another_worker_is_let_go_by_who_may_start_nothing(play: Play) -> None:
    """Its worker is lost while the disk of its service is full."""
    play.schedule("daily")
    free = [10**12]
    hindered, healthy = play.another_service(free=lambda: free[0]), play.another_service()
    run = play.operations.runs.run_now("daily")
    for _ in range(4):
        hindered.tick()
    (attempt,) = play.workers.launched
    free[0] = 0
    play.workers.kill(attempt)
    for _ in range(4):
        hindered.tick()
    assert len(play.workers.launched) == 1
    for _ in range(4):
        healthy.tick()
        hindered.tick()
    assert [attempt.number for attempt in play.workers.launched] == [1, 2]
    assert status(play, run.id) == RunStatus.RUNNING


@pytest.mark.promise("P31")
def test_a_service_without_the_launcher_leaves_a_run_to_one_that_has_it(play: Play) -> None:
    play.schedule("daily")
    without = play.another_service(launchers={})
    run = play.operations.runs.run_now("daily")
    for _ in range(5):
        without.tick()
    assert status(play, run.id) == RunStatus.DUE
    for _ in range(4):
        play.another_service().tick()
    assert status(play, run.id) in {RunStatus.LAUNCHING, RunStatus.RUNNING}


@pytest.mark.promise("P32")
def test_a_store_that_never_answers_delays_no_row_and_no_lease(play: Play) -> None:
    """One run goes, and every look hangs; what comes due is in the ledger at its minute, and nobody takes the run."""
    play.schedule("long")
    going = play.operations.runs.run_now("long")
    stuck = play.another_service(pool=lambda _: Hanging([]))
    play.schedule("minutely", "* * * * *")
    play.operations.schedules.pause("long")
    rows = []
    for _ in range(10):
        play.pass_by(MINUTE / 2)
        stuck.tick()
        play.pass_by(MINUTE / 2)
        stuck.tick()
        rows.append(play.operations.runs.list_newest("minutely")[0])
    assert [row.created_at - row.scheduled_for <= MINUTE / 2 for row in rows] == [True] * 10
    assert len({row.scheduled_for for row in rows}) == 10
    assert play.another_service().tick() is False
    held = play.store.runs.get(going.id)
    assert held is not None
    assert (held.status, held.fence) == (RunStatus.LAUNCHING, 1)


@pytest.mark.promise("P32")
def test_a_run_starts_while_looks_at_others_hang(play: Play) -> None:
    """Workers by the hundred on a slow store take all that may be looked at beside each other."""
    noted: list[str] = []
    service = play.another_service(pool=lambda task: Hanging(noted) if task == "run" else AtOnce())
    play.schedule("daily", overlap=Overlap.ALLOW)
    for _ in range(2):
        play.operations.runs.run_now("daily")
        for _ in range(3):
            service.tick()
    assert noted
    assert len(play.workers.launched) == 2


@pytest.mark.promise("P30")
def test_services_of_one_host_keep_its_limit_together(play: Play) -> None:
    services = [play.another_service(concurrency=ConcurrencyLimits(total=2)) for _ in range(3)]
    for number in range(9):
        play.schedule(f"s{number}")
        play.operations.runs.run_now(f"s{number}")
    for _ in range(6):
        for service in services:
            service.tick()
            going = [run for run in play.store.runs.list_open() if run.status != RunStatus.DUE]
            assert len(going) == 2
    assert play.workers.most_at_once == 2


def test_a_run_is_published_by_one_publisher_however_quick_the_look_was(play: Play) -> None:
    """The look that starts the publisher ends before whoever asked for it goes on."""
    play.schedule("daily")
    play.workers.finishes = True
    asked: list[str] = []

    def pool(task: str) -> Executor:
        asked.append(task)
        return Hanging(asked) if task == "publish" else AtOnce()

    ticker = play.another_service(pool=pool)
    play.operations.runs.run_now("daily")
    for _ in range(9):
        ticker.tick()
    assert asked.count("submitted") == 1


def test_a_due_run_that_could_not_be_ended_is_left_alone_for_a_while(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.schedule("daily")
    run = play.operations.runs.run_now("daily")
    play.operations.runs.cancel(run.id)
    tries = []

    def fail(before: Run, after: Run, **told: object) -> bool:
        tries.append(after.status)
        raise OSError("no")

    with monkeypatch.context() as broken:
        broken.setattr(play.store.runs, "replace", fail)
        for _ in range(9):
            play.ticker.tick()
    assert len(tries) == 1
    play.pass_by(MINUTE)
    play.settle()
    assert status(play, run.id) == RunStatus.CANCELLED


def test_an_attempt_elsewhere_is_looked_at_less_and_less_often() -> None:
    pauses = [seconds_between_looks(seconds, is_local=False) for seconds in (0, 5, 20, 60, 3600, 86_400)]
    assert pauses == [1, 1, 2, 6, LONGEST_PAUSE, LONGEST_PAUSE]
    assert 2 / LONGEST_PAUSE <= 0.2
    assert seconds_between_looks(3600, is_local=True) == 0
