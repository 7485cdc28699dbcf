"""A simulated agent: the product's own gate, uploads and patience, around a command that only takes its time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from jupyter_schedule.core.models import Reason, utc_text
from jupyter_schedule.core.object_keys import HEARTBEAT, OUTPUT, worker_prefix
from jupyter_schedule.core.storage.factory import digest
from scheduler_service.worker import agent
from scheduler_service.worker.agent import AttemptStorage
from scheduler_service.worker.task import WorkerTask
from tests.simulation.world import Stepped, World

if TYPE_CHECKING:
    from tests.simulation.cloud import Cloud, Machine

#: seconds between two heartbeats
BEAT = 30.0


@dataclass(frozen=True)
class Command:
    """What a run's user code does in one attempt."""

    schedule: str
    seconds: float
    exit_code: int = 0


@dataclass
class Execution:
    """User code of an attempt, from its start to its end."""

    schedule: str
    run: str
    number: int
    worker: str
    start: float
    #: where its objects are
    prefix: str
    end: float | None = None
    #: its exit code, when it came to its own end
    exit_code: int | None = None


class Worker:
    """An agent, from its gate to its result."""

    def __init__(self, cloud: "Cloud", machine: "Machine", task: WorkerTask, handle: dict[str, Any]) -> None:
        self._cloud = cloud
        self._world = cloud.world
        self._machine = machine
        self._task = task
        self._handle = handle
        self._command = cloud.command_of(task.run_id, task.attempt)
        self._objects = Stepped(machine.actor, "objects", cloud.objects)
        self._area = AttemptStorage(self._objects, task)  # type: ignore[arg-type]

    def live(self) -> None:
        """Execute the command if the gate can be won, and be gone."""
        try:
            self._maybe_hang()
            if agent.take_gate(self._objects, self._task.token, self._handle):  # type: ignore[arg-type]
                self._execute()
        except OSError:
            self._machine.fate = "away"
        self._machine.power_off()

    def _execute(self) -> None:
        task, start = self._task, self._world.now
        execution = Execution(
            self._command.schedule,
            task.run_id,
            task.attempt,
            self._machine.name,
            self._world.time,
            worker_prefix(task.worker, task.token),
        )
        self._cloud.executions.append(execution)
        outcome = self._work()
        execution.end = self._world.time
        content = f"{task.run_id}\n".encode()
        if outcome == "finished":
            execution.exit_code = self._command.exit_code
            agent.RetryBudget().call(lambda: self._area.put(f"{OUTPUT}out.csv", content))
        failed = outcome == "finished" and self._command.exit_code
        reasons = {"stopped": Reason.BY_HAND, "timed_out": Reason.TIME_LIMIT}
        result = {
            "outcome": outcome,
            "exit_code": self._command.exit_code if outcome == "finished" else None,
            "reason": Reason.EXIT_CODE if failed else reasons.get(outcome, Reason.OK),
            "sentence": "It is over.",
            "started_at": utc_text(start),
            "ended_at": utc_text(self._world.now),
            "seconds": execution.end - execution.start,
            "files": [{"path": "out.csv", "size": len(content), "sha256": digest(content)}]
            if outcome == "finished"
            else [],
        }
        self._area.put_result(result, lambda: None)
        if self._world.chance.random() < 0.1 and not self._world.faults.calm:
            # a machine that starts once more finds its gate taken by itself, and says that it was stopped
            self._world.sleep(self._machine.actor, self._world.chance.uniform(1, 60))
            self._area.put_result(result | {"outcome": "stopped", "exit_code": None, "files": []}, lambda: None)

    def _work(self) -> str:
        """Beat until the command ends; how it did."""
        seconds = min(self._command.seconds, self._task.timeout_seconds)
        end = self._world.time + seconds
        while self._world.time < end:
            with suppress(OSError):
                self._area.put(HEARTBEAT, str(self._world.time).encode())
            self._maybe_hang()
            self._world.sleep(self._machine.actor, max(0.0, min(BEAT, end - self._world.time)))
            if self._machine.stop:
                return "stopped"
        return "timed_out" if seconds < self._command.seconds else "finished"

    def _maybe_hang(self) -> None:
        if self._world.chance.random() < self._cloud.hang:
            self._machine.fate = "hung"
            self._world.say(self._machine.name, "HANGS")
            self._machine.actor.stopped_until = float("inf")
            self._world.sleep(self._machine.actor, 0)


@contextmanager
def by_the_clock_of(world: World) -> Iterator[None]:
    """The agent's own code goes by the world's time."""
    with (
        patch.object(agent, "time", _Time(world)),
        patch.object(agent, "now_text", lambda: utc_text(world.now)),
        patch.object(agent, "print", lambda *_, **__: None, create=True),
    ):
        yield


class _Time:
    """What the agent uses of the module `time`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def monotonic(self) -> float:
        return self._world.time

    def sleep(self, seconds: float) -> None:
        self._world.sleep(self._world.acting, seconds)
