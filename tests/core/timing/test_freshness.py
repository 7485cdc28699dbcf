"""When a schedule was silent for too long: truth tables over days and clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_schedule.core.models import Notify, Reason, Run, RunStatus, ScheduleState, Spec, Timing, Trigger
from jupyter_schedule.core.timing import planning
from jupyter_schedule.core.timing.freshness import broken_by, next_deadline, window
from tests.factories import NOON, make_run, make_schedule, make_spec

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NINE = NOON - 3 * HOUR
OK, BAD, SKIPPED = RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.SKIPPED


def spec(at: str | None = "09:00", zone: str = "UTC", cron: str = "0 6 * * *") -> Spec:
    return make_spec(notify=Notify(silence_by=at), timing=Timing(cron=cron, timezone=zone))


def due(hours: float, status: RunStatus = BAD, **changes: object) -> Run:
    """A run that was due so many hours before nine."""
    at = NINE - hours * HOUR
    return make_run(make_schedule(), f"{hours}", status=status, scheduled_for=at, **changes)


@pytest.mark.parametrize(
    ("runs", "silent"),
    [
        ([], False),
        ([due(3, OK)], False),
        ([due(3, BAD)], True),
        ([due(3, RunStatus.RUNNING)], True),
        ([due(3, RunStatus.DUE)], True),
        ([due(3, RunStatus.CANCELLED)], True),
        ([due(3, SKIPPED, reason=Reason.MISSED)], True),
        ([due(3, SKIPPED, reason=Reason.OVERLAP)], True),
        ([due(3, SKIPPED, reason=Reason.PAUSED)], False),
        ([due(1, OK, trigger=Trigger.MANUAL), due(3, BAD)], False),
        ([due(3, OK, trigger=Trigger.RETRY), due(3.1, BAD)], False),
        ([due(1, OK, trigger=Trigger.REHEARSAL), due(3, BAD)], True),
        ([due(1, BAD, trigger=Trigger.MANUAL)], False),
        ([due(3, BAD), due(27, OK)], True),
        ([due(27, BAD)], False),
        ([due(0, OK), due(3, BAD)], True),
        ([due(24, OK)], False),
        ([due(24, BAD)], True),
        ([due(50, SKIPPED, reason=Reason.MISSED, until=NINE - 3 * HOUR, count=3)], True),
        ([due(99, SKIPPED, reason=Reason.MISSED, until=NINE - 51 * HOUR, count=3)], False),
    ],
)
def test_silence_is_that_it_was_due_and_none_of_that_day_succeeded(runs: list[Run], silent: bool) -> None:
    start, end = window(spec(), NINE)
    assert (start, end) == (NINE - DAY, NINE)
    assert (broken_by(runs, start, end) is not None) is silent


@pytest.mark.parametrize(
    ("zone", "moment", "deadline"),
    [
        ("UTC", NINE - HOUR, NINE),
        ("UTC", NINE, NINE + DAY),
        ("Europe/Berlin", NINE - DAY, NINE - HOUR),
        # the clocks skip half past two
        ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 7, tzinfo=UTC)),
    ],
)
def test_the_deadline_is_a_time_of_day_in_the_schedules_zone(zone: str, moment: datetime, deadline: datetime) -> None:
    assert next_deadline(spec(zone=zone), moment) == deadline


def test_without_a_time_or_with_a_zone_that_is_gone_there_is_no_deadline() -> None:
    assert next_deadline(spec(at=None), NINE) is None
    assert next_deadline(spec(zone="Mars/Olympus"), NINE) is None


@pytest.mark.parametrize(
    ("state", "known", "after"),
    [
        (ScheduleState.ACTIVE, None, NINE + DAY),
        (ScheduleState.ACTIVE, NINE, NINE),
        (ScheduleState.PAUSED, NINE, None),
        (ScheduleState.REHEARSING, NINE, None),
        (ScheduleState.DELETED, NINE, None),
        (ScheduleState.ENDED, NINE, NINE),
        (ScheduleState.ENDED, None, None),
    ],
)
def test_a_deadline_that_has_passed_stays_until_it_is_judged_unless_nobody_waits_any_more(
    state: ScheduleState, known: datetime | None, after: datetime | None
) -> None:
    schedule = make_schedule(spec=spec(), state=state, silence_due=known)
    assert planning.advance_cursor(schedule, NOON).silence_due == after
