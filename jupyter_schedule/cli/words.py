"""How the terminal shows texts, times, durations and states; pure."""

import codecs
import re
from datetime import datetime, timedelta, tzinfo

from jupyter_schedule.core.descriptions import reader_time
from jupyter_schedule.core.models import Run, RunStatus, ScheduleState
from jupyter_schedule.core.text import duration_text, run_state_words, schedule_state_words, strip_escapes

_MINUTE = timedelta(minutes=1)
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
}
#: one that isn't over yet; none is longer than a title
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,500}\x1b?|[ -/]*)\Z|\r\Z")


def plain(text: str) -> str:
    """`text` on one line, with whatever a terminal would obey written out: `\\n`, `\\x1b`."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


class LogText:
    """A log's bytes as text for a terminal: colours, titles and other commands to it are dropped, lines are kept.

    A character or a sequence that is cut between two pieces is put together again.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._pending = ""

    def feed(self, piece: bytes, *, final: bool = False) -> str:
        """What to show of the next piece."""
        text = self._pending + self._decoder.decode(piece, final)
        cut = None if final else _UNFINISHED.search(text)
        text, self._pending = (text[: cut.start()], text[cut.start() :]) if cut else (text, "")
        lines = strip_escapes(text).replace("\r\n", "\n").replace("\r", "\n")
        return "".join(sign for sign in lines if sign.isprintable() or sign in "\n\t")


def run_state(run: Run) -> tuple[str, str]:
    """`✓ Succeeded` and its colour."""
    icon, colour = RUN_LOOKS[run.status]
    return f"{icon} {run_state_words(run.status, run.reason)}", colour


def run_sentence(run: Run) -> str:
    """How a run is or ended, as one line: `✕ KeyError in cell 7: 'region'`."""
    state, _ = run_state(run)
    if run.message is None:
        return f"{state}."
    return f"{state[0]} {run.message}"


def schedule_state(state: ScheduleState) -> tuple[str, str]:
    """`‖ Paused` and its colour."""
    icon, colour = SCHEDULE_LOOKS[state]
    return f"{icon} {schedule_state_words(state)}", colour


def when(moment: datetime, now: datetime, reader: tzinfo | None = None) -> str:
    """`just now`, `2 h ago`, `in 3 min`; a day away and more, `Tue 24 Nov 13:00 your time`."""
    minutes = round(abs(moment - now) / _MINUTE)
    if minutes >= 24 * 60:
        return reader_time(moment, reader)
    if minutes == 0:
        return "now" if moment > now else "just now"
    away = duration_text(60 * (minutes if minutes < 60 else round(minutes / 60) * 60))
    return f"in {away}" if moment > now else f"{away} ago"
