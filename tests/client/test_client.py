from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.api.presenter import present_ad_hoc_worker
from jupyter_schedule.api.requests import Form
from jupyter_schedule.api.routes import MOST_RUNS, ROUTES, find
from jupyter_schedule.client import client as client_module
from jupyter_schedule.client.client import LONGEST_LOOK, Client, connect, own_notebook, relative_to_root
from jupyter_schedule.client.discovery import Server
from jupyter_schedule.client.http import HttpTransport
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.errors import Refused
from tests.factories import NOON, make_ad_hoc
from tests.transports import PREVIEW, STATUS, InTurn, Told, run_answer, schedule_answer

DELETED = {"name": "daily", "published": 2, "publication_url": None}
LOG = {"text": "hello\n", "next": 1, "ended": True}
DIFFERENCE = {
    "state": "same",
    "before": {
        "version": 1,
        "author": "local",
        "created_at": "2026-11-23T12:00:00Z",
        "bundle": "0" * 64,
        "timing": {"cron": "0 12 * * *"},
        "form": {},
    },
}
SCHEDULED = {"name": "daily", "summary": "Runs every day at 12:00 UTC.", "failing": False}
OVERVIEW: dict[str, Any] = {"schedules": [], **dict.fromkeys(("found", "all", "failing", "running", "paused"), 0)}
BACKFILLED = {"runs": 1, "succeeded": 0, "waiting": 0}
CALENDAR = {"timezone": "UTC", "today": "2026-11-24", "days": []}
AD_HOC = present_ad_hoc_worker(make_ad_hoc()).model_dump(mode="json")
FORM = Form(notebook="report.ipynb", name="daily")


REQUESTS: list[tuple[Callable[[Client], Any], str, Any]] = [
    (lambda client: client.status(), "GET status", STATUS),
    (lambda client: client.preview(FORM), "POST preview", PREVIEW),
    (lambda client: client.create(FORM), "POST schedules", schedule_answer()),
    (lambda client: client.edit("daily", {}, if_version=1), "PATCH schedules/daily", schedule_answer()),
    (lambda client: client.schedules(), "GET schedules", [schedule_answer()]),
    (lambda client: client.schedule("daily"), "GET schedules/daily", schedule_answer()),
    (lambda client: client.versions("daily"), "GET schedules/daily/versions", []),
    (lambda client: client.kernels(), "GET kernels", []),
    (lambda client: client.news(NOON), "GET news", {"at": "2026-11-24T12:00:00Z"}),
    (lambda client: client.scheduled("a.ipynb"), "GET scheduled", SCHEDULED),
    (lambda client: client.overview(search="a", skip=50), "GET overview", OVERVIEW),
    (lambda client: client.difference("daily", 1), "GET schedules/daily/difference", DIFFERENCE),
    (lambda client: client.roll_back("daily", 1, if_version=2), "POST schedules/daily/rollback", schedule_answer()),
    (lambda client: client.rehearse("daily"), "POST schedules/daily/rehearse", run_answer()),
    (lambda client: client.backfill("daily", NOON, NOON), "POST schedules/daily/backfill", BACKFILLED),
    (lambda client: client.cancel_backfill("daily"), "DELETE schedules/daily/backfill", {"cancelled": 2}),
    (lambda client: client.days("daily"), "GET schedules/daily/days", CALENDAR),
    (lambda client: client.run_files("r1"), "GET runs/r1/files", {}),
    (lambda client: client.preview_file("r1", "output/a.csv"), "GET runs/r1/preview", {"kind": "text"}),
    (lambda client: client.approve("r1"), "POST runs/r1/approve", run_answer()),
    (lambda client: client.pause("daily"), "POST schedules/daily/pause", schedule_answer()),
    (lambda client: client.resume("daily"), "POST schedules/daily/resume", schedule_answer()),
    (lambda client: client.delete("daily"), "DELETE schedules/daily", DELETED),
    (lambda client: client.run_now("daily"), "POST schedules/daily/run", run_answer()),
    (lambda client: client.runs("daily"), "GET schedules/daily/runs", [run_answer()]),
    (lambda client: client.runs(before="r1", limit=9), "GET runs", [run_answer()]),
    (lambda client: client.clone("daily", "other"), "POST schedules/daily/clone", schedule_answer("other")),
    (lambda client: client.run("r1"), "GET runs/r1", run_answer()),
    (lambda client: client.cancel("r1"), "POST runs/r1/cancel", run_answer()),
    (lambda client: client.retry("r1"), "POST runs/r1/retry", run_answer()),
    (lambda client: client.log("r1"), "GET runs/r1/log", LOG),
    (lambda client: client.ad_hoc_workers(), "GET ad-hoc-workers", []),
    (lambda client: client.ad_hoc_worker("w1"), "GET ad-hoc-workers/w1", AD_HOC),
    (lambda client: client.launch_ad_hoc(), "POST ad-hoc-workers", AD_HOC),
    (lambda client: client.extend_ad_hoc("w1"), "POST ad-hoc-workers/w1/extend", AD_HOC),
    (lambda client: client.stop_ad_hoc("w1"), "POST ad-hoc-workers/w1/stop", AD_HOC),
    (lambda client: client.schedule("../a b?#é"), "GET schedules/..%2Fa%20b%3F%23%C3%A9", schedule_answer()),
]


