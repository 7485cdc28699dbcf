import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import jupyter_schedule
from jupyter_schedule.api.requests import Frequency
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.schedule import InsideRun, ScheduleHandle, frequency, schedule
from jupyter_schedule.core.errors import Refused
from tests.transports import HOSTILE, PREVIEW, Told, run_answer, schedule_answer


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("day", {"kind": "daily"}),
        ("Daily ", {"kind": "daily"}),
        ("weekday", {"kind": "weekdays"}),
        ("month", {"kind": "monthly", "day_of_month": "1"}),
        ("hour", {"kind": "hourly"}),
        ("once", {"kind": "once"}),
        ("week", {"kind": "weekly", "days": ("Mon",)}),
        ("friday", {"kind": "weekly", "days": ("Fri",)}),
        (["Mon", "thursday"], {"kind": "weekly", "days": ("Mon", "Thu")}),
        ("0 6 * * 1-5", {"kind": "cron", "cron": "0 6 * * 1-5"}),
    ],
)
def test_a_frequency_is_said_in_words(every: Any, expected: dict[str, Any]) -> None:
    at: dict[str, Any] = {} if expected["kind"] == "cron" else {"at": "6 pm"}
    assert frequency(every, "6 pm", "Europe/Paris") == Frequency(**expected, **at, timezone="Europe/Paris")


def test_a_month_and_a_date_are_told_as_the_form_tells_them() -> None:
    assert frequency("month", day_of_month=31).day_of_month == "31"
    assert frequency("month", day_of_month="L").day_of_month == "L"
    assert frequency("once", date="2026-12-24").date == "2026-12-24"


@pytest.mark.parametrize("every", ["", "dayly", "Mo", ["Mon", "noday"]])
def test_a_word_that_is_no_frequency_is_answered_with_those_that_are(every: Any) -> None:
    with pytest.raises(Refused, match="write day, weekday") as caught:
        frequency(every)
    assert caught.value.code == "bad_frequency"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUN_ID", raising=False)
    return tmp_path


def told(**more: Any) -> Told:
    return Told({"POST preview": PREVIEW, "POST schedules": schedule_answer(), **more})


def test_the_plain_call_makes_a_daily_schedule_and_runs_it(here: Path) -> None:
    answers = told()
    made = schedule("Café report.ipynb", client=Client(answers, root=here))
    assert answers.lines == ["POST preview", "POST schedules"]
    body = answers.asked[1][1]
    assert (body["bundle"], body["run_now"]) == (PREVIEW["bundle"], True)
    assert body["form"]["notebook"] == "Café report.ipynb"
    assert body["form"]["name"] == "cafe-report"
    assert body["form"]["frequency"]["kind"] == "daily"
    assert made.name == "daily"


def test_every_field_of_the_form_can_be_given(here: Path) -> None:
    answers = told()
    schedule(
        "r.ipynb",
        name="x",
        every="Monday",
        at="6:30",
        timezone="Europe/Paris",
        parameters={"n": 1},
        run_now=False,
        client=Client(answers, root=here),
        files=["data/*.csv"],
        timeout_minutes=5,
        visibility="none",
        overlap="skip",
    )
    body = answers.asked[1][1]
    expected = {
        "name": "x",
        "parameters": {"n": 1},
        "files": ["data/*.csv"],
        "timeout_minutes": 5,
        "visibility": "none",
        "overlap": "skip",
    }
    assert {key: body["form"][key] for key in expected} == expected
    assert body["form"]["frequency"]["days"] == ["Mon"]
    assert not body["run_now"]


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"timeout": 5}, "unknown_key", "timeout"),
        ({"timeout_minutes": 0}, "bad_timeout", "timeout_minutes"),
        ({"overlap": "wait"}, "invalid", "overlap"),
    ],
)
def test_an_option_that_cannot_be_is_named(here: Path, options: dict[str, Any], code: str, field: str) -> None:
    answers = told()
    with pytest.raises(Refused) as caught:
        schedule("r.ipynb", client=Client(answers, root=here), **options)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert answers.asked == []


def test_a_name_that_is_taken_is_refused_and_nothing_runs(here: Path) -> None:
    answers = told(**{"POST schedules": Refused("name_taken", "“r” is taken.", "name")})
    with pytest.raises(Refused, match="taken"):
        schedule("r.ipynb", client=Client(answers, root=here))


def test_replacing_edits_the_schedule_that_has_the_name(here: Path) -> None:
    answers = told(
        **{
            "GET schedules/r": schedule_answer("r", version=4),
            "PATCH schedules/r": schedule_answer("r", version=5),
            "POST schedules/r/run": run_answer(),
        }
    )
    made = schedule("r.ipynb", every="hour", replace=True, client=Client(answers, root=here))
    assert answers.lines == ["GET schedules/r", "PATCH schedules/r", "POST schedules/r/run"]
    _, body, _, version = answers.asked[1]
    assert (body["rebundle"], body["form"]["frequency"]["kind"], version) == (True, "hourly", 4)
    assert "name" not in body["form"]
    assert made.shape.version == 5


