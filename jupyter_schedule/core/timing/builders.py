"""Timings in a person's words: daily, weekly, monthly, hourly, once.

`at` is a time of day as people write it (`parse_time_of_day`), `timezone` an IANA name.  Every preset raises Refused:
`bad_time` (field "at"), `bad_day` (field "days" or "day"), `unknown_timezone` (field "timezone").
"""

import re
from collections.abc import Sequence
from datetime import datetime, time
from difflib import get_close_matches
from typing import Literal

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing, utc
from jupyter_schedule.core.text import WEEKDAYS, quoted
from jupyter_schedule.core.timing.cron import parse, split_zone, unwrap
from jupyter_schedule.core.timing.timezones import after_gap, find_zone, instants

#: the years in which something can be scheduled: a zone's offset leads out of neither end of the calendar
YEARS = range(1970, 9999)

_TIME_OF_DAY = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.]?(?P<minute>[0-9]{2}))?\s*(?P<half>[ap])?(?(half)\.?m\.?)", re.IGNORECASE
)


def parse_time_of_day(text: str) -> time:
    """The time of day that `text` means: `12`, `930`, `1230`, `12:30`, `12.30`, `12:30 pm`, `6am`."""
    parts = _TIME_OF_DAY.fullmatch(text.strip())
    if parts is None:
        raise _bad_time(text)
    hour, minute, half = int(parts["hour"]), int(parts["minute"] or 0), (parts["half"] or "").lower()
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        raise _bad_time(text)
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute)


def hourly(minute: int = 0, timezone: str = "UTC") -> Timing:
    """Every hour, at that minute."""
    if not 0 <= minute <= 59:
        raise Refused("bad_time", f"{minute} isn't a minute of an hour: use 0-59.", "at")
    return _timing(f"{minute} * * * *", timezone)


def daily(at: str, timezone: str = "UTC") -> Timing:
    """Every day at `at`."""
    return _timing(f"{_clock(at)} * * *", timezone)


def weekdays(at: str, timezone: str = "UTC") -> Timing:
    """Monday to Friday at `at`."""
    return _timing(f"{_clock(at)} * * 1-5", timezone)


def weekly(days: Sequence[str], at: str, timezone: str = "UTC") -> Timing:
    """On the given days of the week, names or their beginnings of two letters or more in any case, at `at`."""
    if isinstance(days, str):
        days = [days]
    if not days:
        raise Refused("bad_day", "Pick at least one day.", "days")
    numbers = sorted({_weekday(day) for day in days})
    # Cron counts from Sunday; Sunday is written last, as 0, so that the list reads as a week does.
    listed = ",".join(str((number + 1) % 7) for number in numbers)
    return _timing(f"{_clock(at)} * * {listed}", timezone)


def monthly(day: int | Literal["L"], at: str, timezone: str = "UTC") -> Timing:
    """On that day of every month that has it, or on the last day of every month, `L`, at `at`."""
    if day != "L" and day not in range(1, 32):
        raise Refused("bad_day", f"{quoted(str(day))} isn't a day of a month: use 1-31, or L for the last.", "day")
    return _timing(f"{_clock(at)} {day} * *", timezone)


def monthly_weekday(number: int | Literal["L"], weekday: str, at: str, timezone: str = "UTC") -> Timing:
    """On the first to fifth of a day of the week in every month that has it, or on its last one, `L`, at `at`."""
    if number != "L" and number not in range(1, 6):
        raise Refused("bad_day", f"No month has {quoted(str(number))} of a day of the week: use 1-5, or L.", "day")
    day = (_weekday(weekday) + 1) % 7
    return _timing(f"{_clock(at)} * * {day}{'L' if number == 'L' else f'#{number}'}", timezone)


def from_cron(expression: str, timezone: str = "UTC") -> Timing:
    """The times that a cron expression says; a zone that is written before it (`CRON_TZ=Europe/Paris`) counts.

    Quotes, a `cron:` before it and a comment behind it, as people paste them, don't.
    """
    plain, zone = split_zone(unwrap(expression))
    return _timing(" ".join(parse(plain).fields) if plain.strip().startswith("@") else plain, zone or timezone)


def once(at: datetime, timezone: str = "UTC") -> Timing:
    """Once, at `at`: without a zone of its own it's a wall time in `timezone`.

    In a spring gap it's the first instant that exists after it, in an autumn overlap the first of the two.
    """
    zone = find_zone(timezone)
    if at.year not in YEARS:
        raise Refused("bad_time", f"Write a year from {YEARS[0]} to {YEARS[-1]}.", "once")
    if at.tzinfo is None:
        wall = at.replace(fold=0)
        at = (*instants(wall, zone), None)[0] or after_gap(wall, zone)
    return Timing(once=utc(at), timezone=timezone)


def _timing(cron: str, timezone: str) -> Timing:
    find_zone(timezone)
    return Timing(cron=cron, timezone=timezone)


def _clock(at: str) -> str:
    moment = parse_time_of_day(at)
    return f"{moment.minute} {moment.hour}"


def _weekday(name: str) -> int:
    """0 for Monday to 6 for Sunday."""
    wanted = name.strip().lower()
    names = [weekday.lower() for weekday in WEEKDAYS]
    for number, weekday in enumerate(names):
        if len(wanted) >= 2 and weekday.startswith(wanted):
            return number
    near = get_close_matches(wanted, names, n=1)
    advice = f"Did you mean {near[0].title()}?" if near else "Use Monday to Sunday."
    raise Refused("bad_day", f"{quoted(name)} isn't a day of the week. {advice}", "days")


def _bad_time(text: str) -> Refused:
    return Refused("bad_time", f"{quoted(text)} isn't a time of day: write a time such as 12:00.", "at")
