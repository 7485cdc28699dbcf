"""The instants of a timing: only this module turns a cron expression, or a single time, and a zone into instants.

Everything follows from the timing alone, never from a last run, and time is an argument, so every door of the product
shows the same occurrences and each can be computed again from any starting point.  The rules:

- A timing is *fixed* when neither its minute nor its hour has a wildcard or a step.  A fixed time that a spring gap
  skips runs once, at the first instant after the gap; one that an autumn overlap repeats runs once, the first time.
- Any other timing follows the wall clock: a skipped time doesn't run, a repeated one runs twice.  An hourly schedule
  runs 23 times on the short day and 25 times on the long one.
- Times that fall on one instant are one occurrence, named by the wall time that exists then, else by the earliest.

Instants are aware datetimes in UTC.  A moment given to a function must be aware (else ValueError) and counts in whole
seconds.  A timing whose expression or zone isn't valid raises Refused from every function, as `check` does.
"""

from bisect import bisect, bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing, utc
from jupyter_schedule.core.text import listed, short_date
from jupyter_schedule.core.timing.builders import (
    YEARS,
    daily,
    from_cron,
    hourly,
    monthly,
    monthly_weekday,
    once,
    parse_time_of_day,
    weekdays,
    weekly,
)
from jupyter_schedule.core.timing.cron import MINUTES_PER_DAY, Expression, dates, parse
from jupyter_schedule.core.timing.describe import describe_timing
from jupyter_schedule.core.timing.timezones import after_gap, find_zone, instants, steady_offset

