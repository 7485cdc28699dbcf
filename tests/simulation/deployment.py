"""A whole deployment in a simulated world: services, people, clocks, outages, and what is noted about all of them."""

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest.mock import patch
from uuid import UUID

from jupyter_schedule.core import clock
from jupyter_schedule.core.config import FOLDERS
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import ConcurrencyLimits, Schedule, ScheduleState, Spec
from jupyter_schedule.core.object_keys import bundle_key, bundle_record_key
from jupyter_schedule.core.operations import ad_hoc as ad_hoc_operations
from jupyter_schedule.core.operations import schedules as schedule_operations
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.timing import planning
from scheduler_service.backoff import Backoff, BackoffKey
from scheduler_service.context import ServiceContext
from scheduler_service.launchers.base import Launcher
from scheduler_service.launchers.ec2.prices import Prices
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.notifications import deliver
from scheduler_service.ownership import PATIENCE_SECONDS, OwnerMarker, Ownership
from scheduler_service.publishing.unpublish import Unpublisher
from scheduler_service.service import LOOK_OUTSIDE
from scheduler_service.tick import Ticker
from scheduler_service.trusted_clock import TrustedClock
from tests.factories import make_schedule
from tests.simulation import crowd, specs, surroundings
from tests.simulation.cloud import Cloud, CloudLauncher
from tests.simulation.crowd import Replica
from tests.simulation.ledgers import Opens, in_memory
from tests.simulation.people import Backfilled, Person, Reader, Shown
from tests.simulation.region import Region, launcher_of
from tests.simulation.surroundings import MOST_TRIES, Surroundings, Threads
from tests.simulation.watched import Ledger, PublicationArea, WorkArea
from tests.simulation.worker import Command, by_the_clock_of
from tests.simulation.world import CALM, HORIZON, HOUR, Actor, Faults, Lines, Stepped, World

#: how long it may take after the bad hours until nothing is left to do
AFTERWARDS = 6 * HOUR
#: exceptions that no world raises: a fault of the product, or a double that lacks what the real thing has
OWN_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)


@dataclass
class Service:
    """One service process: its clock may be wrong, and after its death another takes its place."""

    deployment: "Deployment"
    number: int
    #: the ledger that it ticks for, and which one that is
    ledger: Ledger
    identity: OwnerMarker = surroundings.ORIGINAL
    skew: float = 0.0
    lives: int = 0
    actor: Actor = field(init=False)

    def start(self, after: float = 0) -> None:
        """Begin a life."""
        world = self.deployment.world
        self.lives += 1
        whose = "" if self.identity == surroundings.ORIGINAL else "copy-"
        self.actor = Actor(world, f"{whose}s{self.number}.{self.lives}")
        self.actor.on_death = lambda: self.start(world.chance.choice((1, 10, 60, 300)))
        actor = self.actor
        world.start(actor, lambda: self._live(actor), after)

    def now(self) -> datetime:
        """What its clock says."""
        return self.deployment.world.now + timedelta(seconds=self.skew)

    def _live(self, actor: Actor) -> None:
        deployment, world = self.deployment, self.deployment.world
        setup = deployment.replicas[self.number - 1]
        store: Store = Stepped(actor, "store", self.ledger)  # type: ignore[assignment]
        objects: ObjectStorage = Stepped(actor, "objects", deployment.work)  # type: ignore[assignment]
        trusted = TrustedClock(self.now, lambda: world.time, store.clock)
        launchers: dict[str, Launcher] = {
            "local": Stepped(actor, "launcher", CloudLauncher(deployment.cloud)),  # type: ignore[dict-item]
            "ec2": launcher_of(actor, deployment.region, trusted.now, *deployment.prices),
        }
        if self.identity != surroundings.ORIGINAL:
            acts = deployment.furnished.copy_acts
            launchers = {name: surroundings.Reported(each, acts) for name, each in launchers.items()}  # type: ignore[misc]
        ticker = Ticker(
            ServiceContext(
                store=store,
                objects=objects,
                open_objects=lambda address: deployment.open_area(actor, address),
                storage=deployment.storage,
                work_area="memory:///work",
                launchers={name: launchers[name] for name in setup.launchers},
                secret=b"secret",
                holder=actor.name,
                host="here",
                concurrency=ConcurrencyLimits(total=setup.room, per_launcher={"ec2": setup.room}),
                chance=world.chance.random,
                free=lambda: 0 if setup.is_full and world.time < HORIZON else sys.maxsize,
                clock=trusted,
                awake=lambda: world.time,
                pool=lambda _: Lines(actor),
            )
        )
        if deployment.is_crowded:
            world.start(actor, lambda: self._unpublish(actor, store))
        ownership = self._own(actor, objects, store) if deployment.surroundings else None
        if deployment.surroundings and self.identity == surroundings.ORIGINAL:
            world.start(actor, lambda: surroundings.deliver(deployment, actor, store))
            world.start(actor, lambda: surroundings.prune(deployment, actor, store, objects))
        while True:
            if ownership is not None and ownership.blocker is not None:
                world.sleep(actor, 1)
                continue
            skew = self.skew
            try:
                busy = ticker.tick()
            except (OSError, Refused):
                world.sleep(actor, 1)
                continue
            deployment.ticked(skew, ticker)
            world.sleep(actor, world.chance.uniform(2, 25) if busy else self._until_due(trusted.now()))

    def _own(self, actor: Actor, objects: ObjectStorage, store: Store) -> Ownership:
        """The right to the work area, which is looked at beside the ticks, as a service does; after the first look."""
        world = self.deployment.world
        ownership = None
        while ownership is None:
            try:
                ownership = Ownership(objects, store, self.identity)
            except OSError:
                world.sleep(actor, 1)
        until = world.time + PATIENCE_SECONDS

        def observe() -> None:
            while True:
                ownership.look()
                world.sleep(actor, LOOK_OUTSIDE)

        world.start(actor, observe)
        while not ownership.has_looked and world.time < until:
            world.sleep(actor, 0.1)
        return ownership

    def _unpublish(self, actor: Actor, store: Store) -> None:
        deployment, world = self.deployment, self.deployment.world
        unpublisher = Unpublisher(store, lambda address: deployment.open_area(actor, address))
        while True:
            with suppress(OSError, Refused):
                unpublisher.look(world.now)
            world.sleep(actor, world.chance.uniform(1, 60))

    def _until_due(self, now: datetime) -> float:
        due = self.ledger.schedules.next_due()
        wait = (due - now).total_seconds() if due else 30.0
        return max(0.2, min(wait, 30.0))


