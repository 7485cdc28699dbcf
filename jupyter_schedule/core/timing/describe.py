"""The rhythm of a timing, in words: `every Monday and Thursday at 06:30 UTC`.

What a form can ask for (daily, weekly, monthly, hourly, once) reads as a sentence; any other expression is shown as
it is with its words beside it.  Days are always in our own words, which say "and" where either day field is enough;
only a rhythm of minutes and hours, such as every 15 minutes from 9 to 5, is told by cron-descriptor.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.text import MONTHS, WEEKDAYS, day_and_month, listed, short_date
from jupyter_schedule.core.timing.cron import LONGEST_MONTHS, Expression, parse
from jupyter_schedule.core.timing.timezones import find_zone

_DAY = timedelta(days=1)
_MOST_TIMES = 6
_NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
_ALL_MONTHS = frozenset(range(1, 13))
_ALL_WEEK = frozenset(range(7))
_WORKING_DAYS = frozenset(range(1, 6))
_UTC_NAMES = frozenset({"UTC", "UCT", "Universal", "Zulu", "GMT", "Greenwich", "GMT0", "GMT+0", "GMT-0"})


def describe_timing(timing: Timing, now: datetime | None = None) -> str:
    """The phrase that follows "Runs ": `every day at 12:00 UTC`, `once, on Tue 24 Nov 2026 at 12:00 UTC`.

    With `now` (aware), a time in another zone than UTC has its UTC time beside it, and the next one when clocks change
    within a year.
    Raises Refused when the expression or the zone isn't valid.
    """
    if timing.once is not None:
        return _once(timing.once, timing.timezone)
    assert timing.cron is not None
    expression = parse(timing.cron)
    words = _words(expression, timing.timezone)
    remarks = _remarks(expression, timing.timezone, now)
    if _is_sentence(expression):
        return f"{words} ({'; '.join(remarks)})" if remarks else words
    return f"on `{' '.join(expression.fields)}` ({'; '.join([words.removeprefix('on '), *remarks])})"


def _once(instant: datetime, timezone: str) -> str:
    local = instant.astimezone(find_zone(timezone))
    words = f"once, on {short_date(local)} {local.year} at {local:%H:%M} {_zone_words(timezone)}"
    if _is_utc(timezone):
        return words
    return f"{words} ({_utc_time(local.replace(tzinfo=None), local.utcoffset() or timedelta())})"


def _is_sentence(expression: Expression) -> bool:
    """True if a form's frequencies can say it: every day, some days of the week, one day of the month, every hour."""
    if _is_hourly(expression):
        return True
    if len(expression.minutes) > _MOST_TIMES or expression.either_day or expression.months != _ALL_MONTHS:
        return False
    if expression.any_day:
        return expression.weekdays != _WORKING_DAYS
    return expression.any_weekday and len(expression.days) + expression.last_day == 1


def _is_hourly(expression: Expression) -> bool:
    return len(expression.fields[0]) <= 2 and expression.fields[0] != "*" and expression.fields[1:] == ("*",) * 4


def _words(expression: Expression, timezone: str) -> str:
    zone = _zone_words(timezone)
    if _is_hourly(expression):
        return f"every hour at minute {expression.minutes[0]}" + ("" if _is_utc(timezone) else f", {zone}")
    if len(expression.minutes) <= _MOST_TIMES:
        clock = listed([_clock(minute) for minute in expression.minutes])
        return f"{_day_words(expression)} at {clock} {zone}"
    rhythm = _rhythm(expression)
    days = _day_words(expression).replace("weekdays", "on weekdays")
    return f"{rhythm}{' ' if ':' in rhythm else ', '}{zone}" + ("" if days == "every day" else f", {days}")


