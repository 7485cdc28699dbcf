"""Five-field cron expressions as a calendar: which local dates match, and at which minutes of the day.

Grammar, at most 100 characters, letters in any case:

    expression  minute hour day-of-month month day-of-week     separated by spaces or tabs
                or @hourly @daily @midnight @weekly @monthly @yearly @annually
    field       element[,element]...
    element     * | value | value-value | value/step | value-value/step | */step
    value       minute 0-59, hour 0-23, day of month 1-31 or L (the last), month 1-12 or JAN-DEC,
                day of week 0-7 or SUN-SAT (0 and 7 are Sunday; SUN may end a range: FRI-SUN),
                and in lists also MON#1 (the first Monday of the month, up to #5) and 5L or FRIL (its last Friday)

`value/step` goes on to the end of the field; in the day of week, where tools disagree about that end, it is refused.
A day field that begins with `*` is unrestricted, as crontab(5) and cron itself have it.  When neither does, a date
matches when either field does, also where one names every day (`1-31`); otherwise both have to (`*/2` beside MON:
Mondays with an odd date).  `*/100,1-7`, which people write for its `*`, is 1-7.
A zone before the expression (`CRON_TZ=Europe/Paris 0 12 * * *`) is `split_zone`'s to take off.
This module knows no zone and no clock.  It's the only one that imports croniter, which gets expressions of this grammar
in plain numbers and returns what their fields stand for.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from croniter import croniter

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import MONTHS, listed, ordinal, quoted

LONGEST = 100
MINUTES_PER_DAY = 24 * 60
#: days of each month in a leap year, January first
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_FIVE = "minute, hour, day of month, month, day of week"
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
#: of Amazon's expressions and Quartz's
_OTHER_WEEK = "days of the week by name (MON), since where “?” is written 1 is Sunday"
_ELEMENT = re.compile(r"(?P<low>\*|[A-Z]+|[0-9]+)(?:-(?P<high>[A-Z]+|[0-9]+))?(?:/(?P<step>[0-9]+))?")
_UNSUPPORTED = (
    (re.compile(r"\?"), f"“?” isn't used here: write * in the {{field}} field instead, and {_OTHER_WEEK}."),
    (
        re.compile(r"#"),
        "“#” is for one of a month's weekdays, #1 to #5, in the day-of-week field: 0 9 * * MON#1 is its first Monday.",
    ),
    (
        re.compile(r"(?<![A-Z])L?W(?![A-Z])"),
        "“W”, the nearest weekday, isn't supported: pick a day of the month, L for the last one, or weekdays (1-5).",
    ),
    (
        re.compile(r"(?<![A-Z])[HR](?![A-Z])"),
        "“H” and “R” leave the time to chance: write a number or * in the {field} field.",
    ),
    (
        re.compile(r"(?<![A-Z])L(?![A-Z])|[A-Z]{3}L"),
        "“L” is the last day in the day of month, alone (0 12 L * *), and behind a day of the week its last one in the "
        "month (0 12 * * 5L).",
    ),
)


#: a step that no month and no week is long enough for
_BEYOND = re.compile(r"\*/(?:3[2-9]|[4-9][0-9]|[1-9][0-9]{2,})")
#: in the day of week: the n-th of a month, or its last one
_NTH = re.compile(r"(?P<day>[A-Z]{3}|[0-7])(?:#(?P<number>[1-5])|L)")
_LAST = -1
#: in capitals, as it may stand behind an expression
_ZONE_NAME = re.compile(r"UTC|GMT|[A-Z]{4,}(?:/[A-Z_]+){1,2}")
#: before an expression, as cron itself, Go's and Kubernetes' have it
_ZONE = re.compile(
    r"\s*(?:CRON_TZ|TZ)\s*=\s*(?P<quote>[\"']?):?(?P<zone>[^\s\"']+)(?P=quote)\s+(?P<rest>\S.*)", re.DOTALL
)


#: as a workflow's YAML, a page or a crontab has it
_WRAPPED = re.compile(
    r"\s*(?:-\s+)?(?:(?:cron|schedule):\s*)?(?P<quote>[\"'`]?)(?P<inner>[^\"'`]*?)(?P=quote)(?:\s+#\s.*)?\s*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def values(self) -> str:
        """The values that this field may hold, in words."""
        return f"{self.low}-{self.high}" + (f" or {self.names[0]}-{self.names[-1]}" if self.names else "")


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, tuple(name[:3].upper() for name in MONTHS))
_WEEKDAY = _Field("day-of-week", 0, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


@dataclass(frozen=True, slots=True)
class Expression:
    """The times that a cron expression matches."""

    #: the five fields as written, in capitals
    fields: tuple[str, str, str, str, str]
    #: minutes of the day (0-1439), ascending, never empty
    minutes: tuple[int, ...]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    #: 0 is Sunday
    weekdays: frozenset[int]
    #: days of the week (0 is Sunday), each with which of the month's it is; -1 is the last
    nth_weekdays: frozenset[tuple[int, int]]
    #: neither day field begins with `*`, so that either one is enough
    either_day: bool
    #: neither minute nor hour has a wildcard or a step: the times are meant, not the rhythm
    fixed: bool

    def matches(self, day: date) -> bool:
        """True if the local date `day` matches."""
        if day.month not in self.months:
            return False
        of_month = day.day in self.days or (self.last_day and day.day == monthrange(day.year, day.month)[1])
        of_week = day.isoweekday() % 7 in self.weekdays or (bool(self.nth_weekdays) and self._is_nth(day))
        return (of_month or of_week) if self.either_day else (of_month and of_week)

    def _is_nth(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        last = day.day + 7 > monthrange(day.year, day.month)[1]
        return (weekday, (day.day + 6) // 7) in self.nth_weekdays or (last and (weekday, _LAST) in self.nth_weekdays)

    @property
    def any_day(self) -> bool:
        """True where the day-of-month field names every day."""
        return len(self.days) == _DAY.high

    @property
    def any_weekday(self) -> bool:
        """True where the day-of-week field names every day."""
        return len(self.weekdays) == 7


def unwrap(text: str) -> str:
    """The expression without what it is pasted with: `cron: '0 9 * * *'`, backticks, a comment behind it."""
    found = _WRAPPED.fullmatch(text)
    return found["inner"] if found else text


def split_zone(text: str) -> tuple[str, str | None]:
    """The expression, and the zone that is written before it as `CRON_TZ=` or `TZ=`; None without one."""
    found = _ZONE.fullmatch(text)
    return (found["rest"].strip(), found["zone"]) if found else (text, None)


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """The expression that `text` spells.

    Raises Refused(field="cron"): `bad_cron` when it isn't in the grammar, `never_matches` when no date can match.
    """
    fields = _split(text)
    minute, hour, day, _, weekday = fields
    of_week, nth = _split_nth(weekday)
    written_fields = (*fields[:4], of_week or "*")
    plain = " ".join(_plain(written, field) for written, field in zip(written_fields, _FIELDS, strict=True))
    expanded, _ = croniter.expand(plain)
    minutes, hours, days, months, weekdays = map(_numbers, expanded, _FIELDS)
    if nth and not of_week:
        weekdays = frozenset()
    expression = Expression(
        fields=fields,
        minutes=tuple(sorted(60 * of_hour + of_minute for of_hour in hours for of_minute in minutes)),
        days=days,
        last_day="L" in day.split(","),
        months=months,
        weekdays=weekdays,
        nth_weekdays=nth,
        either_day=not day.startswith("*") and not weekday.startswith("*"),
        fixed=not set("*/") & set(minute + hour),
    )
    _refuse_never(expression)
    return expression


def _split_nth(weekday: str) -> tuple[str, frozenset[tuple[int, int]]]:
    """The day-of-week field without the elements that name one of a month's, and those."""
    elements = weekday.split(",")
    found = {element: parts for element in elements if (parts := _NTH.fullmatch(element))}
    nth = {(_number(parts["day"], _WEEKDAY) % 7, int(parts["number"] or _LAST)) for parts in found.values()}
    return ",".join(element for element in elements if element not in found), frozenset(nth)


