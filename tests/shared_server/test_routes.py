"""Every route of the shared server, asked by everybody: what is another's isn't there, and nothing but ours answers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_schedule.api.route import Route
from jupyter_schedule.api.routes import ROUTES
from jupyter_schedule.server.handlers import HANDLERS, OpenedHandler
from jupyter_schedule.server.rights import changes_nothing, ends_or_removes
from tests.shared_server.conftest import (
    ANN,
    BOB,
    OPERATOR,
    READER,
    Asker,
    SharedServer,
    folder_in,
    message_of,
    people_of,
    tarball,
    tokens_in,
)

People = dict[str | None, Asker]
#: what belongs to nobody: the process's own, or named by who asks
OF_NOBODY = {
    "overview",
    "status",
    "kernels",
    "openapi.json",
    "news",
    "scheduled",
    "preview",
    "schedules",
    "runs",
    "ad-hoc-workers",
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "preview"): {"name": "new"},
    ("PATCH", "schedules/{name}"): {"form": {"command": "echo replaced"}},
    ("POST", "schedules/{name}/clone"): {"name": "copy", "form": {}},
    ("POST", "schedules/{name}/rollback"): {"version": 1},
    ("POST", "schedules/{name}/backfill"): {"first_day": "2026-01-01", "last_day": "2026-01-02"},
    ("POST", "runs/{id}/approve"): {"reason": "because"},
    ("POST", "ad-hoc-workers"): {},
    ("POST", "ad-hoc-workers/{id}/extend"): {"hours": 1},
}


def path_of(route: Route, run: str) -> str:
    """The route's address for the schedule `daily` and its run."""
    filled = route.path.replace("{name}", "daily").replace("{path}", "data/x.csv").replace("{digest}", "0" * 64)
    return filled.replace("{id}", run)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[People, str]]:
    """People whose requests are all refused, and the run of a schedule of Ann's: it stays as it is."""
    folder = folder_in(tmp_path_factory.mktemp("everybody"))
    server = SharedServer(folder)
    people = people_of(server, tokens_in(folder))
    yield people, str(people[ANN].schedule("daily")["last_runs"][0]["run_id"])
    server.stop()


@pytest.fixture
def run(people: People) -> str:
    """The run of a schedule of Ann's."""
    return str(people[ANN].schedule("daily")["last_runs"][0]["run_id"])


def test_the_process_has_the_routes_of_the_api_and_two_for_its_health_alone(server: SharedServer) -> None:
    rules = server.application.wildcard_router.rules
    found = [rule.matcher.regex.pattern for rule in rules]  # type: ignore[attr-defined]
    base = re.escape("/a%40b/services/jupyter-schedule")
    ours = [pattern for pattern, handler in HANDLERS if handler is not OpenedHandler]
    assert found == [f"{base}{path}$" for path in ("/healthz", "/readyz", *ours)]
    assert len(server.application.default_router.rules) == 1


@pytest.mark.parametrize(
    "path",
    [
        *("api/contents", "api/kernels", "api/sessions", "api/terminals", "api/events/subscribe", "api", "lab", "tree"),
        *("login", "logout", "static/x.js", "files/service.toml", "view/x", "nbconvert/html/x", "metrics", ""),
        *("jupyter-schedule/opened/9999999999-x/runs/1/output/a.html", "jupyter-schedule/api/contents"),
        "../service.toml",
    ],
)
def test_nothing_else_is_there_for_anybody(everybody: tuple[People, str], path: str) -> None:
    people, _ = everybody
    for who in (None, ANN, OPERATOR):
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = people[who].http.request(method, path)
            assert answer.status_code in {403, 404, 405}, (who, method, path)
            assert set(answer.json()) == {"error"}


@pytest.mark.promise("P36")
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_answers_nobody_but_its_owner(everybody: tuple[People, str], route: Route) -> None:
    people, run = everybody
    path, body = path_of(route, run), BODIES.get((route.method, route.path))

    def ask(who: str | None, **query: str) -> Any:
        return people[who](route.method, path, body, **query)

    assert ask(None).status_code == 403
    assert ask(None, owner=ANN).status_code == 403
    # with the other's name instead of one's own
    foreign = ask(BOB, owner=ANN)
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "no_such_owner")
    if route.path not in OF_NOBODY and not route.path.startswith("bundles"):
        assert ask(BOB).status_code == 404
        assert ask(OPERATOR).status_code == 404
    if not changes_nothing(route.method):
        assert "only lets you look" in message_of(ask(READER))
        if not ends_or_removes(route.method, path):
            refused = ask(OPERATOR, owner=ANN)
            assert refused.status_code == 403
            assert f"ask {ANN}" in message_of(refused)


def test_every_route_answers_its_owner(people: People, run: str) -> None:
    for route in sorted(ROUTES, key=lambda route: (route.method, route.path) == ("DELETE", "schedules/{name}")):
        own = people[ANN](route.method, path_of(route, run), BODIES.get((route.method, route.path)))
        assert own.status_code not in {401, 403, 500}, route
        assert own.status_code != 404 or own.json()["error"]["code"] in {"no_such_file", "no_such_worker"}, route


@pytest.mark.parametrize(
    ("asked", "who", "status"), [("PUT bundles", ANN, 415), ("PUT bundles", None, 403), ("POST schedules", None, 403)]
)
def test_who_is_refused_whatever_they_send_gets_the_answer(
    people: People, asked: str, who: str | None, status: int
) -> None:
    """A server that closes with bytes unread resets the connection, and the answer may be lost: once in two suites."""
    method, path = asked.split()
    for _ in range(20):
        assert people[who].http.request(method, f"jupyter-schedule/{path}", json={"a": "body"}).status_code == status


