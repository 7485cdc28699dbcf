"""What a day of a schedule's calendar says, by the rows that the ledger has of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Reason, Run, RunStatus, Schedule, ScheduleState, Timing, Trigger, Version
from jupyter_schedule.core.timing import calendar
from jupyter_schedule.core.timing.calendar import DayState
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
TODAY = NOON.date()
YESTERDAY = TODAY - DAY


def row(status: RunStatus, *, age: int = 0, key: str = "", **changes: Any) -> Run:
    """A run for yesterday's noon that came into the ledger `age` seconds later than another."""
    told = {"scheduled_for": NOON - DAY, "created_at": NOON - DAY + timedelta(seconds=age), "status": status}
    return make_run(make_schedule(), key or f"{status}-{age}", **told | changes)


def days(known: list[Run], first: date = YESTERDAY, last: date = YESTERDAY, **changes: Any) -> list[calendar.Day]:
    return calendar.days(daily(**changes), first, last, known, NOON)


def daily(cron: str = "0 12 * * *", timezone: str = "UTC", **changes: Any) -> Schedule:
    spec = make_spec(timing=Timing(cron=cron, timezone=timezone))
    return make_schedule(spec=spec).model_copy(update=changes)


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(1, 1, 1), date(1, 1, 5), "first"),
        (date(1969, 12, 31), date(1970, 1, 5), "first"),
        (date(9998, 12, 1), date(9999, 1, 1), "last"),
        (date(9999, 12, 31), date(9999, 12, 31), "first"),
    ],
)
def test_days_in_which_nothing_can_be_due_are_refused(first: date, last: date, field: str) -> None:
    for timezone in ("Pacific/Kiritimati", "America/Adak"):
        with pytest.raises(Refused) as refused:
            calendar.bounds(timezone, first, last)
        assert (refused.value.code, refused.value.field) == ("bad_day", field)
        assert refused.value.message == "Choose a day of the years 1970 to 9998."


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(9998, 12, 31)])
@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "America/Adak"])
def test_the_first_and_the_last_days_of_all_are_told(day: date, timezone: str) -> None:
    assert [told.day for told in calendar.days(daily(timezone=timezone), day, day, [], NOON)] == [day]


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ([], DayState.NOT_RUN),
        ([row(RunStatus.SUCCEEDED)], DayState.SUCCEEDED),
        ([row(RunStatus.FAILED)], DayState.FAILED),
        ([row(RunStatus.TIMED_OUT)], DayState.FAILED),
        ([row(RunStatus.CANCELLED)], DayState.STOPPED),
        ([row(RunStatus.SKIPPED, reason=Reason.OVERLAP)], DayState.SKIPPED),
        ([row(RunStatus.SKIPPED, reason=Reason.PAUSED)], DayState.SKIPPED),
        ([row(RunStatus.SKIPPED, reason=Reason.MISSED)], DayState.MISSED),
        ([row(RunStatus.DUE)], DayState.GOING),
        ([row(RunStatus.RUNNING)], DayState.GOING),
        # several runs for one time: an open one, else one that succeeded, else the newest
        ([row(RunStatus.SUCCEEDED), row(RunStatus.DUE, age=1)], DayState.GOING),
        ([row(RunStatus.FAILED), row(RunStatus.SUCCEEDED, age=1)], DayState.SUCCEEDED),
        ([row(RunStatus.SUCCEEDED), row(RunStatus.FAILED, age=1)], DayState.SUCCEEDED),
        ([row(RunStatus.SKIPPED, reason=Reason.MISSED), row(RunStatus.FAILED, age=1)], DayState.FAILED),
        ([row(RunStatus.FAILED), row(RunStatus.CANCELLED, age=1)], DayState.STOPPED),
        # no time of the schedule is due for a run by hand
        ([row(RunStatus.SUCCEEDED, trigger=Trigger.MANUAL)], DayState.NOT_RUN),
        ([row(RunStatus.FAILED, trigger=Trigger.REHEARSAL)], DayState.NOT_RUN),
    ],
)
def test_a_time_that_passed(known: list[Run], state: DayState) -> None:
    (day,) = days(known)
    assert (day.state, day.counts) == (state, {state: 1})


def test_a_day_opens_the_run_that_gave_it_its_state() -> None:
    failed, succeeded = row(RunStatus.FAILED), row(RunStatus.SUCCEEDED, age=1)
    (day,) = days([failed, succeeded])
    assert day.run_id == succeeded.id


def test_today_is_told_up_to_now_and_tomorrow_is_not_yet() -> None:
    """The time that is now has passed."""
    assert [(day.day, day.state) for day in days([], TODAY, TODAY + DAY)] == [
        (TODAY, DayState.NOT_RUN),
        (TODAY + DAY, DayState.NOT_YET),
    ]


@pytest.mark.parametrize("state", [ScheduleState.ENDED, ScheduleState.DELETED])
def test_of_a_schedule_that_has_ended_no_day_is_to_come(state: ScheduleState) -> None:
    assert days([], TODAY + DAY, TODAY + 9 * DAY, state=state) == []


