"""A real JupyterHub with the shared server as its service: people, groups and tokens are the Hub's."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engine import PATIENCE, eventually
from tests.shared_server.conftest import Asker, message_of

pytestmark = pytest.mark.proof("machines")
SETTINGS = '[server]\nidentity = "jupyterhub"\nlocal_runs = true\n'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Hub:
    """The Hub as a process, and its administrator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub, proxy, self.service = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
        token = secrets.token_hex(16)
        headers = {"Authorization": f"token {token}"}
        self.api = httpx.Client(base_url=f"{self.hub}/hub/api/", headers=headers, trust_env=False, timeout=PATIENCE)
        names = {"HUB": self.hub, "PROXY": proxy, "SERVICE": self.service, "FOLDER": str(folder), "TOKEN": token}
        self._environment = os.environ | {f"TEST_{name}": value for name, value in names.items()}
        config = folder / "jupyterhub_config.py"
        config.write_text("from tests.shared_server.hub_config import configure\nconfigure(get_config())\n")
        self._command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
        self.url = f"{self.service}/services/jupyter-schedule/"

    def start(self) -> None:
        """Start it, and wait for it and its service."""
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=log,
                start_new_session=True,
                # a Hub that ignores interrupts hands that on to its services
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
            )
        eventually(self._answers, what="the Hub's start")

    def stop(self) -> None:
        """End it, with its services."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)

    def token_of(self, name: str) -> tuple[str, str]:
        """A new token of that person's, and its id."""
        self.api.post(f"users/{name}").raise_for_status() if self.api.get(f"users/{name}").is_error else None
        made = self.api.post(f"users/{name}/tokens", json={})
        made.raise_for_status()
        return made.json()["token"], made.json()["id"]

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "hub.log").read_text()[-3000:]
        try:
            return all(
                httpx.get(each, trust_env=False).is_success for each in (self.api.base_url, f"{self.url}healthz")
            )
        except httpx.HTTPError:
            return False


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "service.toml").write_text(SETTINGS)
    made = Hub(tmp_path)
    made.start()
    yield made
    made.stop()
    made.api.close()


def test_a_hubs_people_see_their_own_and_lose_their_rights_when_the_hub_takes_them(hub: Hub) -> None:
    tokens = {name: hub.token_of(name) for name in ("ann", "bob", "cat")}
    ann, bob, cat = (Asker(hub, tokens[name][0]) for name in ("ann", "bob", "cat"))
    strangers = [Asker(hub, None), Asker(hub, "0" * 32), Asker(hub, hub.api.headers["Authorization"].split()[1])]

    made = ann.schedule("daily")
    assert (made["owner"], made["changed_by"]) == ("ann", "ann")
    assert bob("GET", "schedules").json() == []
    assert bob("GET", "schedules/daily").status_code == 404
    assert bob("GET", "schedules/daily", owner="ann").status_code == 404
    assert cat("POST", "schedules/daily/pause", {"note": "x"}, owner="ann").json()["paused"]["by"] == "cat"
    assert cat("PATCH", "schedules/daily", {"form": {"command": "id"}}, owner="ann").status_code == 403
    for stranger in strangers:
        assert stranger("GET", "schedules").status_code == 403

    # out of the group: nothing is changed from the next request on
    hub.api.request("DELETE", "groups/analysts/users", json={"users": ["ann"]}).raise_for_status()
    assert ann("POST", "schedules/daily/resume").status_code == 403
    hub.api.post("groups/analysts/users", json={"users": ["ann"]}).raise_for_status()
    assert ann("POST", "schedules/daily/resume").status_code == 200
    # likewise for a token that was revoked, while another of the same person goes on
    again = Asker(hub, hub.token_of("ann")[0])
    hub.api.delete(f"users/ann/tokens/{tokens['ann'][1]}").raise_for_status()
    assert ann("POST", "schedules/daily/pause").status_code == 403
    assert again("POST", "schedules/daily/pause").status_code == 200

    for each in (ann, bob, cat, again, *strangers):
        each.http.close()


def test_a_hub_that_hangs_is_named_and_what_it_said_before_counts_for_looking(hub: Hub) -> None:
    ann, bob = (Asker(hub, hub.token_of(name)[0]) for name in ("ann", "bob"))
    ann.schedule("daily")
    assert ann("GET", "schedules").status_code == 200
    hub.process.send_signal(signal.SIGSTOP)
    try:
        assert len(ann("GET", "schedules").json()) == 1
        for refused in (ann("DELETE", "schedules/daily"), bob("GET", "schedules")):
            assert refused.status_code == 503
            assert hub.hub in message_of(refused)
        assert httpx.get(f"{hub.url}healthz", trust_env=False).status_code == 200
    finally:
        hub.process.send_signal(signal.SIGCONT)
    assert ann("GET", "schedules/daily").status_code == 200
    assert ann("DELETE", "schedules/daily").status_code == 200
    for each in (ann, bob):
        each.http.close()
