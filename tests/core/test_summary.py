"""The sentence about a schedule."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from jupyter_schedule.core.models import ScheduleState, Spec, Timing, Visibility
from jupyter_schedule.core.summary import duration, schedule_summary, summary
from tests.factories import NOON, make_schedule, make_spec

PARIS = ZoneInfo("Europe/Paris")
UTC_READER = ZoneInfo("UTC")
NOW = NOON - timedelta(hours=23)
BASE = "file:///home/ann/published"


@pytest.mark.parametrize(
    ("spec", "reader", "sentence"),
    [
        (
            make_spec(publication_base=BASE),
            PARIS,
            "Runs every day at 12:00 UTC, next Tue 24 Nov 13:00 your time; stops after 2 h; "
            "keeps results in the folder published/bikes.",
        ),
        (
            make_spec(publication_base=BASE, visibility=Visibility.NONE, timeout=45),
            UTC_READER,
            "Runs every day at 12:00 UTC, next Tue 24 Nov 12:00 UTC; stops after 45 min; "
            "keeps results with each run, unpublished.",
        ),
        (
            make_spec(publication_base=BASE, timing=Timing(cron="0 12 31 * *")),
            PARIS,
            "Runs on day 31 at 12:00 UTC (skips the 5 months without one), next Thu 31 Dec 13:00 your time; "
            "stops after 2 h; keeps results in the folder published/bikes.",
        ),
        (
            make_spec(publication_base=BASE, timing=Timing(once=NOON)),
            PARIS,
            "Runs once, on Tue 24 Nov 2026 at 12:00 UTC, next Tue 24 Nov 13:00 your time; stops after 2 h; "
            "keeps results in the folder published/bikes.",
        ),
    ],
)
def test_a_schedule_reads_as_one_sentence_in_the_readers_time(spec: Spec, reader: ZoneInfo, sentence: str) -> None:
    assert summary("bikes", spec, NOW, reader) == sentence


def test_a_paused_schedule_says_so_first() -> None:
    paused = make_schedule("bikes", spec=make_spec(publication_base=BASE), state=ScheduleState.PAUSED, changed_by="ann")
    assert schedule_summary(paused, NOW, PARIS) == (
        "Paused by ann since Mon 23 Nov, would next run Tue 24 Nov 13:00 your time; stops after 2 h; "
        "keeps results in the folder published/bikes."
    )


def test_on_a_persons_own_server_who_paused_it_is_that_person() -> None:
    paused = make_schedule("bikes", spec=make_spec(publication_base=BASE), state=ScheduleState.PAUSED)
    assert schedule_summary(paused, NOW, PARIS).startswith("Paused by you since Mon 23 Nov, would next run")


def test_a_schedule_that_has_ended_says_that() -> None:
    spec = make_spec(publication_base=BASE, timing=Timing(once=NOON))
    ended = make_schedule("bikes", spec=spec, state=ScheduleState.ENDED)
    assert schedule_summary(ended, NOON + timedelta(days=1), PARIS) == (
        "Ended: it ran once, on Tue 24 Nov 2026 at 12:00 UTC, and no time is left; "
        "keeps results in the folder published/bikes."
    )


@pytest.mark.parametrize(("minutes", "text"), [(1, "1 min"), (60, "1 h"), (125, "2 h 5 min"), (1440, "24 h")])
def test_minutes_read_as_hours_and_minutes(minutes: int, text: str) -> None:
    assert duration(minutes) == text
