import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from jupyter_schedule.api.frequencies import timing_of
from jupyter_schedule.api.requests import Form, Frequency
from jupyter_schedule.cli.create import create
from jupyter_schedule.cli.edit import edit
from jupyter_schedule.cli.options import frequency_patch
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Notify, Policies, Timing, utc_text


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


#: what each option of `create` sets, as `Form` and what is in it call that
FIELDS = {
    **dict.fromkeys(("daily", "weekdays", "hourly"), "frequency.kind"),
    "weekly": "frequency.days",
    "monthly": "frequency.day_of_month",
    "cron": "frequency.cron",
    "once": "frequency.date",
    "at": "frequency.at",
    "timezone": "frequency.timezone",
    "start": "policies.start",
    "end": "policies.end",
    **{name: f"policies.{name}" for name in ("max_runs", "retries", "retry_wait", "start_deadline", "pause_after")},
    **{name: f"policies.{name}" for name in ("keep_runs", "keep_days", "monthly_cap")},
    "notify": "notify.channels",
    "notify_on": "notify.on",
    "silence_by": "notify.silence_by",
    "file": "files",
    **dict.fromkeys(("param", "param_json"), "parameters"),
    "timeout": "timeout_minutes",
    **{name: name for name in ("overlap", "catch_up", "output_dir", "kernel", "environment", "tarball", "command")},
    **{name: name for name in ("visibility", "publish_report", "hide_code", "previous", "expect", "env")},
    **{name: name for name in ("launcher", "size", "data_role")},
}
#: said beside the form: what a schedule is made from, how it is called, and what is confirmed
BESIDE = {"notebook", "name", "confirm_public", "rehearse", "as_json", "server"}
PARTS: dict[str, type[BaseModel]] = {"frequency": Frequency, "policies": Policies, "notify": Notify}


def test_what_can_be_said_when_creating_can_be_changed_afterwards_and_is_the_api_s() -> None:
    options = {param.name for param in create.params} - BESIDE
    assert options <= {param.name for param in edit.params}
    assert options == set(FIELDS)
    for field in FIELDS.values():
        whole, _, part = field.partition(".")
        assert whole in Form.model_fields
        assert not part or part in PARTS[whole].model_fields


def test_the_panels_form_has_all_that_a_terminal_can_set() -> None:
    source = Path(__file__).parents[2] / "labextension" / "src"
    files = [*sorted((source / "views" / "form").rglob("*.ts*")), source / "model" / "policies.ts"]
    shown = " ".join(path.read_text() for path in files)

    def is_used(name: str) -> bool:
        return re.search(rf"[.'\"]{name}\b|\b{name}:", shown) is not None

    missing = {field for field in FIELDS.values() if not is_used(field.rpartition(".")[2])}
    assert missing == set()