def _numbers(expanded: list[int | str], field: _Field) -> frozenset[int]:
    """The numbers that an expanded field stands for, `L` aside; Sunday is 0 only."""
    if "*" in expanded:
        return frozenset(range(field.low, 7 if field is _WEEKDAY else field.high + 1))
    return frozenset(number for number in expanded if isinstance(number, int))


@lru_cache(maxsize=4096)
def dates(text: str, year: int, month: int) -> tuple[date, ...]:
    """The dates of that month that the expression matches, ascending."""
    expression = parse(text)
    if month not in expression.months:
        return ()
    month_length = monthrange(year, month)[1]
    return tuple(day for number in range(1, month_length + 1) if expression.matches(day := date(year, month, number)))


def _split(text: str) -> tuple[str, str, str, str, str]:
    rest, zone = split_zone(text)
    if zone is not None:
        raise _bad(f"A zone before the expression isn't read here: write {quoted(rest)}, and {zone} as its time zone.")
    alias = text.strip(" \t").lower()
    fields = _ALIASES.get(alias, text).strip(" \t").upper().split()
    if alias.startswith("@") and alias not in _ALIASES:
        raise _bad(_about_alias(alias.split()[0]))
    if len(text) > LONGEST:
        raise _bad(f"The expression has {len(text)} characters; write at most {LONGEST}, or make two schedules.")
    if not text.isascii() or not text.replace("\t", " ").isprintable():
        raise _bad(f"{quoted(text)} isn't a cron expression: write it on one line, in plain letters and digits.")
    if len(fields) == len(_FIELDS):
        minute, hour, day, month, weekday = fields
        return minute, hour, day, month, weekday
    raise _bad(f"Five fields are needed ({_FIVE}), this has {len(fields)}: {_instead_of(fields, alias)}.")