def test_lists_have_what_is_ones_own(people: People, run: str) -> None:
    for path in ("schedules", "runs"):
        assert [len(people[who]("GET", path).json()) for who in (ANN, BOB, OPERATOR, READER)] == [1, 0, 0, 0]
        assert people[BOB]("GET", path).headers["Total-Count"] == "0"
    overviews = [people[who]("GET", "overview").json() for who in (ANN, BOB, OPERATOR, READER)]
    assert [(each["found"], each["all"], each["running"]) for each in overviews] == [(1, 1, 1), *[(0, 0, 0)] * 3]
    assert people[BOB]("GET", f"runs/{run[:8]}").status_code == 404
    assert people[BOB]("GET", "status").json()["running"] == 0


def test_two_people_have_schedules_of_one_name_and_results_at_addresses_of_their_own(
    people: People, server: SharedServer
) -> None:
    hers, his = people[ANN].schedule("daily", "echo hers"), people[BOB].schedule("daily", "echo his")
    assert [each["owner"] for each in (hers, his)] == [ANN, BOB]
    assert people[ANN]("GET", "schedules/daily").json()["form"]["command"] == "echo hers"
    assert people[BOB]("DELETE", "schedules/daily").status_code == 200
    assert people[ANN]("GET", "schedules/daily").status_code == 200

    published = server.folder / "published"
    for folder, text in (("%2E.%2Fann", "hers"), ("bob", "his")):
        (published / folder / "daily" / "data").mkdir(parents=True)
        (published / folder / "daily" / "data" / "x.txt").write_text(text)
    assert people[ANN]("GET", "publications/daily/data/x.txt").text == "hers"
    assert people[BOB]("GET", "publications/daily/data/x.txt").text == "his"
    for path in ("publications/bob/daily/data/x.txt", "publications/..%2Fbob%2Fdaily/data/x.txt", "publications/bob"):
        assert people[ANN].http.get(f"jupyter-schedule/{path}", follow_redirects=True).status_code == 404


def test_an_operator_looks_at_what_is_anothers_and_ends_it_in_their_own_name(people: People, run: str) -> None:
    operator = people[OPERATOR]
    assert operator("GET", "schedules/daily", owner=ANN).json()["owner"] == ANN
    assert operator("POST", f"runs/{run}/cancel", owner=ANN).status_code == 200
    paused = operator("POST", "schedules/daily/pause", {"note": "too dear"}, owner=ANN).json()
    assert (paused["owner"], paused["paused"]["by"], paused["changed_by"]) == (ANN, OPERATOR, OPERATOR)
    assert OPERATOR in people[ANN]("GET", "schedules/daily").json()["summary"]
    assert people[ANN]("POST", "schedules/daily/resume").json()["changed_by"] == ANN
    assert operator("DELETE", "schedules/daily", owner=ANN).status_code == 200
    assert people[ANN]("GET", "schedules/daily").status_code == 404


def test_the_name_of_who_asked_stands_in_the_ledger(people: People, server: SharedServer, run: str) -> None:
    people[ANN]("PATCH", "schedules/daily", {"form": {"command": "echo again"}})
    people[ANN]("POST", f"runs/{run}/cancel")
    versions = people[ANN]("GET", "schedules/daily/versions").json()
    assert {each["author"] for each in versions} == {ANN}
    actors = {event.actor for event in server.context.operations.store.events(0)}
    assert actors == {ANN}


def test_a_key_of_one_person_repeats_no_request_of_another(people: People) -> None:
    digest, _ = tarball("echo bash x.sh\n")
    for who in (ANN, BOB):
        people[who].schedule("seed")
        form = {
            "name": "daily",
            "command": "bash x.sh",
            "tarball": digest,
            "frequency": {"kind": "daily", "at": "03:00"},
        }
        made = people[who].http.post(
            "jupyter-schedule/schedules", json={"form": form}, headers={"Idempotency-Key": "the-same"}
        )
        assert (made.status_code, made.json()["owner"]) == (201, who)


def test_the_server_has_no_files_of_anybody(people: People, server: SharedServer) -> None:
    (server.folder.parent / "secret.ipynb").write_text("{}")
    for notebook in ("report.ipynb", "service.toml", "../secret.ipynb", "/etc/passwd"):
        form = {"name": "n", "notebook": notebook, "frequency": {"kind": "daily", "at": "03:00"}}
        refused = people[ANN]("POST", "schedules", {"form": form})
        assert refused.status_code == 422
        assert refused.json()["error"]["code"] in {"no_files_here", "outside_root"}
        previewed = people[ANN]("POST", "preview", form).json()
        assert previewed["bundle"] is None
        assert {each["code"] for each in previewed["problems"]} <= {"no_files_here", "outside_root"}


def test_variables_are_those_that_the_operator_lists(people: People) -> None:
    people[ANN].schedule("mine", env=["REGION"])
    digest, _ = tarball("echo bash x.sh\n")
    form = {"name": "other", "command": "bash x.sh", "tarball": digest, "env": ["PGPASSWORD"]}
    refused = people[ANN]("POST", "schedules", {"form": form | {"frequency": {"kind": "daily", "at": "03:00"}}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_such_variable")
    assert "REGION" in message_of(refused)
    changed = people[ANN]("PATCH", "schedules/mine", {"form": {"env": ["PGPASSWORD"]}})
    assert changed.json()["error"]["code"] == "no_such_variable"


def test_a_proxy_learns_whether_it_is_alive_and_ready_and_nothing_else(people: People) -> None:
    alive, ready = (people[None].http.get(path) for path in ("healthz", "readyz"))
    assert (alive.status_code, alive.json()) == (200, {"alive": True})
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "ledger": True, "ticking": False})
