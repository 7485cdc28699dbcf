"""A Jupyter server with the extension, in folders of its own, and what a browser says to it."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403  (fixtures and hooks, for this folder only)
from tornado.httpclient import HTTPResponse

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import Publication, Reason, Run, RunStatus
from jupyter_schedule.core.models import Result as AgentResult
from jupyter_schedule.core.object_keys import RESULT, worker_prefix
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.server.host import CHILDREN
from tests.engine import notebook_of
from tests.factories import NOON, make_attempt

#: as the server's base URL is in these tests: a name that must stay quoted
BASE = "/a%40b/jupyter-schedule/"


@pytest.fixture(scope="session", autouse=True)
def children() -> Iterator[None]:
    """The processes that look at notebooks, kept as long as a server keeps them, end with the session."""
    yield
    CHILDREN.close()


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: Any
    response: HTTPResponse

    @property
    def code(self) -> str:
        """Of a refusal."""
        assert self.status >= 400, self.body
        return str(self.body["error"]["code"])


class Api:
    """Requests to the API, and what the service would have done meanwhile."""

    def __init__(self, fetch: Callable[..., Awaitable[HTTPResponse]], root: Path, places: DataPaths) -> None:
        self._fetch = fetch
        self.root = root
        self.places = places
        self.objects = open_storage(places.objects)

    async def __call__(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: str
    ) -> Reply:
        plain = {} if body is None else {"Content-Type": "application/json"}
        response = await self._fetch(
            "jupyter-schedule",
            path,
            method=method,
            headers=plain | (headers or {}),
            params=query,
            body=body if isinstance(body, str | bytes | None) else json.dumps(body),
            allow_nonstandard_methods=True,
            raise_error=False,
            follow_redirects=False,
        )
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Reply(response.code, json.loads(response.body) if is_json and response.body else response.body, response)

    def notebook(self, name: str = "report.ipynb", *cells: str, parameters: str | None = None) -> str:
        """Save a notebook; its path relative to the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook_of(*(cells or ("print(1)",)), parameters=parameters)))
        return name

    async def create(self, name: str = "daily", form: dict[str, Any] | None = None, **creation: Any) -> Any:
        """A schedule of a notebook."""
        if not (self.root / "report.ipynb").exists():
            self.notebook()
        whole = {"name": name, "notebook": "report.ipynb", "environment": "kernel"} | (form or {})
        reply = await self("POST", "schedules", {"form": whole} | creation)
        assert reply.status == 201, reply.body
        return reply.body

    async def run_now(self, name: str = "daily") -> Any:
        """A run by hand."""
        return (await self("POST", f"schedules/{name}/run")).body

    def worker(self) -> "Worker":
        """Somebody who moves runs on, as the service does."""
        return Worker(self.places)


class Worker:
    """Moves runs on and leaves what their workers leave."""

    def __init__(self, places: DataPaths) -> None:
        self.operations = Operations(open_store(places.store), open_storage(places.objects))

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.operations.store.close()

    def leave(self, run: Run, path: str, content: bytes) -> None:
        """Leave an object as the run's worker does."""
        self.operations.objects.put(worker_prefix("local", f"{run.id}.1") + path, content)

    def start(self, run_id: str) -> Run:
        """The run goes."""
        run = self.operations.runs.get(run_id)
        attempt = make_attempt(run, parameters={"worker": "local"})
        launched = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
        assert self.operations.store.runs.add_attempt(attempt, run, launched, actor="service")
        running = launched.model_copy(update={"status": RunStatus.RUNNING, "started_at": NOON})
        assert self.operations.store.runs.replace(launched, running, actor="service")
        return running

    def end(self, run: Run, *, status: RunStatus, publication: Publication | None = None, **result: Any) -> Run:
        """The run ends, with a result."""
        reason = Reason.OK if status is RunStatus.SUCCEEDED else Reason.CELL_FAILED
        plain: dict[str, Any] = {
            "outcome": "finished",
            "reason": reason,
            "sentence": "It ended.",
            "started_at": NOON,
            "ended_at": NOON,
            "seconds": 4.2,
        }
        self.leave(run, RESULT, AgentResult(**plain | result).model_dump_json().encode())
        if status is RunStatus.SUCCEEDED:
            publishing = run.model_copy(update={"status": RunStatus.PUBLISHING})
            assert self.operations.store.runs.replace(run, publishing, actor="service")
            run = publishing
        changes = {"status": status, "reason": reason, "message": "It ended.", "seconds": 4.2, "ended_at": NOON}
        ended = run.model_copy(update=changes | {"publication": publication})
        assert self.operations.store.runs.replace(run, ended, actor="service")
        return ended


@pytest.fixture(name="jp_server_config")
def server_config(tmp_path: Path) -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_schedule": True}},
        "JupyterSchedule": {"folder": str(tmp_path / "schedule"), "embedded_service": False},
    }


@pytest.fixture
def api(jp_fetch: Any, jp_root_dir: Path, tmp_path: Path) -> Api:
    return Api(jp_fetch, Path(jp_root_dir), DataPaths(tmp_path / "schedule"))
