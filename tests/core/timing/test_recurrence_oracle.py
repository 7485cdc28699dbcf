"""Occurrences against a brute-force oracle: every minute around every clock change of 2024 to 2028.

The oracle shares nothing with the code: it walks through UTC minute by minute, looks at what clocks show, and knows an
expression as a plain predicate.  It has no notion of fold, gap or cron.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import pytest

from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.timezones import find_zone

#: one of every set of rules that changes clocks in these years, plus zones that never do
ZONES = (
    "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "America/Adak", "America/Anchorage",
    "America/Asuncion", "America/Chicago", "America/Coyhaique", "America/Denver", "America/Halifax",
    "America/Havana", "America/Los_Angeles", "America/Miquelon", "America/New_York", "America/Nuuk",
    "America/Santiago", "America/Scoresbysund", "America/St_Johns", "Antarctica/Troll", "Asia/Almaty",
    "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Nicosia", "Atlantic/Azores",
    "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Chisinau", "Europe/Dublin",
    "Europe/Lisbon", "Europe/Paris", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Easter", "Pacific/Norfolk",
    "UTC",
)  # fmt: skip
#: a usual one, one that has no midnight, one of half an hour and one of two hours, one that changes by the moon, none
EVERYDAY = {"Europe/Paris", "Asia/Beirut", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "UTC"}
MINUTE = timedelta(minutes=1)
AROUND = timedelta(hours=24)


def last_of_month(wall: datetime) -> bool:
    return (wall + timedelta(days=1)).day == 1


#: expression → whether its times are fixed, and whether a wall time matches
EXPRESSIONS: dict[str, tuple[bool, Callable[[datetime], bool]]] = {
    "30 2 * * *": (True, lambda wall: wall.hour == 2 and wall.minute == 30),
    "0 0 * * *": (True, lambda wall: wall.hour == 0 and wall.minute == 0),
    "15,45 0-3 * * *": (True, lambda wall: wall.hour <= 3 and wall.minute in (15, 45)),
    "0 1,2,3,23 * * *": (True, lambda wall: wall.hour in (1, 2, 3, 23) and wall.minute == 0),
    "0-59 2 * * *": (True, lambda wall: wall.hour == 2),
    "30 1 L * *": (True, lambda wall: wall.hour == 1 and wall.minute == 30 and last_of_month(wall)),
    "0 2 * * SUN": (True, lambda wall: wall.hour == 2 and wall.minute == 0 and wall.weekday() == 6),
    "45 23 * * 6-7": (True, lambda wall: wall.hour == 23 and wall.minute == 45 and wall.weekday() >= 5),
    "30 0 1-7 3,4,9-11 SAT": (
        True,
        lambda wall: (
            wall.hour == 0
            and wall.minute == 30
            and wall.month in (3, 4, 9, 10, 11)
            and (wall.day <= 7 or wall.weekday() == 5)
        ),
    ),
    "*/15 * * * *": (False, lambda wall: wall.minute % 15 == 0),
    "7 * * * *": (False, lambda wall: wall.minute == 7),
    "0 */2 * * *": (False, lambda wall: wall.minute == 0 and wall.hour % 2 == 0),
    "10-50/20 0-3 * * *": (False, lambda wall: wall.hour <= 3 and wall.minute in (10, 30, 50)),
    "* 2 * * SUN": (False, lambda wall: wall.hour == 2 and wall.weekday() == 6),
}


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """The UTC minutes of 2024 to 2028 from which clocks in the zone show another offset, found by looking."""
    zone = find_zone(name)
    found = []
    hour = datetime(2024, 1, 1, tzinfo=UTC)
    offset = hour.astimezone(zone).utcoffset()
    while hour.year < 2029:
        hour += timedelta(hours=12)
        if hour.astimezone(zone).utcoffset() != offset:
            moment = hour
            while (moment - MINUTE).astimezone(zone).utcoffset() != offset:
                moment -= MINUTE
            found.append(moment)
            offset = hour.astimezone(zone).utcoffset()
    return tuple(found)


class Minute(NamedTuple):
    """What clocks show in one minute of UTC."""

    instant: datetime
    wall: datetime
    #: clocks have shown this wall time, or a later one, before
    again: bool
    #: wall times that clocks jumped over to get here
    skipped: tuple[datetime, ...]


def watch(name: str, start: datetime, end: datetime) -> list[Minute]:
    """Every minute from start to end, as somebody sees it who looks at a clock in the zone."""
    minutes = []
    highest = start.astimezone(find_zone(name)).replace(tzinfo=None, fold=0) - MINUTE
    for number in range((end - start) // MINUTE + 1):
        instant = start + number * MINUTE
        wall = instant.astimezone(find_zone(name)).replace(tzinfo=None, fold=0)
        skipped = tuple(highest + count * MINUTE for count in range(1, (wall - highest) // MINUTE))
        minutes.append(Minute(instant, wall, wall <= highest, skipped))
        highest = max(highest, wall)
    return minutes


def expected(
    minutes: list[Minute], *, fixed: bool, matches: Callable[[datetime], bool]
) -> list[tuple[datetime, datetime]]:
    """(instant, nominal) of every occurrence in those minutes."""
    if not fixed:
        return [(instant, wall) for instant, wall, _, _ in minutes if matches(wall)]
    due = [(instant, wall) for instant, wall, again, _ in minutes if not again and matches(wall)]
    jumped = [(minute.instant, list(filter(matches, minute.skipped))) for minute in minutes if minute.skipped]
    taken = {instant for instant, _ in due}
    late = [(instant, walls[0]) for instant, walls in jumped if walls and instant not in taken]
    return sorted(due + late)


def test_the_zones_have_thirty_different_sets_of_changes() -> None:
    shown = {tuple(moment.astimezone(find_zone(name)).isoformat() for moment in changes(name)) for name in ZONES}
    assert len(shown) >= 30


@pytest.mark.promise("P8", "P9", "P10", "P11")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in EVERYDAY else pytest.mark.proof("simulation")) for name in ZONES]
)
def test_around_every_clock_change_occurrences_are_what_clocks_show(name: str) -> None:
    for change in changes(name) or (datetime(2026, 3, 29, 1, tzinfo=UTC),):
        start, end = change - AROUND, change + AROUND
        minutes = watch(name, start, end)
        for cron, (fixed, matches) in EXPRESSIONS.items():
            timing = Timing(cron=cron, timezone=name)
            right = expected(minutes, fixed=fixed, matches=matches)
            found = list(recurrence.between(timing, start - MINUTE, end))
            assert [(one.instant, one.nominal) for one in found] == right, f"{cron} around {change}"
            assert_restarts(timing, found, start, change)


def assert_restarts(timing: Timing, found: list[recurrence.Occurrence], start: datetime, change: datetime) -> None:
    """From any instant, the next occurrence and the last one are those of the whole list."""
    due = [occurrence.instant for occurrence in found]
    near = [change + minutes * MINUTE for minutes in (-121, -60, -31, -1, 0, 1, 29, 60, 95, 120)]
    far = [start + hours * 60 * MINUTE for hours in (1, 13, 37, 45)]
    for moment in [*near, *far, *due[:3], *(instant - timedelta(seconds=1) for instant in due[-3:])]:
        position = bisect_right(due, moment)
        if position < len(due):
            assert recurrence.next_after(timing, moment) == found[position], f"{timing.cron} after {moment}"
        if position > 0:
            assert recurrence.latest_until(timing, moment) == found[position - 1], f"{timing.cron} until {moment}"
