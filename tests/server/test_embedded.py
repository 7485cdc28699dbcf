"""A real server with its embedded service: it starts by itself, comes back, and ends with the server."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine import PATIENCE, eventually, notebook_of


class Server:
    """`jupyter server` as a process, with the extension."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir(exist_ok=True)
        self.folder = folder / "data" / "schedule"
        self._share_runner(folder)
        variables = {name: str(folder / name[8:-4].lower()) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
        variables |= {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_PLATFORM_DIRS": "1"}
        self.log = folder / "server.log"
        arguments = {
            "ServerApp.jpserver_extensions": "jupyter_schedule=True",
            "ServerApp.root_dir": str(self.root),
            "ServerApp.port": "0",
            "IdentityProvider.token": "t",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"]
                + [f"--{name}={value}" for name, value in arguments.items()],
                env=os.environ | variables,
                stderr=log,
                cwd=folder,
            )
        found = eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+/", self.log.read_text()), what="the server")
        self.url = found[0]
        # it tells its address a moment before it listens there
        eventually(self._answers, what="the server's first answer")

    def _answers(self) -> bool:
        try:
            self.ask("GET", "openapi.json")
        except urllib.error.URLError:
            return False
        return True

    def _share_runner(self, folder: Path) -> None:
        shared = folder.parent / "runners"
        shared.mkdir(exist_ok=True)
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
            (self.folder / "runners").symlink_to(shared)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """An answer of the API."""
        request = urllib.request.Request(
            f"{self.url}jupyter-schedule/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": "token t", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def services(self) -> list[int]:
        """Process ids of its children that are scheduler services."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        lines = (line.split(None, 2) for line in listed.splitlines())
        return [
            int(pid) for pid, parent, args in lines if parent == str(self.process.pid) and "scheduler_service" in args
        ]

    def ticking(self) -> bool:
        return bool(self.ask("GET", "status")["ticking"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def test_the_main_job_runs_with_nothing_but_a_server(server: Server) -> None:
    cells = notebook_of("from pathlib import Path; Path('output/a.csv').write_text('1')")
    (server.root / "report.ipynb").write_text(json.dumps(cells))
    form = {"name": "daily", "notebook": "report.ipynb"}
    made = server.ask("POST", "schedules", {"form": form, "run_now": True})
    run_id = made["last_runs"][0]["run_id"]

    def ended() -> Any:
        run = server.ask("GET", f"runs/{run_id}")
        return run if run["ended_at"] else None

    run = eventually(ended, what="the run")
    assert run["status"] == "succeeded", run
    with urllib.request.urlopen(
        urllib.request.Request(
            server.url.rstrip("/") + run["publication"]["files"][0]["url"], headers={"Authorization": "token t"}
        )
    ) as response:
        assert response.read() == b"1"


def test_a_service_that_is_killed_comes_back_and_one_whose_server_ended_ends(server: Server) -> None:
    eventually(server.ticking, what="the service")
    (first,) = server.services()
    os.kill(first, signal.SIGKILL)
    (second,) = eventually(lambda: [pid for pid in server.services() if pid != first], what="another service")
    eventually(server.ticking, what="the other service")

    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    assert not Path(f"/proc/{second}").exists()


def test_an_analysis_that_runs_when_the_server_ends_runs_on_and_the_next_server_publishes_it(
    server: Server, tmp_path: Path
) -> None:
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path / 'enough')!r}).exists(): time.sleep(0.05)"
    cells = notebook_of("print('begun')", wait, "from pathlib import Path; Path('output/a.csv').write_text('1')")
    (server.root / "long.ipynb").write_text(json.dumps(cells))
    made = server.ask("POST", "schedules", {"form": {"name": "long", "notebook": "long.ipynb"}, "run_now": True})
    run = f"runs/{made['last_runs'][0]['run_id']}"
    eventually(lambda: "begun" in server.ask("GET", f"{run}/log")["text"], what="the analysis")

    server.process.send_signal(signal.SIGTERM)
    server.process.wait(PATIENCE)
    (tmp_path / "enough").touch()
    again = Server(tmp_path)
    try:
        ended = eventually(lambda: (now := again.ask("GET", run))["ended_at"] and now, what="the end")
    finally:
        again.process.terminate()
        again.process.wait(PATIENCE)
    assert ended["status"] == "succeeded"
    assert len(ended["attempts"]) == 1


def test_a_service_whose_server_was_killed_ends_too(server: Server) -> None:
    eventually(server.ticking, what="the service")
    (service,) = server.services()
    server.process.kill()
    server.process.wait()
    eventually(lambda: not Path(f"/proc/{service}").exists(), what="the service's end")
