"""Workers as jobs of a Slurm cluster: the agent runs on a node, and Slurm decides when and where.

A job's id is no identity: a controller that is killed within half a second of a start forgets the job and gives its id
away, or starts it once more under the same id.  So a job has a name that follows from the attempt's token, every look
is by that name, and only the gate lets user code start.  A job that Slurm doesn't know is in doubt, until its worker
has been silent for as long as any other.

Slurm keeps no account of what has ended but for a few minutes, so the worker's own result says how it ended; Slurm says
why there is none.  Every call has a time limit, as the commands wait for a controller that is away.
"""

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jupyter_schedule.core.config import Bytes, Count
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt, LauncherInfo, MachineSize, Run, Spec
from scheduler_service.launchers.ad_hoc import FindAdHocWorker, find_no_worker
from scheduler_service.launchers.base import Handle, Launcher, LaunchRefused, WorkerEnd, WorkerState
from scheduler_service.launchers.local import filter_environment
from scheduler_service.launchers.plugins import CheckResult, LauncherContext, LauncherPlugin, LauncherSettings
from scheduler_service.logfmt import logfmt
from scheduler_service.worker.task import LaunchPlan, frozen_task

log = logging.getLogger(__name__)

#: states that a job leaves again, or in which it is at work: https://slurm.schedmd.com/squeue.html
_WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_WORKING = {"CONFIGURING", "RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"}
#: reasons for which a job waits until somebody changes something
_FOR_EVER = {
    "AssocMaxJobsLimit", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount", "InvalidQOS", "JobHeldAdmin",
    "JobHeldUser", "PartitionConfig", "PartitionDown", "PartitionInactive", "PartitionNodeLimit", "PartitionTimeLimit",
    "QOSNotAllowed",
}  # fmt: skip
#: ends that another job may not have
_BAD_LUCK = {"BOOT_FAIL", "NODE_FAIL", "PREEMPTED", "REVOKED"}
_ENDS = {
    "BOOT_FAIL": "its node didn't start",
    "CANCELLED": "somebody cancelled it",
    "COMPLETED": "it ended and left no result",
    "DEADLINE": "its deadline passed",
    "FAILED": "it failed",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "it used more memory than its size has",
    "PREEMPTED": "another job took its place",
    "REVOKED": "another cluster has it",
    "TIMEOUT": "its time limit was reached",
}
#: minutes that Slurm gives a job beyond its schedule's time-out: the agent ends it before that, and saves what it has
_BEYOND_MINUTES = 30
_PREFIX = "jupyter-schedule"
#: variables that are options to Slurm's commands: a person's own, or those of a job that the service is in itself.
#: They would hide jobs from it, and give jobs another partition or memory than their size has
_OPTION = re.compile(r"(?:SLURM|SBATCH|SQUEUE|SCANCEL|SINFO|SCONTROL)_")
#: and those that say where the cluster is, and who asks
_PLACE = {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_CLUSTERS"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _check_word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:,/&|*\[\]()-]{0,127}", text):
        raise ValueError("write it as sbatch takes it, without blanks")
    return text


Word = Annotated[str, AfterValidator(_check_word)]


class SlurmSize(_Part):
    """The options of a job, under the name that an analyst picks; one that is left out is the cluster's own default."""

    #: what an analyst reads beside the name; without it, it is made from the rest
    hardware: str = ""
    #: as `sbatch --partition`
    partition: Word | None = None
    #: as `sbatch --cpus-per-task`
    cpus: Count | None = None
    #: of the whole job: bytes, or such as "8 GiB"
    memory: Bytes | None = Field(default=None, ge=1024 * 1024)
    #: a number, or such as `a100:2`
    gpus: Annotated[str | int, AfterValidator(lambda given: _check_word(str(given)))] | None = None
    #: as `sbatch --account`
    account: Word | None = None
    #: as `sbatch --qos`
    qos: Word | None = None
    #: as `sbatch --constraint`
    constraint: Word | None = None

    @property
    def options(self) -> Iterator[str]:
        """The size as options of sbatch."""
        memory = None if self.memory is None else f"{-(-self.memory // 1024**2)}M"
        given = {"partition": self.partition, "cpus-per-task": self.cpus, "mem": memory, "gpus": self.gpus}
        given |= {"account": self.account, "qos": self.qos, "constraint": self.constraint}
        return (f"--{name}={value}" for name, value in given.items() if value is not None)

    def describe(self) -> str:
        """The size for a person."""
        cores = f"{self.cpus} core{'s' * (self.cpus > 1)}" if self.cpus else ""
        memory = self.memory.human_readable(decimal=False).replace("iB", "B") if self.memory else ""
        return self.hardware or ", ".join(
            part for part in (cores, memory, f"{self.gpus} GPU" if self.gpus else "", self.partition or "") if part
        )


