"""Freshness, judged by a service whose clock is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import NotificationEvent, Notify
from tests.factories import NOON
from tests.scheduler_service.played import Play

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: at six, three hours before anybody minds
MIDNIGHT = NOON + 12 * HOUR
BY_NINE = Notify(channels=("ops",), silence_by="09:00")


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path, MIDNIGHT)


def told(play: Play) -> list[str]:
    """The instants of events of silence."""
    return [f"{event.at:%d %H:%M}" for event in play.store.events(0) if event.kind == "schedule_silent"]


def test_a_run_that_is_still_going_at_nine_is_told_of_once(play: Play) -> None:
    play.workers.finishes = False
    schedule = play.schedule("daily", "0 6 * * *", notify=BY_NINE, timeout=1000)
    play.until(MIDNIGHT + 12 * HOUR, step=30 * timedelta(minutes=1))
    assert told(play) == ["25 09:00"]
    word = play.store.outbox.claim("ops", 60)
    assert word is not None
    assert (word.occasion, word.details) == (NotificationEvent.SILENCE, {"by": "2026-11-25T09:00:00Z"})
    (run,) = play.runs("daily")
    assert (word.run_id, schedule.id) == (run.id, run.schedule_id)


def test_a_day_on_which_it_succeeded_and_one_on_which_it_was_not_due_are_quiet(play: Play) -> None:
    play.schedule("weekly", "0 6 * * 3", notify=BY_NINE)
    play.until(MIDNIGHT + 8 * DAY, step=3 * HOUR)
    assert [run.status for run in play.runs("weekly")] == ["succeeded", "succeeded"]
    assert told(play) == []


def test_a_paused_schedule_is_quiet_and_speaks_again_when_it_is_resumed(play: Play) -> None:
    play.workers.finishes = False
    play.schedule("daily", "0 6 * * *", notify=BY_NINE)
    play.operations.schedules.pause("daily")
    play.until(MIDNIGHT + 10 * HOUR, step=HOUR)
    assert told(play) == []
    play.operations.schedules.resume("daily")
    play.until(MIDNIGHT + DAY + 10 * HOUR, step=HOUR)
    assert told(play) == ["26 09:00"]


def test_days_without_a_service_are_one_silence(play: Play) -> None:
    play.schedule("daily", "0 6 * * *", notify=BY_NINE, catch_up="none")
    play.pass_by(3 * DAY + 12 * HOUR)
    play.settle()
    assert told(play) == ["28 12:00"]
    assert play.store.schedules.list_freshness_due(play.now, 10) == []


def test_of_two_services_one_tells(play: Play) -> None:
    play.workers.finishes = False
    play.schedule("daily", "0 6 * * *", notify=BY_NINE)
    other = play.another_service()
    play.pass_by(10 * HOUR)
    for _ in range(3):
        play.ticker.tick()
        other.tick()
    assert told(play) == ["25 10:00"]


def test_who_sets_another_time_is_told_by_that(play: Play) -> None:
    play.workers.finishes = False
    schedule = play.schedule("daily", "0 6 * * *", notify=BY_NINE)
    later = schedule.spec.model_copy(update={"notify": Notify(silence_by="11:00")})
    play.pass_by(7 * HOUR)
    play.operations.schedules.edit("daily", later, if_version=1)
    play.until(MIDNIGHT + 12 * HOUR, step=HOUR)
    assert told(play) == ["25 11:00"]


def test_a_schedule_that_has_ended_is_judged_a_last_time(play: Play) -> None:
    play.workers.finishes = False
    once = play.spec(timing={"once": MIDNIGHT + 6 * HOUR}, notify=BY_NINE)
    play.operations.schedules.create("once", once)
    play.until(MIDNIGHT + 2 * DAY, step=HOUR)
    assert told(play) == ["25 09:00"]
