"""Workers on this machine: each a detached agent, which goes on when the service ends and is adopted by the next.

The variables of the service that a run has are a list, so that no token and no key is among them.  It has what programs
need to find themselves, their data, their licences and the network, as they do in JupyterLab.
docs/what-a-run-sees.md names them all.
"""

import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from jupyter_schedule.core.models import Attempt
from jupyter_schedule.core.run_environment import ALLOWED, is_harmless
from scheduler_service.launchers.ad_hoc import FindAdHocWorker, find_no_worker
from scheduler_service.launchers.base import Handle, Launcher, LaunchRefused, WorkerState
from scheduler_service.launchers.host import identify_host
from scheduler_service.launchers.plugins import LauncherContext, LauncherPlugin, LauncherSettings
from scheduler_service.launchers.runner_env import ensure_runner
from scheduler_service.logfmt import logfmt
from scheduler_service.worker import processes
from scheduler_service.worker.files import remove_folder
from scheduler_service.worker.handle import build_handle, find_process
from scheduler_service.worker.limits import NO_LIMITS, ProcessLimits, end_cgroup, is_cgroup_populated
from scheduler_service.worker.processes import Process
from scheduler_service.worker.task import WorkerTask, frozen_task
from scheduler_service.worker.workspace import AGENT_ONLY, CGROUP, FOR_CODE_ALONE

log = logging.getLogger(__name__)

#: how an agent is started
AGENT = (sys.executable, "-P", "-m", "scheduler_service.worker")
#: what agents of ours, and all that they start, have in their environment: `<deployment>:<run>.<attempt>`
OWNER = "JUPYTER_SCHEDULE_OWNER"
_OWNED = re.compile(r"(?P<deployment>[0-9a-f]{16}):(?P<run>[^:]+)\.(?P<number>[0-9]+)")


class LocalLauncher(Launcher):
    """Runs as the user who runs the service: what the analyst may do here, the run may do."""

    identity = "local"
    place: str

    def __init__(
        self,
        folder: Path,
        *,
        limits: ProcessLimits = NO_LIMITS,
        on_exit: Callable[[], None] = lambda: None,
        parent: Mapping[str, str] | None = None,
        agent: Sequence[str] = AGENT,
    ) -> None:
        """Scratch folders and the runner go under `folder`; `on_exit` is called when a worker of ours ends.

        limits: what each run may use.
        """
        self._host = identify_host(folder)
        self.place = self._host.name
        self._work = folder / "work"
        self._agent_log = folder / "agents.log"
        self._limits = limits
        self._on_exit = on_exit
        self._parent = os.environ if parent is None else parent
        self._agent = agent
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._strays: set[Process] = set()
        #: by token, which attempt each agent was launched for
        self._launched = folder / "launched"
        self._owner = hashlib.sha256(str(self._work.absolute()).encode()).hexdigest()[:16]
        for made in (self._work, self._launched):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runner")
        self._runner = self._maker.submit(ensure_runner, folder / "runners")

    def environment(self) -> Mapping[str, str]:
        """The lean runner once it is made; until then our own Python, which has papermill as well."""
        made = self._runner.done() and self._runner.exception() is None
        return {"RUNNER_PYTHON": str(self._runner.result() if made else sys.executable)}

    def launch(self, attempt: Attempt) -> Handle:
        task = replace(frozen_task(attempt.parameters), work_folder=str(self._work), limits=asdict(self._limits))
        if python := (task.kernel or {}).get("provisioned_by"):
            # neither the lean runner nor our own Python need have it
            task = replace(task, environment={**task.environment, "RUNNER_PYTHON": python})
        (self._launched / attempt.token).write_text(_marker(attempt))
        owner = {OWNER: f"{self._owner}:{_marker(attempt)}"}
        agent = self._spawn(filter_environment(self._parent, task) | owner)
        assert agent.stdin is not None
        with agent.stdin as told:
            told.write(json.dumps(task.document()).encode())
        self._children[attempt.token] = agent
        threading.Thread(target=self._watch, args=(agent,), daemon=True).start()
        return build_handle(agent.pid)

    def poll(self, attempt: Attempt) -> WorkerState:
        if attempt.handle is None:
            return WorkerState.UNKNOWN
        if attempt.place not in {None, self.place}:
            return WorkerState.UNREACHABLE
        if self._agent_lives(attempt):
            return WorkerState.ALIVE
        left = (
            processes.find_marked(_marker(attempt))
            or processes.find_marked(_marker(attempt), processes.SUBREAPER)
            or is_cgroup_populated(self._work / attempt.token / CGROUP)
        )
        return WorkerState.ORPHANED if left else WorkerState.GONE

    def terminate(self, attempt: Attempt) -> None:
        self._signal(attempt, signal.SIGTERM)

    def kill(self, attempt: Attempt) -> None:
        self._signal(attempt, signal.SIGKILL)
        end_cgroup(self._work / attempt.token / CGROUP)
        for pid in processes.find_marked(_marker(attempt), processes.SUBREAPER):
            # it knows that its agent is gone, and ends all, also what lost the marker: if only it isn't stopped
            if subreaper := processes.read(pid):
                processes.send(subreaper, signal.SIGCONT)
        for process in filter(None, map(processes.read, processes.find_marked(_marker(attempt)))):
            log.warning(logfmt("sweep", run=attempt.run_id, pid=process.pid, name=process.name))
            processes.send(process, signal.SIGKILL)

    def discard(self, attempt: Attempt) -> None:
        # an agent removes its folder itself; one that was killed left it behind, and a large one takes its time
        if attempt.handle is None or self._agent_lives(attempt):
            return
        self._children.pop(attempt.token, None)
        self._maker.submit(self._remove, attempt.token)

    def reap(
        self, find_attempt: Callable[[str, int], Attempt | None], find_ad_hoc: FindAdHocWorker = find_no_worker
    ) -> None:
        """An agent ends by itself soon after its attempt, so only what was there at the last look too is ended."""
        del find_ad_hoc
        ours = [(process, run, number) for process, run, number in self._found()]
        launched = list(self._launched.iterdir())
        strays = {process: (run, number) for process, run, number in ours if _is_over(find_attempt(run, number))}
        for process in strays.keys() & self._strays:
            of_run, of_attempt = strays[process]
            log.warning(logfmt("reap", run=of_run, attempt=of_attempt, pid=process.pid, name=process.name))
            processes.send(process, signal.SIGKILL)
        self._strays = set(strays)
        living = {(run, number) for _, run, number in ours}
        for record in launched:
            known = _read_marker(record)
            if known is not None and known not in living and _is_over(find_attempt(*known)):
                self._remove(record.name)

    def close(self) -> None:
        self._maker.shutdown(wait=False, cancel_futures=True)
        self._host.close()

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
                    pass_fds=self._host.kept,
                )
        except (FileNotFoundError, PermissionError) as problem:
            what = f"{problem.filename}: {problem.strerror}"
            raise LaunchRefused(f"No worker can be started here ({what}). Was jupyter-schedule moved?") from None

    def _watch(self, agent: "subprocess.Popen[bytes]") -> None:
        agent.wait()
        self._on_exit()

    def _agent_lives(self, attempt: Attempt) -> bool:
        assert attempt.handle is not None
        child = self._children.get(attempt.token)
        if child is not None and child.pid == attempt.handle["pid"]:
            return child.poll() is None
        return find_process(attempt.handle) is not None

    def _signal(self, attempt: Attempt, number: signal.Signals) -> None:
        agent = find_process(attempt.handle) if attempt.handle else None
        if agent is not None:
            processes.send(agent, number)

    def _found(self) -> Iterator[tuple[Process, str, int]]:
        """Yield what this deployment's agents started, and they themselves, each with its run and attempt."""
        for pid, value in processes.list_marked(OWNER):
            named = _OWNED.fullmatch(value)
            process = processes.read(pid) if named and named["deployment"] == self._owner else None
            if named and process is not None and process.alive:
                # what may be another at the next look doesn't count
                yield process._replace(state="", parent=0, group=0), named["run"], int(named["number"])

    def _remove(self, token: str) -> None:
        end_cgroup(self._work / token / CGROUP)
        remove_folder(self._work / token)
        (self._launched / token).unlink(missing_ok=True)


