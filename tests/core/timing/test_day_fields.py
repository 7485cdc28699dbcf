"""The two day fields of a cron expression, by the one table that there is: that of docs/cron.md."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_schedule.api.frequencies import timing_of
from jupyter_schedule.api.requests import Frequency
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.cron import dates

DOCUMENT = Path(__file__).parents[3] / "docs" / "cron.md"
ROWS = re.findall(r"^\| `(\S+)` \| `(\S+)` \| ([\w ]+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
START = datetime(2030, 4, 1, tzinfo=UTC) - timedelta(minutes=1)


def named_days(words: str) -> list[int]:
    if words == "every day":
        return list(range(1, 31))
    return [int(word) for word in words.split() if word != "none"]


def test_the_table_has_every_kind_of_field() -> None:
    assert len(ROWS) == 22


@pytest.mark.parametrize(("day", "weekday", "words"), ROWS)
def test_the_calendar_is_the_tables(day: str, weekday: str, words: str) -> None:
    assert [found.day for found in dates(f"0 0 {day} * {weekday}", 2030, 4)] == named_days(words)


@pytest.mark.parametrize(("day", "weekday", "words"), ROWS)
def test_the_form_means_the_tables_days(day: str, weekday: str, words: str) -> None:
    timing = timing_of(Frequency(kind="cron", cron=f"0 0 {day} 4 {weekday}", timezone="UTC"))
    found = recurrence.between(timing, START, START + timedelta(days=30))
    assert [each.instant.day for each in found] == named_days(words)
