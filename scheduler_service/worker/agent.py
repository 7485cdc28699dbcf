"""One attempt from gate to result: win the gate, prepare, run, collect, say how it ended.

Objects, besides the bundle and the gate, are under `workers/<worker>/<token>/`: `heartbeat`, `live/…`, `output/…`,
`report/…` and, written once and last, `result`.
"""

import errno
import json
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.object_keys import (
    LIVE_LOG,
    OUTPUT,
    REPORT,
    RESULT,
    gate_key,
    kept_environments,
    worker_prefix,
)
from jupyter_schedule.core.run_environment import secrets_among
from jupyter_schedule.core.storage.factory import ObjectExists, ObjectStorage, open_storage
from jupyter_schedule.core.text import duration_text
from scheduler_service.worker import environments, expectations, notebook, processes, workspace
from scheduler_service.worker.collect import Collected, Snapshot, collect, find_written_elsewhere, take_snapshot
from scheduler_service.worker.diagnose import AttemptOutcome, RunFacts, diagnose
from scheduler_service.worker.files import open_plain, remove_folder
from scheduler_service.worker.handle import build_handle
from scheduler_service.worker.heartbeat import LiveNotebook, PeriodicTask, now_text, send_heartbeat
from scheduler_service.worker.kept_environments import Packer, fetch_kept
from scheduler_service.worker.limits import ProcessLimits
from scheduler_service.worker.logs import RunLog
from scheduler_service.worker.processes import Process
from scheduler_service.worker.subreaper import run_contained
from scheduler_service.worker.supervise import Cause, CommandEnd, Signals
from scheduler_service.worker.task import WorkerTask
from scheduler_service.worker.text import find_passwords, fit_sentence, mask_values
from scheduler_service.worker.workspace import Folders

#: seconds for which an object store that is away is asked again
RETRY_SECONDS = 900.0
_FULL = {errno.ENOSPC, errno.EDQUOT}
#: what a network filesystem answers while its server can't be reached
_AWAY = {
    errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EBUSY, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNREFUSED,
    errno.ECONNRESET, errno.ECONNABORTED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN,
}  # fmt: skip
_STOPPED_EARLY = AttemptOutcome("stopped", "by_hand", "Stopped before it started.")
#: bytes of a failure.json that is looked at, and its keys that a result repeats
_LARGEST_FAILURE = 64_000
_FAILURE_KEYS = ("kind", "cell", "cells", "line", "name", "message", "sentence")
_MOST_NAMES = 10
#: seconds that an agent which ends itself tries to say so
_LAST_WORDS = 10.0


