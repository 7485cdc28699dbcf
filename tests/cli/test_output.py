from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jupyter_schedule.cli.output import LogText, plain, when

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
#: colours, a title, a carriage return, an 8-bit control, a two-character escape, letters of several bytes
LOG = b"\x1b[1;31mr\xc3\xa9d\x1b[0m\x1b]0;title\x07 10%\r 20%\r\nend\x1b7\x9b\xe2\x9c\x93\x1b]8;;u\x1b\\t\tab\x08\n"


def test_names_can_command_no_terminal() -> None:
    assert plain("a\nb\x1b[31m\u202e “é”") == "a\\nb\\x1b[31m\\u202e “é”"


@pytest.mark.parametrize("cut", range(len(LOG) + 1))
def test_a_log_is_text_wherever_its_pieces_are_cut(cut: int) -> None:
    text = LogText()
    shown = text.feed(LOG[:cut]) + text.feed(LOG[cut:]) + text.feed(b"", final=True)
    assert shown == "réd 10%\n 20%\nend�✓t\tab\n"


def test_a_sequence_that_never_ends_hides_nothing_after_it() -> None:
    text = LogText()
    assert "later" in text.feed(b"\x1b]0;" + b"x" * 600) + text.feed(b"\nlater\n")
    assert text.feed(b"\x1b[", final=True) == "["


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=29), "now"),
        (timedelta(seconds=-29), "just now"),
        (timedelta(minutes=3), "in 3 min"),
        (timedelta(minutes=-119), "2 h ago"),
        (timedelta(hours=23), "in 23 h"),
        (timedelta(days=-1), "Mon 23 Nov 13:00 your time"),
    ],
)
def test_times_within_a_day_are_told_by_their_distance(away: timedelta, words: str) -> None:
    assert when(NOON + away, NOON, ZoneInfo("Europe/Paris")) == words
