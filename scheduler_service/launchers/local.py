"""Workers on this machine: each a detached agent, which goes on when the service ends and is adopted by the next."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_schedule.core.models import Attempt
from scheduler_service.launchers.base import Handle, Launcher, LaunchRefused, WorkerState
from scheduler_service.launchers.runner import lean_runner
from scheduler_service.worker import processes
from scheduler_service.worker.files import remove_folder
from scheduler_service.worker.handle import handle_of, place, process_of

log = logging.getLogger(__name__)

#: what a run sees of the service's environment, beside the names that its schedule lists: never a token or a key
ALLOWED = frozenset({
    "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "REQUESTS_CA_BUNDLE", "SHELL", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME",
})  # fmt: skip
#: where packages come from, for runs that build their environment; an index with a password in its address is the
#: analyst's own, and needed
PACKAGE_SOURCES = frozenset({
    "PIP_CERT", "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST", "UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "UV_INDEX", "UV_INDEX_URL", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_SYSTEM_CERTS",
})  # fmt: skip
#: how an agent is started
AGENT = (sys.executable, "-P", "-m", "scheduler_service.worker")
#: seconds that an agent which was asked to end may take to save what it has
PATIENCE = 15


class LocalLauncher(Launcher):
    """Runs as the user who runs the service: what the analyst may do here, the run may do."""

    identity = "local"
    place = place()

    def __init__(
        self,
        folder: Path,
        *,
        on_exit: Callable[[], None] = lambda: None,
        parent: Mapping[str, str] | None = None,
        agent: Sequence[str] = AGENT,
    ) -> None:
        """Scratch folders and the runner go under `folder`; `on_exit` is called when a worker of ours ends."""
        self._work = folder / "work"
        self._agent_log = folder / "agents.log"
        self._on_exit = on_exit
        self._parent = os.environ if parent is None else parent
        self._agent = agent
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: dict[str, float] = {}
        self._work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runner")
        self._runner = self._maker.submit(lean_runner, folder / "runners")

    def environment(self) -> Mapping[str, str]:
        """The lean runner once it is made; until then our own Python, which has papermill as well."""
        made = self._runner.done() and self._runner.exception() is None
        return {"RUNNER_PYTHON": str(self._runner.result() if made else sys.executable)}

    def launch(self, attempt: Attempt) -> Handle:
        brief = attempt.parameters | {"work_folder": str(self._work)}
        agent = self._spawn(run_environment(self._parent, attempt.parameters))
        assert agent.stdin is not None
        with agent.stdin as told:
            told.write(json.dumps(brief).encode())
        self._children[attempt.token] = agent
        threading.Thread(target=self._watch, args=(agent,), daemon=True).start()
        return handle_of(agent.pid)

    def poll(self, attempt: Attempt) -> WorkerState:
        if attempt.handle is None:
            return WorkerState.UNKNOWN
        if attempt.place not in {None, self.place}:
            return WorkerState.UNREACHABLE
        child = self._children.get(attempt.token)
        if child is not None and child.pid == attempt.handle["pid"]:
            alive = child.poll() is None
        else:
            alive = process_of(attempt.handle) is not None
        if alive or self._left_behind(attempt):
            return WorkerState.ALIVE
        self._children.pop(attempt.token, None)
        self._asked.pop(attempt.token, None)
        # an agent that was killed left its scratch folder behind, and a large one takes its time
        self._maker.submit(remove_folder, self._work / attempt.token)
        return WorkerState.GONE

    def terminate(self, attempt: Attempt) -> None:
        agent = process_of(attempt.handle) if attempt.handle else None
        if agent is None:
            return
        asked = self._asked.setdefault(attempt.token, time.monotonic())
        patient = time.monotonic() < asked + PATIENCE
        processes.send(agent, signal.SIGTERM if patient else signal.SIGKILL)

    def close(self) -> None:
        self._maker.shutdown(wait=False, cancel_futures=True)

    def _spawn(self, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        try:
            with self._agent_log.open("ab") as output:
                return subprocess.Popen(
                    self._agent,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=self._work,
                    env=environment,
                    start_new_session=True,
                )
        except (FileNotFoundError, PermissionError) as problem:
            what = f"{problem.filename}: {problem.strerror}"
            raise LaunchRefused(f"No worker can be started here ({what}). Was jupyter-schedule moved?") from None

    def _watch(self, agent: "subprocess.Popen[bytes]") -> None:
        agent.wait()
        self._on_exit()

    def _left_behind(self, attempt: Attempt) -> bool:
        """End what an agent that was killed couldn't end itself; whether there was anything."""
        pids = processes.with_marker(f"{attempt.run_id}.{attempt.number}")
        for process in filter(None, map(processes.read, pids)):
            log.warning("action=sweep run=%s pid=%d name=%s", attempt.run_id, process.pid, process.name)
            processes.send(process, signal.SIGKILL)
        return bool(pids)


def run_environment(parent: Mapping[str, str], brief: Mapping[str, object]) -> dict[str, str]:
    """What of the service's environment an agent, and so a run, gets: the allow-list and the names the schedule lists.

    A run that builds its environment also gets where packages come from.
    """
    listed = brief.get("pass_environment")
    names = ALLOWED | (set(listed) if isinstance(listed, list) else set())
    builds = brief.get("notebook") is not None and brief.get("kernel") is None
    return {
        name: value
        for name, value in parent.items()
        if name in names or name.startswith("LC_") or (builds and name in PACKAGE_SOURCES)
    }
