"""Counting occurrences, and walking back through them: the same as meeting each of them in order."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.timing import recurrence

EXPRESSIONS = ("* * * * *", "*/20 * * * *", "30 2 * * *", "0 0 L * *", "15 1-3 * 3,10 SUN", "0 */7 1,15 * MON")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia")
#: both clock changes of that year are within reach
START = datetime(2026, 1, 1, tzinfo=UTC)

timings = st.builds(Timing, cron=st.sampled_from(EXPRESSIONS), timezone=st.sampled_from(ZONES))
moments = st.integers(0, 400 * 86400).map(lambda seconds: START + timedelta(seconds=seconds))


@given(timings, moments, st.integers(0, 9 * 86400))
def test_the_count_is_how_many_there_are(timing: Timing, start: datetime, seconds: int) -> None:
    end = start + timedelta(seconds=seconds)
    assert recurrence.count(timing, start, end) == len(list(recurrence.between(timing, start, end)))


@given(timings, moments)
def test_walking_back_meets_the_same_ones_in_reverse(timing: Timing, end: datetime) -> None:
    back = list(islice(recurrence.until(timing, end), 30))
    assert back[::-1] == list(recurrence.between(timing, back[-1].instant - timedelta(seconds=1), end))


def test_a_single_time_counts_once() -> None:
    once = Timing(once=START)
    second = timedelta(seconds=1)
    assert [recurrence.count(once, START - second, START), recurrence.count(once, START, START + second)] == [1, 0]


def test_a_year_of_minutes_is_counted_without_meeting_them(monkeypatch: pytest.MonkeyPatch) -> None:
    met = 0
    meet = recurrence._on

    def counting(of: recurrence.Recurrence, day: date) -> tuple[recurrence.Occurrence, ...]:
        nonlocal met
        found = meet(of, day)
        met += len(found)
        return found

    monkeypatch.setattr(recurrence, "_on", counting)
    minutes = Timing(cron="* * * * *", timezone="Europe/Berlin")
    assert recurrence.count(minutes, START, START + timedelta(days=365)) == 365 * 24 * 60
    assert met < 20 * 24 * 60