@dataclass(frozen=True)
class Trouble:
    """Something was away, or full, from one time to another."""

    what: str
    start: float
    end: float


class Deployment:
    """Everything that happens for one seed."""

    def __init__(self, seed: int, opens: Opens = in_memory, *, whole: bool = False) -> None:
        """whole: keep all of the trace."""
        self.seed = seed
        self.world = world = World(seed, whole=whole)
        chance = world.chance
        self.crowd = random.Random(f"crowd {seed}")
        self.is_crowded = self.crowd.random() < crowd.SHARE
        services = chance.choice((1, 1, 2, 2, 3))
        if self.is_crowded:
            self.launchers = crowd.draw_launchers(self.crowd)
            self.replicas = crowd.draw_replicas(self.crowd, self.launchers)
            services = len(self.replicas)
        self.surroundings = None if self.is_crowded else surroundings.draw(seed, world)
        self.ledger = Ledger(world, opens(self._lease_clock))
        self.services = [Service(self, number + 1, self.ledger) for number in range(services)]
        self.shared = len(self.services) > 1 or chance.random() < 0.3
        #: what became of a copy of the ledger that was started
        self.copied: Ledger | None = None
        if self.shared:
            self.ledger.second = lambda: world.now
        self.work, self.area, self.public = WorkArea(world), PublicationArea(), PublicationArea()
        launchers = ("ec2",) if chance.random() < 0.35 or self.surroundings else ("local",)
        self.cloud = Cloud(world, self.work, self.command_of, tokens=chance.random() < 0.4)
        self.region = Region(self.cloud)
        room = chance.choice((2, 4, 10))
        self.calm = chance.random() < 0.15
        if self.is_crowded:
            self.calm = self.crowd.random() < 0.5
        elif self.calm and services == 1 and seed % 4 == 0:
            # so narrow that owners have to take turns
            room = 1
        if not self.is_crowded:
            self.launchers, self.replicas = launchers, [Replica(room, launchers)] * services
        self.storage = crowd.STORAGE if self.is_crowded else FOLDERS
        self.faults = CALM if self.calm else _faults(chance)
        #: what a service thought while its clock was far ahead of all others
        self.doubts: list[tuple[float, bool]] = []
        #: what people were told when something couldn't be done, and when
        self.told: list[tuple[float, Exception]] = []
        self.backfilled: list[Backfilled] = []
        self.owners: dict[str, str] = {}
        self.shown: list[Shown] = []
        #: when something was away or full, in the order in which that began
        self.troubles: list[Trouble] = []
        #: what accepted calls and answered none, and when
        self.hangs: list[Trouble] = []
        self.clocks_set = False
        #: what went wrong in a service though nothing in the world did
        self.faults_met: list[BaseException] = []
        self.ended_well = False

    def run(self) -> None:
        """Live through the bad hours, then until nothing is left to do."""
        with _drawn_from(self.seed, self.world), by_the_clock_of(self.world), _noting_faults(self.faults_met):
            try:
                self._live()
                for ledger in filter(None, (self.ledger, self.copied)):
                    ledger.read()
            finally:
                self.world.close()
                self.ledger.close()

    def _live(self) -> None:
        world = self.world
        self._make_schedules()
        if self.surroundings is not None:
            ec2 = launcher_of(Actor(world, "operator"), self.region, lambda: world.now, *self.prices)
            self.ledger.publish_catalog(surroundings.catalog_of({"ec2": ec2}), actor="scheduler")
        world.faults = self.faults
        for service in self.services:
            service.start(world.chance.uniform(0, 5))
        self._let_people_ask()
        self._let_things_fail()
        if self.surroundings is not None:
            world.start(Actor(world, "restorer", mortal=False), self._start_copy, self.surroundings.copied_at)
        world.run_until(HORIZON)
        self._calm_down()
        world.run_until(HORIZON + AFTERWARDS, or_else=self._nothing_left)
        self.ended_well = self._nothing_left()

    def command_of(self, run_id: str, attempt: int) -> Command:
        """What the run's user code does in that attempt."""
        run = self.ledger.runs.get(run_id)
        return specs.command_of(self.seed, run.schedule_id, run_id, attempt)

    def a_spec(self) -> Spec:
        """Something to schedule."""
        launcher = self.crowd.choice(self.launchers) if self.is_crowded else self.launchers[0]
        spec = specs.a_spec(self.world.chance, launcher, self.world.now)
        return spec if self.surroundings is None else surroundings.furnish(spec, self.surroundings.chance)

    @property
    def furnished(self) -> Surroundings:
        """The surroundings of a world that has some."""
        assert self.surroundings is not None
        return self.surroundings

    @property
    def prices(self) -> tuple[Ec2Settings, Prices] | tuple[()]:
        """The settings of EC2 and its prices, where they matter."""
        return () if self.surroundings is None else (self.surroundings.ec2, surroundings.PRICES)

    def room_for(self, launcher: str) -> int:
        """How many runs may go at once before every service that could start one there has to wait."""
        return max(each.room for each in self.replicas if launcher in each.launchers and not each.is_full)

    def open_area(self, actor: Actor, address: str) -> ObjectStorage:
        """A publication area, as an actor reaches it."""
        return Stepped(actor, "area", self.public if address == crowd.STORAGE.public else self.area)  # type: ignore[return-value]

    def ticked(self, skew: float, ticker: Ticker) -> None:
        """A service has ticked, by a clock that was so many seconds ahead."""
        if self.shared and skew > 120:
            self.doubts.append((self.world.time, ticker.blocker is Blocker.CLOCK))

    def _lease_clock(self) -> datetime:
        return self.world.now if self.shared else self.services[0].now()

    def _start_copy(self) -> None:
        """Somebody restores a backup beside the original, with the same settings, and starts a service on it."""
        copied = surroundings.copy_ledger(self.ledger.store, lambda: self.world.now)
        if copied is not None:
            self.copied = Ledger(self.world, copied)
            self.copied.second = self.ledger.second
            Service(self, 1, self.copied, surroundings.COPY).start()

    def _make_schedules(self) -> None:
        chance, now = self.world.chance, self.world.now
        self.work.content |= {bundle_key(crowd.BUNDLE): b"bundle", bundle_record_key(crowd.BUNDLE): crowd.RECORD}
        count = chance.randint(1, 3)
        for number in range(len(crowd.OWNERS) if self.is_crowded else count):
            spec = planning.count_runs(self.a_spec(), now)
            owner = crowd.OWNERS[number] if self.is_crowded else chance.choice(specs.OWNERS)
            times = {"cursor": now, "created_at": now, "changed_at": now}
            plain = make_schedule(f"schedule-{number}", spec=spec, owner=owner, changed_by=owner, **times)
            self.owners[plain.id] = owner
            self.ledger.schedules.add(planning.advance_cursor(plain, now))

    def _let_people_ask(self) -> None:
        reader = Reader(self)
        self.world.start(reader.actor, reader.live)
        people = ("dan", "eve")[: self.world.chance.randint(0, 2)]
        for name in ("dan", "eve", "flo") if self.is_crowded else people:
            # a request goes by the ledger's time, whatever the machine that asks takes it to be
            person = Person(self, name)
            self.world.start(person.actor, person.live)

    def _let_things_fail(self) -> None:
        chance, world = self.world.chance, self.world
        # a calm world has one trouble at most
        for what in chance.sample(("store", "objects", "disk"), 1 if self.calm else 3):
            if chance.random() < 0.3:
                start = chance.uniform(0, HORIZON - HOUR)
                self.troubles.append(Trouble(what, start, start + chance.choice((60, 600, 900))))
        if self.surroundings is not None and self.surroundings.copied_while_away and not self.calm:
            # whose the area is can't be asked when somebody starts a service on a copy
            start = self.surroundings.copied_at - 30
            self.troubles.append(Trouble("objects", start, start + 300))
        world.outages = {trouble.what: (trouble.start, trouble.end) for trouble in self.troubles}
        if self.is_crowded:
            for what in self.crowd.sample(("objects", "area", "launcher", "ec2"), self.crowd.choice((0, 0, 1, 2))):
                start = self.crowd.uniform(0, HORIZON - HOUR)
                self.hangs.append(Trouble(what, start, start + 600))
        world.hangs = {trouble.what: (trouble.start, trouble.end) for trouble in self.hangs}
        if self.calm:
            return
        self.cloud.hang = chance.choice((0, 0.002, 0.02))
        if chance.random() < 0.5:
            self.clocks_set = True
            world.start(Actor(world, "clock", mortal=False), self._set_clocks)
        if chance.random() < 0.7:
            world.start(Actor(world, "market", mortal=False), self.region.trade)

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
        world.outages, world.hangs = {}, {}
        self.cloud.hang = 0
        self.region.empty = set()
        for service in self.services:
            service.skew = 0
            service.actor.stopped_until = min(service.actor.stopped_until, world.time + 200)
        world.say("world", "is calm from here on")
        person = Person(self, "end")
        world.start(person.actor, person.end_all)

    @property
    def schedules_left(self) -> list[Schedule]:
        """Those that still come due."""
        return [
            schedule
            for schedule in self.ledger.schedules.list_page(limit=1000)
            if schedule.state == ScheduleState.ACTIVE
        ]

    def _nothing_left(self) -> bool:
        left = self.ledger.runs.list_open() or self.schedules_left or self.ledger.publications.list_owed()
        return not (left or self.ledger.outbox.next_tries() or self.ledger.ad_hoc.list_live())