@pytest.mark.parametrize(("request_made", "line", "answer"), REQUESTS)
def test_a_method_is_one_request(request_made: Callable[[Client], Any], line: str, answer: Any) -> None:
    told = Told({line: answer})
    request_made(Client(told))
    assert told.lines == [line]


def test_every_request_of_the_api_has_its_method() -> None:
    """But for files, which have addresses."""
    asked = {find(*line.split(" ", 1))[0].summary for _, line, _ in REQUESTS}
    assert asked == {route.summary for route in ROUTES if route.carry_out is not None}


@pytest.mark.parametrize("page", [2, MOST_RUNS, MOST_RUNS + 1, 10 * MOST_RUNS])
def test_all_runs_are_asked_for_until_there_are_none(page: int) -> None:
    """Whatever a page is asked to have: no answer has more than MOST_RUNS."""
    ids = [f"r{number}" for number in range(2 * MOST_RUNS + 5)]

    class Many(Told):
        def ask(self, method: str, path: str, *, query: Any = None, **rest: Any) -> Any:
            del method, path, rest
            start = ids.index(query["before"]) + 1 if "before" in query else 0
            return [run_answer(run_id=each) for each in ids[start : start + min(int(query["limit"]), MOST_RUNS)]]

    assert [run.run_id for run in Client(Many()).all_runs("daily", page=page)] == ids


def test_days_and_times_are_asked_for_as_such_and_never_mixed() -> None:
    told = Told({"POST schedules/daily/backfill": BACKFILLED})
    Client(told).backfill("daily", NOON.date(), NOON.date(), dry_run=True)
    body = told.asked[0][1]
    assert (body["first_day"], body["last_day"], body["start"], body["dry_run"]) == (
        "2026-11-24",
        "2026-11-24",
        None,
        True,
    )
    with pytest.raises(Refused):
        Client(told).backfill("daily", NOON.date(), NOON)


def test_a_creation_carries_the_whole_form_and_what_to_do_with_it() -> None:
    told = Told({"POST schedules": schedule_answer()})
    Client(told).create(FORM, bundle="1" * 64, once_only=True)
    body = told.asked[0][1]
    assert (body["bundle"], body["run_now"], body["once_only"]) == ("1" * 64, False, True)
    assert Form.model_validate(body["form"]) == FORM


def test_an_edit_says_which_version_it_is_based_on() -> None:
    told = Told({"PATCH schedules/daily": schedule_answer()})
    Client(told).edit("daily", {"timeout_minutes": 5}, if_version=7, rebundle=True)
    assert told.asked[0] == (
        "PATCH schedules/daily",
        {"form": {"timeout_minutes": 5}, "rebundle": True, "bundle": None, "rehearse": None, "public_confirmed": False},
        {},
        7,
    )


def test_every_request_tells_the_readers_zone() -> None:
    told = Told({"GET schedules": []})
    Client(told, reader="Europe/Paris").schedules("a/b.ipynb")
    assert told.asked[0][2] == {"reader": "Europe/Paris", "notebook": "a/b.ipynb", "limit": "100"}


def test_all_schedules_are_asked_for_page_by_page_until_there_are_none() -> None:
    pages = [[schedule_answer("a"), schedule_answer("b")], [schedule_answer("c")], []]
    told = Told({"GET schedules": InTurn(*pages)})
    assert [each.name for each in Client(told).all_schedules(page=2)] == ["a", "b", "c"]
    assert [query.get("before") for _, _, query, _ in told.asked] == [None, "b", "c"]


def test_what_a_newer_server_adds_is_left_aside() -> None:
    answer = schedule_answer(shiny=1, last_runs=[run_answer(shiny=2)])
    assert Client(Told({"GET schedules/daily": answer})).schedule("daily").last_runs[0].run_id == "r1"


def test_waiting_ends_with_the_run() -> None:
    told = Told({"GET runs/r1": InTurn(run_answer(status="due"), run_answer(status="running"), run_answer())})
    pauses: list[float] = []
    assert Client(told).wait("r1", pause=pauses.append).status == "succeeded"
    assert pauses == [0.25, 0.5]