def _marker(attempt: Attempt) -> str:
    return f"{attempt.run_id}.{attempt.number}"


def _read_marker(record: Path) -> tuple[str, int] | None:
    """The run and the number that a file names; None when it is about to be written, or gone."""
    try:
        run, _, number = record.read_text().rpartition(".")
    except FileNotFoundError:
        return None
    return (run, int(number)) if number else None


def _is_over(attempt: Attempt | None) -> bool:
    return attempt is None or attempt.ended_at is not None


#: where packages come from, for runs that build their environment; an index with a password in its address is the
#: analyst's own, and needed
PACKAGE_SOURCES = frozenset({
    "PIP_CERT", "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST", "UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "UV_INDEX", "UV_INDEX_URL", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_INSTALL_MIRROR", "UV_SYSTEM_CERTS",
})  # fmt: skip


def filter_environment(parent: Mapping[str, str], task: WorkerTask) -> dict[str, str]:
    """Return the variables of the service that an agent, and so a run, gets: by the allow-list, and by the schedule's.

    A run that builds its environment also gets where packages come from.  An agent that works with S3 gets the way
    into it, and keeps it from the run.  What the analyst's code alone may have (PYTHONPATH) goes by another name.
    """
    names = ALLOWED | set(task.pass_environment)
    if task.notebook is not None and task.kernel is None:
        names |= PACKAGE_SOURCES
    passed = {name: value for name, value in parent.items() if name in names or is_harmless(name, value)}
    passed |= {other: parent[name] for other, name in FOR_CODE_ALONE.items() if parent.get(name) and name not in passed}
    addresses = [task.objects, task.previous.objects if task.previous else ""]
    if not any(address.startswith("s3:") for address in addresses):
        return passed
    for_s3 = {name: value for name, value in parent.items() if name.startswith("AWS_") and name not in passed}
    return passed | for_s3 | {AGENT_ONLY: ",".join(for_s3)}


def _open(_: LauncherSettings, context: LauncherContext) -> LocalLauncher:
    return LocalLauncher(context.folder, limits=context.limits, on_exit=context.wake)


#: it has no table of its own: `limits` is that of the service's machine
PLUGIN = LauncherPlugin(LauncherSettings, _open)
