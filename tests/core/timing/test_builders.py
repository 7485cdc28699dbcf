from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.timing import builders

naive = datetime.fromisoformat


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12", time(12)),
        ("0", time(0)),
        ("930", time(9, 30)),
        ("1230", time(12, 30)),
        ("12:30", time(12, 30)),
        ("9:05", time(9, 5)),
        ("09.30", time(9, 30)),
        (" 12:30 pm ", time(12, 30)),
        ("12:30 am", time(0, 30)),
        ("6am", time(6)),
        ("6 p.m.", time(18)),
        ("11:59 PM", time(23, 59)),
        ("23:59", time(23, 59)),
    ],
)
def test_a_time_of_day_is_read_as_people_write_it(text: str, moment: time) -> None:
    assert builders.parse_time_of_day(text) == moment


@pytest.mark.parametrize(
    "text", ["", "24:00", "12:60", "13 pm", "0 am", "noon", "12:3", "1:2:3", "-1", "12:30 xm", "٣:00", "12345"]
)
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"write a time such as 12:00\.") as refused:
        builders.parse_time_of_day(text)
    assert (refused.value.code, refused.value.field) == ("bad_time", "at")


@pytest.mark.parametrize(
    ("timing", "cron"),
    [
        (builders.daily("12:00"), "0 12 * * *"),
        (builders.weekdays("6:30"), "30 6 * * 1-5"),
        (builders.hourly(), "0 * * * *"),
        (builders.hourly(17), "17 * * * *"),
        (builders.weekly(["Monday"], "12"), "0 12 * * 1"),
        (builders.weekly("thursday", "12"), "0 12 * * 4"),
        (builders.weekly(["sun", "TH", "mon", "Mon"], "06:30"), "30 6 * * 1,4,0"),
        (builders.monthly(31, "12:00"), "0 12 31 * *"),
        (builders.monthly("L", "12:00"), "0 12 L * *"),
        (builders.monthly_weekday(1, "Monday", "9:00"), "0 9 * * 1#1"),
        (builders.monthly_weekday("L", "sun", "9:00"), "0 9 * * 0L"),
        (builders.from_cron("@daily"), "0 0 * * *"),
        (builders.from_cron("'0 9 * * 1'"), "0 9 * * 1"),
        (builders.from_cron("`0 9 * * 1`"), "0 9 * * 1"),
        (builders.from_cron("  - cron: '0 9 * * 1'"), "0 9 * * 1"),
        (builders.from_cron('schedule: "@daily"'), "0 0 * * *"),
        (builders.from_cron("0 9 * * MON#1 # the first Monday"), "0 9 * * MON#1"),
        (builders.from_cron("CRON_TZ=UTC 0 12 * * *", "Europe/Paris"), "0 12 * * *"),
    ],
)
def test_a_preset_is_a_cron_expression(timing: Timing, cron: str) -> None:
    assert timing == Timing(cron=cron, timezone="UTC")


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([], "Pick at least one day."),
        (["Mondy"], "“Mondy” isn't a day of the week. Did you mean Monday?"),
        (["m"], "“m” isn't a day of the week. Use Monday to Sunday."),
    ],
)
def test_a_week_needs_days(days: list[str], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        builders.weekly(days, "12:00")
    assert (refused.value.message, refused.value.field) == (sentence, "days")


@pytest.mark.parametrize("day", [0, 32, -1])
def test_a_month_has_at_most_31_days(day: int) -> None:
    with pytest.raises(Refused, match="use 1-31, or L for the last") as refused:
        builders.monthly(day, "12:00")
    assert refused.value.field == "day"


def test_an_hour_has_60_minutes() -> None:
    with pytest.raises(Refused, match="use 0-59"):
        builders.hourly(60)


def test_a_preset_refuses_an_unknown_zone() -> None:
    with pytest.raises(Refused, match="America/Los_Angeles"):
        builders.daily("12:00", "PST")


@pytest.mark.parametrize(
    ("at", "instant"),
    [
        (naive("2026-11-24 12:00"), datetime(2026, 11, 24, 11, tzinfo=UTC)),
        (datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)),
        (datetime(2026, 11, 24, 12, tzinfo=ZoneInfo("Asia/Tokyo")), datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (naive("2027-03-28 02:30"), datetime(2027, 3, 28, 1, tzinfo=UTC)),
        (naive("2026-10-25 02:30"), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (naive("2026-10-25 02:30").replace(fold=1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_once_is_an_instant_read_in_its_zone(at: datetime, instant: datetime) -> None:
    assert builders.once(at, "Europe/Paris") == Timing(once=instant, timezone="Europe/Paris")


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_once_lies_in_the_years_that_can_be_scheduled(year: int) -> None:
    with pytest.raises(Refused, match=r"Write a year from 1970 to 9998\."):
        builders.once(naive(f"{year:04}-01-01"), "Europe/Paris")
