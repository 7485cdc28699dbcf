"""A JupyterLab at work on folders of its own, with what a test puts there."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.store.factory import open_store
from tests.engine import eventually, notebook_of

EXAMPLES = Path(__file__).parents[2] / "examples"
LIGHT, DARK, CONTRAST = "JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"


class Lab:
    """One server for JupyterLab and Notebook 7, with its own service, a copy of the samples and no memory of others."""

    def __init__(self, folder: Path, python: Path = Path(sys.executable), settings: str = "", **variables: str) -> None:
        """`python`: of the environment that JupyterLab is in.  `settings`: of the service.  `variables`: of both."""
        self._python = python
        self.root = folder / "root"
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}/"
        shutil.copytree(EXAMPLES, self.root / "examples", ignore=shutil.ignore_patterns("__pycache__", "output"))
        self._settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        self._settings.mkdir(parents=True)
        self._set("notification", fetchNews="false", checkForUpdates=False)
        self._data = folder / "data"
        self._variables = os.environ | {
            "JUPYTER_DATA_DIR": str(self._data),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            **variables,
        }
        if settings:
            (self._data / "schedule").mkdir(parents=True, mode=0o700)
            (self._data / "schedule" / "service.toml").write_text(settings)
        self._log = folder / "lab.log"
        self._workspaces = count()
        self._process: subprocess.Popen[bytes] | None = None

    # -- the server

    def start(self) -> None:
        """Serve, until `stop`."""
        command = [str(self._python), "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip", "127.0.0.1"]
        command += ["--port", str(self.port), f"--ServerApp.root_dir={self.root}"]
        command += [f"--IdentityProvider.token={self.token}", "--ServerApp.port_retries=0"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command, env=self._variables, cwd=self.root, stdout=output, stderr=output)
        eventually(self._answers, what="JupyterLab's start")

    def stop(self) -> None:
        """End what runs, which would outlive the server, and then the server, as Ctrl-C would."""
        assert self._process is not None
        with closing(self.store()) as store:
            store.runs.request_cancel_all([run.id for run in store.runs.list_open()], actor="test")
            eventually(lambda: not store.runs.list_open(), what="the end of all runs")
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            # one that is just starting a kernel can forget that it was asked to
            self._process.kill()
            self._process.wait(60)

    def _answers(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    # -- what a person has

    def address(self, path: str, app: str = "lab") -> str:
        """Where a notebook opens: in JupyterLab with nothing else around it, or in Notebook 7."""
        place = f"lab/workspaces/test-{next(self._workspaces)}/tree" if app == "lab" else "notebooks"
        return f"{self.base}{place}/{quote(path)}?token={self.token}"

    def link(self, view: str, app: str = "lab") -> str:
        """Where a view of the panel opens, as *Copy link* writes it, with nothing else around."""
        place = f"lab/workspaces/test-{next(self._workspaces)}" if app == "lab" else "tree"
        return f"{self.base}{place}?schedule-view={quote(view, safe='')}&token={self.token}"

    def theme(self, name: str) -> None:
        """What the next page that is opened looks like."""
        self._set("themes", theme=name)

    def _set(self, plugin: str, **values: Any) -> None:
        (self._settings / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))

    def notebook(self, path: str, *cells: str, parameters: str | None = None) -> Path:
        """A notebook with these code cells, the first of them its parameters if there are any."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(notebook_of(*cells, parameters=parameters)))
        return file

    def published(self, name: str) -> dict[str, str]:
        """The files at a schedule's stable address, by their paths, as texts."""
        data = self.root / "published" / name / "data"
        return {path.relative_to(data).as_posix(): path.read_text() for path in data.rglob("*") if path.is_file()}

    # -- what a program has

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """An answer of the API."""
        answer = httpx.request(
            method,
            f"{self.base}jupyter-schedule/{path}",
            json=body if body is not None or method == "GET" else {},
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"} | headers,
            timeout=60,
        )
        assert answer.is_success, answer.text
        return answer.json()

    def kernel_answers(self, path: str) -> bool:
        """Whether the kernel of an open notebook waits for something to do."""
        headers = {"Authorization": f"token {self.token}"}
        sessions = httpx.get(f"{self.base}api/sessions", headers=headers, timeout=60).json()
        return any(each["path"] == path and each["kernel"]["execution_state"] == "idle" for each in sessions)

    def schedule(self, path: str, *, run_now: bool = False, once_only: bool = False, **form: Any) -> Any:
        """A schedule of a notebook, named as the notebook is unless `form` says otherwise."""
        whole = {"notebook": path, "name": Path(path).stem} | form
        return self.ask("POST", "schedules", {"form": whole, "run_now": run_now, "once_only": once_only})

    def ended(self, name: str) -> Any:
        """The newest run of a schedule, when it has ended."""

        def look() -> Any:
            runs = self.ask("GET", f"schedules/{name}/runs")
            return runs[0] if runs and runs[0]["ended_at"] else None

        return eventually(look, what=f"the end of {name}'s run")

    def store(self) -> Any:
        """The server's ledger; to be closed."""
        return open_store(DataPaths(self._data / "schedule").store)
