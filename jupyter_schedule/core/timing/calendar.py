"""A schedule's days: what became of the times at which it was due on each, as one state for the day.  Pure.

A day is one of the schedule's zone, and a time belongs to the day on which it is due.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Reason, Run, RunStatus, Schedule, ScheduleState, Trigger, Version, utc
from jupyter_schedule.core.timing import planning, recurrence
from jupyter_schedule.core.timing.timezones import after_gap, find_zone, instants

#: days that are told at once
MOST_DAYS = 62
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
#: runs that no time of the schedule is due for
_BY_HAND = {Trigger.MANUAL, Trigger.REHEARSAL}


class DayState(StrEnum):
    """The state of a time; of a day with several, the first of these that any of them has."""

    #: a run waits or goes
    GOING = "going"
    FAILED = "failed"
    #: it passed while no service was ticking
    MISSED = "missed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    SUCCEEDED = "succeeded"
    #: it passed before the schedule was made, or under another timing
    NOT_RUN = "not_run"
    NOT_YET = "not_yet"


@dataclass(frozen=True)
class Day:
    """A day on which the schedule is, was or would have been due."""

    day: date
    state: DayState
    #: how many of its times are in which state
    counts: Mapping[DayState, int]
    #: the data that its runs are about: from the start of the first interval to the end of the last
    data_start: datetime
    data_end: datetime
    #: the newest run that has the day's state
    run_id: str | None


def bounds(timezone: str, first: date, last: date) -> tuple[datetime, datetime]:
    """The first and the last second of the days from `first` to `last` in that zone.  Raises Refused `bad_day`."""
    for field, day in (("first", first), ("last", last)):
        if day.year not in recurrence.YEARS:
            years = f"{recurrence.YEARS[0]} to {recurrence.YEARS[-1]}"
            raise Refused("bad_day", f"Choose a day of the years {years}.", field)
    return _midnight(timezone, first), _midnight(timezone, last + _DAY) - _SECOND


def check_days(first: date, last: date) -> None:
    """So many days can be told at once, or Refused `bad_end`, `too_many`."""
    if last < first:
        raise Refused("bad_end", "The last day is before the first. Choose a later one.", field="last")
    if (last - first).days >= MOST_DAYS:
        raise Refused("too_many", f"At most {MOST_DAYS} days at once, please.", field="last")


def days(
    schedule: Schedule,
    first: date,
    last: date,
    known: Iterable[Run],
    now: datetime,
    *,
    versions: Sequence[Version] = (),
) -> list[Day]:
    """The days from `first` to `last` on which it is due, or was by the version of then, in order.

    known: its rows whose times are among them.  versions: as `planning.was_due` has them.
    """
    zone = find_zone(schedule.spec.timing.timezone)
    start, end = bounds(zone.key, first, last)
    rows = [run for run in known if run.trigger not in _BY_HAND]
    of_time: dict[datetime, list[Run]] = {}
    for run in rows:
        of_time.setdefault(run.scheduled_for, []).append(run)
    stretches = [run for run in rows if run.until is not None]

    def became(instant: datetime) -> tuple[DayState, Run | None]:
        if instant > utc(now):
            return DayState.NOT_YET, None
        covering = [run for run in stretches if run.scheduled_for < instant <= (run.until or instant)]
        return _became([*of_time.get(instant, ()), *covering])

    found = []
    for day, times in groupby(
        _times(schedule, versions, start, end, now), key=lambda instant: instant.astimezone(zone).date()
    ):
        told = [(instant, *became(instant)) for instant in times]
        counts = Counter(state for _, state, _ in told)
        state = next(state for state in DayState if counts[state])
        newest = max((run for _, of, run in told if run and of == state), key=_age, default=None)
        data_start, _ = recurrence.data_interval(schedule.spec.timing, told[0][0])
        found.append(Day(day, state, counts, data_start, told[-1][0], newest.id if newest else None))
    return found


def _times(
    schedule: Schedule, versions: Sequence[Version], start: datetime, end: datetime, now: datetime
) -> Iterator[datetime]:
    """The times that passed, as a backfill finds them, then those that will come."""
    for occurrence in planning.was_due(schedule, versions, start - _SECOND, min(end, utc(now))):
        yield occurrence.instant
    if schedule.state not in {ScheduleState.ENDED, ScheduleState.DELETED} and end > utc(now):
        for occurrence in planning.between(schedule.spec, max(start - _SECOND, utc(now)), end):
            yield occurrence.instant


def _became(rows: list[Run]) -> tuple[DayState, Run | None]:
    """Of the runs for one time: one that is open, else one that succeeded, else the newest."""
    if not rows:
        return DayState.NOT_RUN, None
    newest = max(rows, key=lambda run: (not run.status.terminal, run.status == RunStatus.SUCCEEDED, _age(run)))
    if not newest.status.terminal:
        return DayState.GOING, newest
    match newest.status:
        case RunStatus.SUCCEEDED:
            state = DayState.SUCCEEDED
        case RunStatus.CANCELLED:
            state = DayState.STOPPED
        case RunStatus.SKIPPED:
            state = DayState.MISSED if newest.reason == Reason.MISSED else DayState.SKIPPED
        case _:
            state = DayState.FAILED
    return state, newest


def _age(run: Run) -> tuple[datetime, int]:
    return run.created_at, run.queued


def _midnight(timezone: str, day: date) -> datetime:
    """The first instant of a day; where clocks have no midnight then, the first after it."""
    wall, zone = datetime.combine(day, time()), find_zone(timezone)
    return utc((instants(wall, zone) or (after_gap(wall, zone),))[0])
