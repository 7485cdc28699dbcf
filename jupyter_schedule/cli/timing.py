"""The options that say when: a frequency, a time of day, a zone."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any, Literal

import click

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.text import listed, quoted
from jupyter_schedule.core.timing import recurrence

NOON = "12:00"
_OPTIONS = (
    click.option("--daily", is_flag=True, help="Every day; the default."),
    click.option("--weekdays", is_flag=True, help="Monday to Friday."),
    click.option("--weekly", metavar="DAY", multiple=True, help="On a day of the week: mon; or on several: mon,thu."),
    click.option("--monthly", metavar="DAY", help="On that day of every month that has it, or on the last one: last."),
    click.option("--hourly", is_flag=True, help="Every hour; --at is its minute."),
    click.option("--cron", metavar="EXPR", help="When a five-field cron expression says: '0 6 * * 1-5'."),
    click.option("--once", metavar="TIME", help="Once: 2026-12-24T06:00, in the zone of --timezone."),
    click.option("--at", metavar="HH:MM", help=f"The time of day; {NOON} without it."),
    click.option("--timezone", metavar="ZONE", default="UTC", show_default=True, help="An IANA zone: Europe/Paris."),
)
_MINUTE = re.compile(r":?([0-5]?[0-9])")


def timing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and its function the `timing` that they mean."""

    @wraps(function)
    def with_timing(
        *,
        daily: bool,
        weekdays: bool,
        weekly: tuple[str, ...],
        monthly: str | None,
        hourly: bool,
        cron: str | None,
        once: str | None,
        at: str | None,
        timezone: str,
        **others: Any,
    ) -> Any:
        given = {
            "daily": daily,
            "weekdays": weekdays,
            "weekly": weekly,
            "monthly": monthly,
            "hourly": hourly,
            "cron": cron,
            "once": once,
        }
        return function(timing=chosen_timing(given, at, timezone), **others)

    for option in reversed(_OPTIONS):
        with_timing = option(with_timing)
    return with_timing


def chosen_timing(given: dict[str, Any], at: str | None, timezone: str) -> Timing:
    """The timing of the one frequency in `given`, by its option's name; of none, daily.

    Raises Refused: `two_frequencies`, and what the presets and the expression raise.
    """
    named = [name for name, value in given.items() if value not in (None, False, ())]
    if len(named) > 1:
        raise Refused("two_frequencies", f"Choose one of {listed([f'--{name}' for name in named])}.", "frequency")
    frequency = named[0] if named else "daily"
    value: Any = given.get(frequency)
    match frequency:
        case "weekdays":
            return recurrence.weekdays(at or NOON, timezone)
        case "weekly":
            return recurrence.weekly([day for days in value for day in days.split(",")], at or NOON, timezone)
        case "monthly":
            return recurrence.monthly(_day_of_month(value), at or NOON, timezone)
        case "hourly":
            return recurrence.hourly(_minute(at), timezone)
        case "cron":
            return cron_timing(value, at, timezone)
        case "once":
            return _once(value, at, timezone)
        case _:
            return recurrence.daily(at or NOON, timezone)


def cron_timing(expression: str, at: str | None, timezone: str) -> Timing:
    """The expression in a zone, checked."""
    if at is not None:
        raise Refused("two_times", "The expression says the time of day: leave out --at.", "at")
    timing = Timing(cron=expression, timezone=timezone)
    recurrence.check(timing)
    return timing


def moment(text: str, timezone: str, field: str, at: str | None = None) -> Timing:
    """The instant that a person wrote, as a timing; without an offset of its own it is a wall time in `timezone`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _instant(text, timezone, field)
    clock = recurrence.parse_time_of_day(at or "0:00")
    return recurrence.once(datetime.combine(day, clock), timezone)


def _instant(text: str, timezone: str, field: str) -> Timing:
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        message = f"{quoted(text)} isn't a time: write one such as 2026-12-24T06:00."
        raise Refused("bad_time", message, field) from None
    return recurrence.once(written, timezone)


def _once(text: str, at: str | None, timezone: str) -> Timing:
    """A date takes the time of day from --at."""
    if at is not None and ":" in text:
        raise Refused("two_times", "--once has its own time of day: leave out --at.", "at")
    return moment(text, timezone, "once", at or NOON)


def _day_of_month(text: str) -> int | Literal["L"]:
    if text.lower() in {"l", "last"}:
        return "L"
    if not (text.isascii() and text.isdigit()):
        raise Refused("bad_day", f"{quoted(text)} isn't a day of a month: use 1-31, or last.", "day")
    return int(text)


def _minute(at: str | None) -> int:
    if at is None:
        return 0
    minute = _MINUTE.fullmatch(at)
    if minute is None:
        raise Refused("bad_time", f"With --hourly, --at is a minute, such as :15; {quoted(at)} isn't.", "at")
    return int(minute[1])