def test_replacing_makes_a_schedule_where_there_is_none(here: Path) -> None:
    answers = told(**{"GET schedules/r": Refused("no_such_schedule", "There is no schedule “r”.")})
    schedule("r.ipynb", replace=True, client=Client(answers, root=here))
    assert answers.lines == ["GET schedules/r", "POST preview", "POST schedules"]


def test_a_notebook_that_schedules_itself_does_so_only_outside_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_ID", "1")
    monkeypatch.setenv("SCHEDULED_FOR", "2026-11-24T12:00:00Z")
    answers = told()
    made = schedule("r.ipynb", client=Client(answers))
    assert isinstance(made, InsideRun)
    assert answers.asked == []
    assert (made.name, made.runs(), made.wait(), made.refresh(), made.pause()) == ("", [], None, made, made)
    assert "nothing is scheduled" in repr(made) + made._repr_html_()


def test_what_was_noticed_before_is_shown(here: Path) -> None:
    finding = {"level": "warning", "code": "missing", "message": "a.csv is not found."}
    fine = {"level": "ok", "code": "included", "message": "b.csv is included."}
    answers = told(**{"POST preview": PREVIEW | {"findings": [finding, fine]}})
    made = schedule("r.ipynb", client=Client(answers, root=here))
    assert made.warnings == ("a.csv is not found.",)
    assert "a.csv is not found." in made._repr_html_()


def test_a_handle_asks_about_its_schedule() -> None:
    answers = Told(
        {
            "GET schedules/daily": schedule_answer(version=2),
            "GET schedules/daily/runs": [run_answer("r2"), run_answer("r1")],
            "POST schedules/daily/run": run_answer("r3"),
            "POST schedules/daily/pause": schedule_answer(state="paused"),
            "POST schedules/daily/resume": schedule_answer(),
            "DELETE schedules/daily": {"name": "daily", "published": 0, "publication_url": None},
        }
    )
    handle = made(answers)
    assert handle.refresh().shape.version == 2
    assert [run.run_id for run in handle.runs()] == ["r2", "r1"]
    assert handle.run_now().run_id == "r3"
    assert handle.pause().shape.state == "paused"
    assert handle.resume().shape.state == "active"
    handle.delete()
    assert answers.lines[-1] == "DELETE schedules/daily"


def test_waiting_is_for_the_run_that_came_last() -> None:
    by_hand = run_answer("late", created_at="2026-11-23T12:00:05Z", scheduled_for="2026-11-22T12:00:00Z")
    answers = Told({"GET schedules/daily/runs": [run_answer("early"), by_hand], "GET runs/late": by_hand})
    ended = made(answers).wait()
    assert ended is not None
    assert ended.run_id == "late"
    assert made(Told({"GET schedules/daily/runs": []})).wait() is None


def test_nothing_of_a_schedule_is_markup_in_the_page() -> None:
    run = run_answer(status="failed", message=HOSTILE)
    answer = schedule_answer(HOSTILE, summary=HOSTILE, publication_url="http://h/" + HOSTILE, last_runs=[run])
    shown = made(Told(), HOSTILE, **answer)._repr_html_()
    assert shown.count("&lt;/script&gt;") == 6
    assert "<img" not in shown
    assert "<script" not in shown


@pytest.mark.parametrize(
    ("address", "link"),
    [("https://h/x/", True), ("file:///p/x/", False), ("javascript:alert(1)", False)],
)
def test_only_what_a_browser_follows_is_a_link(address: str, link: bool) -> None:
    assert ("href" in made(Told(), publication_url=address)._repr_html_()) == link


def made(answers: Told, warning: str = "", **changes: Any) -> ScheduleHandle:
    client = Client(Told({"GET schedules/daily": schedule_answer(**changes)}))
    return ScheduleHandle(client.schedule("daily"), Client(answers), [warning] if warning else [])


def test_the_function_comes_without_widgets_a_server_and_a_database() -> None:
    script = "import sys, jupyter_schedule; jupyter_schedule.schedule; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "jupyter_schedule.client.schedule" in loaded
    assert {"anywidget", "ipywidgets", "tornado", "jupyter_server", "sqlalchemy"}.isdisjoint(loaded)


def test_the_package_has_nothing_else_to_offer() -> None:
    assert jupyter_schedule.schedule is schedule
    with pytest.raises(AttributeError, match="no attribute 'schedul'"):
        _ = jupyter_schedule.schedul
