"""Words that sentences for people share: English whatever the server's locale, so that every door says the same."""

from collections.abc import Sequence
from datetime import date

#: Monday first, as `date.weekday()` counts
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_LONGEST_ECHO = 40


def quoted(text: str) -> str:
    """What a person wrote, in “ ”, on one line, cut after 40 characters."""
    visible = "".join(letter if letter.isprintable() else "�" for letter in text)
    return f"“{visible}”" if len(visible) <= _LONGEST_ECHO else f"“{visible[:_LONGEST_ECHO]}…”"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`, … of a day of the month."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def day_and_month(day: date) -> str:
    """`28 Mar`."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def short_date(day: date) -> str:
    """`Sun 28 Mar`."""
    return f"{WEEKDAYS[day.weekday()][:3]} {day_and_month(day)}"


def duration(minutes: int) -> str:
    """`45 min`, `2 h`, `2 h 5 min`."""
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest))


def size_text(size: int) -> str:
    """`size` bytes for people, in powers of 1,000: 512 B, 17 kB, 1.2 GB."""
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f} {units[0]}" if amount < 9.95 and units[0] != "B" else f"{amount:.0f} {units[0]}"