class SlurmSettings(LauncherSettings):
    """The table `[slurm]`."""

    #: the first is that of a schedule which names none
    sizes: dict[str, SlurmSize] = Field(default_factory=lambda: {"default": SlurmSize()}, min_length=1)
    #: a folder that the service and all nodes see under this path: tasks, logs and the runs' scratch folders
    folder: Path
    #: a Python on the nodes that has jupyter-schedule; without it the one that the service runs in
    python: Path = Field(default_factory=lambda: Path(sys.executable))
    #: our own courtesy to the cluster, whose limits are its own
    max_jobs: Count = 200
    #: that one of Slurm's commands may take
    call_timeout_seconds: float = Field(default=20, gt=0, le=3600, strict=True, allow_inf_nan=False)

    @property
    def most_runs(self) -> int:
        return self.max_jobs

    def check_work_storage(self, address: str | None) -> None:
        if address is None:
            raise ValueError("nodes need a work area that they reach: set storage.work to a shared folder or a bucket")


@dataclass(frozen=True)
class _Job:
    """One line of squeue."""

    number: str
    state: str
    reason: str

    @property
    def waits(self) -> bool:
        return self.state in _WAITING

    @property
    def is_over(self) -> bool:
        return self.state not in _WAITING | _WORKING

    @property
    def waits_for(self) -> str:
        reason = "" if self.reason in {"None", ""} else f": {self.reason}"
        never = " It stays there until somebody changes that." if self.reason in _FOR_EVER else ""
        return f"Queued by Slurm{reason}.{never}"

    @property
    def end(self) -> WorkerEnd:
        reason = "" if self.reason in {"None", "", self.state} else f", {self.reason}"
        why = _ENDS.get(self.state, "nobody knows why")
        return WorkerEnd(f"Slurm's job {self.number} is over: {why} ({self.state}{reason}).")


class SlurmAway(OSError):  # noqa: N818  (a state of the world)
    """The controller doesn't answer; the message is Slurm's own."""


