"""A shared server on a free port of this machine, in a thread, and people who ask it."""

import asyncio
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyter_schedule.core import clock
from jupyter_schedule.server.handlers import BACKEND
from jupyter_schedule.shared_server.app import make_application, open_context, open_identity
from jupyter_schedule.shared_server.identity import Identity, Role
from jupyter_schedule.shared_server.tokens import TokenFile
from tests.engine import PATIENCE

#: as behind a proxy, with a part that stays quoted
BASE = "/a%40b/services/jupyter-schedule/"
SETTINGS = '[server]\nlocal_runs = true\nvariables = ["REGION"]\n'
DAILY = {"kind": "daily", "at": "03:00"}
#: people of one server; the names are as hostile as a Hub's may be
ANN, BOB, OPERATOR, READER = "../ann", "bob", "olga@example.org", "\N{GREEK SMALL LETTER RHO}" * 200
ROLES = {ANN: Role.OWNER, BOB: Role.OWNER, OPERATOR: Role.OPERATOR, READER: Role.READER}


class HasUrl(Protocol):
    """A server that can be asked."""

    url: str


class Asker:
    """Somebody with a token, or nobody."""

    def __init__(self, server: "HasUrl", token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=PATIENCE)

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        """What comes back."""
        return self.http.request(method, f"jupyter-schedule/{path}", json=body, params=query, headers={"If-Match": "1"})

    def schedule(self, name: str, command: str = "bash x.sh", **form: Any) -> Any:
        """A schedule of a tarball with one script."""
        digest, packed = tarball(f"echo {command}\n")
        sent = self.http.put(
            f"jupyter-schedule/bundles/{digest}", content=packed, headers={"Content-Type": "application/gzip"}
        )
        assert sent.status_code == 201, sent.text
        whole = {"name": name, "command": command, "tarball": digest, "frequency": DAILY} | form
        made = self("POST", "schedules", {"form": whole, "run_now": True})
        assert made.status_code == 201, made.text
        return made.json()


class SharedServer:
    """The server, until it is stopped."""

    def __init__(self, folder: Path, identity: Identity | None = None, base_url: str = BASE) -> None:
        self.folder = folder
        self.context = open_context(folder, base_url)
        self.application = make_application(self.context, identity or open_identity(folder), base_url)
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(60)
        self.url = f"http://127.0.0.1:{self.port}{base_url}"
        self.askers: list[Asker] = []

    def asker(self, token: str | None) -> Asker:
        """Somebody who asks with that token."""
        made = Asker(self, token)
        self.askers.append(made)
        return made

    def stop(self) -> None:
        """Let go of everything."""
        for each in self.askers:
            each.http.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.application.settings[BACKEND].close()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> HTTPServer:
            server = HTTPServer(self.application)
            sockets = bind_sockets(0, "127.0.0.1")
            self.port = sockets[0].getsockname()[1]
            server.add_sockets(sockets)
            return server

        server = self._loop.run_until_complete(listen())
        started.set()
        self._loop.run_forever()

        async def close() -> None:
            server.stop()
            await server.close_all_connections()

        self._loop.run_until_complete(close())
        self._loop.close()


def tarball(script: str) -> tuple[str, bytes]:
    """A tarball with that script, packed, and its digest."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        member = tarfile.TarInfo("x.sh")
        member.size, member.mode = len(script), 0o755
        tar.addfile(member, io.BytesIO(script.encode()))
    return hashlib.sha256(plain.getvalue()).hexdigest(), gzip.compress(plain.getvalue())


def message_of(response: httpx.Response) -> str:
    """The sentence of a refusal."""
    return str(json.loads(response.content)["error"]["message"])


def folder_in(place: Path) -> Path:
    """A folder with the settings of a shared server."""
    made = place / "schedule"
    made.mkdir(mode=0o700)
    (made / "service.toml").write_text(SETTINGS)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_in(tmp_path)


def tokens_in(folder: Path) -> dict[str, str]:
    """Everybody's, by name."""
    file = TokenFile(folder)
    return {name: file.add(name, role, clock.now()) for name, role in ROLES.items()}


@pytest.fixture
def tokens(folder: Path) -> dict[str, str]:
    return tokens_in(folder)


@pytest.fixture
def server(folder: Path) -> Iterator[SharedServer]:
    made = SharedServer(folder)
    yield made
    made.stop()


@pytest.fixture
def people(server: SharedServer, tokens: dict[str, str]) -> dict[str | None, Asker]:
    return people_of(server, tokens)


def people_of(server: SharedServer, tokens: dict[str, str]) -> dict[str | None, Asker]:
    """Everybody by name, None for somebody without a token."""
    return {name: server.asker(token) for name, token in tokens.items()} | {None: server.asker(None)}