def _rhythm(expression: Expression) -> str:
    """Minutes and hours in words: `every 15 minutes, between 09:00 and 17:59`."""
    # A tenth of our own start-up time, for words that few expressions need.
    from cron_descriptor import Options, get_description  # noqa: PLC0415

    minute, hour = expression.fields[:2]
    minutes = sorted({number % 60 for number in expression.minutes})
    hours = sorted({number // 60 for number in expression.minutes})
    told: str = get_description(
        f"{_even(minute, minutes, 60)} {_even(hour, hours, 24)} * * *",
        Options(use_24hour_time_format=True, locale_code="en_US"),
    )
    return told[0].lower() + told[1:]


def _even(field: str, numbers: Sequence[int], cycle: int) -> str:
    """The field such that "every n" is only said where it's true over the turn of the hour or day: `*/45` is `0,45`."""
    if len(numbers) == cycle:
        return "*"
    if field.startswith("*/") and "," not in field and cycle % int(field[2:]) == 0:
        return field
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(map(str, numbers))


def _day_words(expression: Expression) -> str:
    """The days, in words: `every Monday`, `on day 31`, `day 13 of every month, and every Friday`."""
    every_month = expression.months == _ALL_MONTHS
    in_months = "" if every_month else f" in {_month_words(expression.months)}"
    if expression.either_day and (expression.any_day or expression.any_weekday):
        return f"every day{in_months}"
    nth = _nth_words(expression, in_months)
    of_week = [f"{_week_words(expression.weekdays)}{in_months}"] if expression.weekdays else []
    if expression.any_day:
        return ", and ".join([*of_week, *([f"on {nth}" if not of_week else nth] if nth else [])])
    of_month = _of_month_words(expression)
    if expression.any_weekday:
        return of_month
    if not expression.either_day:
        return f"{of_month}, if that is {_any_of(expression)}"
    return ", and ".join([of_month, *of_week, *([nth] if nth else [])])


def _any_of(expression: Expression) -> str:
    """`a Monday, a Friday or the last Sunday`: the days of the week beside which a day of the month counts alone."""
    named = [f"a {name}" for number, name in enumerate(WEEKDAYS, 1) if number % 7 in expression.weekdays]
    named += [
        f"the {_NTH[number]} {WEEKDAYS[(weekday - 1) % 7]}" for weekday, number in sorted(expression.nth_weekdays)
    ]
    return listed(named, "or")


def _nth_words(expression: Expression, in_months: str) -> str:
    """`the first Monday and the last Friday of every month`; nothing without one."""
    named = [
        f"the {_NTH[number]} {WEEKDAYS[(weekday - 1) % 7]}"
        for weekday, number in sorted(expression.nth_weekdays, key=lambda each: (each[1] % 6, (each[0] - 1) % 7))
    ]
    return f"{listed(named)}{in_months.replace(' in ', ' of ') or ' of every month'}" if named else ""


def _week_words(numbers: frozenset[int]) -> str:
    if numbers == _ALL_WEEK:
        return "every day"
    if numbers == _WORKING_DAYS:
        return "weekdays"
    return f"every {listed([name for number, name in enumerate(WEEKDAYS, 1) if number % 7 in numbers])}"


def _of_month_words(expression: Expression) -> str:
    every_month = expression.months == _ALL_MONTHS
    days = sorted(expression.days)
    of = "of every month" if every_month else f"of {_month_words(expression.months)}"
    if every_month and len(days) > 1 and days[-1] > 28:
        of += " that has them"
    parts = [f"day{'s' if len(days) > 1 else ''} {_number_words(days)}"] if days else []
    if expression.last_day:
        parts.append("the last day")
    if every_month and len(days) == 1 and days[0] > 28 and not expression.last_day:
        return f"on {parts[0]}"
    return f"on {' and '.join(parts)} {of}"


def _month_words(numbers: frozenset[int]) -> str:
    months = sorted(numbers)
    if len(months) > 3 and months[-1] - months[0] == len(months) - 1:
        return f"{MONTHS[months[0] - 1]} to {MONTHS[months[-1] - 1]}"
    return listed([MONTHS[month - 1] for month in months])


def _number_words(numbers: Sequence[int]) -> str:
    """`1`, `1 and 15`, `1 to 7`, `1 to 7 and 15`: stretches of three or more are drawn together."""
    stretches = [[numbers[0]]]
    for earlier, later in pairwise(numbers):
        if later == earlier + 1:
            stretches[-1].append(later)
        else:
            stretches.append([later])
    words: list[str] = []
    for stretch in stretches:
        words += [f"{stretch[0]} to {stretch[-1]}"] if len(stretch) > 2 else map(str, stretch)
    return listed(words)


def _remarks(expression: Expression, timezone: str, now: datetime | None) -> list[str]:
    """The remarks that belong beside the words: the time in UTC, and months that are passed over."""
    remarks = []
    if now is not None and len(expression.minutes) == 1 and not _is_utc(timezone):
        remarks.append(_utc_words(time(*divmod(expression.minutes[0], 60)), timezone, now))
    if expression.any_weekday and not expression.either_day and len(expression.days) == 1 and not expression.last_day:
        remarks += _skips(next(iter(expression.days)), expression.months)
    return remarks


def _utc_words(at: time, timezone: str, now: datetime) -> str:
    """`08:00 UTC; 07:00 UTC from 28 Mar`: the UTC time of a daily wall time, and the next one within a year."""
    zone = find_zone(timezone)
    today = datetime.combine(now.astimezone(zone).date(), at)
    offset = _offset(today, zone)
    words = _utc_time(today, offset)
    for later in (today + number * _DAY for number in range(1, 367)):
        if _offset(later, zone) != offset:
            return f"{words}; {_utc_time(later, _offset(later, zone))} from {day_and_month(later)}"
    return words


def _offset(wall: datetime, zone: ZoneInfo) -> timedelta:
    """The offset at a wall time; on a day whose clocks skip it, still the old one."""
    return zone.utcoffset(wall) or timedelta()


def _utc_time(wall: datetime, offset: timedelta) -> str:
    """`07:30 UTC`, and whether that's on another day."""
    there = wall - offset
    day = {-1: " the day before", 1: " the day after"}.get((there.date() - wall.date()).days, "")
    return f"{there:%H:%M} UTC{day}"


def _skips(day: int, months: frozenset[int]) -> list[str]:
    """`skips the 5 months without one`: the months of `months` that don't have that day."""
    if day == 29 and 2 in months:
        return ["only in leap years" if months == {2} else "skips February except in leap years"]
    without = frozenset(month for month in months if LONGEST_MONTHS[month - 1] < day)
    if not without:
        return []
    return [f"skips the {len(without)} months without one" if len(without) > 3 else f"skips {_month_words(without)}"]


def _zone_words(timezone: str) -> str:
    """`UTC`, `Paris time`, `CET`, `UTC+02:00`."""
    if _is_utc(timezone):
        return "UTC"
    if timezone.startswith("Etc/"):
        # Etc/GMT-2 is two hours ahead of UTC; its name would be read the other way round.
        return "UTC" + datetime(2000, 1, 1, tzinfo=find_zone(timezone)).isoformat()[-6:]
    place = timezone.rsplit("/", 1)[-1].replace("_", " ")
    return place if place.isupper() else f"{place} time"


def _is_utc(timezone: str) -> bool:
    return timezone.removeprefix("Etc/") in _UTC_NAMES


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
