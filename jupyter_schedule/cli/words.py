"""How the terminal shows texts, times, durations and states; pure."""

import codecs
import re
from datetime import datetime, timedelta, tzinfo

from jupyter_schedule.core.descriptions import reader_time
from jupyter_schedule.core.models import Reason, Run, RunStatus, ScheduleState
from jupyter_schedule.core.text import duration

_MINUTE = timedelta(minutes=1)
#: icon, word and colour of each state; none of the three stands alone
RUN_STATES = {
    RunStatus.DUE: ("○", "Waiting", ""),
    RunStatus.LAUNCHING: ("◔", "Starting", "blue"),
    RunStatus.RUNNING: ("◐", "Running", "blue"),
    RunStatus.PUBLISHING: ("◕", "Publishing", "blue"),
    RunStatus.SUCCEEDED: ("✓", "Succeeded", "green"),
    RunStatus.FAILED: ("✕", "Failed", "red"),
    RunStatus.TIMED_OUT: ("⧗", "Timed out", "red"),
    RunStatus.CANCELLED: ("■", "Stopped", ""),
    RunStatus.SKIPPED: ("–", "Skipped", ""),  # noqa: RUF001  (the icon)
}
SCHEDULE_STATES = {
    ScheduleState.ACTIVE: ("●", "Active", ""),
    ScheduleState.PAUSED: ("‖", "Paused", "yellow"),
    ScheduleState.REHEARSING: ("○", "Waits for its rehearsal", "yellow"),
    ScheduleState.ENDED: ("■", "Ended", ""),
    ScheduleState.DELETED: ("✕", "Deleted", ""),
}
#: control sequences of terminals (ECMA-48): CSI, strings that BEL or ST ends, two-character escapes
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])")
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
        lines = _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        return "".join(sign for sign in lines if sign.isprintable() or sign in "\n\t")


def run_state(run: Run) -> tuple[str, str]:
    """`✓ Succeeded` and its colour."""
    icon, word, colour = RUN_STATES[run.status]
    return f"{icon} {'Missed' if run.reason is Reason.MISSED else word}", colour


def run_sentence(run: Run) -> str:
    """How a run is or ended, as one line: `✕ KeyError in cell 7: 'region'`."""
    state, _ = run_state(run)
    if run.message is None:
        return f"{state}."
    return f"{state[0]} {run.message}"


def schedule_state(state: ScheduleState) -> tuple[str, str]:
    """`‖ Paused` and its colour."""
    icon, word, colour = SCHEDULE_STATES[state]
    return f"{icon} {word}", colour


def when(moment: datetime, now: datetime, reader: tzinfo | None = None) -> str:
    """`just now`, `2 h ago`, `in 3 min`; a day away and more, `Tue 24 Nov 13:00 your time`."""
    minutes = round(abs(moment - now) / _MINUTE)
    if minutes >= 24 * 60:
        return reader_time(moment, reader)
    if minutes == 0:
        return "now" if moment > now else "just now"
    away = duration(minutes if minutes < 60 else round(minutes / 60) * 60)
    return f"in {away}" if moment > now else f"{away} ago"


def seconds_text(seconds: float | None) -> str:
    """`6.0 s`, `45 s`, `4 min`, `2 h 5 min`; empty when it isn't known."""
    if seconds is None:
        return ""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return duration(round(seconds / 60))
