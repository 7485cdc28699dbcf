"""The form's frequency and the timing that it means; and back, for a form that edits."""

import re
from datetime import date, datetime
from typing import Literal

from jupyter_schedule.api.requests import Frequency
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.text import WEEKDAYS, quoted
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.timezones import find_zone, zone_names

#: `15`, `:15`, or the minute of a time of day that was there before
_MINUTE = re.compile(r"(?:\d{1,2}:|:)?([0-5]?\d)", re.ASCII)
#: in the order in which cron counts them
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_DAILY = re.compile(
    r"(?P<minute>\d+) (?P<hour>\d+) (?P<day>\*|L|\d+) \* (?P<weekdays>\*|1-5|[0-6](?:,[0-6])*|[0-6]#[1-5]|[0-6]L)"
)
#: `first Monday`, `2nd tue`, `last Friday`, and as cron has it: `MON#1`, `5L`
_NTH = re.compile(
    r"(?:the\s+)?(?P<words>first|1st|second|2nd|third|3rd|fourth|4th|fifth|5th|last)\s+(?P<name>[a-z]{2,9})"
    r"|(?P<day>[a-z]{3}|[0-7])(?:#(?P<number>[1-5])|(?P<last>l))",
    re.IGNORECASE,
)
_ENDINGS = ("", "st", "nd", "rd", "th", "th")
_NUMBERS = ("last", "first", "second", "third", "fourth", "fifth")
_HOURLY = re.compile(r"(?P<minute>\d+) \* \* \* \*")


def timing_of(frequency: Frequency) -> Timing:
    """The timing that the form means, checked.  Raises Refused as `recurrence.check` does."""
    timing = _timing(frequency)
    recurrence.check(timing)
    return timing


def frequency_of(timing: Timing) -> Frequency:
    """The form's entries that mean this timing; a cron expression where no simpler ones do."""
    for guess in _guesses(timing):
        if _means(guess, timing):
            return guess
    return Frequency(kind="cron", cron=timing.cron or "", timezone=timing.timezone)


def _timing(frequency: Frequency) -> Timing:
    at, zone = frequency.at, frequency.timezone
    match frequency.kind:
        case "daily":
            return recurrence.daily(at, zone)
        case "weekdays":
            return recurrence.weekdays(at, zone)
        case "weekly":
            return recurrence.weekly(frequency.days, at, zone)
        case "monthly":
            return _monthly(frequency.day_of_month, at, zone)
        case "hourly":
            return recurrence.hourly(_minute(at), zone)
        case "once":
            return _once(frequency.date, at, zone)
        case "cron":
            return recurrence.from_cron(frequency.cron, zone)


def _monthly(day: str, at: str, zone: str) -> Timing:
    """On a day of the month, or on one of its days of the week: `15`, `last`, `first Monday`."""
    found = _NTH.fullmatch(day.strip())
    if found is None:
        return recurrence.monthly(_day_of_month(day), at, zone)
    if found["words"]:
        word = found["words"].lower()
        number = next((n for n, name in enumerate(_NUMBERS) if n and word in {name, f"{n}{_ENDINGS[n]}"}), None)
        name = found["name"]
    else:
        number = int(found["number"]) if found["number"] else None
        name = _DAYS[int(found["day"]) % 7] if found["day"].isdigit() else found["day"]
    return recurrence.monthly_weekday(number or "L", name, at, zone)


def _day_of_month(text: str) -> int | Literal["L"]:
    if text.strip().lower() in {"l", "last"}:
        return "L"
    if not (text.isascii() and text.isdigit()):
        message = f"{quoted(text)} isn't a day of a month: use 1-31, L for the last, or first Monday."
        raise Refused("bad_day", message, "day")
    return int(text)


def _minute(text: str) -> int:
    found = _MINUTE.fullmatch(text.strip())
    if found is None:
        raise Refused("bad_time", f"{quoted(text)} isn't a minute: write 0 to 59.", "at")
    return int(found[1])


def _once(day: str, at: str, zone: str) -> Timing:
    clock = recurrence.parse_time_of_day(at)
    try:
        return recurrence.once(datetime.combine(date.fromisoformat(day), clock), zone)
    except ValueError:
        raise Refused("bad_time", f"{quoted(day)} isn't a date: write one such as 2026-12-24.", "once") from None


def _guesses(timing: Timing) -> list[Frequency]:
    zone = timing.timezone
    if timing.once is not None:
        # a zone that is gone since has to be chosen anew in any case
        zone = zone if zone in zone_names() else "UTC"
        local = timing.once.astimezone(find_zone(zone))
        return [Frequency(kind="once", at=f"{local:%H:%M}", date=local.date().isoformat(), timezone=zone)]
    hourly = _HOURLY.fullmatch(timing.cron or "")
    if hourly:
        return [Frequency(kind="hourly", at=f":{int(hourly['minute']):02}", timezone=zone)]
    parts = _DAILY.fullmatch(timing.cron or "")
    if parts is None:
        return []
    plain = Frequency(at=f"{int(parts['hour']):02}:{int(parts['minute']):02}", timezone=zone)
    if nth := _NTH.fullmatch(parts["weekdays"]):
        number = int(nth["number"] or 0)
        day = f"{_NUMBERS[number]} {WEEKDAYS[(int(nth['day']) - 1) % 7]}"
        return [plain.model_copy(update={"kind": "monthly", "day_of_month": day})]
    numbers = parts["weekdays"].split(",") if parts["weekdays"] not in {"*", "1-5"} else []
    days = tuple(_DAYS[int(number)] for number in numbers)
    return [
        plain,
        plain.model_copy(update={"kind": "weekdays"}),
        plain.model_copy(update={"kind": "weekly", "days": days}),
        plain.model_copy(update={"kind": "monthly", "day_of_month": parts["day"]}),
    ]


def _means(guess: Frequency, timing: Timing) -> bool:
    # A single time always goes back into the form, though the second of two equal wall times can't be told there.
    if guess.kind == "once":
        return True
    try:
        return _timing(guess) == timing
    except Refused:
        return False
