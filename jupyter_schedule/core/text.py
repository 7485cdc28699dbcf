"""Words that sentences for people share: English whatever the server's locale, so that every client says the same.

The agent travels with this module and without pydantic, so it imports nothing but the standard library.
"""

import codecs
import re
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
#: control sequences of terminals (ECMA-48): CSI, strings that BEL or ST ends, two-character escapes
ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])")
#: bytes of UTF-8 at most that begin a character and don't end it
LONGEST_BEGUN = 3
#: what no ledger keeps and no answer tells: NUL, and the halves of characters that UTF-16 writes as two (surrogates)
UNWRITABLE = re.compile("[\\0\ud800-\udfff]")
_LONGEST_ECHO = 40
#: by the values of `RunStatus` and of `ScheduleState`
_RUN_STATES = {
    "due": "Waiting",
    "launching": "Starting",
    "running": "Running",
    "publishing": "Publishing",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "timed_out": "Timed out",
    "cancelled": "Stopped",
    "skipped": "Skipped",
}
#: reasons that say more than the status does
_RUN_REASONS = {"missed": "Missed", "unreadable": "Broken"}
_SCHEDULE_STATES = {
    "active": "Active",
    "paused": "Paused",
    "rehearsing": "Waiting for a first successful run",
    "ended": "Ended",
    "deleted": "Deleted",
    "broken": "Broken",
}


def decode_next(before: bytes, data: bytes) -> str:
    """The characters that end in `data`; one that only begins there is left for what comes next.

    before: the last LONGEST_BEGUN bytes before `data`, or all where there are fewer.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    decoder.decode(before)
    return decoder.decode(data)


def quoted(text: str) -> str:
    """A text that a person wrote, in “ ”, on one line, cut after 40 characters."""
    visible = "".join(letter if letter.isprintable() else "�" for letter in text)
    return f"“{visible}”" if len(visible) <= _LONGEST_ECHO else f"“{visible[:_LONGEST_ECHO]}…”"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; or with another word before the last."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


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


def duration_text(seconds: float) -> str:
    """A duration for people, with two digits or two units: `6.1 s`, `45 s`, `1 min 35 s`, `2 h`, `1 h 30 min`."""
    if seconds < 9.95:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return " ".join([f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * bool(rest))
    hours, minutes = divmod(minutes, 60)
    return " ".join([f"{hours} h"] + [f"{minutes} min"] * bool(minutes))


def unwritable_character(text: str) -> str | None:
    """The character of a text that keeps it from being kept and told, in words; None where there is none."""
    found = UNWRITABLE.search(text)
    if found is None:
        return None
    if found[0] == "\0":
        return "holds the character NUL (U+0000)"
    return f"isn't valid Unicode: it holds half a character (U+{ord(found[0]):04X})"


def replace_unwritable(text: str) -> str:
    """The text with � for each character that can't be kept or told: for what machines say, not people."""
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def strip_escapes(text: str) -> str:
    """The text without the control sequences of terminals; what isn't such a sequence stays."""
    return ESCAPE_SEQUENCE.sub("", text)


def run_state_words(status: str, reason: str | None) -> str:
    """A run's state in words: `Succeeded`, `Timed out`; `Missed` for one that was due while nothing ticked."""
    return _RUN_REASONS.get(reason or "") or _RUN_STATES[status]


def schedule_state_words(state: str) -> str:
    """A schedule's state in words: `Active`, `Waiting for a first successful run`."""
    return _SCHEDULE_STATES[state]


def size_text(size: int) -> str:
    """`size` bytes for people, in powers of 1,000: 512 B, 17 kB, 1.2 GB."""
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f} {units[0]}" if amount < 9.95 and units[0] != "B" else f"{amount:.0f} {units[0]}"


def printable_name(name: str) -> str:
    """`name` for a sentence: one line, at most about 120 characters, nothing that a terminal would obey."""
    text = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name[:1100])
    return text if len(text) <= 120 else f"{text[:60]} … {text[-55:]}"


def quote_name(name: str) -> str:
    """`name` as `shown`, in quotes."""
    return f"“{printable_name(name)}”"