class AttemptStorage:
    """This attempt's own part of the work storage; an object store that is away is waited for."""

    def __init__(self, objects: ObjectStorage, task: WorkerTask) -> None:
        self._objects = objects
        self._budget = RetryBudget()
        self._prefix = worker_prefix(task.worker, task.token)

    def put(self, path: str, data: bytes) -> None:
        """Store it now or raise."""
        self._objects.put(self._prefix + path, data)

    def put_file(self, path: str, source: Path, consume: bool) -> None:
        """Store it, waiting for an object store that is away.  Raises every other OSError."""
        key = self._prefix + path
        self._budget.call(lambda: self._objects.put_file(key, source, consume=consume), only=_AWAY)

    def put_result(self, result: dict[str, Any], make_room: Callable[[], None]) -> None:
        """Store the result, unless there is one; `make_room` is called before another try."""
        data = json.dumps(result, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
        with suppress(ObjectExists):
            self._budget.call(lambda: self._objects.put_once(self._prefix + RESULT, data), make_room)


@dataclass
class ResultBuilder:
    """Gathers the content of the result."""

    started_at: str
    verdict: AttemptOutcome | None = None
    ended_at: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    files: list[Collected] = field(default_factory=list)
    report: list[Collected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failure: dict[str, Any] | None = None

    def as_result(self) -> dict[str, Any]:
        """The result object; see the package's protocol."""
        if self.verdict is None:
            raise ValueError("no verdict was reached")
        return {
            "outcome": self.verdict.outcome,
            "exit_code": self.exit_code,
            "reason": self.verdict.reason,
            "sentence": self.verdict.sentence,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "seconds": round(self.seconds, 3),
            "files": self.files,
            "report": self.report,
            "notes": self.notes,
            "elsewhere": self.elsewhere,
            "failure": self.failure,
        }


class PreparedRun(NamedTuple):
    """A run that is ready to start: its output folder, its variables, the files before it."""

    output: Path
    environment: dict[str, str]
    before: Snapshot
    #: seconds of its time-out that are gone
    spent: float = 0.0
    #: which Python it has in place of the one that it was pinned for, empty when that
    python: str = ""


class MachineSetup:
    """Sets up the machine before a run starts: it does nothing, as others use the machine too."""

    #: True when `ready` installs the Debian packages of `apt.txt`
    installs_packages = False

    def ready(self, folders: Folders) -> None:
        """Make the machine ready for the code in `folders`.  Raises Refused."""
        del folders

    def environment(self) -> dict[str, str]:
        """Variables of the run that follow from the machine."""
        return {}

    def find_uv(self) -> str | None:
        """The uv that came with the agent; None where none did.  Raises Refused."""
        beside = Path(sys.executable).with_name("uv")
        return str(beside) if beside.exists() else shutil.which("uv")

    def leaves_packages(self) -> bool:
        """True where the Debian packages of `apt.txt` are the bundle's own script's to install, which root's can."""
        return not self.installs_packages and os.geteuid() == 0 and shutil.which("apt-get") is not None

    def kept_under(self, task: WorkerTask) -> str:
        """The prefix of keys for environments that are to be kept."""
        return kept_environments(task.shares_with)

    def uv_variables(self) -> dict[str, str]:
        """Variables for the agent's own use of uv, where it differs from the run's."""
        return {}


def run_attempt(task: WorkerTask, *, machine: MachineSetup | None = None, handle: dict[str, Any] | None = None) -> bool:
    """Execute the attempt and store its result; False, with nothing executed, when its gate is taken.

    handle: what this worker is known by; by default a process of this machine.
    """
    signals = Signals()
    objects = open_storage(task.objects)
    if not take_gate(objects, task.token, handle or build_handle(os.getpid())):
        return False
    AttemptRunner(task, objects, signals, machine or MachineSetup()).execute()
    return True


def take_gate(objects: ObjectStorage, token: str, handle: dict[str, Any]) -> bool:
    """Take the attempt's gate; True when it is this worker's, so that it and nobody else executes user code."""
    gate = {"started_by": handle, "at": now_text()}
    try:
        objects.put_once(gate_key(token), json.dumps(gate).encode())
    except ObjectExists:
        return False
    return True


class AttemptRunner:
    """An attempt whose gate was won: whatever happens, it ends with a result."""

    def __init__(self, task: WorkerTask, objects: ObjectStorage, signals: Signals, machine: MachineSetup) -> None:
        self.task = task
        self.machine = machine
        self.objects = objects
        self.signals = signals
        self.storage = AttemptStorage(objects, task)
        self.folders = Folders(task)
        self.result = ResultBuilder(started_at=now_text())
        report_name = Path(task.notebook).name if task.notebook else ""
        self.executed = self.folders.report / report_name if report_name else None
        self.live = LiveNotebook(self.executed, self.storage.put) if self.executed else None
        self.log: RunLog | None = None
        self.packer: Packer | None = None
        passed = {name: os.environ[name] for name in task.pass_environment if name in os.environ}
        self.secrets = find_passwords(os.environ) | passed

    def execute(self) -> None:
        """Prepare, run, collect; then the result, and the scratch folder goes."""
        _after(self.task.lifetime_seconds, self._end_itself)
        heartbeat = PeriodicTask("heartbeat", self._send_heartbeat, after_error=self.task.heartbeat_seconds)
        self._guarded(self._prepare_and_run, stage="launch", what="The worker couldn't prepare the run")
        self._guarded(self._collect_report, stage="publishing", what="The report couldn't be collected")
        self.result.ended_at = self.result.ended_at or now_text()
        if self.packer:
            # before the result: who sees that ends a machine
            self.packer.finish()
        self.storage.put_result(self.result.as_result(), self._remove_scratch)
        heartbeat.stop()
        self._remove_scratch()

    def _end_itself(self) -> None:
        """The last resort, when whatever should have ended by itself hasn't: nothing is saved but the fact."""
        verdict = AttemptOutcome(
            "timed_out", "time_limit", "Timed out: the worker ended itself, as it had come to no end."
        )
        last = ResultBuilder(self.result.started_at, verdict, now_text(), notes=list(self.result.notes))
        told = _after(0, lambda: self.storage.put_result(last.as_result(), lambda: None))
        told.join(_LAST_WORDS)
        # the subreaper sees it, and ends all that was started
        os._exit(1)

    def _remove_scratch(self) -> None:
        remove_folder(self.folders.root)

    def _send_heartbeat(self) -> float:
        send_heartbeat(self.storage.put, self.live.progress if self.live else None)
        return self.task.heartbeat_seconds

    def _guarded(self, step: Callable[[], None], *, stage: str, what: str) -> None:
        """Do a step; what goes wrong in it becomes the verdict, unless there is a graver one already."""
        try:
            step()
        except Refused as refused:
            self._decide(AttemptOutcome("refused", refused.code, fit_sentence(refused.message)))
            if refused.code == "disk_full":
                self._make_room()
        except Exception as problem:
            if isinstance(problem, OSError) and problem.errno in _FULL:
                self._make_room()
                full = "The worker's disk is full: free some space and run it again."
                self._decide(AttemptOutcome(self._outcome(), "disk_full", full))
            else:
                # before it is cut short, since half a secret is one too
                cause = mask_values(f"{type(problem).__name__}: {problem}", self.secrets)
                self._decide(AttemptOutcome(self._outcome(), stage, fit_sentence(f"{what}: {cause}")))
            self.result.notes.append(mask_values("".join(traceback.format_exception(problem)), self.secrets)[-4000:])

    def _decide(self, verdict: AttemptOutcome) -> None:
        earlier = self.result.verdict
        if earlier is None or earlier.reason in {"ok", "empty_output"}:
            self.result.verdict = verdict
        self._say(verdict.sentence)

    def _outcome(self) -> str:
        return "finished" if self.result.ended_at else "refused"

    def _make_room(self) -> None:
        """Free the disk of what the result doesn't need; the log and the report stay when they fit."""
        for folder in (self.folders.code, self.folders.previous):
            remove_folder(folder)
        with suppress(OSError):
            (self.folders.root / "bundle.tar.gz").unlink()

    def _say(self, line: str) -> None:
        if self.log:
            self.log.say(line)

    def _prepare_and_run(self) -> None:
        self.folders.make()
        self.log = RunLog(self.folders.root, lambda number, data: self.storage.put(f"{LIVE_LOG}{number}", data))
        prepared = self._make_environments(self._prepare())
        if prepared is None or self.signals.stop:
            self.result.verdict = self.result.verdict or _STOPPED_EARLY
            return
        ended, memory_ran_out = self._run(prepared)
        if ended.cause is Cause.EXITED and ended.exit_code == 0 and self.task.expect:
            # before the files are collected, which takes them away
            self._guarded(
                lambda: self._check_contract(prepared), stage="contract", what="The contract couldn't be checked"
            )
        self._guarded(
            lambda: self._collect_output(prepared), stage="publishing", what="The outputs couldn't be collected"
        )
        self._judge(ended, memory_ran_out, prepared.python)

    def _prepare(self) -> PreparedRun:
        workspace.check_kernel(self.task)
        workspace.unpack_bundle(self.task, self.objects, self.folders)
        workspace.write_parameters(self.task, self.folders)
        output = workspace.make_output_folder(self.task, self.folders.code)
        workspace.fetch_previous(self.task, self.folders)
        self.machine.ready(self.folders)
        variables = workspace.read_kernel_variables(self.task.kernel, self.objects)
        self.secrets |= secrets_among(variables)
        environment = workspace.build_environment(self.task, self.folders, output, variables)
        environment |= self.machine.environment()
        return PreparedRun(output, environment, take_snapshot(self.folders.code, output))

    def _make_environments(self, prepared: PreparedRun) -> PreparedRun | None:
        """Make what a bundle says that its notebook needs; None when that came to no good end, which is told then."""
        code = self.folders.code
        if not self._has_environments(code):
            return prepared
        installed = {}
        if not environments.has_requirements(code):
            installed["KERNEL_SPEC"] = str(environments.find_installed_kernel(code))
        listed = (code / "apt.txt").exists()
        if listed and self.machine.leaves_packages():
            return prepared
        if listed and not self.machine.installs_packages:
            self._say("apt.txt isn't installed: that takes root on Debian or Ubuntu.")
        began = time.monotonic()
        if (uv := self.machine.find_uv()) is None:
            return prepared
        plan = environments.plan_environments(
            uv,
            code,
            self.folders.environments,
            variables=prepared.environment,
            ours=self.machine.uv_variables(),
            say=self._say,
            bundle=self.task.bundle,
        )
        kept = kept_environments(self.task.shares_with)
        plan = fetch_kept(plan, self.objects, kept, self.folders.environments, self._say)
        report = self.folders.environments / "report"
        ended = self._contain(plan.command(report), prepared.output, {**plan.variables}, self.task.timeout_seconds)
        if not self._are_made(ended, report):
            return None
        if made := plan.list_made():
            self.packer = Packer(made, self.folders.packing, self._keep_environment)
        return prepared._replace(
            environment=prepared.environment | plan.run_variables(self.folders.kernel) | installed,
            spent=time.monotonic() - began,
            python=plan.difference(),
        )

    def _are_made(self, ended: CommandEnd, report: Path) -> bool:
        """False when making them was stopped, or took too long, which is told then.  Raises Refused."""
        if ended.cause is Cause.STOPPED or self.signals.stop:
            return False
        if ended.cause is Cause.TIMED_OUT:
            limit = duration_text(self.task.timeout_seconds)
            sentence = f"Timed out: its environment wasn't made after {limit}."
            self._decide(AttemptOutcome("timed_out", "time_limit", sentence))
            return False
        if ended.exit_code != 0:
            raise Refused("environment", environments.read_report(report) or "Its environment couldn't be made.")
        return True

    def _has_environments(self, code: Path) -> bool:
        """True where the bundle says what it needs, or a machine of its own may have a kernel that packages brought."""
        if self.task.kernel is not None or not environments.is_wrapped(code):
            return False
        return environments.has_requirements(code) or self.machine.installs_packages

    def _keep_environment(self, name: str, packed: Path) -> None:
        place = self.machine.kept_under(self.task)
        self.objects.put_file(place + name, packed, consume=True)

    def _run(self, prepared: PreparedRun) -> tuple[CommandEnd, bool]:
        live = PeriodicTask("live notebook", self.live) if self.live else None
        kills = processes.count_memory_kills()
        self.result.started_at = now_text()
        left = max(self.task.timeout_seconds - prepared.spent, 1.0)
        try:
            ended = self._contain(["bash", "-c", self.task.command], prepared.output, prepared.environment, left)
        finally:
            if live:
                live.stop()
        self.result.ended_at = now_text()
        self.result.seconds = ended.seconds
        self.result.exit_code = ended.exit_code
        self._tell_what_was_left(ended)
        return ended, processes.count_memory_kills() > kills

    def _contain(
        self, command: list[str], output: Path, variables: dict[str, str], timeout_seconds: float
    ) -> CommandEnd:
        """Run a command in the bundle's folder as the run's user, until it and all that it started has ended."""
        assert self.log
        try:
            return run_contained(
                command,
                cwd=self.folders.code,
                environment=variables,
                output=self.log.attach(),
                timeout=timeout_seconds,
                grace=self.task.grace_seconds,
                marker=self.task.marker,
                signals=self.signals,
                limits=ProcessLimits(**self.task.limits),
                user=self.task.user,
                output_folder=output,
                cgroup_record=self.folders.cgroup,
            )
        finally:
            self.log.detach()

    def _tell_what_was_left(self, ended: CommandEnd) -> None:
        if ended.left and ended.cause is Cause.EXITED:
            self._say(f"The command left {_names(ended.left)} behind, which was ended.")
        elif ended.left:
            self._say(f"Ended {_names(ended.left)}.")
        if ended.survivors:
            sentence = f"{_names(ended.survivors)} couldn't be ended."
            self._say(sentence)
            self.result.notes.append(sentence)

    def _check_contract(self, prepared: PreparedRun) -> None:
        expect = self.task.expect
        assert expect
        published = open_storage(expect.objects) if expect.objects else None
        day = date.fromisoformat(expect.day)
        try:
            expectations.check_expectations(expect.lines, prepared.output, day, published, expect.index)
        except expectations.ExpectationFailed as broken:
            self._decide(AttemptOutcome("finished", "contract", fit_sentence(mask_values(str(broken), self.secrets))))

    def _collect_output(self, prepared: PreparedRun) -> None:
        self._collect(prepared.output, OUTPUT, self.result.files)
        self.result.elsewhere = find_written_elsewhere(self.folders.code, prepared.output, prepared.before)

    def _collect(self, folder: Path, prefix: str, files: list[Collected]) -> None:
        def store(path: str, source: Path, consume: bool) -> None:
            self.storage.put_file(prefix + path, source, consume)

        collect(folder, store, self.objects.for_each, files, self.result.notes)

    def _judge(self, ended: CommandEnd, memory_ran_out: bool, python: str) -> None:
        executed = notebook.read_notebook(self.executed) if self.executed else None
        failure = _read_failure(self.folders.report / "failure.json")
        if failure is None and executed and ended.exit_code != 0:
            failure = notebook.find_failure(executed)
        failure = failure and {key: self._tellable(value) for key, value in failure.items()}
        verdict = diagnose(
            RunFacts(
                cause=ended.cause,
                exit_code=ended.exit_code,
                signal=ended.signal,
                seconds=ended.seconds,
                timeout=self.task.timeout_seconds,
                memory_ran_out=memory_ran_out,
                out_of_memory=ended.out_of_memory,
                failure=failure,
                progress=notebook.measure_progress(executed) if executed else None,
                log_end=mask_values(_end_of(self.log), self.secrets) if self.log else "",
                outputs=len(self.result.files),
                is_notebook=self.task.notebook is not None,
                output_dir=self.task.output_dir,
                python=python,
            )
        )
        if verdict.reason != "ok":
            self.result.failure = failure
        if verdict.reason != "ok" and not (failure and failure.get("sentence") and verdict.outcome == "finished"):
            # the wrapper ends its log with its own sentence
            self._say(verdict.sentence)
        # what went wrong in collecting matters only after a good end
        if self.result.verdict is None or verdict.reason not in {"ok", "empty_output"}:
            self.result.verdict = verdict

    def _tellable(self, value: object) -> object:
        return mask_values(value, self.secrets) if isinstance(value, str) else value

    def _collect_report(self) -> None:
        if self.log:
            log, self.log = self.log, None
            finished = log.finish()
            if log.complaint:
                self.result.notes.append(log.complaint)
            place = self.folders.report / "log.txt"
            if place.is_dir() and not place.is_symlink():
                remove_folder(place)
            finished.replace(place)
        self._collect(self.folders.report, REPORT, self.result.report)


def _end_of(log: RunLog) -> str:
    """Its last bytes, and why it lacks some: a disk that is full takes no word about that either."""
    return "\n".join(filter(None, (log.end(), log.complaint)))


def _after(seconds: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


def _names(left: tuple[Process, ...]) -> str:
    shown = ", ".join(f"{process.name} (pid {process.pid})" for process in left[:_MOST_NAMES])
    more = len(left) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _read_failure(path: Path) -> dict[str, Any] | None:
    """The wrapper's failure.json; None when there is none.  A run may have put anything there."""
    with suppress(OSError, ValueError, RecursionError):
        with open_plain(path) as file:
            found = json.loads(file.read(_LARGEST_FAILURE))
        if isinstance(found, dict):
            return {key: value for key in _FAILURE_KEYS if isinstance(value := found.get(key), str | int)}
    return None


class RetryBudget:
    """Fifteen minutes in all, for every upload of an attempt together, counted from the first that fails."""

    def __init__(self) -> None:
        self._give_up: float | None = None

    def call(
        self,
        action: Callable[[], None],
        before_retry: Callable[[], None] = lambda: None,
        only: set[int] | None = None,
    ) -> None:
        """Do `action`; while it raises an OSError (with a number in `only`), do it again as long as there is time."""
        pause = 0.5
        while True:
            try:
                return action()
            except OSError as problem:
                if self._give_up is None:
                    self._give_up = time.monotonic() + RETRY_SECONDS
                if time.monotonic() > self._give_up or (only is not None and problem.errno not in only):
                    raise
                print(f"trying again: {problem}", file=sys.stderr, flush=True)
            before_retry()
            time.sleep(pause)
            pause = min(2 * pause, 30.0)