def _instead_of(fields: list[str], alias: str) -> str:
    """The advice for another number of fields."""
    more = fields[len(_FIELDS) :]
    if len(more) == 1 and _ZONE_NAME.fullmatch(more[0]):
        return "leave out the zone, and choose it as the time zone, or write it before, CRON_TZ=…"
    if any(_is_command(word) for word in more):
        return "leave out the command behind the expression"
    if more and re.search(r"[,-] | [,-]", " ".join(fields)):
        return "leave out the blanks beside “,” and “-”"
    if not 1 <= len(more) <= 2:
        return "for example, 0 12 * * * is every day at 12:00"
    # Amazon's and Quartz's: with nothing but the year or the seconds left out, 2 would be another day
    theirs = "?" in fields or alias.startswith("cron(")
    return "leave out seconds and years" + (f", write * for “?”, and {_OTHER_WEEK}" if theirs else "")


def _is_command(word: str) -> bool:
    """True of a word that no field of any cron has: part of a command line that was pasted along."""
    return bool(re.search(r"[A-Z]{4}|[./~$&>|\"'=][A-Z.]|[A-Z]/", word))


def _about_alias(alias: str) -> str:
    if alias == "@reboot":
        return "@reboot isn't a time: write when it should run, such as 0 12 * * * for every day at 12:00."
    return f"{quoted(alias)} isn't supported: write five fields, such as 0 12 * * * for every day at 12:00."


def _plain(text: str, field: _Field) -> str:
    """A field in numbers, `*` aside; refused when it isn't in the grammar."""
    elements = text.split(",")
    for pattern, sentence in _UNSUPPORTED:
        if any(pattern.search(element) for element in elements if (element, field) != ("L", _DAY)):
            raise _bad(sentence.format(field=field.name))
    if len(elements) > 1 and field in (_DAY, _WEEKDAY) and _BEYOND.fullmatch(elements[0]):
        # no day but the first, which is there for the character it begins with
        elements[0] = str(field.low)
    return ",".join(element if element in ("*", "L") else _plain_element(element, field) for element in elements)


def _plain_element(text: str, field: _Field) -> str:
    parts = _ELEMENT.fullmatch(text)
    if parts is None or text.startswith("*-"):
        raise _bad(_about_element(text, field))
    low = field.low if parts["low"] == "*" else _number(parts["low"], field)
    high = _high(parts, low, field)
    if high < low:
        raise _bad(_about_reversed(parts[0], low, high, field))
    step = _step(parts["step"], field)
    # croniter reads a range of one number, such as 5-5, as if it were `*`.
    return str(low) if low == high else f"{low}-{high}/{step}"


def _high(parts: re.Match[str], low: int, field: _Field) -> int:
    """The last number of an element."""
    if parts["high"] is not None:
        return 7 if parts["high"] == "SUN" and low > 0 else _number(parts["high"], field)
    if parts["low"] == "*":
        return field.high
    if parts["step"] is None:
        return low
    if field is _WEEKDAY:
        raise _bad(f"A step in the {field.name} field needs a range: write {low}-6/{parts['step']} instead.")
    return field.high


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.low
    if not text.isdigit():
        raise _bad(_about_element(text, field))
    if not field.low <= int(text) <= field.high:
        raise _bad(f"{int(text)} is out of range in the {field.name} field: use {field.values}.")
    return int(text)


def _step(text: str | None, field: _Field) -> int:
    if text is None:
        return 1
    step = int(text)
    size = 7 if field is _WEEKDAY else field.high - field.low + 1
    if step == 0:
        raise _bad(f"A step of 0 in the {field.name} field never gets anywhere: use 1 or more.")
    if step > size:
        raise _bad(
            f"A step of {step} doesn't fit in the {field.name} field, which starts again after {field.high}: "
            f"use at most {size}."
        )
    return step


def _about_element(text: str, field: _Field) -> str:
    if text == "":
        return f"A value is missing in the {field.name} field, beside a comma: use {field.values}."
    allowed = f"use {field.values}, lists (1,5), ranges (1-5) and steps (*/5)"
    return f"{quoted(text)} isn't understood in the {field.name} field: {allowed}."


def _about_reversed(text: str, low: int, high: int, field: _Field) -> str:
    if field is _WEEKDAY:
        parts = [f"{low}-{7 if high == 0 else 6}"] + ([f"0-{high}"] if high else [])
    else:
        parts = [f"{low}-{field.high}", f"{field.low}-{high}"]
    backwards = f"The range {quoted(text.partition('/')[0])} in the {field.name} field runs backwards"
    return f"{backwards}: write {','.join(parts)} instead."


def _refuse_never(expression: Expression) -> None:
    longest = max(LONGEST_MONTHS[month - 1] for month in expression.months)
    if expression.either_day or expression.last_day or min(expression.days) <= longest:
        return
    days = " or ".join(ordinal(day) for day in sorted(expression.days))
    months = [MONTHS[month - 1] for month in sorted(expression.months)]
    subject = f"{months[0]} has no" if len(months) == 1 else f"{listed(months)} have no"
    raise Refused("never_matches", f"This never happens: {subject} {days}.", "cron")


def _bad(sentence: str) -> Refused:
    return Refused("bad_cron", sentence, "cron")
