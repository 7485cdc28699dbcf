from datetime import date

import pytest

from jupyter_schedule.core.models import Reason, RunStatus, ScheduleState
from jupyter_schedule.core.text import (
    LONGEST_BEGUN,
    decode_next,
    duration_text,
    listed,
    ordinal,
    quoted,
    run_state_words,
    schedule_state_words,
    short_date,
    strip_escapes,
)


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_a_list_reads_as_in_a_sentence(words: list[str], text: str) -> None:
    assert listed(words) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (22, "22nd"),
        (30, "30th"),
    ],
)
def test_a_day_of_the_month_is_an_ordinal(number: int, text: str) -> None:
    assert ordinal(number) == text


def test_what_a_person_wrote_is_echoed_on_one_line_and_cut() -> None:
    assert quoted("Zürich") == "“Zürich”"
    assert quoted("a\nb\x1b[31m") == "“a�b�[31m”"
    assert quoted("x" * 50) == f"“{'x' * 40}…”"


def test_a_date_is_written_in_english() -> None:
    assert short_date(date(2027, 3, 28)) == "Sun 28 Mar"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0 s"), (6.04, "6 s"), (6.12, "6.1 s"), (9.96, "10 s"), (59.4, "59 s"), (59.7, "1 min"), (60, "1 min"),
        (95, "1 min 35 s"), (125, "2 min 5 s"), (3599.7, "1 h"), (7200, "2 h"), (5400, "1 h 30 min"),
        (7501, "2 h 5 min"), (86400, "24 h"),
    ],
)  # fmt: skip
def test_a_duration_has_two_digits_or_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    "text", ["\x1b[1;31mred\x1b[0m", "\x1b]0;title\x07red", "\x1b]8;;u\x1b\\red", "\x1b7r\x1b(Bed"]
)
def test_what_commands_a_terminal_is_dropped(text: str) -> None:
    assert strip_escapes(text) == "red"


def test_every_state_has_words() -> None:
    assert all(run_state_words(status, None) for status in RunStatus)
    assert all(schedule_state_words(state) for state in ScheduleState)
    assert run_state_words(RunStatus.SKIPPED, Reason.MISSED) == "Missed"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("raw", ["aé€😀\n".encode() * 3, b"\xff\x80a\xe2\x82b\xf0\x9f\x98c\xe2\xe2\x82\xac\xc3\n"])
def test_pieces_of_bytes_are_the_text_that_all_of_them_are(raw: bytes, size: int) -> None:
    pieces = [
        decode_next(raw[max(0, start - LONGEST_BEGUN) : start], raw[start : start + size])
        for start in range(0, len(raw), size)
    ]
    assert "".join(pieces) == raw.decode(errors="replace")
