"""What would happen, over HTTP."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.apart import Children
from jupyter_schedule.core.models import LauncherCatalog, LauncherInfo, MachineSize
from tests.engine import notebook_of
from tests.server.conftest import Api


async def preview(api: Api, **form: Any) -> Any:
    reply = await api("POST", "preview", {"notebook": "report.ipynb", "name": "daily"} | form, reader="UTC")
    assert reply.status == 200, reply.body
    return reply.body


async def test_everything_that_is_known_before_a_run_is_said(api: Api) -> None:
    api.notebook("report.ipynb", "open('data.csv')", "open('lookup.csv')", parameters="month = 3\ndata_date = ''")
    (api.root / "data.csv").write_text("1")
    seen = await preview(api)

    assert seen["problems"] == []
    assert len(seen["bundle"]) == 64
    assert seen["size"] > 0
    files = {file["path"]: (file["status"], file["cell"]) for file in seen["files"]}
    assert files == {"report.ipynb": ("included", None), "data.csv": ("included", 2), "lookup.csv": ("missing", 3)}
    assert [parameter["name"] for parameter in seen["parameters"]] == ["month", "data_date"]
    assert seen["filled"] == ["data_date"]
    assert [finding["code"] for finding in seen["findings"] if finding["level"] == "warning"] == ["missing"]
    assert seen["suggested_name"] == "report"
    assert seen["summary"].startswith("Runs every day at 12:00 UTC, next ")
    assert "published/daily" in seen["destination"]
    assert len(seen["next"]) == 5
    assert "ipykernel" in " ".join(seen["requirements"])


async def test_all_that_is_wrong_is_said_at_once_and_nothing_is_bundled(api: Api) -> None:
    api.notebook("report.ipynb", "m", parameters="m = 1")
    seen = await preview(
        api, name="No!", frequency={"kind": "monthly", "day_of_month": "32"}, parameters={"m": "March"}
    )
    assert [problem["field"] for problem in seen["problems"]] == ["day_of_month", "name", "parameters"]
    assert (seen["bundle"], seen["next"], seen["summary"]) == (None, [], "")
    assert [file["path"] for file in seen["files"]] == ["report.ipynb"]
    assert list(api.objects.list("bundles/")) == []


async def test_a_notebook_that_cannot_be_read_is_a_problem_beside_its_field(api: Api) -> None:
    (api.root / "report.ipynb").write_text("{}")
    seen = await preview(api)
    assert [(problem["code"], problem["field"]) for problem in seen["problems"]] == [("not_a_notebook", "notebook")]


async def test_a_file_with_credentials_is_added_by_one_click(api: Api) -> None:
    api.notebook("report.ipynb", "open('.env')")
    (api.root / ".env").write_text("x")
    seen = await preview(api)
    fix = next(finding["fix"] for finding in seen["findings"] if finding["code"] == "denied")
    assert fix == ".env"
    added = {file["path"]: file["status"] for file in (await preview(api, files=[fix]))["files"]}
    assert added[".env"] == "named"


async def test_what_is_left_out_is_shown_as_such(api: Api) -> None:
    api.notebook("report.ipynb", "import helper", "open('data.csv')")
    (api.root / "data.csv").write_text("1")
    (api.root / "helper.py").write_text("x = 1")
    seen = await preview(api, left_out=["data.csv", "helper.py"])
    assert {file["path"]: file["status"] for file in seen["files"]} == {
        "report.ipynb": "included",
        "data.csv": "left_out",
        "helper.py": "left_out",
    }
    told = {finding["message"]: finding["level"] for finding in seen["findings"]}
    assert "data.csv is left out: cell 2 uses it, and a run lacks it." in told
    assert "helper.py is left out: it is imported, and a run lacks it." in told
    assert not [message for message, level in told.items() if level == "ok"]


async def test_a_pattern_of_which_a_file_is_left_out_isnt_said_to_be_included_whole(api: Api) -> None:
    api.notebook("report.ipynb", "import glob\nglob.glob('data/*.csv')", "open('other.csv')")
    (api.root / "data").mkdir()
    for name in ("data/a.csv", "data/b.csv", "other.csv"):
        (api.root / name).write_text("1")
    whole = [finding["message"] for finding in (await preview(api))["findings"]]
    assert any("matches 2 files" in message for message in whole)
    told = [finding["message"] for finding in (await preview(api, left_out=["data/a.csv"]))["findings"]]
    assert not any("matches 2 files" in message for message in told)
    assert any(message.startswith("other.csv") and "is included" in message for message in told)


async def test_the_name_of_the_schedule_that_is_edited_is_not_taken(api: Api) -> None:
    await api.create()
    assert [problem["code"] for problem in (await preview(api))["problems"]] == ["name_taken"]
    edit = {"notebook": "report.ipynb", "name": "daily"}
    reply = await api("POST", "preview", edit, schedule="daily")
    assert reply.body["problems"] == []


async def test_a_name_is_suggested_that_can_be_taken(api: Api) -> None:
    await api.create("report")
    seen = await preview(api, name="")
    assert (seen["problems"], seen["suggested_name"]) == ([], "report-2")


async def test_what_the_schedule_would_be_refused_for_is_a_problem_before(api: Api) -> None:
    api.notebook()
    once = {"kind": "once", "date": "2020-01-01"}
    seen = await preview(api, frequency=once, visibility="private")
    assert [(problem["code"], problem["field"]) for problem in seen["problems"]] == [("in_the_past", "date")]
    assert seen["bundle"] is None


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (lambda path: path.unlink(), "notebook_missing", "There is no notebook"),
        (lambda path: os.truncate(path, 200_000_000), "notebook_too_large", "200 MB, over the limit of 100 MB"),
        (lambda path: path.write_text('{"cells": ['), "not_a_notebook", "line 1 isn't JSON"),
    ],
    ids=["unsaved", "200 MB", "half saved"],
)
async def test_a_notebook_that_cannot_be_scheduled_is_told_in_a_sentence_that_says_why(
    api: Api, damage: Callable[[Path], object], code: str, words: str
) -> None:
    damage(api.root / api.notebook())
    seen = await preview(api)
    assert [problem["code"] for problem in seen["problems"]] == [code]
    assert words in seen["problems"][0]["message"]
    refused = await api("POST", "schedules", {"form": {"notebook": "report.ipynb", "name": "daily"}})
    assert refused.code == code


async def test_a_notebook_whose_kernel_is_not_here_names_the_kernel_and_those_that_are(api: Api) -> None:
    (api.root / "report.ipynb").write_text(json.dumps(notebook_of("1", kernel="julia-1.9")))
    (problem,) = (await preview(api))["problems"]
    assert "julia-1.9" in problem["message"]
    assert "python3" in problem["message"]


async def test_an_empty_notebook_without_a_kernel_can_be_scheduled_and_asks_for_nothing(api: Api) -> None:
    (api.root / "report.ipynb").write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})
    )
    seen = await preview(api)
    assert (seen["problems"], seen["findings"], seen["parameters"]) == ([], [], [])
    assert [file["path"] for file in seen["files"]] == ["report.ipynb"]


async def test_a_folder_of_very_many_files_is_not_looked_through(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.notebook("many/report.ipynb", "open('data.csv')", "open('nothing.csv')", "import helper", "import os.path")
    for name in ("data.csv", "helper.py"):
        (api.root / "many" / name).write_text("x = 1")
    looks = count(monkeypatch, "stat", "lstat", "listdir", "scandir")

    async def cost() -> int:
        looks.clear()
        assert (await preview(api, notebook="many/report.ipynb"))["problems"] == []
        return len([path for path in looks if "many" in path])

    await cost()
    few = await cost()
    assert few > 0
    for number in range(2000):
        (api.root / "many" / f"neighbour-{number}.csv").touch()
    assert await cost() == few


def count(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """The paths that these functions of `os` are called with from now on, and what listings yield."""
    looks: list[str] = []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(path: Any = ".", *arguments: Any, **keywords: Any) -> Any:
            looks.append(str(path))
            found = real(path, *arguments, **keywords)
            if isinstance(found, list):
                looks.extend(f"{path}/{name}" for name in found)
            return found

        return counted

    for name in names:
        monkeypatch.setattr(os, name, counting(getattr(os, name)))
    return looks


async def test_where_it_can_run_is_shown_with_the_hardware_and_a_size_that_is_gone_is_a_problem(api: Api) -> None:
    api.notebook("report.ipynb", "1")
    sizes = (MachineSize(name="large", hardware="8 cores, 32 GB"),)
    machines = LauncherInfo(name="ec2", paid=True, sizes=sizes)
    with api.worker() as service:
        service.operations.store.publish_catalog(
            LauncherCatalog(launchers=(LauncherInfo(name="local"), machines)), actor="scheduler"
        )

    seen = await preview(api, launcher="ec2", size="large")
    assert [(worker["title"], worker["hardware"]) for worker in seen["workers"]] == [
        ("this computer", ""),
        ("large", "8 cores, 32 GB"),
    ]
    assert "on a fresh large machine" in seen["summary"]
    assert seen["problems"] == []
    (problem,) = (await preview(api, launcher="ec2", size="small"))["problems"]
    assert (problem["field"], problem["code"]) == ("size", "no_such_size")


async def test_a_notebook_that_never_ends_is_given_up_in_one_sentence_and_the_next_one_is_looked_at(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at in a process of its own, so that nobody else waits for it."""
    children = Children(limits=(2.0,))
    monkeypatch.setattr("jupyter_schedule.server.host.CHILDREN", children)
    os.mkfifo(api.root / "endless.ipynb")
    try:
        seen = await preview(api, notebook="endless.ipynb")
        (problem,) = seen["problems"]
        assert (problem["code"], problem["field"]) == ("takes_too_long", "notebook")
        assert problem["message"] == (
            "Looking at it took more than 2 s, so it was given up: make it smaller or simpler."
        )
        api.notebook("report.ipynb", "open('data.csv')")
        seen = await preview(api)
        assert [file["path"] for file in seen["files"]] == ["report.ipynb", "data.csv"]
    finally:
        children.close()


async def test_no_notebook_is_read_in_the_servers_own_process(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for a preview, a schedule, an edit, a difference, nor where a tarball brings it."""

    def refuse(*_: object) -> Any:
        raise AssertionError("a notebook was parsed here")

    api.notebook("report.ipynb", "open('data.csv')", parameters="month = 3")
    (api.root / "data.csv").write_text("1")
    monkeypatch.setattr("jupyter_schedule.core.notebooks.notebook.parse_notebook", refuse)
    monkeypatch.setattr("jupyter_schedule.core.bundles.record.parse_notebook", refuse)
    assert (await preview(api))["problems"] == []
    await api.create()
    headers = {"If-Match": "1"}
    edited = await api("PATCH", "schedules/daily", {"form": {"parameters": {"month": "4"}}}, headers=headers)
    assert edited.status == 200, edited.body
    api.notebook("report.ipynb", "open('data.csv')", "print(2)", parameters="month = 3")
    assert (await api("GET", "schedules/daily/difference")).body["state"] == "differs"
