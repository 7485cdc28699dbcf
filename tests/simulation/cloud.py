"""Machines that execute attempts: as unreliable as the contract of a launcher allows, and watched all the time."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_schedule.core.models import Attempt
from scheduler_service.launchers.ad_hoc import FindAdHocWorker, find_no_worker
from scheduler_service.launchers.base import Handle, Launcher, WorkerState
from scheduler_service.worker.task import WorkerTask, frozen_task
from tests.simulation.worker import Command, Execution, Worker
from tests.simulation.world import Actor, World


@dataclass(frozen=True)
class Launch:
    """A machine was asked for, in these words."""

    at: float
    run: str
    number: int
    token: str
    words: str


@dataclass
class Machine:
    """A worker, and when it came to be and to its end."""

    name: str
    run: str
    number: int
    token: str
    actor: Actor
    start: float
    end: float | None = None
    #: why it didn't come to its own end: it died, it hangs, or a service ended it
    fate: str | None = None
    stop: bool = False
    #: switches it off from inside
    power_off: Callable[[], None] = lambda: None


@dataclass
class Cloud:
    """All machines, and what they did."""

    world: World
    objects: Any
    #: what a run's user code does in an attempt
    command_of: Callable[[str, int], Command]
    #: whether a repeated launch is known by its token, and gives the machine that there is
    tokens: bool = False
    machines: dict[str, Machine] = field(default_factory=dict)
    launches: list[Launch] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    #: how likely a machine hangs, at its start or at a heartbeat
    hang: float = 0

    def launch(self, attempt: Attempt) -> Handle:
        """A machine for the attempt, as a process of this machine is one."""
        self.asked(attempt.run_id, attempt.number, attempt.token, attempt.parameters)
        if self.tokens:
            for machine in self.machines.values():
                if machine.token == attempt.token:
                    return {"machine": machine.name}
        task = replace(frozen_task(attempt.parameters), work_folder="/")
        machine = self.machine(f"m{len(self.machines) + 1}", task)
        handle = {"machine": machine.name}
        self.world.start(
            machine.actor, lambda: Worker(self, machine, task, handle).live(), self.world.chance.uniform(1, 40)
        )
        self.world.start(Actor(self.world, machine.name), machine.actor.die, task.lifetime_seconds)
        return handle

    def asked(self, run: str, number: int, token: str, words: Any) -> None:
        """Somebody asks for a machine."""
        self.launches.append(Launch(self.world.time, run, number, token, json.dumps(words, sort_keys=True)))

    def machine(self, name: str, task: WorkerTask) -> Machine:
        """A machine that exists from now on."""
        actor = Actor(self.world, name)
        machine = Machine(name, task.run_id, task.attempt, task.token, actor, self.world.time)
        machine.power_off = actor.die
        self.machines[name] = machine
        actor.on_death = lambda: self._ended(machine)
        return machine

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
    #: every service of a world is there, so that the limit of this machine is one of all of them
    place = "here"

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._strays: set[str] = set()

    def environment(self) -> dict[str, str]:
        return {}

    def launch(self, attempt: Attempt) -> Handle:
        return self._cloud.launch(attempt)

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

    def reap(
        self, find_attempt: Callable[[str, int], Attempt | None], find_ad_hoc: FindAdHocWorker = find_no_worker
    ) -> None:
        del find_ad_hoc
        alive = [machine for machine in self._cloud.machines.values() if machine.end is None]
        strays = set()
        for machine in alive:
            attempt = find_attempt(machine.run, machine.number)
            if attempt is None or attempt.ended_at is not None:
                strays.add(machine.name)
        for name in sorted(strays & self._strays):
            self._cloud.kill(self._cloud.machines[name], "reaped")
        self._strays = strays

    def close(self) -> None:
        pass

    def _machine(self, attempt: Attempt) -> Machine | None:
        return self._cloud.machines[attempt.handle["machine"]] if attempt.handle else None
