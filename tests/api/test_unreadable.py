"""A schedule and a run that can't be read: shown as broken by everything, deleted by every client, in nobody's way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from tests.api.test_hostile import Door
from tests.poison import DAMAGED, HALF, poison

SENTENCE = "The record of this schedule can't be read"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    made.ask("POST", "schedules", '{"form": {"notebook": "report.ipynb", "name": "culprit"}, "run_now": true}')
    yield made
    made.close()


def found(door: Door, path: str) -> Any:
    return json.loads(door.ask("GET", path))


def culprit(door: Door) -> str:
    ids: dict[str, str] = {each["name"]: each["id"] for each in found(door, "schedules")}
    return ids["culprit"]


@pytest.mark.promise("P35")
@pytest.mark.parametrize("value", [HALF, DAMAGED], ids=["half", "damaged"])
@pytest.mark.parametrize("column", ["schedules.paused", "schedule_versions.spec"])
def test_a_broken_schedule_is_shown_refused_and_deleted(door: Door, column: str, value: str) -> None:
    table, _, name = column.partition(".")
    where = {"id" if table == "schedules" else "schedule_id": culprit(door)}
    poison(door.context.operations.store, table, name, value, **where)
    told = {each["name"]: each for each in found(door, "schedules")}
    assert (told["culprit"]["state"], told["daily"]["state"]) == ("broken", "active")
    assert told["culprit"]["summary"].startswith(SENTENCE)
    shown = found(door, "schedules/culprit")
    assert (shown["state"], shown["next"], shown["publication_url"]) == ("broken", [], None)
    assert [each["schedule"] for each in found(door, "schedules/culprit/runs")] == ["culprit"]
    assert len(found(door, "schedules/culprit/versions")) == 1
    for method, path, body in [
        *(("POST", f"schedules/culprit/{verb}", "") for verb in ("run", "rehearse", "resume")),
        ("POST", "schedules/culprit/pause", "{}"),
        ("PATCH", "schedules/culprit", '{"form": {}}'),
        ("POST", "schedules/culprit/clone", '{"name": "other", "form": {}}'),
        ("GET", "schedules/culprit/days", ""),
        ("GET", "schedules/culprit/difference", ""),
    ]:
        refused = door.refusal(method, path, body)
        assert refused is not None, path
        assert (refused.code, refused.message[: len(SENTENCE)]) == ("schedule_broken", SENTENCE), path
    for path in ("status", "runs", "schedules/daily"):
        found(door, path)
    door.ask("POST", "schedules/daily/run")
    assert "results, if any, stay" in json.loads(door.ask("DELETE", "schedules/culprit"))["message"]
    assert [each["name"] for each in found(door, "schedules")] == ["daily"]


@pytest.mark.promise("P35")
def test_a_run_that_cannot_be_read_is_shown_as_broken(door: Door) -> None:
    [run] = found(door, "schedules/culprit/runs")
    poison(door.context.operations.store, "runs", "release", DAMAGED, id=run["run_id"])
    for told in (*found(door, "schedules/culprit/runs"), found(door, f"runs/{run['run_id']}")):
        assert (told["reason"], told["status"]) == ("unreadable", "due")
        assert told["message"].startswith("The record of this run can't be read")
    assert len(found(door, "runs")) == 2
    assert json.loads(door.ask("POST", f"runs/{run['run_id']}/cancel"))["cancelled_by"] == "local"


def test_a_request_whose_answer_cannot_be_built_records_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is that can't be told: here the sentence about a schedule."""
    before = door.context.operations.store.last_change()
    monkeypatch.setattr("jupyter_schedule.api.presenter.schedule_summary", _fail)
    monkeypatch.setattr("jupyter_schedule.api.presenter.Presenter.run", _fail)
    for method, path, body in [
        ("POST", "schedules", '{"form": {"notebook": "report.ipynb", "name": "fresh"}}'),
        ("POST", "schedules", '{"form": {"notebook": "report.ipynb", "name": "fresh"}, "once_only": true}'),
        ("PATCH", "schedules/daily", '{"form": {"timeout_minutes": 5}}'),
        ("POST", "schedules/daily/clone", '{"name": "other", "form": {}}'),
        ("POST", "schedules/daily/pause", '{"note": "why"}'),
        *(("POST", f"schedules/daily/{verb}", "") for verb in ("run", "rehearse", "resume")),
    ]:
        with pytest.raises(ZeroDivisionError):
            door.ask(method, path, body)
    assert door.context.operations.store.last_change() == before
    monkeypatch.undo()


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_a_version_that_cannot_be_read_keeps_no_other_from_being_read(door: Door) -> None:
    door.ask("PATCH", "schedules/daily", '{"form": {"timeout_minutes": 5}}')
    daily = found(door, "schedules/daily")["id"]
    poison(door.context.operations.store, "schedule_versions", "spec", DAMAGED, version=1, schedule_id=daily)
    versions = found(door, "schedules/daily/versions")
    assert [each["version"] for each in versions] == [2, 1]
    found(door, f"runs/{door.run}")
    with pytest.raises(Refused, match="record of this version can't be read"):
        door.ask("POST", "schedules/daily/rollback", '{"version": 1}', if_version=2)
