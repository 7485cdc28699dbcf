"""Between the agent and all that a run starts is one small process, the subreaper, which outlives neither of them.

It supervises the command, tells the agent how it ended, and ends everything at once when the agent is killed.  Where
the run has a namespace, that ends with the subreaper too: then nothing is left whichever of them is killed.  The agent
can't do this itself: it has threads, and it may be killed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scheduler_service.worker import processes
from scheduler_service.worker.limits import LimitWatcher, ProcessLimits, create_cgroup, end_cgroup
from scheduler_service.worker.namespaces import end_with_parent, forgo_new_rights
from scheduler_service.worker.processes import Process
from scheduler_service.worker.supervise import (
    PATIENCE,
    Cause,
    CommandEnd,
    Signals,
    adopt_orphans,
    end_everything,
    supervise,
)

_ROOT = Path(__file__).parents[2]
#: without the site module, which takes longer than all the rest
_START = "import sys; sys.path.append(sys.argv[1]); from scheduler_service.worker import subreaper; subreaper.main()"
#: processes of each kind that a report names: it must fit into a pipe, as nobody reads it before the subreaper's end
_MOST = 200


def run_contained(
    command: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    output: int,
    timeout: float,
    grace: float,
    marker: str,
    signals: Signals,
    limits: ProcessLimits,
    user: int | None,
    output_folder: Path,
    cgroup_record: Path,
) -> CommandEnd:
    """As `supervise`, in a process of its own; to be called in the main thread, with whose end all of it ends.

    user: id of the user and group that the command gets, without any other group; None for ours.  It is the run's
    alone: whatever runs with that id, wherever it hangs, is ended too, such as what lingers by a manager of the user's.
    output_folder: what may not grow over its limit.  cgroup_record: where to write which control group there is.
    """
    order = {
        "agent": os.getpid(),
        "command": command,
        "cwd": str(cwd),
        "environment": dict(environment),
        "timeout": timeout,
        "grace": grace,
        "marker": marker,
        "limits": asdict(limits),
        "user": user,
        "output_folder": str(output_folder),
        "cgroup_record": str(cgroup_record),
    }
    adopt_orphans()
    reading, writing = os.pipe()
    with open(reading, "rb") as report:  # noqa: PTH123  (a descriptor)
        try:
            subreaper = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, str(_ROOT), str(writing)],
                stdin=subprocess.PIPE, stdout=output, pass_fds=(writing,), start_new_session=True,
                env={"PATH": os.environ.get("PATH", os.defpath), processes.SUBREAPER: marker},
            )  # fmt: skip
        finally:
            os.close(writing)
            os.close(output)
        assert subreaper.stdin
        with subreaper.stdin as told:
            told.write(json.dumps(order).encode())
        asked = False
        while subreaper.poll() is None:
            if signals.stop and not asked:
                subreaper.terminate()
                asked = True
            signals.wait(3600.0)
        answer = report.read()
    if not answer:
        # it was killed, and had no time to end what it kept: that is below us now
        end_cgroup(cgroup_record)
        left, survivors = end_everything(subreaper.pid, marker)
    elsewhere, lasting = ((), ()) if user is None else processes.end_user(user, PATIENCE)
    if answer:
        ended = _ended(answer)
    else:
        cause = Cause.STOPPED if asked else Cause.EXITED
        ended = CommandEnd(cause, None, signal.SIGKILL, 0.0, left, survivors)
    return ended._replace(left=(*ended.left, *elsewhere), survivors=(*ended.survivors, *lasting))


def main() -> None:
    """The subreaper: an order on stdin, the command's output on stdout, and the report to the descriptor in argv."""
    order = json.load(sys.stdin)
    signals = Signals()
    agent = order["agent"]
    end_with_parent(signal.SIGTERM)
    report = int(sys.argv[2])
    os.set_inheritable(report, False)
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if os.getppid() != agent:
        return
    try:
        answer = _supervised(order, output, signals, agent)
    except (OSError, ValueError) as problem:
        answer = {"errno": getattr(problem, "errno", None), "text": getattr(problem, "strerror", None) or str(problem)}
    os.write(report, json.dumps(answer).encode())


def _supervised(order: dict[str, Any], output: int, signals: Signals, agent: int) -> dict[str, Any]:
    limits = ProcessLimits(**order["limits"])
    with create_cgroup(order["marker"], Path(order["cgroup_record"])) as group:
        limits = group.keep_to(limits) if group else limits

        def prepare() -> None:
            limits.apply()
            if group:
                group.join()
            if order["user"] is not None:
                _become(order["user"])

        ended = supervise(
            order["command"],
            cwd=Path(order["cwd"]),
            environment=order["environment"],
            output=output,
            timeout=order["timeout"],
            # without the agent nobody collects what the command might still save
            grace=lambda: order["grace"] if os.getppid() == agent else 0.0,
            marker=order["marker"],
            signals=signals,
            prepare=prepare,
            watch=LimitWatcher(limits, Path(order["output_folder"])),
        )
        if group:
            ended = ended._replace(out_of_memory=group.ran_out_of_memory())
    return {"ended": ended._replace(left=ended.left[:_MOST], survivors=ended.survivors[:_MOST])}


def _become(user: int) -> None:
    """Drop every right of ours, for good: also what a program with the set-user-id bit would give back."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    forgo_new_rights()


def _ended(report: bytes) -> CommandEnd:
    """Read the report of the subreaper.  Raises what kept the command from starting."""
    answer = json.loads(report)
    if "ended" not in answer:
        raise OSError(answer["errno"], answer["text"]) if answer["errno"] else ValueError(answer["text"])
    cause, code, number, seconds, left, survivors, out_of_memory = answer["ended"]
    return CommandEnd(Cause(cause), code, number, seconds, _processes(left), _processes(survivors), out_of_memory)


def _processes(read: list[list[Any]]) -> tuple[Process, ...]:
    return tuple(Process(*each) for each in read)
