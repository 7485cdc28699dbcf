"""A whole deployment in a simulated world: services, people, clocks, outages, and what is noted about all of them."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

from jupyter_schedule.core import ledger
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    CatchUp,
    Overlap,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    Visibility,
)
from jupyter_schedule.core.operations import Operations
from jupyter_schedule.core.workarea import bundle_key
from scheduler_service.tick import Surroundings, Ticker
from tests.factories import make_schedule, make_spec
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.cloud import Cloud, CloudLauncher, Defences
from tests.simulation.memory_store import MemoryStore
from tests.simulation.world import CALM, Actor, Faults, Lines, Stepped, World

HOUR = 3600.0
#: how long the world is bad, and how long it may then take until nothing is left to do
HORIZON = 6 * HOUR
AFTERWARDS = 6 * HOUR
#: when somebody loses patience with what is still to do
PATIENCE = 2 * HOUR
WHOLE = Defences()
TIMINGS = (
    Timing(cron="*/20 * * * *"),
    Timing(cron="7,37 * * * *", timezone="America/New_York"),
    Timing(cron="0 * * * *", timezone="Europe/Berlin"),
    Timing(cron="30 2 * * *", timezone="Europe/Berlin"),
    Timing(cron="*/45 0-23/2 * * *", timezone="America/Santiago"),
)


@dataclass(frozen=True)
class Stretch:
    """What a schedule owed was settled, from after one instant up to another, while it was in this state."""

    schedule: Schedule
    start: datetime
    end: datetime


class Ledger(MemoryStore):
    """The store, watched: what is settled, what comes in when, and who writes without right."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.world = world
        self.second: Callable[[], datetime | None] = lambda: None
        self.settled: list[Stretch] = []
        #: each row as it came in, with the true time
        self.rows: list[tuple[float, Run]] = []
        #: writes of those who weren't the holders any more
        self.stale: list[str] = []
        self.ended: dict[str, Run] = {}
        self.thawed: list[str] = []
        #: run and attempt, and the true time at which it was over
        self.over: dict[tuple[str, int], float] = {}

    def clock(self) -> datetime | None:
        return self.second()

    def move_cursor(self, before: Schedule, after: Schedule) -> bool:
        moved = super().move_cursor(before, after)
        if moved:
            self.settled.append(Stretch(before, before.cursor, max(before.cursor, after.cursor)))
        return moved

    def insert_run(self, run: Run, actor: str) -> None:
        known = (run.schedule_id, run.key) in self.keys
        super().insert_run(run, actor)
        if not known:
            self.rows.append((self.world.time, run))

    def keep(self, run: Run) -> None:
        if run.id in self.ended and run != self.ended[run.id]:
            self.thawed.append(run.id)
        if run.status.terminal:
            self.ended.setdefault(run.id, run)
        super().keep(run)

    def _move_run(self, before: Run, after: Run, actor: str) -> bool:
        fence = self.runs_by_id[before.id].fence
        moved = super()._move_run(before, after, actor)
        if moved and before.fence != fence:
            self.stale.append(f"{before.id} to {after.status}")
        return moved

    def replace_attempt(self, run: Run, attempt: Any) -> bool:
        fence = self.runs_by_id[run.id].fence
        replaced = super().replace_attempt(run, attempt)
        if replaced and attempt.ended_at is not None:
            self.over.setdefault((run.id, attempt.number), self.world.time)
        if replaced and run.fence != fence:
            self.stale.append(f"{run.id} attempt {attempt.number}")
        return replaced


class WorkArea(MemoryObjects):
    """The work area, in which a result that is there never changes."""

    def __init__(self) -> None:
        super().__init__()
        self.rewritten: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        if key.endswith("/result") and self.content.get(key, data) != data:
            self.rewritten.append(key)
        super().put(key, data)


