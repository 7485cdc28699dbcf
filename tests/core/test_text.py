from datetime import date

import pytest

from jupyter_schedule.core.text import duration, listed, ordinal, quoted, short_date


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


@pytest.mark.parametrize(("minutes", "text"), [(1, "1 min"), (60, "1 h"), (125, "2 h 5 min"), (1440, "24 h")])
def test_minutes_read_as_hours_and_minutes(minutes: int, text: str) -> None:
    assert duration(minutes) == text
