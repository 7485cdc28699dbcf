"""The look of things in the terminal: refusals, JSON, texts, times, states and tables."""

import codecs
import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import click
from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jupyter_schedule.api.validation import as_refused
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus, ScheduleState
from jupyter_schedule.core.text import (
    duration_text,
    run_state_words,
    schedule_state_words,
    short_date,
    strip_escapes,
)

#: the exit code of a command that was refused, or used wrongly
REFUSED = 2
#: the exit code of a command that Ctrl-C ended
INTERRUPTED = 130
_MINUTE = timedelta(minutes=1)
#: wide enough for any row: what reads a pipe has no edge
_PIPE = 100_000
#: a text, or a text and its colour
Cell = str | tuple[str, str]
#: icon and colour of each state; neither stands without its word
RUN_LOOKS = {
    RunStatus.DUE: ("○", ""),
    RunStatus.LAUNCHING: ("◔", "blue"),
    RunStatus.RUNNING: ("◐", "blue"),
    RunStatus.PUBLISHING: ("◕", "blue"),
    RunStatus.SUCCEEDED: ("✓", "green"),
    RunStatus.FAILED: ("✕", "red"),
    RunStatus.TIMED_OUT: ("⧗", "red"),
    RunStatus.CANCELLED: ("■", ""),
    RunStatus.SKIPPED: ("–", ""),  # noqa: RUF001  (the icon)
}
SCHEDULE_LOOKS = {
    ScheduleState.ACTIVE: ("●", ""),
    ScheduleState.PAUSED: ("‖", "yellow"),
    ScheduleState.REHEARSING: ("○", "yellow"),
    ScheduleState.ENDED: ("■", ""),
    ScheduleState.DELETED: ("✕", ""),
    ScheduleState.BROKEN: ("✕", "red"),
}
#: a control sequence that isn't over yet; none is longer than a title
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,500}\x1b?|[ -/]*)\Z|\r\Z")

# -- refusals


def as_refusal(problem: Refused | ValidationError | OSError) -> Refused:
    """The problem as one sentence."""
    match problem:
        case Refused():
            return problem
        case ValidationError():
            return as_refused(problem)
        case OSError():
            place = f"{problem.filename}: " if problem.filename else ""
            return Refused("system", f"{place}{problem.strerror or problem}.")


def tell_refusal(refusal: Refused, *, as_json: bool) -> None:
    """Print the refusal: a line on standard error, for programs an object on standard output."""
    if as_json:
        error = {"code": refusal.code, "message": refusal.message}
        echo_json({"error": error | ({"field": refusal.field} if refusal.field else {})})
    else:
        click.echo(f"Error: {plain(refusal.message)}", err=True)


# -- lines


def echo_json(value: object) -> None:
    """Print a value, or what the API answered, as JSON in plain ASCII, which every terminal and program takes."""
    click.echo(json.dumps(to_jsonable_python(value), indent=2))


def echo(text: str, *, err: bool = False) -> None:
    """Print one line for a person, with whatever a terminal would obey shown instead."""
    click.echo(plain(text), err=err)


def plain(text: str) -> str:
    """`text` on one line, with whatever a terminal would obey written out: `\\n`, `\\x1b`."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def count_text(number: int, what: str) -> str:
    """`1 run`, `1,200 runs`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


class LogText:
    """A log's pieces as text for a terminal: colours, titles and other commands to it are dropped, lines are kept.

    A character or a sequence that is cut between two pieces is put together again.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._pending = ""

    def feed(self, piece: bytes, *, final: bool = False) -> str:
        """The next text to show, now that `piece` has come."""
        text = self._pending + self._decoder.decode(piece, final)
        cut = None if final else _UNFINISHED.search(text)
        text, self._pending = (text[: cut.start()], text[cut.start() :]) if cut else (text, "")
        lines = strip_escapes(text).replace("\r\n", "\n").replace("\r", "\n")
        return "".join(sign for sign in lines if sign.isprintable() or sign in "\n\t")


# -- states and times


def run_state(status: RunStatus, reason: str | None) -> tuple[str, str]:
    """`✓ Succeeded` and its colour."""
    icon, colour = RUN_LOOKS[status]
    return f"{icon} {run_state_words(status, reason)}", colour


def run_sentence(status: RunStatus, reason: str | None, message: str | None) -> str:
    """The state or the end of a run, as one line: `✕ KeyError in cell 7: 'region'`."""
    state, _ = run_state(status, reason)
    return f"{state}." if message is None else f"{state[0]} {message}"


def schedule_state(state: ScheduleState) -> tuple[str, str]:
    """`‖ Paused` and its colour."""
    icon, colour = SCHEDULE_LOOKS[state]
    return f"{icon} {schedule_state_words(state)}", colour


def when(moment: datetime, now: datetime, viewer: tzinfo | None = None) -> str:
    """`just now`, `2 h ago`, `in 3 min`; a day away and more, `Tue 24 Nov 13:00 your time`.

    viewer: the zone in which the person reads; None is this machine's.
    """
    minutes = round(abs(moment - now) / _MINUTE)
    if minutes >= 24 * 60:
        local = moment.astimezone(viewer)
        return f"{short_date(local)} {local:%H:%M}{' your time' if local.utcoffset() else ' UTC'}"
    if minutes == 0:
        return "now" if moment > now else "just now"
    away = duration_text(60 * (minutes if minutes < 60 else round(minutes / 60) * 60))
    return f"in {away}" if moment > now else f"{away} ago"


# -- tables


def echo_table(
    headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: Sequence[int] = (), fold: bool = True
) -> None:
    """Print rows under headers; without headers, indented.  Coloured on a terminal unless NO_COLOR is set.

    right: the columns of numbers.  fold: fit a terminal by folding cells; else its lines run over, and an address in
    them can still be clicked and copied.
    """
    table = Table(box=None, pad_edge=not any(headers), padding=(0, 2), show_header=any(headers), header_style="bold")
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    # made for each table: standard output may be another one now
    console = Console(width=None if fold and sys.stdout.isatty() else _PIPE)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _text(cell: Cell) -> Text:
    text, style = cell if isinstance(cell, tuple) else (cell, "")
    return Text(plain(text), style=style)