class PublicationArea(MemoryObjects):
    """The publications, as a reader sees them after every single write."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, tuple[str, int, str]] = {}
        self.went_back: list[str] = []
        self.incomplete: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        self._look(key)

    def put_once(self, key: str, data: bytes) -> None:
        super().put_once(key, data)
        self._look(key)

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        super().put_if(key, data, expected)
        self._look(key)

    def _look(self, key: str) -> None:
        folder, _, name = key.rpartition("/")
        if name == "manifest.json":
            files = json.loads(self.content[key])["files"]
            self._check(key, [(f"{folder}/files/{file['path']}", file["size"]) for file in files])
        elif name == "latest.json":
            said = json.loads(self.content[key])
            order = (said["scheduled_for"], said["run_queued"], said["run"])
            if order < self.latest.get(folder, ("", 0, "")):
                self.went_back.append(key)
            self.latest[folder] = order
            self._check(key, [(f"{folder}/{said['manifest']}", None)])

    def _check(self, key: str, needed: Sequence[tuple[str, int | None]]) -> None:
        for other, size in needed:
            content = self.content.get(other)
            if content is None or (size is not None and len(content) != size):
                self.incomplete.append(f"{key} without {other}")


@dataclass
class Service:
    """One service process: its clock may be wrong, and after its death another takes its place."""

    deployment: "Deployment"
    number: int
    skew: float = 0.0
    lives: int = 0
    actor: Actor = field(init=False)

    def start(self, after: float = 0) -> None:
        """Begin a life."""
        world = self.deployment.world
        self.lives += 1
        self.actor = Actor(world, f"s{self.number}.{self.lives}")
        self.actor.on_death = lambda: self.start(world.chance.choice((1, 10, 60, 300)))
        actor = self.actor
        world.start(actor, lambda: self._live(actor), after)

    def now(self) -> datetime:
        """What its clock says."""
        return self.deployment.world.now + timedelta(seconds=self.skew)

    def _live(self, actor: Actor) -> None:
        deployment, world = self.deployment, self.deployment.world
        launcher = CloudLauncher(deployment.cloud, deployment.seconds_of)
        ticker = Ticker(
            Surroundings(
                store=Stepped(actor, "store", deployment.ledger),  # type: ignore[arg-type]
                objects=Stepped(actor, "objects", deployment.work),  # type: ignore[arg-type]
                open_objects=lambda _: Stepped(actor, "area", deployment.area),  # type: ignore[arg-type,return-value]
                work_area="memory:///work",
                launchers={"local": Stepped(actor, "launcher", launcher)},  # type: ignore[dict-item]
                secret=b"secret",
                holder=actor.name,
                place="here",
                room=deployment.room,
                now=self.now,
                awake=lambda: world.time,
                since_boot=lambda: world.time,
                pool=lambda _: Lines(actor),
            )
        )
        while True:
            skew = self.skew
            try:
                busy = ticker.tick()
            except OSError:
                world.sleep(actor, 1)
                continue
            deployment.ticked(skew, ticker)
            world.sleep(actor, world.chance.uniform(2, 25) if busy else self._until_due())

    def _until_due(self) -> float:
        due = self.deployment.ledger.next_due()
        wait = (due - self.now()).total_seconds() if due else 30.0
        return max(0.2, min(wait, 30.0))


class Deployment:
    """Everything that happens for one seed."""

    def __init__(
        self, seed: int, defences: Defences = WHOLE, ledger_type: type[Ledger] = Ledger, *, whole: bool = False
    ) -> None:
        self.seed = seed
        self.world = world = World(seed, whole=whole)
        chance = world.chance
        self.services = [Service(self, number + 1) for number in range(chance.choice((1, 1, 2, 2, 3)))]
        self.shared = len(self.services) > 1 or chance.random() < 0.3
        self.ledger = ledger_type(world, self._lease_clock)
        if self.shared:
            self.ledger.second = lambda: world.now
        self.work, self.area = WorkArea(), PublicationArea()
        if defences.tokens is False and chance.random() < 0.4:
            defences = replace(defences, tokens=True)
        self.cloud = Cloud(world, self.work, defences)
        self.room = chance.choice((2, 4, 10))
        self.calm = chance.random() < 0.15
        self.faults = CALM if self.calm else _faults(chance)
        #: what a service thought while its clock was far ahead of all others
        self.doubts: list[tuple[float, bool]] = []
        self.ended_well = False

    def run(self) -> None:
        """Live through the bad hours, then until nothing is left to do."""
        names = random.Random(self.seed)
        with patch.object(ledger, "uuid4", lambda: UUID(int=names.getrandbits(128), version=4)):
            self._live()

    def _live(self) -> None:
        world = self.world
        try:
            self._make_schedules()
            world.faults = self.faults
            for service in self.services:
                service.start(world.chance.uniform(0, 5))
            if not self.calm:
                self._let_things_happen()
            world.run_until(HORIZON)
            self._calm_down()
            world.run_until(HORIZON + AFTERWARDS, or_else=self._nothing_left)
            self.ended_well = self._nothing_left()
        finally:
            world.close()

    def seconds_of(self, run_id: str) -> tuple[float, str]:
        """How long the run's command takes, and whose it is."""
        chance = random.Random(f"{self.seed} {run_id}")
        return chance.choice((20, 60, 300, 900, 1500, 2400)), self.ledger.runs_by_id[run_id].schedule_id

    def ticked(self, skew: float, ticker: Ticker) -> None:
        """A service has ticked, by a clock that was so many seconds ahead."""
        if self.shared and skew > 120:
            self.doubts.append((self.world.time, ticker.trust.halted))

    def _lease_clock(self) -> datetime:
        return self.world.now if self.shared else self.services[0].now()

    def _make_schedules(self) -> None:
        chance = self.world.chance
        self.work.content[bundle_key("0" * 64)] = b"bundle"
        for number in range(chance.randint(1, 3)):
            spec = self._a_spec()
            plain = make_schedule(f"schedule-{number}", spec=spec, cursor=self.world.now, created_at=self.world.now)
            self.ledger.add_schedule(ledger.advanced(plain, self.world.now))

    def _a_spec(self) -> Spec:
        chance = self.world.chance
        return make_spec(
            timing=chance.choice(TIMINGS),
            timeout=30,
            overlap=chance.choice(tuple(Overlap)),
            catch_up=chance.choice((CatchUp.LATEST, CatchUp.LATEST, CatchUp.ALL, CatchUp.NONE)),
            visibility=chance.choice((Visibility.PRIVATE, Visibility.NONE)),
            parameters={"x": chance.randrange(1000)},
            publication_base="file:///published",
        )

    def _let_things_happen(self) -> None:
        chance, world = self.world.chance, self.world
        self.cloud.hang = chance.choice((0, 0.002, 0.02))
        for name in ("ann", "bob")[: chance.randint(0, 2)]:
            person = Person(self, name)
            world.start(person.actor, person.live)
        for what in ("store", "objects"):
            if chance.random() < 0.3:
                start = chance.uniform(0, HORIZON)
                world.outages[what] = (start, start + chance.choice((60, 600, 900)))
        if chance.random() < 0.5:
            world.start(Actor(world, "clock", mortal=False), self._set_clocks)

    def _set_clocks(self) -> None:
        chance, world = self.world.chance, self.world
        hand = Actor(world, "clock", mortal=False)
        for _ in range(chance.randint(1, 3)):
            world.sleep(hand, chance.uniform(60, HORIZON / 3))
            service = chance.choice(self.services)
            service.skew = chance.choice((0, 30, 600, 7200, -30, -600, -7200))
            world.say("clock", f"of s{service.number} is {service.skew:+.0f} s off")

    def _calm_down(self) -> None:
        world = self.world
        world.faults = CALM
        world.outages = {}
        self.cloud.hang = 0
        for service in self.services:
            service.skew = 0
            service.actor.stopped_until = min(service.actor.stopped_until, world.time + 200)
        world.say("world", "is calm from here on")
        person = Person(self, "end")
        world.start(person.actor, person.end_all)

    def _nothing_left(self) -> bool:
        schedules = self.ledger.schedules()
        return not self.ledger.open_runs() and all(each.state != ScheduleState.ACTIVE for each in schedules)


