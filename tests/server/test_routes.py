"""What holds for every route: who may ask, how, and what an error looks like."""

import asyncio
import json
import logging
import re
import threading
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer
from tornado.web import HTTPError
from traitlets.config import Config

from jupyter_schedule.api.route import Route
from jupyter_schedule.api.routes import ROUTES
from jupyter_schedule.core.operations.schedules import ScheduleOperations
from jupyter_schedule.server.backend import THREADS, Backend
from jupyter_schedule.server.handlers import JsonHandler
from tests.server.conftest import Api

VALUES = {"name": "daily", "id": "0" * 36, "path": "data/x.csv", "digest": "0" * 64}
WRITES = [route for route in ROUTES if route.method != "GET"]


def address(route: Route) -> str:
    return re.sub(r"\{(\w+)\}", lambda part: VALUES[part[1]], route.path)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


class Nobody(Authorizer):
    """Lets nobody do anything."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        assert resource in {"schedules", "contents", "api", "csp", "server"}
        return False


class TestAuthorization:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        return Config(jp_server_config | {"ServerApp": jp_server_config["ServerApp"] | {"authorizer_class": Nobody}})

    async def test_who_is_signed_in_and_has_no_right_may_do_nothing(self, api: Api) -> None:
        for route in ROUTES:
            headers = {"Content-Type": "application/gzip"} if route.method == "PUT" else {}
            reply = await api(route.method, address(route), headers=headers, body=None if not headers else b"x")
            assert (reply.status, reply.code) == (403, "forbidden"), named(route)
        assert not api.places.folder.exists()


class Broken(Authorizer):
    """Fails at every question."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        raise RuntimeError("the directory of people is away")


class TestBrokenAuthorizer:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        return Config(jp_server_config | {"ServerApp": jp_server_config["ServerApp"] | {"authorizer_class": Broken}})

    async def test_while_nobody_can_say_who_may_nobody_may(self, api: Api) -> None:
        for route in ROUTES:
            headers = {"Content-Type": "application/gzip"} if route.method == "PUT" else {}
            reply = await api(route.method, address(route), headers=headers, body=None if not headers else b"x")
            assert (reply.status, reply.code) == (500, "broken"), named(route)
            assert "the directory of people" not in str(reply.body)
        assert not api.places.folder.exists()


class Some(Authorizer):
    """Gives the rights on schedules that a test names, and all others."""

    rights: ClassVar[set[str]] = set()

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "schedules" or action in self.rights


#: what each route needs, by hand: a route that isn't here fails the test
NEEDS = {
    "POST preview": "write",
    "POST schedules": "execute",
    "PATCH schedules/{name}": "execute",
    "DELETE schedules/{name}": "write",
    "POST schedules/{name}/clone": "execute",
    "POST schedules/{name}/pause": "write",
    "POST schedules/{name}/resume": "execute",
    "POST schedules/{name}/run": "execute",
    "POST schedules/{name}/rehearse": "execute",
    "POST schedules/{name}/backfill": "execute",
    "DELETE schedules/{name}/backfill": "write",
    "POST schedules/{name}/rollback": "execute",
    "POST runs/{id}/cancel": "write",
    "POST runs/{id}/retry": "execute",
    "POST runs/{id}/approve": "write",
    "POST ad-hoc-workers": "execute",
    "POST ad-hoc-workers/{id}/extend": "execute",
    "POST ad-hoc-workers/{id}/stop": "write",
    "PUT bundles": "write",
    "PUT bundles/{digest}": "write",
}


class TestRights:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        return Config(jp_server_config | {"ServerApp": jp_server_config["ServerApp"] | {"authorizer_class": Some}})

    @pytest.mark.promise("P36")
    @pytest.mark.parametrize(
        "rights",
        [set(), {"read"}, {"write"}, {"execute"}, {"read", "write"}, {"read", "write", "execute"}],
        ids=lambda rights: "-".join(sorted(rights)) or "none",
    )
    async def test_each_route_asks_for_the_right_that_its_effect_needs(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, rights: set[str]
    ) -> None:
        """To record, to change and to start is to have code run: `write` alone isn't enough for it."""
        monkeypatch.setattr(Some, "rights", rights)
        for route in ROUTES:
            need = "read" if route.method == "GET" else NEEDS[named(route)]
            allowed = rights >= ({"write", "execute"} if need == "execute" else {need})
            headers = {"Content-Type": "application/gzip"} if route.method == "PUT" else {"If-Match": "1"}
            body = None if route.method in {"GET", "DELETE"} else b"{}"
            headers |= {"Content-Type": "application/json"} if body and route.method != "PUT" else {}
            reply = await api(route.method, address(route), body, headers=headers)
            assert (reply.status == 403) is not allowed, (named(route), reply.status, rights)