class SlurmLauncher(Launcher):
    """Jobs of the account that the service has."""

    identity = "slurm"

    def __init__(self, settings: SlurmSettings, context: LauncherContext, run: "RunCommand | None" = None) -> None:
        """Raises Refused `launcher_broken` when the shared folder can't be written."""
        self._settings = settings
        self._run = run or RunCommand(settings.call_timeout_seconds)
        self._tasks, self._logs, self._work = (settings.folder / name for name in ("tasks", "logs", "work"))
        self._deployment = hashlib.sha256(b"slurm" + context.secret).hexdigest()[:8]
        #: the names of jobs that waited when they were seen last: they do so too while nobody can be asked
        self._waiting: dict[str, str] = {}
        self._lock = threading.Lock()
        try:
            for made in (self._tasks, self._logs, self._work):
                made.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            message = f"slurm.folder: {settings.folder} can't be used: {problem.strerror}."
            raise Refused("launcher_broken", message) from None

    def environment(self) -> Mapping[str, str]:
        return {"RUNNER_PYTHON": str(self._settings.python)}

    def describe(self, name: str) -> LauncherInfo:
        sizes = (MachineSize(name=size, hardware=each.describe()) for size, each in self._settings.sizes.items())
        return LauncherInfo(name=name, sizes=tuple(sizes))

    def plan(
        self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime, lost: int | None = None
    ) -> LaunchPlan:
        del run, number, token, deadline, lost
        size = spec.size or next(iter(self._settings.sizes))
        if size not in self._settings.sizes:
            raise LaunchRefused(f"The settings have no size {size} for Slurm any more.")
        return LaunchPlan({"size": size, "minutes": spec.timeout + _BEYOND_MINUTES})

    def launch(self, attempt: Attempt) -> Handle:
        name = self._name(attempt)
        job = self._find(name)
        if job is None:
            # a lost answer leaves a job that is found by its name at the next try
            self._submit(name, attempt)
            job = self._find(name)
        return {"name": name, "job": job.number if job else None}

    def poll(self, attempt: Attempt) -> WorkerState:
        if attempt.handle is None:
            return WorkerState.UNKNOWN
        name = self._name(attempt)
        try:
            job = self._find(name)
        except SlurmAway as problem:
            if name in self._waiting:
                return replace(WorkerState.QUEUED, waits_for=self._waiting[name])
            log.debug(logfmt("slurm_away", run=attempt.run_id, message=problem))
            return WorkerState.UNREACHABLE
        with self._lock:
            self._waiting.pop(name, None)
            if job is not None and job.waits:
                self._waiting[name] = job.waits_for
        if job is None:
            # what Slurm doesn't know may be forgotten and at work: its silence tells, and then it is ended
            return WorkerState.ALIVE if attempt.outcome is None else WorkerState.GONE
        if job.waits:
            return replace(WorkerState.QUEUED, waits_for=job.waits_for)
        return replace(WorkerState.GONE, end=job.end) if job.is_over else WorkerState.ALIVE

    def explain_end(self, attempt: Attempt) -> WorkerEnd | None:
        try:
            job = self._find(self._name(attempt))
        except SlurmAway:
            return None
        if job is None or not job.is_over:
            return None
        return replace(job.end, log=_last_of(self._log(attempt)))

    def terminate(self, attempt: Attempt) -> None:
        name = self._name(attempt)
        job = self._find(name)
        if job is None or job.is_over:
            return
        # a signal to a job that waits is tried for 40 seconds and does nothing
        asked = () if job.waits else ("--signal=TERM", "--full")
        self._run("scancel", *asked, job.number)

    def kill(self, attempt: Attempt) -> None:
        job = self._find(self._name(attempt))
        if job is not None and not job.is_over:
            self._run("scancel", job.number)

    def discard(self, attempt: Attempt) -> None:
        try:
            self.kill(attempt)
        except SlurmAway as problem:
            # what is over ends without Slurm; its job is ended, and its files go, when Slurm can be asked again
            log.debug(logfmt("slurm_away", run=attempt.run_id, message=problem))
        else:
            self._forget(self._name(attempt))

    def reap(
        self, find_attempt: Callable[[str, int], Attempt | None], find_ad_hoc: FindAdHocWorker = find_no_worker
    ) -> None:
        del find_ad_hoc
        living = {name: job for name, job in self._list() if not job.is_over}
        for order in self._tasks.glob(f"{_PREFIX}-{self._deployment}-*.json"):
            known = _read_order(order)
            attempt = find_attempt(*known) if known else None
            if known is None or (attempt is not None and attempt.ended_at is None):
                continue
            job = living.get(order.stem)
            if job is not None:
                log.warning(logfmt("reap", run=known[0], attempt=known[1], job=job.number))
                self._run("scancel", job.number)
            else:
                self._forget(order.stem)

    def close(self) -> None:
        """Nothing is open."""

    def _submit(self, name: str, attempt: Attempt) -> None:
        plan = attempt.parameters["launch"]
        size = self._settings.sizes.get(plan["size"])
        if size is None:
            raise LaunchRefused(f"The settings have no size {plan['size']} for Slurm any more.")
        task = replace(frozen_task(attempt.parameters), work_folder=str(self._work))
        order, variables, script = (self._tasks / f"{name}.{kind}" for kind in ("json", "env", "sh"))
        _write(order, json.dumps(task.document()))
        # what the task names as secret must not stand in the job, which others may read
        passed = filter_environment(os.environ, task)
        _write(variables, "".join(f"{key}={shlex.quote(value)}\n" for key, value in sorted(passed.items())))
        python = shlex.quote(str(self._settings.python))
        _write(
            script,
            "#!/bin/sh\nset -a\n"
            f". {shlex.quote(str(variables))}\nset +a\n"
            f"exec {python} -P -m scheduler_service.worker <{shlex.quote(str(order))}\n",
        )
        self._run(
            "sbatch",
            "--parsable",
            f"--job-name={name}",
            f"--time={plan['minutes']}",
            f"--chdir={self._work}",
            f"--output={self._log(attempt)}",
            "--no-requeue",
            "--open-mode=append",
            "--export=NIL",
            *size.options,
            str(script),
            refused=LaunchRefused,
        )

    def _find(self, name: str) -> _Job | None:
        """The job of that name: the one that isn't over, where there are more.  Raises SlurmAway."""
        found = sorted((job for _, job in self._list(f"--name={name}")), key=lambda job: job.is_over)
        return found[0] if found else None

    def _list(self, *which: str) -> Iterator[tuple[str, _Job]]:
        own = f"{_PREFIX}-{self._deployment}-"
        for line in self._run("squeue", "--noheader", "--states=all", "--format=%i|%T|%j|%r", *which).splitlines():
            number, state, name, reason = [*line.split("|", 3), "", "", ""][:4]
            if name.startswith(own):
                yield name, _Job(number.strip(), state.strip(), reason.strip())

    def _name(self, attempt: Attempt) -> str:
        """The job's name, which everybody on the cluster may read: so it isn't the token."""
        return f"{_PREFIX}-{self._deployment}-{hashlib.sha256(attempt.token.encode()).hexdigest()[:24]}"

    def _log(self, attempt: Attempt) -> Path:
        return self._logs / f"{self._name(attempt)}.log"

    def _forget(self, name: str) -> None:
        with self._lock:
            self._waiting.pop(name, None)
        # the task last: as long as it is there, `reap` finds what is left
        for kind in ("env", "sh", "json"):
            (self._tasks / f"{name}.{kind}").unlink(missing_ok=True)
        (self._logs / f"{name}.log").unlink(missing_ok=True)