__all__ = [
    "YEARS",
    "Occurrence",
    "after",
    "between",
    "check",
    "count",
    "daily",
    "data_date",
    "data_interval",
    "describe_timing",
    "from_cron",
    "hourly",
    "last_complete_interval",
    "latest_until",
    "monthly",
    "monthly_weekday",
    "next_after",
    "once",
    "parse_time_of_day",
    "shortest_interval",
    "until",
    "weekdays",
    "weekly",
]

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
#: the months of all years that can be scheduled, counted from the year 0, and one more at either end
_MONTHS = range(YEARS[0] * 12 - 1, (YEARS[-1] + 1) * 12 + 1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A time at which a schedule is due."""

    instant: datetime
    #: the wall time in the schedule's zone that it's due for, naive
    nominal: datetime
    #: 1 when it's the second of two equal wall times, else 0
    fold: int
    #: a sentence for a person when a clock change touches it
    note: str | None
    timezone: str

    @property
    def key(self) -> str:
        """`YYYY-MM-DDTHH:MM/fold`: its name within a timing, whatever later zone data says about its instant."""
        return f"{self.nominal.isoformat(timespec='minutes')}/{self.fold}"

    @property
    def local(self) -> datetime:
        """The time that clocks in the schedule's zone show at its instant, aware."""
        return self.instant.astimezone(find_zone(self.timezone))


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A cron expression in a zone, both looked up once.  Two are equal when their texts are."""

    cron: str
    timezone: str
    expression: Expression = field(compare=False)
    zone: ZoneInfo = field(compare=False)

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(cron: str, timezone: str) -> "Recurrence":
        """The recurrence of that expression in the zone of that name.  Raises Refused for either."""
        return Recurrence(cron, timezone, parse(cron), find_zone(timezone))

    def days_from(self, start: date, direction: int) -> Iterator[date]:
        """The UTC days, from `start` on, in which an occurrence can lie: within a day of a date that matches.

        `direction` is 1 to go forward, -1 to go back.
        """
        start = min(max(start, date(YEARS[0], 1, 1)), date(YEARS[-1], 12, 31))
        reached = start.toordinal() - direction
        month = start.year * 12 + start.month - 1 - direction
        while month in _MONTHS:
            matches = dates(self.cron, month // 12, month % 12 + 1)
            if direction > 0:
                matches = matches[bisect_left(matches, start - _DAY) :]
            else:
                matches = matches[: bisect(matches, start + _DAY)][::-1]
            for matching in matches:
                for day in range(matching.toordinal() - direction, matching.toordinal() + 2 * direction, direction):
                    if (day - reached) * direction > 0:
                        reached = day
                        yield date.fromordinal(day)
            month += direction

    def on(self, day: date) -> tuple[Occurrence, ...]:
        """The occurrences within the UTC day `day`, in order."""
        return _on(self, day)

    def count_on(self, day: date) -> int:
        """The number of occurrences that the UTC day `day` has."""
        offset = steady_offset(self.timezone, day)
        if offset is None:
            return len(self.on(day))
        expression = self.expression
        start = datetime.combine(day, time()) + offset
        earlier = bisect_left(expression.minutes, (start - datetime.combine(start.date(), time())) / _MINUTE)
        today, tomorrow = (expression.matches(start.date() + shift) for shift in (timedelta(), _DAY))
        return today * (len(expression.minutes) - earlier) + tomorrow * earlier


def check(timing: Timing) -> None:
    """A timing can be scheduled, or Refused says why not: field "cron", "timezone" or "once"."""
    if timing.cron is not None:
        parse(timing.cron)
    find_zone(timing.timezone)
    if timing.once is not None and timing.once.year not in YEARS:
        raise Refused("bad_time", f"Write a year from {YEARS[0]} to {YEARS[-1]}.", "once")


def after(timing: Timing, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences later than `moment`, in order; for a cron expression they go on to the year 9998.

    Two of them are never more than eight years apart (29 February around 2100), since what never matches is refused.
    """
    moment = utc(moment)
    if timing.cron is None:
        yield from (single for single in _single(timing) if single.instant > moment)
        return
    recurrence = Recurrence.of(timing.cron, timing.timezone)
    for day in recurrence.days_from(moment.date(), 1):
        for occurrence in recurrence.on(day):
            if occurrence.instant > moment:
                yield occurrence


def until(timing: Timing, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences no later than `moment`, the last one first."""
    moment = utc(moment)
    if timing.cron is None:
        yield from (single for single in _single(timing) if single.instant <= moment)
        return
    recurrence = Recurrence.of(timing.cron, timing.timezone)
    for day in recurrence.days_from(moment.date(), -1):
        for occurrence in reversed(recurrence.on(day)):
            if occurrence.instant <= moment:
                yield occurrence


def count(timing: Timing, start: datetime, end: datetime) -> int:
    """The number of occurrences later than `start` and no later than `end`: reckoned by days, not one by one."""
    start, end = utc(start), utc(end)
    if timing.cron is None:
        return sum(start < single.instant <= end for single in _single(timing))
    total = 0
    recurrence = Recurrence.of(timing.cron, timing.timezone)
    for day in recurrence.days_from(start.date(), 1):
        if day > end.date():
            break
        if start.date() < day < end.date():
            total += recurrence.count_on(day)
        else:
            total += sum(start < occurrence.instant <= end for occurrence in recurrence.on(day))
    return total


def between(timing: Timing, start: datetime, end: datetime) -> Iterator[Occurrence]:
    """The occurrences later than `start` and no later than `end`, in order."""
    end = utc(end)
    for occurrence in after(timing, start):
        if occurrence.instant > end:
            return
        yield occurrence


def next_after(timing: Timing, moment: datetime) -> Occurrence | None:
    """The first occurrence later than `moment`; None when there's none."""
    return next(after(timing, moment), None)


def latest_until(timing: Timing, moment: datetime) -> Occurrence | None:
    """The last occurrence no later than `moment`; None when there's none."""
    return next(until(timing, moment), None)


def data_interval(timing: Timing, instant: datetime) -> tuple[datetime, datetime]:
    """[start, end) of the data that the occurrence at `instant` is about: from the one before to this one.

    Empty, start equals end, for a single time.
    """
    instant = utc(instant)
    previous = latest_until(timing, instant - timedelta(seconds=1)) if timing.cron is not None else None
    return (previous.instant if previous else instant), instant


def last_complete_interval(timing: Timing, now: datetime) -> tuple[datetime, datetime]:
    """[start, end) of the data that a run by hand at `now` is about: between the last two occurrences.

    Empty, at `now`, for a single time.
    """
    last = latest_until(timing, now) if timing.cron is not None else None
    return data_interval(timing, last.instant if last else now)


def data_date(moment: datetime, timezone: str) -> date:
    """The calendar day before `moment` in that zone: yesterday, whose data is complete."""
    return utc(moment).astimezone(find_zone(timezone)).date() - _DAY


def shortest_interval(timing: Timing) -> timedelta | None:
    """The least time between two occurrences by a clock that never changes; None when it's due at most once a year."""
    return None if timing.cron is None else _shortest(timing.cron)


@lru_cache(maxsize=1024)
def _shortest(cron: str) -> timedelta | None:
    minutes = parse(cron).minutes
    # The pattern of leap years and weekdays comes again after 28 years.
    every_date = [day for year in range(2000, 2029) for month in range(1, 13) for day in dates(cron, year, month)]
    days_apart = min(later.toordinal() - earlier.toordinal() for earlier, later in pairwise(every_date))
    overnight = days_apart * MINUTES_PER_DAY + minutes[0] - minutes[-1]
    if len(minutes) == 1 and days_apart >= 365:
        return None
    return min([overnight, *(later - earlier for earlier, later in pairwise(minutes))]) * _MINUTE


def _single(timing: Timing) -> tuple[Occurrence, ...]:
    """The occurrence of a timing that isn't repeated."""
    assert timing.once is not None
    zone = find_zone(timing.timezone)
    local = timing.once.astimezone(zone)
    wall = local.replace(tzinfo=None, fold=0)
    note = None
    if len(instants(wall, zone)) > 1:
        note = _note_repeated(wall, "the second time" if local.fold else "the first time")
    return (Occurrence(timing.once, wall, local.fold, note, timing.timezone),)


@lru_cache(maxsize=512)
def _on(recurrence: Recurrence, day: date) -> tuple[Occurrence, ...]:
    offset = steady_offset(recurrence.timezone, day)
    if offset is None:
        return _around_change(recurrence, day)
    start = datetime.combine(day, time()) + offset
    days = (start.date(), start.date() + _DAY)
    walls = [wall for wall in _walls(recurrence.expression, days) if start <= wall < start + _DAY]
    return tuple(Occurrence((wall - offset).replace(tzinfo=UTC), wall, 0, None, recurrence.timezone) for wall in walls)


def _around_change(recurrence: Recurrence, day: date) -> tuple[Occurrence, ...]:
    """The occurrences of a day near a clock change, where a wall time can be missing or come twice."""
    fixed = recurrence.expression.fixed
    due: dict[datetime, list[datetime]] = {}
    for wall in _walls(recurrence.expression, (day - _DAY, day, day + _DAY)):
        for instant in _resolve(wall, recurrence.zone, fixed=fixed):
            if instant.date() == day:
                due.setdefault(instant, []).append(wall)
    return tuple(_occurrence(recurrence, instant, due[instant]) for instant in sorted(due))


def _walls(expression: Expression, days: tuple[date, ...]) -> Iterator[datetime]:
    """The wall times on those dates, in order."""
    for day in days:
        if expression.matches(day):
            midnight = datetime.combine(day, time())
            yield from (midnight + minute * _MINUTE for minute in expression.minutes)


def _resolve(wall: datetime, zone: ZoneInfo, *, fixed: bool) -> tuple[datetime, ...]:
    """The instants at which the wall time is due."""
    found = instants(wall, zone)
    if not fixed:
        return found
    return found[:1] or (after_gap(wall, zone),)


def _occurrence(recurrence: Recurrence, instant: datetime, walls: list[datetime]) -> Occurrence:
    """The one occurrence of all the wall times that are due at `instant`, given in order."""
    zone, fixed = recurrence.zone, recurrence.expression.fixed
    local = instant.astimezone(zone)
    shown = local.replace(tzinfo=None, fold=0)
    note = None
    if missing := [wall for wall in walls if wall != shown]:
        note = _note_missing(missing, shown)
    elif len(instants(shown, zone)) > 1:
        note = _note_repeated(shown, "the first time" if fixed else "both times")
    nominal = shown if shown in walls else walls[0]
    return Occurrence(instant, nominal, local.fold, note, recurrence.timezone)


def _note_missing(missing: list[datetime], shown: datetime) -> str:
    times = [f"{wall:%H:%M}" for wall in missing]
    if len(times) == 1:
        subject = f"{times[0]} doesn't exist on {short_date(missing[0])}; it runs"
    else:
        named = listed(times) if len(times) <= 3 else f"{times[0]} to {times[-1]}"
        subject = f"{named} don't exist on {short_date(missing[0])}; they run once,"
    on_day = "that day" if shown.date() == missing[0].date() else f"on {short_date(shown)}"
    return f"{subject} at {shown:%H:%M} {on_day}."


def _note_repeated(wall: datetime, which: str) -> str:
    return f"{wall:%H:%M} happens twice on {short_date(wall)}; it runs {which}."