async def test_a_body_above_a_megabyte_is_refused_by_its_length(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is read, so that nobody makes the server deaf with it."""
    taken: list[int] = []
    monkeypatch.setattr(JsonHandler, "data_received", lambda _, chunk: taken.append(len(chunk)))
    body = b'{"form": "' + b"x" * 1_000_000 + b'"}'
    reply = await api("POST", "schedules", body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (413, "too_large")
    assert taken == []


async def test_eight_slow_requests_keep_no_other_waiting(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook may take as long to look at as somebody makes it."""
    free = threading.Event()
    asked: list[bool] = []
    ask = Backend.ask

    async def counted(backend: Backend, question: Any, *, slow: bool = False) -> Any:
        asked.append(slow)
        return await ask(backend, question, slow=slow)

    monkeypatch.setattr(Backend, "ask", counted)
    monkeypatch.setattr("jupyter_schedule.api.validation.parse_body", lambda _: free.wait(60))
    waiting = [asyncio.ensure_future(api("POST", "preview", {})) for _ in range(THREADS)]
    try:
        while len(asked) < THREADS:
            await asyncio.sleep(0)
        reply = await asyncio.wait_for(api("GET", "openapi.json"), 20)
        assert reply.status == 200
    finally:
        free.set()
        await asyncio.gather(*waiting)


async def test_without_a_login_nothing_answers(api: Api) -> None:
    for route in ROUTES:
        reply = await api(route.method, address(route), headers={"Authorization": ""})
        assert (reply.status, reply.code) == (403, "forbidden"), named(route)
    assert not api.places.folder.exists()


async def test_without_a_login_no_method_of_any_address_does_more_than_refuse(api: Api) -> None:
    """Also those methods and addresses that no route has."""
    for path in sorted({address(route) for route in ROUTES} | {"nothing", "publications/daily"}):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            reply = await api(method, path, headers={"Authorization": ""})
            assert reply.status in {403, 405}, f"{method} {path}"
    assert not api.places.folder.exists()


async def test_a_body_that_is_not_declared_as_what_it_is_changes_nothing(api: Api) -> None:
    for route in WRITES:
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            reply = await api(route.method, address(route), b"{}", headers={"Content-Type": kind, "If-Match": "1"})
            assert reply.status == 415, named(route)


async def test_whoever_cannot_name_the_pages_own_token_changes_nothing(api: Api, jp_serverapp: Any) -> None:
    jp_serverapp.identity_provider.token = ""
    assert (await api("GET", "schedules", headers={"Authorization": ""})).status == 200
    for route in WRITES:
        kind = "application/gzip" if route.method == "PUT" else "application/json"
        reply = await api(route.method, address(route), b"{}", headers={"Authorization": "", "Content-Type": kind})
        assert reply.status == 403, named(route)


async def test_looking_never_changes_the_ledger(api: Api) -> None:
    await api.create(run_now=True)
    with api.worker() as worker:
        before = worker.operations.store.last_change()
        for route in ROUTES:
            if route.method == "GET":
                assert (await api("GET", address(route))).status in {200, 404}, named(route)
        assert worker.operations.store.last_change() == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing", 404, "no_such_route"),
        ("DELETE", "status", 405, "wrong_method"),
        ("PUT", "schedules", 405, "wrong_method"),
        ("GET", "bundles", 405, "wrong_method"),
        ("PUT", "bundles/not-a-digest", 405, "wrong_method"),
        ("GET", "schedules/daily/pause", 405, "wrong_method"),
    ],
)
async def test_an_address_or_a_method_that_there_is_not_is_said_to_be_so(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    reply = await api(method, path)
    assert (reply.status, reply.code) == (status, code)
    assert reply.body["error"]["message"].endswith(".")


async def test_what_nobody_expected_is_answered_by_an_id_that_the_log_has(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(schedules: ScheduleOperations, **_: object) -> None:
        raise RuntimeError("token=hunter2")

    monkeypatch.setattr(ScheduleOperations, "list_page", broken)
    with caplog.at_level(logging.ERROR):
        reply = await api("GET", "schedules")

    assert (reply.status, reply.code) == (500, "broken")
    found = re.search(r"under the id ([0-9a-f]{8})\.$", reply.body["error"]["message"])
    assert found
    assert "hunter2" not in json.dumps(reply.body)
    assert f"id={found[1]}" in caplog.text
    assert "hunter2" in caplog.text


async def test_a_ledger_that_cannot_be_used_is_a_sentence(api: Api) -> None:
    api.places.folder.mkdir()
    (api.places.folder / "ledger.sqlite3").write_text("this is no database")
    reply = await api("GET", "schedules")
    assert reply.status in {422, 503}
    assert "ledger" in reply.body["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[1", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(api: Api, body: bytes) -> None:
    reply = await api("POST", "schedules", body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (422, "invalid")


async def test_a_hub_that_cannot_be_asked_who_somebody_is_is_named(
    api: Api, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(handler: object) -> None:
        raise HTTPError(500, "Failed to connect to Hub API")

    monkeypatch.setattr(jp_serverapp.identity_provider, "get_user", ask)
    assert (await api("GET", "status")).code == "broken"
    monkeypatch.setenv("JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hub/api")
    for method, path in (("GET", "schedules"), ("DELETE", "schedules/daily")):
        refused = await api(method, path)
        assert (refused.status, refused.code) == (503, "identity_away")
        assert "http://127.0.0.1:8081/hub/api" in refused.body["error"]["message"]
