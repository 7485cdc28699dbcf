"""The sentence about a schedule."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from jupyter_schedule.core.descriptions import schedule_summary, summary, upcoming
from jupyter_schedule.core.models import NotificationEvent, Notify, ScheduleState, Spec, Timing, Visibility
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


@pytest.mark.parametrize(
    ("notify", "unheard"),
    [
        (Notify(), False),
        (Notify(channels=("ops",), silence_by="09:00"), False),
        (Notify(silence_by="09:00"), True),
        (Notify(on=(NotificationEvent.FAILURE,)), True),
        (Notify(on=tuple(reversed(Notify().on))), False),
    ],
)
def test_who_picks_what_is_told_but_no_channel_is_told_so(notify: Notify, unheard: bool) -> None:
    said = summary("bikes", make_spec(publication_base=BASE, notify=notify), NOW, PARIS)
    told = " No channel is picked, so nothing but an open JupyterLab tells of what happens to it."
    assert said.endswith(f"published/bikes.{told}" if unheard else "published/bikes.")


def test_a_schedule_that_has_ended_says_that() -> None:
    spec = make_spec(publication_base=BASE, timing=Timing(once=NOON))
    ended = make_schedule("bikes", spec=spec, state=ScheduleState.ENDED)
    assert schedule_summary(ended, NOON + timedelta(days=1), PARIS) == (
        "Ran once, on Tue 24 Nov 2026 at 12:00 UTC, and has ended; keeps results in the folder published/bikes."
    )


def test_a_schedule_whose_zone_is_gone_says_so_and_has_no_next_times() -> None:
    spec = make_spec(publication_base=BASE, timing=Timing(cron="0 12 * * *", timezone="Mars/Phobos"))
    schedule = make_schedule("bikes", spec=spec)
    said = schedule_summary(schedule, NOW)
    assert said.startswith("Runs `0 12 * * *` in Mars/Phobos; its times can't be told: No zone called “Mars/Phobos”.")
    assert upcoming(schedule, NOW, 5) == []


@pytest.mark.promise("P16")
@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Timing(cron="30 6 * * 1,4"), "every Monday and Thursday at 06:30 UTC, next Thu 26 Nov 07:30 your time"),
        (Timing(cron="0 12 L * *"), "on the last day of every month at 12:00 UTC, next Mon 30 Nov 13:00 your time"),
        (
            Timing(cron="0 9 * * *", timezone="Europe/Paris"),
            "every day at 09:00 Paris time (08:00 UTC; 07:00 UTC from 28 Mar), next Tue 24 Nov 09:00 your time",
        ),
        (
            Timing(cron="0 6 * * 1-5"),
            "on `0 6 * * 1-5` (weekdays at 06:00 UTC), next Tue 24 Nov 07:00 your time",
        ),
    ],
)
def test_each_kind_of_frequency_is_said_in_its_own_words_with_the_next_time(timing: Timing, words: str) -> None:
    spec = make_spec(publication_base=BASE, timing=timing)
    assert summary("bikes", spec, NOW, PARIS).startswith(f"Runs {words}; stops after 2 h; ")


@pytest.mark.parametrize(
    ("visibility", "words"),
    [
        (Visibility.PRIVATE, "publishes privately to s3://team-results/bikes/."),
        (Visibility.PUBLIC, "publishes to everyone on the internet at s3://team-results/bikes/."),
    ],
)
def test_an_object_store_is_named_and_public_is_spelled_out(visibility: Visibility, words: str) -> None:
    spec = make_spec(publication_base="s3://team-results", visibility=visibility)
    assert summary("bikes", spec, NOW, PARIS).endswith(f"; {words}")