def test_waiting_gives_up_when_its_time_is_over() -> None:
    told = Told({"GET runs/r1": run_answer(status="running")})
    pauses: list[float] = []
    with pytest.raises(Refused, match="After 5 s") as caught:
        Client(told).wait("r1", timeout=5, pause=pauses.append)
    assert caught.value.code == "still_running"
    assert max(pauses) == LONGEST_LOOK
    assert sum(pauses) <= 5 + LONGEST_LOOK


def test_waiting_for_a_run_that_nobody_starts_says_so() -> None:
    told = Told({"GET runs/r1": run_answer(status="due"), "GET status": STATUS | {"ticking": False}})
    with pytest.raises(Refused) as caught:
        Client(told).wait("r1", pause=lambda seconds: None)
    assert caught.value.code == "nothing_ticks"


def test_a_client_closes_what_it_opened() -> None:
    told = Told()
    with Client(told):
        pass
    assert told.closed


# -- whom to ask


@pytest.fixture
def beside_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(client_module, "own_server", lambda: Server("http://localhost:8888/", "t", tmp_path))
    return tmp_path


def answering(monkeypatch: pytest.MonkeyPatch, problem: Refused | None) -> None:
    def ask(self: HttpTransport, *args: Any, **kwargs: Any) -> Any:
        if problem:
            raise problem
        return STATUS

    monkeypatch.setattr(HttpTransport, "ask", ask)


def test_the_server_that_started_the_kernel_is_asked(beside_server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, None)
    found = connect()
    assert isinstance(found.transport, HttpTransport)
    assert (found.transport.url, found.root) == ("http://localhost:8888/", beside_server)


@pytest.mark.parametrize("code", ["server_unreachable", "not_signed_in", "not_installed"])
def test_where_it_cannot_be_asked_the_same_folder_is_served_from_the_ledger(
    beside_server: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    answering(monkeypatch, Refused(code, "No."))
    found = connect()
    assert isinstance(found.transport, InProcessTransport)
    assert found.root == beside_server


def test_a_server_that_fails_is_not_passed_over(beside_server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Refused("server_failed", "No."))
    with pytest.raises(Refused, match=r"No\."):
        connect()


def test_without_a_server_the_ledger_serves_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "own_server", lambda: None)
    monkeypatch.chdir(tmp_path)
    found = connect()
    assert isinstance(found.transport, InProcessTransport)
    assert found.root == tmp_path


def test_a_given_address_is_the_only_one_asked(beside_server: Path) -> None:
    found = connect("http://elsewhere/lab?token=abc")
    assert isinstance(found.transport, HttpTransport)
    assert (found.transport.url, found.root) == ("http://elsewhere/", None)


# -- which notebook


def test_paths_are_told_relative_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    here = Client(Told(), root=tmp_path)
    assert relative_to_root(here, "a é.ipynb") == "work/a é.ipynb"
    assert relative_to_root(here, "../a.ipynb") == "a.ipynb"
    assert relative_to_root(here, tmp_path / "b" / "c.ipynb") == "b/c.ipynb"
    assert relative_to_root(Client(Told(), root=tmp_path / "link"), "a.ipynb") == "a.ipynb"
    assert relative_to_root(Client(Told()), "b/c.ipynb") == "b/c.ipynb"


def test_a_path_outside_of_the_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        relative_to_root(Client(Told(), root=tmp_path), tmp_path / ".." / "a.ipynb")
    assert caught.value.code == "outside_root"


def test_the_server_knows_of_a_renaming(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client_module, "kernel_id", lambda: "k1")
    monkeypatch.setattr(client_module, "calling_notebook", lambda: tmp_path / "Untitled.ipynb")
    monkeypatch.setattr(HttpTransport, "session_path", lambda self, kernel: f"{kernel}/renamed.ipynb")
    assert own_notebook(Client(HttpTransport("http://localhost/"), root=tmp_path)) == "k1/renamed.ipynb"


def test_without_a_server_the_notebook_is_where_the_kernel_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(client_module, "calling_notebook", lambda: tmp_path / "a.ipynb")
    (tmp_path / "a.ipynb").touch()
    assert own_notebook(Client(Told(), root=tmp_path)) == "a.ipynb"


@pytest.mark.parametrize("path", [None, Path("/nowhere/renamed-since.ipynb")])
def test_a_notebook_that_cannot_be_found_is_asked_for(monkeypatch: pytest.MonkeyPatch, path: Path | None) -> None:
    monkeypatch.setattr(client_module, "calling_notebook", lambda: path)
    with pytest.raises(Refused) as caught:
        own_notebook(Client(Told(), root=Path("/")))
    assert caught.value.code == "which_notebook"