class RunCommand:
    """Calls Slurm's commands: with a time limit, in English, and with its errors told apart."""

    def __init__(self, timeout_seconds: float, environment: Mapping[str, str] | None = None) -> None:
        self._timeout_seconds = timeout_seconds
        given = os.environ if environment is None else environment
        self._environment = {name: value for name, value in given.items() if not _OPTION.match(name) or name in _PLACE}

    def __call__(self, command: str, *arguments: str, refused: type[Exception] = SlurmAway) -> str:
        """Return the output.  Raises SlurmAway when nobody answers, and `refused` for what Slurm says no to."""
        told = {**self._environment, "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                [command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                env=told,
                timeout=self._timeout_seconds,
                check=False,
            )
        except FileNotFoundError:
            raise refused(f"There is no {command} here: install Slurm's commands beside the service.") from None
        except subprocess.TimeoutExpired:
            raise SlurmAway(f"Slurm's {command} gave no answer for {self._timeout_seconds:g} s.") from None
        if done.returncode == 0:
            return done.stdout
        said = re.sub(rf"(?m)^{command}: (?:error: )?", "", done.stderr).strip() or f"exit code {done.returncode}"
        sentence = f"Slurm says: {'; '.join(said.splitlines()[:3])}"
        raise (SlurmAway if _is_away(done.stderr) else refused)(sentence)


def _is_away(said: str) -> bool:
    """A controller that can't be reached, not one that says no: only the text tells."""
    away = r"Unable to contact|Connection (?:refused|timed out)|Socket timed out|munge"
    return re.search(away, said, re.I) is not None


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _read_order(path: Path) -> tuple[str, int] | None:
    """The run and the attempt that a task is of; None when it is gone, or half written."""
    try:
        task = json.loads(path.read_text())
        return task["run_id"], int(task["attempt"])
    except (OSError, ValueError, KeyError):
        return None


def _last_of(path: Path, most: int = 4000) -> str:
    try:
        return path.read_bytes()[-most:].decode(errors="replace")
    except OSError:
        return ""


def check(settings: SlurmSettings, folder: Path, now: datetime) -> Iterator[CheckResult]:
    """Ask the controller, and look for the partitions that sizes name."""
    del folder, now
    if shutil.which("sbatch") is None:
        yield CheckResult(False, "slurm: there is no sbatch here: install Slurm's commands beside the service.")
        return
    try:
        lines = RunCommand(settings.call_timeout_seconds)("sinfo", "--noheader", "--format=%R|%a").splitlines()
    except SlurmAway as problem:
        yield CheckResult(False, f"slurm: {problem}")
        return
    partitions = dict(line.split("|", 1) for line in lines if "|" in line)
    yield CheckResult(True, f"slurm: the controller answers, with the partitions {', '.join(sorted(partitions))}")
    for name, size in settings.sizes.items():
        for partition in (size.partition or "").split(",") if size.partition else ():
            state = partitions.get(partition)
            right = state == "up"
            said = "is up" if right else f"is {state}" if state else "doesn't exist"
            yield CheckResult(right, f"slurm: the partition {partition} of the size {name} {said}")


PLUGIN = LauncherPlugin(SlurmSettings, SlurmLauncher, check)