def test_a_stretch_of_skipped_times_is_told_on_each_of_its_days() -> None:
    """Also of one that began before the first day."""
    since = NOON - 5 * DAY
    stretch = row(RunStatus.SKIPPED, reason=Reason.MISSED, scheduled_for=since, until=NOON - 2 * DAY, count=4)
    found = days([stretch], TODAY - 4 * DAY, YESTERDAY)
    assert [day.state for day in found] == [DayState.MISSED] * 3 + [DayState.NOT_RUN]


def test_a_time_of_the_stretch_that_ran_after_all_is_told_by_its_run() -> None:
    stretch = row(RunStatus.SKIPPED, reason=Reason.MISSED, scheduled_for=NOON - 5 * DAY, until=NOON - DAY, count=5)
    (day,) = days([stretch, row(RunStatus.SUCCEEDED, age=9)])
    assert day.state == DayState.SUCCEEDED


def test_of_several_times_a_day_the_worst_is_told_and_all_are_counted() -> None:
    """Twice a day, at noon and at six."""
    morning = row(RunStatus.FAILED, scheduled_for=NOON - DAY - timedelta(hours=6))
    (day,) = days([morning, row(RunStatus.SUCCEEDED)], spec=make_spec(timing=Timing(cron="0 6,12 * * *")))
    assert day.state == DayState.FAILED
    assert day.counts == {DayState.FAILED: 1, DayState.SUCCEEDED: 1}
    assert (day.data_start, day.data_end) == (NOON - 2 * DAY, NOON - DAY)


def test_a_time_belongs_to_the_day_of_the_schedules_zone() -> None:
    """01:00 in Auckland is noon of the day before in UTC."""
    found = calendar.days(daily("0 1 * * *", "Pacific/Auckland"), date(2026, 7, 2), date(2026, 7, 2), [], NOON)
    (day,) = found
    assert day.data_end == datetime(2026, 7, 1, 13, tzinfo=UTC)


def test_days_on_which_it_is_not_due_are_left_out() -> None:
    found = days([], date(2026, 10, 1), date(2026, 10, 31), spec=make_spec(timing=Timing(cron="0 12 * * 1")))
    assert [day.day.day for day in found] == [5, 12, 19, 26]


@pytest.mark.parametrize(
    ("zone", "day", "start", "seconds"),
    [
        ("UTC", date(2026, 10, 1), datetime(2026, 10, 1, tzinfo=UTC), 86_400),
        ("Europe/Paris", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 82_800),
        ("Europe/Paris", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 90_000),
        # clocks went from 23:59 to 01:00
        ("America/Santiago", date(2026, 9, 6), datetime(2026, 9, 6, 4, tzinfo=UTC), 82_800),
    ],
)
def test_a_day_is_all_of_it_in_its_zone(zone: str, day: date, start: datetime, seconds: int) -> None:
    first, last = calendar.bounds(zone, day, day)
    assert first == start
    assert (last - first).total_seconds() == seconds - 1


@pytest.mark.parametrize(("length", "code"), [(-1, "bad_end"), (62, "too_many")])
def test_so_many_days_are_not_told(length: int, code: str) -> None:
    with pytest.raises(Refused, check=lambda refused: refused.code == code):
        calendar.check_days(TODAY, TODAY + length * DAY)
    calendar.check_days(TODAY, TODAY)
    calendar.check_days(TODAY, TODAY + 61 * DAY)


def test_a_day_that_succeeded_stays_so_when_the_time_of_day_changes() -> None:
    """What was due then is judged by the timing of then, and the rest by today's."""
    before = Version(
        schedule_id="s", version=1, author="local", created_at=NOON - 5 * DAY, spec=daily("0 12 * * *").spec
    )
    now = daily("15 9 * * *").spec
    versions = [before.model_copy(update={"version": 2, "created_at": NOON - timedelta(hours=5), "spec": now}), before]
    found = calendar.days(
        daily("15 9 * * *"), TODAY - 6 * DAY, TODAY + DAY, [row(RunStatus.SUCCEEDED)], NOON, versions=versions
    )
    assert [(day.data_end.strftime("%d %H:%M"), day.state) for day in found[-3:]] == [
        (f"{YESTERDAY:%d} 12:00", DayState.SUCCEEDED),
        (f"{TODAY:%d} 09:15", DayState.NOT_RUN),
        (f"{TODAY + DAY:%d} 09:15", DayState.NOT_YET),
    ]
    assert f"{found[0].data_end:%H:%M}" == "09:15"


def test_no_time_is_told_twice_however_often_a_schedule_was_edited() -> None:
    spec = daily().spec
    versions = [
        Version(schedule_id="s", version=number, author="local", created_at=NOON - (5 - number) * DAY, spec=spec)
        for number in range(1, 5)
    ]
    found = calendar.days(daily(), TODAY - 6 * DAY, TODAY, [], NOON, versions=versions)
    assert [sum(day.counts.values()) for day in found] == [1] * 7
