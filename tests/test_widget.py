import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
import traitlets

from jupyter_schedule import RunView, ScheduleForm
from jupyter_schedule import widget as widget_module
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.schedule import IN_RUN, ScheduleHandle
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.widget import plain
from tests.transports import HOSTILE, STATUS, Told, run_answer, schedule_answer


@pytest.fixture(autouse=True)
def outside_of_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("RUN_ID", raising=False)
    monkeypatch.delenv("SCHEDULED_FOR", raising=False)
    yield
    ipywidgets.Widget.close_all()


def sent(view: Any, monkeypatch: pytest.MonkeyPatch, **content: Any) -> list[dict[str, Any]]:
    """What the kernel sends in answer to a message of the front end."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(view, "send", messages.append)
    view._handle_custom_msg(content, [])
    return messages


def test_a_bare_form_leaves_all_to_the_front_end_and_asks_nobody() -> None:
    form = ScheduleForm(client=Client(Told()))
    state = form.get_state()
    told = {key: state[key] for key in ("view", "notebook", "presets", "values", "schedule", "last_run", "problem")}
    assert told == {
        "view": "form",
        "notebook": "",
        "presets": {},
        "values": {},
        "schedule": None,
        "last_run": None,
        "problem": "",
    }


def test_presets_are_the_fields_that_were_given_and_no_others() -> None:
    form = ScheduleForm(name="x", every="Monday", at="6:30", timeout_minutes=5, client=Client(Told()))
    assert set(form.presets) == {"name", "frequency", "timeout_minutes"}
    assert form.presets["frequency"] | {"kind": "weekly", "at": "6:30", "days": ["Mon"]} == form.presets["frequency"]


@pytest.mark.parametrize(
    "options", [{"every": "dayly"}, {"timeout": 5}, {"overlap": "wait"}, {"parameters": {"x": object()}}]
)
def test_what_cannot_be_is_refused_where_it_is_written(options: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        ScheduleForm(client=Client(Told()), **options)


def test_hostile_texts_reach_the_front_end_as_data() -> None:
    form = ScheduleForm(name=HOSTILE, parameters={HOSTILE: HOSTILE}, client=Client(Told()))
    state = json.loads(json.dumps(form.get_state()))
    assert state["presets"]["name"] == HOSTILE
    assert state["presets"]["parameters"] == {HOSTILE: HOSTILE}
    assert HOSTILE not in state["_esm"]


def test_a_control_gives_its_value_and_every_change_of_it() -> None:
    country = ipywidgets.Dropdown(options=["NO", "SE"], value="NO")
    day = ipywidgets.DatePicker(value=datetime.date(2012, 3, 1))
    form = ScheduleForm(parameters={"country": country, "day": day, "n": 3}, client=Client(Told()))
    assert form.values == {"country": "NO", "day": "2012-03-01"}
    assert form.presets == {"parameters": {"n": 3}}
    country.value = "SE"
    assert form.values == {"country": "SE", "day": "2012-03-01"}


def test_a_value_that_no_run_can_be_given_is_told_until_it_is_changed() -> None:
    choice = ipywidgets.Dropdown(options=[("a", 1), ("b", object())])
    form = ScheduleForm(parameters={"choice": choice}, client=Client(Told()))
    choice.index = 1
    assert form.problem.startswith("choice can't be a object")
    assert form.values == {"choice": 1}
    choice.index = 0
    assert form.problem == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("NO", "NO"),
        ((1, 2.5), [1, 2.5]),
        ({1: (datetime.date(2026, 11, 24),)}, {"1": ["2026-11-24"]}),
        (datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC), "2026-11-24T12:00:00+00:00"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
    ],
)
def test_a_parameter_is_told_as_json_has_it(value: Any, expected: Any) -> None:
    told = plain("x", value)
    assert told == expected
    assert type(told) is type(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", np.array([1, 2]), object()])
def test_what_json_has_no_notation_for_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(Refused, match="month can't be") as caught:
        plain("month", value)
    assert caught.value.field == "parameters"


def test_what_the_front_end_records_can_be_observed() -> None:
    form = ScheduleForm(client=Client(Told()))
    seen: list[tuple[str, Any]] = []
    form.observe(lambda change: seen.append((change["name"], change["new"])), names=["schedule", "last_run"])
    form.set_state({"schedule": schedule_answer()})
    form.set_state({"last_run": run_answer(status="running")})
    form.set_state({"last_run": run_answer()})
    assert [(name, value.get("status")) for name, value in seen] == [
        ("schedule", None),
        ("last_run", "running"),
        ("last_run", "succeeded"),
    ]
    assert "scheduled as 'daily'" in repr(form)


def test_a_named_notebook_is_told_relative_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    form = ScheduleForm("a é.ipynb", client=Client(Told(), root=tmp_path))
    assert form.notebook == "work/a é.ipynb"


def test_in_a_run_the_form_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_ID", "1")
    monkeypatch.setenv("SCHEDULED_FOR", "2026-11-24T12:00:00Z")
    state = ScheduleForm(name="x").get_state()
    assert json.dumps(IN_RUN) in state["_esm"]
    assert len(state["_esm"]) < 300
    assert state["_css"] == ""


# -- asking through the kernel


def test_a_front_end_without_a_page_asks_through_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told({"PATCH schedules/daily": schedule_answer()})
    form = ScheduleForm(client=Client(told))
    ask = {
        "kind": "ask",
        "id": "7",
        "method": "PATCH",
        "path": "schedules/daily",
        "query": {"reader": "UTC"},
        "body": {"form": {}, "rebundle": False},
        "if_version": 3,
    }
    assert sent(form, monkeypatch, **ask) == [{"kind": "answer", "id": "7", "value": schedule_answer()}]
    assert told.asked == [("PATCH schedules/daily", ask["body"], {"reader": "UTC"}, 3)]


def test_a_refusal_goes_back_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    form = ScheduleForm(client=Client(Told({"GET status": Refused("busy", "Try again.", "name")})))
    answers = sent(form, monkeypatch, kind="ask", id=1, method="GET", path="status")
    assert answers == [{"kind": "answer", "id": 1, "error": {"code": "busy", "message": "Try again.", "field": "name"}}]


def test_whom_to_ask_is_found_when_it_is_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Client] = []

    def connect() -> Client:
        made.append(Client(Told({"GET status": STATUS})))
        return made[-1]

    monkeypatch.setattr(widget_module, "connect", connect)
    form = ScheduleForm()
    assert made == []
    for _ in range(2):
        assert sent(form, monkeypatch, kind="ask", id=1, method="GET", path="status")[0]["value"] == STATUS
    assert len(made) == 1


def test_the_kernel_tells_which_notebook_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget_module, "own_notebook", lambda client: "a/b.ipynb")
    form = ScheduleForm(client=Client(Told()))
    assert sent(form, monkeypatch, kind="ask", id=1, path="notebook")[0]["value"] == "a/b.ipynb"


@pytest.mark.parametrize("content", [{}, {"kind": "other"}, {"kind": None, "id": 1}])
def test_other_messages_are_left_alone(monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> None:
    assert sent(ScheduleForm(client=Client(Told())), monkeypatch, **content) == []


@pytest.mark.parametrize("content", [{"if_version": "x"}, {"query": [1]}, {"query": "x"}])
def test_a_message_that_is_no_request_is_answered_so(monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> None:
    form = ScheduleForm(client=Client(Told()))
    answers = sent(form, monkeypatch, kind="ask", id=1, path="status", **content)
    assert answers[0]["error"]["code"] == "bad_request"


# -- a run


@pytest.mark.parametrize("run", ["r1", run_answer("r1")])
def test_a_run_is_shown_by_its_id(run: Any) -> None:
    state = RunView(run, client=Client(Told())).get_state()
    assert (state["view"], state["run_id"], state["run"]) == ("run", "r1", None)


def test_of_a_schedule_its_newest_run_is_shown() -> None:
    client = Client(Told({"GET schedules/daily": schedule_answer(), "GET schedules/daily/runs": [run_answer("r2")]}))
    handle = ScheduleHandle(client.schedule("daily"), client)
    assert RunView(handle).run_id == "r2"
    assert RunView(client.runs("daily")[0]).run_id == "r2"


def test_a_schedule_that_never_ran_has_nothing_to_show() -> None:
    client = Client(Told({"GET schedules/daily": schedule_answer(), "GET schedules/daily/runs": []}))
    with pytest.raises(Refused, match="has not run yet"):
        RunView(ScheduleHandle(client.schedule("daily"), client))


# -- the bundle


def test_where_the_front_end_is_not_built_a_sentence_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    esm = widget_module.front_end(Path("/nowhere"))["_esm"]
    assert isinstance(esm, str)
    assert json.loads(esm[esm.index('"') : esm.rindex('"') + 1]) == widget_module.NOT_BUILT


def test_what_is_drawn_is_the_built_bundle(tmp_path: Path) -> None:
    (tmp_path / "widget.js").write_text("export default {}")
    (tmp_path / "widget.css").write_text("")
    assert widget_module.front_end(tmp_path) == {"_esm": tmp_path / "widget.js", "_css": tmp_path / "widget.css"}


def test_every_value_of_the_front_end_is_an_observable_trait() -> None:
    for view, names in ((ScheduleForm, {"schedule", "last_run", "values"}), (RunView, {"run"})):
        assert names <= set(view.class_traits(sync=True))
        assert issubclass(view, traitlets.HasTraits)
