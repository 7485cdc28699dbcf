from typing import Any

import pytest

from jupyter_schedule.api.frequencies import timing_of
from jupyter_schedule.api.requests import Form, Frequency
from jupyter_schedule.cli.options import frequency_patch
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing, utc_text


def chosen_timing(given: dict[str, Any], at: str | None, timezone: str) -> Timing:
    """What the options mean for a new schedule."""
    patch = frequency_patch(given | {"at": at, "timezone": timezone}, Form())
    return timing_of(Frequency.model_validate(Frequency().model_dump() | patch))


@pytest.mark.parametrize(
    ("given", "at", "cron"),
    [
        ({}, None, "0 12 * * *"),
        ({"daily": True}, "9:30", "30 9 * * *"),
        ({"weekdays": True}, "6", "0 6 * * 1-5"),
        ({"weekly": ("mon,thu", "Sunday")}, None, "0 12 * * 1,4,0"),
        ({"monthly": "31"}, None, "0 12 31 * *"),
        ({"monthly": "Last"}, "23:59", "59 23 L * *"),
        ({"hourly": True}, None, "0 * * * *"),
        ({"hourly": True}, ":15", "15 * * * *"),
        ({"cron": "*/5 8-18 * * 1-5"}, None, "*/5 8-18 * * 1-5"),
    ],
)
def test_a_frequency_becomes_an_expression_in_the_zone(given: dict[str, Any], at: str | None, cron: str) -> None:
    assert chosen_timing(given, at, "Europe/Paris") == Timing(cron=cron, timezone="Europe/Paris")


@pytest.mark.parametrize(
    ("text", "at", "instant"),
    [
        ("2026-12-24T06:00", None, "2026-12-24T05:00:00Z"),
        ("2026-12-24 06:00", None, "2026-12-24T05:00:00Z"),
        ("2026-12-24T06:00Z", None, "2026-12-24T06:00:00Z"),
        ("2026-12-24", None, "2026-12-24T11:00:00Z"),
        ("2026-12-24", "6:00", "2026-12-24T05:00:00Z"),
        ("2027-03-28T02:30", None, "2027-03-28T01:00:00Z"),
    ],
)
def test_once_is_a_wall_time_of_the_zone(text: str, at: str | None, instant: str) -> None:
    timing = chosen_timing({"once": text}, at, "Europe/Paris")
    assert timing.once is not None
    assert utc_text(timing.once) == instant


@pytest.mark.parametrize(
    ("given", "at", "code", "field"),
    [
        ({"daily": True, "cron": "* * * * *"}, None, "two_frequencies", "frequency"),
        ({"weekly": ("mon",), "hourly": True}, None, "two_frequencies", "frequency"),
        ({"cron": "0 6 * * *"}, "6:00", "two_times", "at"),
        ({"cron": "0 6 31 4 *"}, None, "never_matches", "cron"),
        ({"once": "2026-12-24T06:00"}, "7:00", "two_times", "at"),
        ({"once": "tomorrow"}, None, "bad_time", "once"),
        ({"monthly": "first"}, None, "bad_day", "day"),
        ({"monthly": "32"}, None, "bad_day", "day"),
        ({"weekly": ("mon,",)}, None, "bad_day", "days"),
        ({"hourly": True}, "9:30", "bad_time", "at"),
        ({"daily": True}, "25:00", "bad_time", "at"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_field(
    given: dict[str, Any], at: str | None, code: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        chosen_timing(given, at, "UTC")
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("before", "given", "cron"),
    [
        ({}, {"at": "7:00"}, "0 7 * * *"),
        ({"kind": "weekly", "days": ("Mon",), "at": "6:30"}, {"weekly": ("tue",)}, "30 6 * * 2"),
        ({"kind": "weekly", "days": ("Mon",), "at": "6:30"}, {"daily": True}, "30 6 * * *"),
        ({"kind": "hourly", "at": ":15"}, {"daily": True}, "0 12 * * *"),
        ({"kind": "cron", "cron": "*/5 * * * *"}, {"timezone": "Europe/Paris"}, "*/5 * * * *"),
        ({"kind": "cron", "cron": "*/5 * * * *"}, {"weekdays": True}, "0 12 * * 1-5"),
        ({"at": "6:30"}, {"cron": "0 5 * * *"}, "0 5 * * *"),
        ({"at": "6:30"}, {"hourly": True}, "0 * * * *"),
    ],
)
def test_an_edit_keeps_what_it_does_not_name(before: dict[str, Any], given: dict[str, Any], cron: str) -> None:
    form = Form(frequency=Frequency(**before))
    patch = frequency_patch(given, form)
    assert timing_of(Frequency.model_validate(form.frequency.model_dump() | patch)).cron == cron