class Person:
    """Somebody who uses the product while all this happens."""

    def __init__(self, deployment: Deployment, name: str) -> None:
        self._deployment = deployment
        self._world = deployment.world
        self.actor = Actor(self._world, name, mortal=False)

    def live(self) -> None:
        """Ask for something now and then."""
        chance = self._world.chance
        while True:
            self._world.sleep(self.actor, chance.expovariate(1 / 1200))
            if self._world.time >= HORIZON:
                return
            self.attempt(chance.choice((self._run, self._cancel, self._retry, self._retry, self._edit, self._toggle)))

    def attempt(self, ask: Callable[[Operations], object]) -> None:
        """Ask; what is refused, or got no answer, is let be."""
        deployment = self._deployment
        operations = Operations(
            Stepped(self.actor, "store", deployment.ledger),  # type: ignore[arg-type]
            Stepped(self.actor, "objects", deployment.work),  # type: ignore[arg-type]
            now=lambda: self._world.now,
        )
        try:
            ask(operations)
        except (Refused, OSError) as problem:
            self._world.say(self.actor.name, f"was told: {problem}")

    def end_all(self) -> None:
        """Let nothing more come due, and hours later cancel what a long queue still holds."""
        for schedule in self._deployment.ledger.schedules():
            self.attempt(lambda operations, name=schedule.name: operations.pause(name))
        self._world.sleep(self.actor, PATIENCE)
        for run in self._deployment.ledger.open_runs():
            self.attempt(lambda operations, run_id=run.id: operations.cancel(run_id))

    def _name(self) -> str:
        return self._world.chance.choice([schedule.name for schedule in self._deployment.ledger.schedules()])

    def _run(self, operations: Operations) -> None:
        operations.run_now(self._name())

    def _cancel(self, operations: Operations) -> None:
        if runs := self._deployment.ledger.open_runs():
            operations.cancel(self._world.chance.choice(runs).id)

    def _retry(self, operations: Operations) -> None:
        """From two windows at once."""
        ended = [run for run in self._deployment.ledger.ended.values() if run.status != RunStatus.SKIPPED]
        if ended:
            run = self._world.chance.choice(ended)
            other = Person(self._deployment, f"{self.actor.name}'")
            self._world.start(other.actor, lambda: other.attempt(lambda operations: operations.retry(run.id)))
            operations.retry(run.id)

    def _edit(self, operations: Operations) -> None:
        schedule = operations.schedule(self._name())
        operations.edit(schedule.name, self._deployment._a_spec(), if_version=schedule.version)

    def _toggle(self, operations: Operations) -> None:
        schedule = operations.schedule(self._name())
        (operations.resume if schedule.state == ScheduleState.PAUSED else operations.pause)(schedule.name)


def _faults(chance: random.Random) -> Faults:
    return Faults(
        die=chance.choice((0, 0.0005, 0.003)),
        stop=chance.choice((0, 0.001, 0.005)),
        drop=chance.choice((0, 0.002, 0.02)),
        lose=chance.choice((0, 0.002, 0.02)),
        repeat=chance.choice((0, 0.02)),
        delay=chance.choice((0.01, 0.05)),
    )
