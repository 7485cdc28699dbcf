"""Machines that execute attempts: as unreliable as the contract of a launcher allows, and watched all the time."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jupyter_schedule.core.models import Attempt, Reason, utc_text
from jupyter_schedule.core.objects import ObjectExists, digest
from jupyter_schedule.core.workarea import HEARTBEAT, OUTPUT, RESULT, gate_key, worker_prefix
from scheduler_service.launchers.base import Handle, Launcher, WorkerState
from tests.simulation.world import Actor, Away, Stepped, World

#: seconds between two heartbeats
BEAT = 30.0


@dataclass
class Launch:
    """A machine was asked for."""

    run: str
    number: int
    token: str
    parameters: str


@dataclass
class Execution:
    """User code of an attempt, from its start to its end."""

    schedule: str
    run: str
    number: int
    worker: str
    start: float
    end: float | None = None


@dataclass
class Machine:
    """A worker, and when it came to be and to its end."""

    name: str
    run: str
    number: int
    token: str
    life: float
    actor: Actor
    start: float
    end: float | None = None
    #: why it didn't come to its own end: it died, it hangs, or a service ended it
    fate: str | None = None
    stop: bool = False


@dataclass(frozen=True)
class Defences:
    """What protects the protocol on this side; a mutant lacks one of them."""

    gate: bool = True
    write_once_result: bool = True
    self_shutdown: bool = True
    reaper: bool = True
    #: whether a repeated launch is known by its token, and gives the machine that there is
    tokens: bool = False


@dataclass
class Cloud:
    """All machines, and what they did."""

    world: World
    objects: Any
    defences: Defences = field(default_factory=Defences)
    machines: dict[str, Machine] = field(default_factory=dict)
    launches: list[Launch] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    #: run and attempt of each finished result, and when it was stored
    finished: dict[tuple[str, int], float] = field(default_factory=dict)
    #: how likely a machine hangs, at its start or at a heartbeat
    hang: float = 0

    def launch(self, attempt: Attempt, seconds: float, schedule: str) -> Handle:
        """A machine for the attempt, whose command takes so long."""
        frozen = json.dumps(attempt.parameters, sort_keys=True)
        self.launches.append(Launch(attempt.run_id, attempt.number, attempt.token, frozen))
        if self.defences.tokens:
            for machine in self.machines.values():
                if machine.token == attempt.token:
                    return {"machine": machine.name}
        name = f"m{len(self.machines) + 1}"
        actor = Actor(self.world, name)
        life = float(attempt.parameters["life"])
        machine = Machine(name, attempt.run_id, attempt.number, attempt.token, life, actor, self.world.time)
        self.machines[name] = machine
        actor.on_death = lambda: self._ended(machine)
        worker = _Worker(self, machine, attempt, seconds, schedule)
        self.world.start(actor, worker.live, self.world.chance.uniform(1, 40))
        if self.defences.self_shutdown:
            self.world.start(Actor(self.world, name), actor.die, life)
        return {"machine": name}

    def kill(self, machine: Machine, why: str) -> None:
        """Switch it off."""
        machine.fate = machine.fate or why
        machine.actor.die()

    def _ended(self, machine: Machine) -> None:
        machine.end = self.world.time
        for execution in self.executions:
            if execution.worker == machine.name and execution.end is None:
                execution.end = self.world.time


class CloudLauncher(Launcher):
    """The machines as one service sees them."""

    identity = "cloud"

    def __init__(self, cloud: Cloud, seconds_of: Callable[[str], tuple[float, str]]) -> None:
        self._cloud = cloud
        self._seconds_of = seconds_of
        self._strays: set[str] = set()

    def environment(self) -> dict[str, str]:
        return {}

    def launch(self, attempt: Attempt) -> Handle:
        return self._cloud.launch(attempt, *self._seconds_of(attempt.run_id))

    def poll(self, attempt: Attempt) -> WorkerState:
        machine = self._machine(attempt)
        if machine is None:
            return WorkerState.UNKNOWN
        return WorkerState.ALIVE if machine.end is None else WorkerState.GONE

    def terminate(self, attempt: Attempt) -> None:
        if machine := self._machine(attempt):
            machine.stop = True

    def kill(self, attempt: Attempt) -> None:
        if machine := self._machine(attempt):
            self._cloud.kill(machine, "killed")

    def reap(self, attempt_of: Callable[[str, int], Attempt | None]) -> None:
        if not self._cloud.defences.reaper:
            return
        alive = [machine for machine in self._cloud.machines.values() if machine.end is None]
        strays = set()
        for machine in alive:
            attempt = attempt_of(machine.run, machine.number)
            if attempt is None or attempt.ended_at is not None:
                strays.add(machine.name)
        for name in sorted(strays & self._strays):
            self._cloud.kill(self._cloud.machines[name], "reaped")
        self._strays = strays

    def close(self) -> None:
        pass

    def _machine(self, attempt: Attempt) -> Machine | None:
        return self._cloud.machines[attempt.handle["machine"]] if attempt.handle else None


class _Worker:
    """An agent, from its gate to its result."""

    def __init__(self, cloud: Cloud, machine: Machine, attempt: Attempt, seconds: float, schedule: str) -> None:
        self._cloud = cloud
        self._world = cloud.world
        self._machine = machine
        self._attempt = attempt
        self._seconds = min(seconds, float(attempt.parameters["timeout"]))
        self._timed_out = seconds > self._seconds
        self._schedule = schedule
        self._objects = Stepped(machine.actor, "objects", cloud.objects)
        self._prefix = worker_prefix(attempt.parameters["worker"], attempt.token)

    def live(self) -> None:
        try:
            self._maybe_hang()
            if self._take_gate():
                self._execute()
        except Away:
            self._machine.fate = "away"
        self._machine.actor.die()

    def _take_gate(self) -> bool:
        word = json.dumps({"started_by": {"machine": self._machine.name}}).encode()
        try:
            self._objects.put_once(gate_key(self._attempt.token), word)
        except ObjectExists:
            return not self._cloud.defences.gate
        return True

    def _execute(self) -> None:
        run, number, start = self._attempt.run_id, self._attempt.number, self._world.now
        execution = Execution(self._schedule, run, number, self._machine.name, self._world.time)
        self._cloud.executions.append(execution)
        stopped = self._work()
        execution.end = self._world.time
        outcome = "stopped" if stopped else "timed_out" if self._timed_out else "finished"
        content = f"{run}\n".encode()
        if outcome == "finished":
            self._insist(lambda: self._objects.put(f"{self._prefix}{OUTPUT}out.csv", content))
        result = {
            "outcome": outcome,
            "exit_code": 0 if outcome == "finished" else None,
            "reason": {"stopped": Reason.BY_HAND, "timed_out": Reason.TIME_LIMIT}.get(outcome, Reason.OK),
            "sentence": "It is over.",
            "started_at": utc_text(start),
            "ended_at": utc_text(self._world.now),
            "seconds": execution.end - execution.start,
            "files": [{"path": "out.csv", "size": len(content), "sha256": digest(content)}]
            if outcome == "finished"
            else [],
        }
        self._insist(lambda: self._put_result(result))
        if self._world.chance.random() < 0.1 and not self._world.faults.calm:
            # a machine that starts once more finds its gate taken by itself, and says that it was stopped
            self._world.sleep(self._machine.actor, self._world.chance.uniform(1, 60))
            self._insist(lambda: self._put_result(result | {"outcome": "stopped", "exit_code": None, "files": []}))

    def _work(self) -> bool:
        """Beat until the command ends; whether it was asked to stop before."""
        end = self._world.time + self._seconds
        while self._world.time < end:
            with suppress(Away):
                self._objects.put(self._prefix + HEARTBEAT, str(self._world.time).encode())
            self._maybe_hang()
            self._world.sleep(self._machine.actor, max(0.0, min(BEAT, end - self._world.time)))
            if self._machine.stop:
                return True
        return False

    def _put_result(self, result: dict[str, Any]) -> None:
        key, data = self._prefix + RESULT, json.dumps(result).encode()
        if not self._cloud.defences.write_once_result:
            self._objects.put(key, data)
            return
        try:
            self._objects.put_once(key, data)
        except ObjectExists:
            return

    def _insist(self, act: Callable[[], None]) -> None:
        """Again and again, for a quarter of an hour."""
        end = self._world.time + 900
        while True:
            try:
                return act()
            except Away:
                if self._world.time > end:
                    raise
            self._world.sleep(self._machine.actor, 10)

    def _maybe_hang(self) -> None:
        if self._world.chance.random() < self._cloud.hang:
            self._machine.fate = "hung"
            self._world.say(self._machine.name, "HANGS")
            self._machine.actor.stopped_until = float("inf")
            self._world.sleep(self._machine.actor, 0)
