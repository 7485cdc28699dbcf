from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.timing import recurrence

SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    """The instant that `2027-03-28 01:00` names in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def timing(cron: str, zone: str = "UTC") -> Timing:
    return Timing(cron=cron, timezone=zone)


def due(cron: str, zone: str, start: str, end: str) -> list[str]:
    """Key and UTC time of every occurrence in (start, end], a line each."""
    found = recurrence.between(timing(cron, zone), at(start), at(end))
    return [f"{occurrence.key} {occurrence.instant:%d %H:%M}" for occurrence in found]


def note(cron: str, zone: str, instant: str) -> str | None:
    """The note of the occurrence at that instant."""
    occurrence = recurrence.latest_until(timing(cron, zone), at(instant))
    assert occurrence is not None
    assert occurrence.instant == at(instant)
    return occurrence.note


@pytest.mark.promise("P8", "P9", "P11")
@pytest.mark.parametrize(
    ("cron", "zone", "start", "end", "expected"),
    [
        pytest.param(
            "30 2 * * *", "Europe/Paris", "2027-03-27 12:00", "2027-03-29 12:00",
            ["2027-03-28T02:30/0 28 01:00", "2027-03-29T02:30/0 29 00:30"],
            id="a skipped fixed time runs at the first instant after the gap",
        ),
        pytest.param(
            "0 2,3 * * *", "Europe/Paris", "2027-03-27 12:00", "2027-03-28 12:00",
            ["2027-03-28T03:00/0 28 01:00"],
            id="times on one instant are one, named by the wall time that exists",
        ),
        pytest.param(
            "45,15 2 * * *", "Europe/Paris", "2027-03-27 12:00", "2027-03-28 12:00",
            ["2027-03-28T02:15/0 28 01:00"],
            id="times on one instant are one, else named by the earliest",
        ),
        pytest.param(
            "30 2 * * *", "Europe/Paris", "2026-10-24 12:00", "2026-10-26 12:00",
            ["2026-10-25T02:30/0 25 00:30", "2026-10-26T02:30/0 26 01:30"],
            id="a repeated fixed time runs the first time",
        ),
        pytest.param(
            "30 1-3 * * *", "Europe/Paris", "2026-10-24 12:00", "2026-10-25 12:00",
            ["2026-10-25T01:30/0 24 23:30", "2026-10-25T02:30/0 25 00:30", "2026-10-25T03:30/0 25 02:30"],
            id="a range of hours is fixed",
        ),
        pytest.param(
            "30 * * * *", "Europe/Paris", "2027-03-27 23:59", "2027-03-28 02:00",
            ["2027-03-28T01:30/0 28 00:30", "2027-03-28T03:30/0 28 01:30"],
            id="a skipped hour of an hourly schedule doesn't run",
        ),
        pytest.param(
            "30 * * * *", "Europe/Paris", "2026-10-24 23:59", "2026-10-25 02:00",
            ["2026-10-25T02:30/0 25 00:30", "2026-10-25T02:30/1 25 01:30"],
            id="a repeated hour of an hourly schedule runs twice",
        ),
        pytest.param(
            "*/30 2 * * *", "Europe/Paris", "2027-03-27 12:00", "2027-03-29 12:00",
            ["2027-03-29T02:00/0 29 00:00", "2027-03-29T02:30/0 29 00:30"],
            id="a step of minutes follows the wall clock",
        ),
        pytest.param(
            "0 */2 * * *", "Europe/Paris", "2027-03-27 22:30", "2027-03-28 04:00",
            ["2027-03-28T00:00/0 27 23:00", "2027-03-28T04:00/0 28 02:00", "2027-03-28T06:00/0 28 04:00"],
            id="a step of hours doesn't invent a run in spring",
        ),
        pytest.param(
            "0 0 * * *", "America/Santiago", "2026-09-05 12:00", "2026-09-07 12:00",
            ["2026-09-06T00:00/0 06 04:00", "2026-09-07T00:00/0 07 03:00"],
            id="a missing midnight in Santiago runs that day",
        ),
        pytest.param(
            "0 0 * * *", "Africa/Cairo", "2026-04-23 12:00", "2026-04-24 12:00",
            ["2026-04-24T00:00/0 23 22:00"],
            id="a missing midnight in Cairo runs that day",
        ),
        pytest.param(
            "0 0 * * *", "Asia/Beirut", "2026-03-28 12:00", "2026-03-29 12:00",
            ["2026-03-29T00:00/0 28 22:00"],
            id="a missing midnight in Beirut runs that day",
        ),
        pytest.param(
            "0 0 * * *", "America/Havana", "2026-10-31 12:00", "2026-11-01 12:00",
            ["2026-11-01T00:00/0 01 04:00"],
            id="a repeated midnight in Havana runs once",
        ),
        pytest.param(
            "30 23 * * *", "America/Santiago", "2026-04-04 12:00", "2026-04-05 12:00",
            ["2026-04-04T23:30/0 05 02:30"],
            id="the hour before midnight repeated in Santiago runs once",
        ),
        pytest.param(
            "*/30 23 * * *", "America/Santiago", "2026-04-04 12:00", "2026-04-05 04:00",
            [
                "2026-04-04T23:00/0 05 02:00", "2026-04-04T23:30/0 05 02:30",
                "2026-04-04T23:00/1 05 03:00", "2026-04-04T23:30/1 05 03:30",
            ],
            id="the hour before midnight repeated in Santiago runs twice by the wall clock",
        ),
        pytest.param(
            "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", "2026-10-04 00:00",
            ["2026-10-04T02:15/0 03 15:30"],
            id="half an hour skipped on Lord Howe",
        ),
        pytest.param(
            "*/15 1 * * *", "Australia/Lord_Howe", "2027-04-03 14:00", "2027-04-03 16:00",
            [
                "2027-04-04T01:15/0 03 14:15", "2027-04-04T01:30/0 03 14:30", "2027-04-04T01:45/0 03 14:45",
                "2027-04-04T01:30/1 03 15:00", "2027-04-04T01:45/1 03 15:15",
            ],
            id="half an hour repeated on Lord Howe",
        ),
        pytest.param(
            "30 1,2 * * *", "Antarctica/Troll", "2027-03-27 12:00", "2027-03-28 12:00",
            ["2027-03-28T01:30/0 28 01:00"],
            id="two hours skipped at Troll",
        ),
        pytest.param(
            "30 2 * * *", "Africa/Casablanca", "2026-02-14 12:00", "2026-02-16 12:00",
            ["2026-02-15T02:30/0 15 01:30", "2026-02-16T02:30/0 16 02:30"],
            id="clocks go back for Ramadan in Casablanca",
        ),
        pytest.param(
            "30 1 * * *", "Europe/Dublin", "2026-10-24 12:00", "2026-10-25 12:00",
            ["2026-10-25T01:30/0 25 00:30"],
            id="winter is the time saved in Dublin",
        ),
        pytest.param(
            "0 9 * * *", "Pacific/Apia", "2011-12-29 12:00", "2011-12-31 00:00",
            ["2011-12-29T09:00/0 29 19:00", "2011-12-30T09:00/0 30 10:00", "2011-12-31T09:00/0 30 19:00"],
            id="a day that doesn't exist runs at its end",
        ),
        pytest.param(
            "0 */12 * * *", "Pacific/Apia", "2011-12-29 12:00", "2011-12-31 00:00",
            ["2011-12-29T12:00/0 29 22:00", "2011-12-31T00:00/0 30 10:00", "2011-12-31T12:00/0 30 22:00"],
            id="a day that doesn't exist has no wall times",
        ),
        pytest.param(
            "0 0 * * *", "Asia/Kathmandu", "2026-01-01 00:00", "2026-01-02 00:00",
            ["2026-01-02T00:00/0 01 18:15"],
            id="a zone without clock changes",
        ),
        pytest.param(
            "0 12 31 * *", "UTC", "2026-03-01 00:00", "2026-07-01 00:00",
            ["2026-03-31T12:00/0 31 12:00", "2026-05-31T12:00/0 31 12:00"],
            id="day 31 skips the months without one",
        ),
        pytest.param(
            "0 12 L * *", "UTC", "2028-02-01 00:00", "2028-05-01 00:00",
            ["2028-02-29T12:00/0 29 12:00", "2028-03-31T12:00/0 31 12:00", "2028-04-30T12:00/0 30 12:00"],
            id="L is the last day of every month",
        ),
    ],
)  # fmt: skip
def test_due_times(cron: str, zone: str, start: str, end: str, expected: list[str]) -> None:
    assert due(cron, zone, start, end) == expected


@pytest.mark.promise("P10")
@pytest.mark.parametrize(("day", "count"), [("2027-03-28", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_an_hourly_schedule_runs_as_often_as_the_day_has_hours(day: str, count: int) -> None:
    hours = timing("0 * * * *", "Europe/Paris")
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Paris"))
    end = start + timedelta(days=1)
    assert len(list(recurrence.between(hours, start - SECOND, end - SECOND))) == count


@pytest.mark.parametrize(
    ("cron", "zone", "instant", "sentence"),
    [
        ("30 2 * * *", "Europe/Paris", "2027-03-27 01:30", None),
        (
            "30 2 * * *", "Europe/Paris", "2027-03-28 01:00",
            "02:30 doesn't exist on Sun 28 Mar; it runs at 03:00 that day.",
        ),
        (
            "0 2,3 * * *", "Europe/Paris", "2027-03-28 01:00",
            "02:00 doesn't exist on Sun 28 Mar; it runs at 03:00 that day.",
        ),
        (
            "15,45 2 * * *", "Europe/Paris", "2027-03-28 01:00",
            "02:15 and 02:45 don't exist on Sun 28 Mar; they run once, at 03:00 that day.",
        ),
        (
            "0-59 2 * * *", "Europe/Paris", "2027-03-28 01:00",
            "02:00 to 02:59 don't exist on Sun 28 Mar; they run once, at 03:00 that day.",
        ),
        (
            "0 9 * * *", "Pacific/Apia", "2011-12-30 10:00",
            "09:00 doesn't exist on Fri 30 Dec; it runs at 00:00 on Sat 31 Dec.",
        ),
        (
            "30 1 * * *", "Europe/London", "2026-10-25 00:30",
            "01:30 happens twice on Sun 25 Oct; it runs the first time.",
        ),
        ("30 * * * *", "Europe/London", "2026-10-25 00:30", "01:30 happens twice on Sun 25 Oct; it runs both times."),
        ("30 * * * *", "Europe/London", "2026-10-25 01:30", "01:30 happens twice on Sun 25 Oct; it runs both times."),
        ("30 * * * *", "Europe/London", "2026-10-25 02:30", None),
    ],
)  # fmt: skip
def test_a_note_says_what_a_clock_change_does(cron: str, zone: str, instant: str, sentence: str | None) -> None:
    assert note(cron, zone, instant) == sentence


def test_local_is_what_clocks_show_then() -> None:
    occurrence = recurrence.next_after(timing("30 2 * * *", "Europe/Paris"), at("2027-03-28 00:00"))
    assert occurrence is not None
    assert occurrence.local.isoformat() == "2027-03-28T03:00:00+02:00"
    assert occurrence.nominal == datetime.fromisoformat("2027-03-28T02:30")


def test_a_single_time_is_its_only_occurrence() -> None:
    single = Timing(once=at("2026-11-24 12:00"), timezone="Europe/Paris")
    occurrence = recurrence.next_after(single, at("2026-11-24 11:59"))
    assert occurrence is not None
    assert (occurrence.instant, occurrence.key, occurrence.note) == (at("2026-11-24 12:00"), "2026-11-24T13:00/0", None)
    assert list(recurrence.after(single, at("2026-11-24 12:00"))) == []
    assert recurrence.latest_until(single, at("2026-11-24 12:00")) == occurrence
    assert recurrence.latest_until(single, at("2026-11-24 11:59")) is None


@pytest.mark.parametrize(("instant", "key", "which"), [("00:30", "01:30/0", "first"), ("01:30", "01:30/1", "second")])
def test_a_single_time_in_an_overlap_says_which_it_is(instant: str, key: str, which: str) -> None:
    single = Timing(once=at(f"2026-10-25 {instant}"), timezone="Europe/London")
    (occurrence,) = recurrence.after(single, at("2026-10-01 00:00"))
    assert occurrence.key == f"2026-10-25T{key}"
    assert occurrence.note == f"01:30 happens twice on Sun 25 Oct; it runs the {which} time."


@pytest.mark.parametrize(
    ("bad", "code", "field"),
    [
        (timing("0 0 30 2 *"), "never_matches", "cron"),
        (timing("@reboot"), "bad_cron", "cron"),
        (timing("0 12 * * *", "PST"), "unknown_timezone", "timezone"),
        (Timing(once=at("2026-11-24 12:00"), timezone="Mars"), "unknown_timezone", "timezone"),
        (Timing(once=datetime(9999, 12, 31, 23, tzinfo=UTC)), "bad_time", "once"),
    ],
)
def test_check_refuses_and_names_the_field(bad: Timing, code: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        recurrence.check(bad)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize("good", [timing("0 12 * * *", "Europe/Paris"), Timing(once=at("2026-11-24 12:00"))])
def test_check_accepts_what_can_be_scheduled(good: Timing) -> None:
    recurrence.check(good)


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        recurrence.next_after(timing("0 12 * * *"), datetime.fromisoformat("2026-01-01"))


def test_a_fraction_of_a_second_is_dropped() -> None:
    noon = at("2026-01-01 12:00")
    occurrence = recurrence.latest_until(timing("0 12 * * *"), noon.replace(microsecond=1))
    assert occurrence is not None
    assert occurrence.instant == noon


def test_after_excludes_its_start_and_between_includes_its_end() -> None:
    assert due("0 12 * * *", "UTC", "2026-01-01 12:00", "2026-01-02 12:00") == ["2026-01-02T12:00/0 02 12:00"]


@pytest.mark.promise("P12")
def test_29_february_skips_eight_years_around_2100() -> None:
    leap = timing("0 0 29 2 *")
    assert [found.instant.year for found in islice(recurrence.after(leap, at("2090-01-01 00:00")), 3)] == [
        2092,
        2096,
        2104,
    ]
    before = recurrence.latest_until(leap, at("2104-02-28 23:59"))
    assert before is not None
    assert before.instant.year == 2096


@pytest.mark.parametrize(
    ("moment", "following", "preceding"),
    [
        (datetime.min.replace(tzinfo=UTC), 1970, None),
        (datetime.max.replace(tzinfo=UTC), None, 9998),
    ],
)
def test_the_calendar_has_ends(moment: datetime, following: int | None, preceding: int | None) -> None:
    yearly = timing("0 0 1 6 *", "Asia/Tokyo")
    later, earlier = recurrence.next_after(yearly, moment), recurrence.latest_until(yearly, moment)
    assert (later and later.nominal.year) == following
    assert (earlier and earlier.nominal.year) == preceding


@pytest.mark.parametrize(
    ("cron", "zone", "instant", "start"),
    [
        ("0 12 * * *", "UTC", "2026-11-24 12:00", "2026-11-23 12:00"),
        ("0 12 * * 1-5", "UTC", "2026-11-23 12:00", "2026-11-20 12:00"),
        ("0 0 L * *", "UTC", "2026-03-31 00:00", "2026-02-28 00:00"),
        ("0 9 * * *", "Europe/Paris", "2027-03-28 07:00", "2027-03-27 08:00"),
        ("0 * * * *", "Europe/Paris", "2026-10-25 01:00", "2026-10-25 00:00"),
    ],
)
def test_the_data_interval_starts_with_the_occurrence_before(cron: str, zone: str, instant: str, start: str) -> None:
    assert recurrence.data_interval(timing(cron, zone), at(instant)) == (at(start), at(instant))


def test_a_run_by_hand_is_about_the_last_complete_interval() -> None:
    daily = timing("0 12 * * *")
    complete = (at("2026-11-22 12:00"), at("2026-11-23 12:00"))
    assert recurrence.last_complete_interval(daily, at("2026-11-23 12:00")) == complete
    assert recurrence.last_complete_interval(daily, at("2026-11-24 11:59")) == complete


def test_a_single_time_has_an_empty_interval() -> None:
    instant, now = at("2026-11-24 12:00"), at("2026-12-01 09:00")
    single = Timing(once=instant)
    assert recurrence.data_interval(single, instant) == (instant, instant)
    assert recurrence.last_complete_interval(single, now) == (now, now)


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-11-24 12:00", "UTC", date(2026, 11, 23)),
        ("2026-11-24 20:00", "Asia/Tokyo", date(2026, 11, 24)),
        ("2026-03-01 02:00", "America/New_York", date(2026, 2, 27)),
    ],
)
def test_the_data_date_is_yesterday_in_the_zone(moment: str, zone: str, day: date) -> None:
    assert recurrence.data_date(at(moment), zone) == day


@pytest.mark.parametrize(
    ("cron", "shortest"),
    [
        ("0 12 * * *", timedelta(days=1)),
        ("* * * * *", timedelta(minutes=1)),
        ("*/7 * * * *", timedelta(minutes=4)),
        ("0 */5 * * *", timedelta(hours=4)),
        ("0,10 12 * * 1", timedelta(minutes=10)),
        ("0 1,23 * * 1", timedelta(hours=22)),
        ("0 1,23 * * 1,2", timedelta(hours=2)),
        ("0 12 * * 1,4", timedelta(days=3)),
        ("0 12 31 * *", timedelta(days=31)),
        ("0 12 1,L * *", timedelta(days=1)),
        ("0 12 1 1,12 *", timedelta(days=31)),
        ("0 12 1,13 * 5", timedelta(days=1)),
        ("0 0,22 25 12 *", timedelta(hours=22)),
        ("0 12 25 12 *", None),
        ("0 12 29 2 *", None),
    ],
)
def test_the_shortest_interval_of_an_expression(cron: str, shortest: timedelta | None) -> None:
    assert recurrence.shortest_interval(timing(cron, "Europe/Paris")) == shortest


def test_a_single_time_has_no_interval() -> None:
    assert recurrence.shortest_interval(Timing(once=at("2026-11-24 12:00"))) is None


ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Paris",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "Africa/Casablanca",
        "Pacific/Apia",
    ]
)
MOMENTS = st.datetimes(
    datetime.fromisoformat("1995-01-01"), datetime.fromisoformat("2060-01-01"), timezones=st.just(UTC)
)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """A cron expression from all parts of the grammar."""

    def field(low: int, high: int, *more: str) -> str:
        number = st.integers(low, high)
        element = st.one_of(
            number.map(str),
            st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
            st.integers(1, high - low + 1).map(lambda step: f"*/{step}"),
            *map(st.just, more),
        )
        return draw(st.one_of(st.just("*"), st.lists(element, min_size=1, max_size=3).map(",".join)))

    day = field(1, 28, "L", "29", "31") if draw(st.booleans()) else "*"
    return f"{field(0, 59)} {field(0, 23)} {day} {field(1, 12) if day == '*' else '*'} {field(0, 6, 'FRI-SUN')}"


@given(expressions(), ZONES, MOMENTS)
def test_occurrences_only_go_forward(cron: str, zone: str, moment: datetime) -> None:
    instants = [found.instant for found in islice(recurrence.after(timing(cron, zone), moment), 12)]
    assert instants[0] > moment.replace(microsecond=0)
    assert all(earlier < later for earlier, later in pairwise(instants))


@pytest.mark.promise("P5")
@given(expressions(), ZONES, MOMENTS, st.integers(0, 10), st.integers(0, 10**6))
def test_the_kth_occurrence_does_not_depend_on_where_one_starts(
    cron: str, zone: str, moment: datetime, k: int, gap: int
) -> None:
    found = list(islice(recurrence.after(timing(cron, zone), moment), k + 2))
    stretch = (found[k + 1].instant - found[k].instant).total_seconds()
    restart = found[k].instant + timedelta(seconds=int(gap % stretch))
    assert recurrence.next_after(timing(cron, zone), restart) == found[k + 1]


@given(expressions(), ZONES, MOMENTS)
def test_looking_back_agrees_with_looking_forward(cron: str, zone: str, moment: datetime) -> None:
    first, second = islice(recurrence.after(timing(cron, zone), moment), 2)
    assert recurrence.latest_until(timing(cron, zone), first.instant) == first
    assert recurrence.latest_until(timing(cron, zone), second.instant - SECOND) == first
    before = recurrence.latest_until(timing(cron, zone), moment)
    assert before is not None
    assert before.instant <= moment
    assert recurrence.next_after(timing(cron, zone), before.instant) == first
