"""People by the tokens of a Hub: what it says counts for a moment, and nothing is believed while it is away."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.services.auth import HubAuth

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.shared_server.hub import HubIdentity, person_of
from jupyter_schedule.shared_server.identity import Person, Role
from tests.engine import PATIENCE
from tests.shared_server.conftest import SharedServer, message_of

WRITE, READ, OPERATE = (f"custom:jupyter-schedule:{right}" for right in ("write", "read", "operate"))


def user(name: str, *scopes: str, kind: str = "user") -> dict[str, Any]:
    return {"kind": kind, "name": name, "groups": [], "admin": False, "scopes": list(scopes)}


class Hub(ThreadingHTTPServer):
    """Answers as a Hub's `/hub/api/user` does, by the token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.users = {"ann-token": user("ann", READ, WRITE), "bob-token": user("bob", READ, WRITE)}
        self.asked = 0
        self.status = 200
        self.goes_on = threading.Event()
        self.goes_on.set()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hub/api"


class Asked(BaseHTTPRequestHandler):
    """One question to the Hub."""

    server: Hub

    def do_GET(self) -> None:
        hub = self.server
        hub.asked += 1
        hub.goes_on.wait(PATIENCE)
        found = hub.users.get(self.headers["Authorization"].partition(" ")[2])
        status = hub.status if hub.status != 200 else 403 if found is None else 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(found or {"status": status, "message": "no"}).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base)
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.goes_on.set()
    made.shutdown()
    thread.join()
    made.server_close()


def identity_by(hub: Hub, deadline: float = PATIENCE) -> HubIdentity:
    auth = HubAuth(api_url=hub.api_url, api_token="the service's own", cache_max_age=3600)
    return HubIdentity(auth, deadline)


@pytest.fixture
def server(folder: Path, hub: Hub) -> Iterator[SharedServer]:
    made = SharedServer(folder, identity_by(hub))
    yield made
    made.stop()


def test_a_person_of_the_hub_sees_their_own_under_their_name_there(server: SharedServer) -> None:
    ann, bob = server.asker("ann-token"), server.asker("bob-token")
    assert ann.schedule("daily")["owner"] == "ann"
    assert [len(each("GET", "schedules").json()) for each in (ann, bob)] == [1, 0]
    assert bob("GET", "schedules/daily").status_code == 404
    for token in ("a token of another Hub", "", "x" * 5000):
        assert server.asker(token or "-")("GET", "schedules").status_code == 403


@pytest.mark.parametrize(
    ("answer", "person"),
    [
        (user("ann", READ), Person("ann", Role.READER)),
        (user("ann", READ, WRITE), Person("ann", Role.OWNER)),
        (user("ann", READ, WRITE, OPERATE), Person("ann", Role.OPERATOR)),
        (user("ann", f"{WRITE}!user=ann", READ), Person("ann", Role.OWNER)),
        (user("ann", f"{WRITE}!user=bob", READ), Person("ann", Role.READER)),
        (user("ann", "access:services!service=jupyter-schedule"), None),
        (user("ann"), None),
        (user("robot", WRITE, kind="service"), None),
        (user("local", WRITE), None),
        (user("scheduler", WRITE), None),
        (user("../x", WRITE), Person("../x", Role.OWNER)),
        (user("x" * 256, WRITE), None),
        ({}, None),
    ],
)
def test_scopes_say_what_a_person_may_and_a_service_is_nobody(answer: dict[str, Any], person: Person | None) -> None:
    assert person_of(answer) == person


def test_what_the_hub_said_counts_for_looking_and_is_asked_anew_before_a_change(server: SharedServer, hub: Hub) -> None:
    ann = server.asker("ann-token")
    ann.schedule("daily")
    ann("GET", "schedules")
    asked = hub.asked
    ann("GET", "schedules")
    assert hub.asked == asked
    hub.users["ann-token"] = user("ann", READ)  # the group that gave the right is gone
    assert ann("GET", "schedules").status_code == 200
    assert ann("DELETE", "schedules/daily").status_code == 403
    del hub.users["ann-token"]
    assert ann("POST", "schedules/daily/pause").status_code == 403
    assert server.context.of("ann", "ann").operations.schedules.get("daily").paused is None


@pytest.mark.parametrize("status", [500, 502, 404])
def test_a_hub_that_fails_is_named_and_nothing_is_changed(server: SharedServer, hub: Hub, status: int) -> None:
    ann = server.asker("ann-token")
    ann.schedule("daily")
    hub.status = status
    refused = ann("DELETE", "schedules/daily")
    assert refused.status_code == 503
    assert hub.api_url in message_of(refused)
    hub.status = 200
    assert ann("GET", "schedules/daily").status_code == 200


def test_a_hub_that_hangs_is_given_up_and_keeps_nothing_else_waiting(folder: Path, hub: Hub) -> None:
    server = SharedServer(folder, identity_by(hub, deadline=0.05))
    hub.goes_on.clear()
    refused = server.asker("ann-token")("GET", "schedules")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "identity_away")
    assert "doesn't answer" in message_of(refused)
    assert server.asker(None).http.get("healthz").status_code == 200
    server.stop()


def test_a_hub_that_is_away_is_named(hub: Hub) -> None:
    auth = HubAuth(api_url="http://127.0.0.1:1/hub/api", api_token="x")
    with pytest.raises(Refused) as refused:
        asyncio.run(HubIdentity(auth).find_person("ann-token", anew=True))
    assert (refused.value.code, refused.value.status) == ("identity_away", 503)
    assert "http://127.0.0.1:1/hub/api" in refused.value.message
