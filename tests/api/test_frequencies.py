"""The form's frequency and the timing that it means, both ways."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_schedule.api.frequencies import frequency_of, timing_of
from jupyter_schedule.api.requests import Frequency
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing

#: the form's entries, the cron expression, and the entries as the form shows them again where they differ
BOTH_WAYS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({}, "0 12 * * *", {}),
    ({"at": "6:30 pm"}, "30 18 * * *", {"at": "18:30"}),
    ({"kind": "weekdays", "at": "09:05"}, "5 9 * * 1-5", {}),
    ({"kind": "weekly", "days": ("Mon",)}, "0 12 * * 1", {}),
    ({"kind": "weekly", "days": ("sun", "Thursday")}, "0 12 * * 4,0", {"days": ("Thu", "Sun")}),
    ({"kind": "monthly", "day_of_month": "31"}, "0 12 31 * *", {}),
    ({"kind": "monthly", "day_of_month": "last"}, "0 12 L * *", {"day_of_month": "L"}),
    ({"kind": "monthly", "day_of_month": "first Monday"}, "0 12 * * 1#1", {}),
    ({"kind": "monthly", "day_of_month": "the 2nd tue"}, "0 12 * * 2#2", {"day_of_month": "second Tuesday"}),
    ({"kind": "monthly", "day_of_month": "5L"}, "0 12 * * 5L", {"day_of_month": "last Friday"}),
    ({"kind": "monthly", "day_of_month": "SUN#3"}, "0 12 * * 0#3", {"day_of_month": "third Sunday"}),
    ({"kind": "hourly", "at": "12:00"}, "0 * * * *", {"at": ":00"}),
    ({"kind": "hourly", "at": ":5"}, "5 * * * *", {"at": ":05"}),
    ({"kind": "hourly", "at": "59"}, "59 * * * *", {"at": ":59"}),
    ({"kind": "cron", "cron": "*/5 8-18 * * 1-5"}, "*/5 8-18 * * 1-5", {"at": "12:00"}),
    ({"kind": "cron", "cron": "0 12 1 1 *"}, "0 12 1 1 *", {}),
]


@pytest.mark.parametrize(("entries", "cron", "again"), BOTH_WAYS)
def test_entries_and_timing_are_the_same_thing(entries: dict[str, Any], cron: str, again: dict[str, Any]) -> None:
    frequency = Frequency(timezone="Europe/Paris", **entries)
    timing = timing_of(frequency)
    assert timing == Timing(cron=cron, timezone="Europe/Paris")
    shown = frequency_of(timing)
    assert shown == frequency.model_copy(update=again)
    assert timing_of(shown) == timing


@pytest.mark.parametrize(
    "cron",
    ["0 12 * * 1,3", "0 12 * * 7", "0 12 * * 0-6", "0 12 15 * 1", "00 012 * * *", "61 * * * *", "0 99 * * *", "@daily"],
)
def test_any_expression_is_shown_as_something_that_means_it(cron: str) -> None:
    timing = Timing(cron=cron, timezone="UTC")
    shown = frequency_of(timing)
    assert shown.kind in {"weekly", "cron"}
    if shown.kind == "cron":
        assert shown.cron == cron


def test_once_is_a_wall_time_in_its_zone() -> None:
    frequency = Frequency(kind="once", date="2026-12-24", at="18:00", timezone="Europe/Paris")
    timing = timing_of(frequency)
    assert timing.once == datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert frequency_of(timing) == frequency


def test_the_second_of_two_equal_wall_times_still_goes_back_into_the_form() -> None:
    timing = Timing(once=datetime(2026, 10, 25, 1, 30, tzinfo=UTC), timezone="Europe/Paris")
    assert frequency_of(timing).at == "02:30"


@pytest.mark.parametrize(
    ("entries", "code", "field"),
    [
        ({"at": "25:00"}, "bad_time", "at"),
        ({"kind": "hourly", "at": "60"}, "bad_time", "at"),
        ({"kind": "weekly", "days": ("Caturday",)}, "bad_day", "days"),
        ({"kind": "monthly", "day_of_month": "first"}, "bad_day", "day"),
        ({"kind": "monthly", "day_of_month": "٣"}, "bad_day", "day"),
        ({"kind": "once", "date": "24.12.2026"}, "bad_time", "once"),
        ({"kind": "once", "date": ""}, "bad_time", "once"),
        ({"kind": "cron", "cron": ""}, None, "cron"),
    ],
)
def test_what_means_nothing_is_refused_beside_its_field(entries: dict[str, Any], code: str | None, field: str) -> None:
    with pytest.raises(Refused) as refused:
        timing_of(Frequency(**entries))
    assert refused.value.field == field
    assert code in {None, refused.value.code}