def _faults(chance: random.Random) -> Faults:
    return Faults(
        die=chance.choice((0, 0.0005, 0.003)),
        stop=chance.choice((0, 0.001, 0.005)),
        drop=chance.choice((0, 0.002, 0.02)),
        lose=chance.choice((0, 0.002, 0.02)),
        repeat=chance.choice((0, 0.02)),
        delay=chance.choice((0.01, 0.05)),
    )


@contextmanager
def _noting_faults(met: list[BaseException]) -> Iterator[None]:
    """Note the failures that a service would log and try again for ever, since no outside is to blame for them."""
    failed = Backoff.failed

    def note(backoff: Backoff, key: BackoffKey, problem: BaseException | None = None) -> None:
        if isinstance(problem, OWN_FAULTS):
            met.append(problem)
        failed(backoff, key, problem)

    with patch.object(Backoff, "failed", note):
        yield


@contextmanager
def _drawn_from(seed: int, world: World) -> Iterator[None]:
    """Ids that are made up follow from the seed, too, threads are lines of the world, and its time is the only one."""
    names = random.Random(seed)

    def made_up() -> UUID:
        return UUID(int=names.getrandbits(128), version=4)

    with ExitStack() as stack:
        for module in (planning, ad_hoc_operations, schedule_operations):
            stack.enter_context(patch.object(module, "uuid4", made_up))
        stack.enter_context(patch.object(clock, "since_boot", lambda: world.time))
        stack.enter_context(patch.object(deliver, "threading", Threads(world)))
        # so few that a word is given up within minutes
        stack.enter_context(patch.object(deliver, "MOST", MOST_TRIES))
        yield
