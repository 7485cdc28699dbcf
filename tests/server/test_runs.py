"""Runs over HTTP."""

import json
from typing import Any

import pytest

from jupyter_schedule.core.models import Publication, Run, RunStatus
from jupyter_schedule.core.object_keys import HEARTBEAT, LIVE_LOG, LOG
from tests.server.conftest import BASE, Api


def file(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": 2, "sha256": "0" * 64} | more


async def started(api: Api) -> Run:
    await api.create()
    run = await api.run_now()
    with api.worker() as worker:
        return worker.start(run["run_id"])


async def test_a_run_by_hand_is_due_and_in_the_schedules_history(api: Api) -> None:
    await api.create()
    reply = await api("POST", "schedules/daily/run")
    assert (reply.status, reply.body["status"], reply.body["trigger"]) == (201, "due", "manual")
    assert (await api("GET", "schedules/daily/runs")).body == [reply.body]
    assert (await api("GET", "schedules/daily/runs", limit="0")).body == []


@pytest.mark.parametrize("path", ["schedules/daily/runs", "runs"])
async def test_a_list_of_runs_goes_on_after_the_last_run_of_a_page(api: Api, path: str) -> None:
    await api.create()
    made = {(await api.run_now())["run_id"] for _ in range(5)}
    found: list[str] = []
    page = (await api("GET", path, limit="2")).body
    while page:
        found += [run["run_id"] for run in page]
        page = (await api("GET", path, limit="2", before=found[-1])).body
    assert (len(found), set(found)) == (5, made)


async def test_a_page_after_a_run_that_nobody_knows_is_refused(api: Api) -> None:
    await api.create()
    assert (await api("GET", "schedules/daily/runs", before="unknown")).code == "no_such_run"


async def test_what_a_run_left_is_at_addresses_of_this_server(api: Api) -> None:
    run = await started(api)
    published = [file("a b.csv", url="file:///root/published/daily/runs/x/files/a%20b.csv")]
    publication = Publication.model_validate({"url": "file:///root/published/daily/data/", "files": published})
    with api.worker() as worker:
        result = {"files": [file("a b.csv")], "report": [file("report.ipynb")], "notes": ["n"], "elsewhere": ["e"]}
        worker.end(run, status=RunStatus.SUCCEEDED, publication=publication, **result)

    details = (await api("GET", f"runs/{run.id}")).body
    assert (details["status"], details["notes"], details["elsewhere"]) == ("succeeded", ["n"], ["e"])
    assert details["usual_seconds"] == 4.2
    assert [each["url"] for each in details["outputs"]] == [f"{BASE}runs/{run.id}/files/output/a%20b.csv"]
    assert [each["url"] for each in details["report"]] == [f"{BASE}runs/{run.id}/files/report/report.ipynb"]
    assert details["publication"]["url"] == f"{BASE}publications/daily/data/"
    url = details["publication"]["files"][0]["url"]
    assert url.startswith(f"{BASE}publications/daily/runs/")
    assert url.endswith(f"-{run.id[:8]}/files/a%20b.csv")
    assert [attempt["number"] for attempt in details["attempts"]] == [1]
    files = (await api("GET", f"runs/{run.id}/files")).body
    assert files == {"outputs": details["outputs"], "report": details["report"]}


async def test_of_a_run_whose_files_were_removed_it_says_so_and_nothing_leads_to_them(api: Api) -> None:
    run = await started(api)
    publication = Publication.model_validate(
        {"url": "file:///root/published/daily/data/", "files": [file("a.csv", url="file:///x")]}
    )
    with api.worker() as worker:
        worker.end(run, status=RunStatus.SUCCEEDED, publication=publication, files=[file("a.csv")])
        worker.operations.store.runs.mark_pruned([run.id], actor="scheduler")

    details = (await api("GET", f"runs/{run.id}")).body
    assert details["removed"].startswith("Its files were removed")
    assert (details["outputs"], details["report"], details["releasable"]) == ([], [], False)
    assert details["publication"] == {"url": f"{BASE}publications/daily/data/", "files": []}
    for path in ("log", "files/output/a.csv"):
        reply = await api("GET", f"runs/{run.id}/{path}")
        assert (reply.status, reply.code) == (410, "files_removed")
    assert (await api("GET", f"runs/{run.id}/files")).body == {"outputs": [], "report": []}
    (listed,) = (await api("GET", "runs")).body
    assert listed["removed"] == details["removed"]


async def test_a_failed_run_says_where_with_the_cell_and_its_traceback(api: Api) -> None:
    run = await started(api)
    error = {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": ["\x1b[31mKeyError\x1b[0m: 'x'"]}
    cell = {"cell_type": "code", "source": ["a = 1\n", "b['x']"], "metadata": {}, "outputs": [error]}
    with api.worker() as worker:
        worker.leave(run, "report/report.ipynb", json.dumps({"cells": [cell]}).encode())
        failure = {"kind": "cell_failed", "cell": 1, "cells": 1, "line": 2, "name": "KeyError", "message": "x"}
        worker.end(run, status=RunStatus.FAILED, report=[file("report.ipynb")], failure=failure)
    assert (await api("GET", f"runs/{run.id}")).body["failure"] == {
        "kind": "cell_failed",
        "cell": 1,
        "cells": 1,
        "line": 2,
        "source": "a = 1\nb['x']",
        "traceback": "KeyError: 'x'",
    }


async def test_while_it_runs_its_progress_is_known(api: Api) -> None:
    run = await started(api)
    assert (await api("GET", f"runs/{run.id}")).body["progress"] is None
    with api.worker() as worker:
        worker.leave(run, HEARTBEAT, b'{"at": "2026-11-24T12:00:00Z", "pid": 1, "cells": [4, 6]}')
    assert (await api("GET", f"runs/{run.id}")).body["progress"] == [4, 6]
    assert (await api("GET", "schedules/daily")).body["last_runs"][0]["progress"] == [4, 6]


async def test_the_log_is_had_piece_by_piece_to_its_end(api: Api) -> None:
    run = await started(api)
    assert (await api("GET", f"runs/{run.id}/log")).body == {"text": "", "next": 0, "ended": False}
    with api.worker() as worker:
        worker.leave(run, f"{LIVE_LOG}0", b"eins\n")
        worker.leave(run, f"{LIVE_LOG}1", b"zw\xff\n")
        assert (await api("GET", f"runs/{run.id}/log")).body == {"text": "eins\nzw\ufffd\n", "next": 2, "ended": False}
        worker.leave(run, f"{LIVE_LOG}2", b"drei\n")
        worker.end(run, status=RunStatus.FAILED)
    assert (await api("GET", f"runs/{run.id}/log", first="2")).body == {"text": "drei\n", "next": 3, "ended": True}
    assert (await api("GET", f"runs/{run.id}/log", first="3")).body == {"text": "", "next": 3, "ended": True}
    assert (await api("GET", f"runs/{run.id}/log", first="-1")).body["error"]["field"] == "first"


async def test_a_character_that_two_pieces_of_the_log_cut_is_told_whole(api: Api) -> None:
    run = await started(api)
    with api.worker() as worker:
        for number, piece in enumerate((b"a\xe2", b"\x82", b"\xac", b"b\xf0\x9f\x98", b"\x80")):
            worker.leave(run, f"{LIVE_LOG}{number}", piece)
    told = [(await api("GET", f"runs/{run.id}/log", first=str(first))).body["text"] for first in range(6)]
    assert told == ["a€b😀", "€b😀", "€b😀", "b😀", "😀", ""]


async def test_the_log_of_a_run_whose_pieces_are_gone_is_had_whole(api: Api) -> None:
    run = await started(api)
    with api.worker() as worker:
        worker.leave(run, LOG, b"all of it\n")
        worker.end(run, status=RunStatus.FAILED)
    assert (await api("GET", f"runs/{run.id}/log")).body == {"text": "all of it\n", "next": 1, "ended": True}
    assert (await api("GET", f"runs/{run.id}/log", first="1")).body == {"text": "", "next": 1, "ended": True}


async def test_a_run_is_stopped_and_done_again(api: Api) -> None:
    run = await started(api)
    assert (await api("POST", f"runs/{run.id}/cancel")).body["cancelled_by"] == "local"
    early = await api("POST", f"runs/{run.id}/retry")
    assert (early.status, early.code) == (409, "run_not_ended")
    with api.worker() as worker:
        worker.end(worker.operations.runs.get(run.id), status=RunStatus.FAILED)
    assert (await api("POST", f"runs/{run.id}/cancel")).code == "run_ended"
    again = await api("POST", f"runs/{run.id}/retry")
    assert (again.status, again.body["trigger"], again.body["status"]) == (201, "retry", "due")


@pytest.mark.parametrize("path", ["runs/none", "runs/none/log", "runs/none/files", "runs/none/files/output/x"])
async def test_a_run_that_there_is_not_is_said_to_be_so(api: Api, path: str) -> None:
    reply = await api("GET", path)
    assert (reply.status, reply.code) == (404, "no_such_run")
