"""What a world of one kind has beside runs: retention, channels, money, ad-hoc workers, clients whose clocks are wrong,
and a copy of the ledger that somebody starts.

All of it is drawn from a stream of its own, so that the other worlds stay as they are.
"""

import copy
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_schedule.core.clock import LedgerClock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LauncherCatalog, Notify, Schedule, Spec
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.store.base import Store
from scheduler_service.launchers.ec2.prices import Prices, RegionPrices
from scheduler_service.launchers.ec2.settings import AdHocSettings, Ec2Settings
from scheduler_service.notifications.channels import MessageSender, PermanentRefusal
from scheduler_service.notifications.deliver import Deliverer
from scheduler_service.ownership import OwnerMarker
from scheduler_service.retention.prune import Pruner
from scheduler_service.retention.rules import RetentionRule
from tests.scheduler_service.launchers.ec2.machines import SETTINGS
from tests.simulation.memory_store import MemoryStore
from tests.simulation.memory_tables import Sent
from tests.simulation.world import CALL_DEADLINE, HORIZON, Actor, World

if TYPE_CHECKING:
    from tests.simulation.deployment import Deployment

#: how many worlds are of that kind
SHARE = 0.12
#: who takes words, and how: each arrives, is lost with a hanging call, arrives without an answer, is refused for good
CHANNELS = ("good", "hanging", "deaf", "refusing", "unknown")
#: all that a word can be about
NOTIFY = Notify(channels=CHANNELS, on=Notify().on)
PRICES = Prices(
    at=date(2026, 3, 1),
    regions={
        SETTINGS.region: RegionPrices(
            disk=Decimal("0.09"), types={"t3.medium": Decimal("0.05"), "t3a.medium": Decimal("0.04")}
        )
    },
)
#: tries before a word is given up
MOST_TRIES = 5
#: the one newest run stays, however young the others are
KEEP = RetentionRule(runs=1, days=0)
ORIGINAL, COPY = OwnerMarker("d1", "original"), OwnerMarker("d1", "copy")


@dataclass
class Surroundings:
    """Of one world."""

    chance: random.Random
    ec2: Ec2Settings
    channels: dict[str, MessageSender]
    #: what reached somebody: channel and number of each word, in the order in which they came
    arrived: list[tuple[str, str]]
    #: when somebody starts a service on a copy of the ledger
    copied_at: float
    copied_while_away: bool
    #: what that did: the calls of its launchers
    copy_acts: list[str] = field(default_factory=list)


def draw(seed: int, world: World) -> Surroundings | None:
    """The surroundings of a seed's world; None of one that has none."""
    chance = random.Random(f"surroundings {seed}")
    if chance.random() >= SHARE:
        return None
    ec2 = SETTINGS.model_copy(
        update={
            "max_machine_hours": chance.choice((None, 1, 8)),
            "max_machine_hours_per_owner": chance.choice((None, 1, 4)),
            "ad_hoc": AdHocSettings(security_groups=("sg-2",), instance_profile="people"),
        }
    )
    arrived: list[tuple[str, str]] = []
    channels: dict[str, MessageSender] = {name: Channel(world, name, arrived) for name in CHANNELS[:-1]}
    return Surroundings(chance, ec2, channels, arrived, chance.uniform(0.2, 0.8) * HORIZON, chance.random() < 0.5)


def furnish(spec: Spec, chance: random.Random) -> Spec:
    """The same spec, with words, and now and then with a cap on money."""
    cap = Decimal("0.08") if chance.random() < 0.2 else None
    return spec.model_copy(update={"notify": NOTIFY, "policies": spec.policies.model_copy(update={"monthly_cap": cap})})


class Channel:
    """A channel, to which what is claimed in the outbox is given as it is."""

    def __init__(self, world: World, name: str, arrived: list[tuple[str, str]]) -> None:
        self._world = world
        self._name = name
        self._arrived = arrived

    def send(self, message: Any) -> str | None:
        if self._name == "refusing":
            return PermanentRefusal("Nobody of that name is here.")
        actor = self._world.acting
        # while others are bad, only
        is_bad = self._world.time < HORIZON and self._world.chance.random() < 0.5
        if self._name == "hanging" and is_bad:
            self._world.sleep(actor, CALL_DEADLINE)
            return "It didn't answer."
        self._arrived.append((self._name, message.message_id))
        actor.pause()
        return "The answer was lost." if self._name == "deaf" and is_bad else None


class Threads:
    """What the deliverer uses of the module `threading`: a thread is a greenlet of who acts."""

    Event = threading.Event

    def __init__(self, world: World) -> None:
        self._world = world

    def Thread(self, *, target: Callable[[], None], name: str, daemon: bool) -> "Line":
        del name, daemon
        return Line(self._world, target)


class Line:
    """One of them."""

    def __init__(self, world: World, target: Callable[[], None]) -> None:
        self._world = world
        self._target = target
        self._is_alive = True

    def start(self) -> None:
        self._world.start(self._world.acting, self._run)

    def is_alive(self) -> bool:
        return self._is_alive

    def _run(self) -> None:
        self._target()
        self._is_alive = False


def deliver(deployment: "Deployment", actor: Actor, store: Store) -> None:
    """Deliver what waits, as long as the service lives."""
    world, found = deployment.world, deployment.surroundings
    assert found is not None
    deliverer = Deliverer(
        store,
        found.channels,
        lambda claimed: claimed,  # type: ignore[arg-type,return-value]
        now=lambda: world.now,
        chance=world.chance.random,
    )
    while True:
        pause = 30.0
        with suppress(OSError, Refused):
            pause = deliverer.look()
        world.sleep(actor, max(1.0, min(pause, world.chance.uniform(1, 30))))


def prune(deployment: "Deployment", actor: Actor, store: Store, work: Any) -> None:
    """Remove what is over, again and again: more often than a service does, and beside others who do the same."""
    world = deployment.world
    pruner = Pruner(store, work, lambda address: deployment.open_area(actor, address), KEEP)
    while True:
        world.sleep(actor, world.chance.uniform(300, 1800))
        with suppress(OSError, Refused):
            for batch in pruner.plan(world.now).batches():
                pruner.remove(batch)


def person_clock(deployment: "Deployment") -> Callable[[], Any]:
    """The clock by which a person's requests are taken, whose machine may be wrong by hours."""
    found, world = deployment.surroundings, deployment.world
    skew = 0 if found is None or not deployment.shared else found.chance.choice((0, 18000, -18000, 40))
    wrong = lambda: world.now + timedelta(seconds=skew)  # noqa: E731
    return LedgerClock(deployment.ledger.clock, wrong, lambda: world.time)


def ask_for_worker(deployment: "Deployment", operations: Operations, schedule: Schedule) -> None:
    """A machine to develop on, or a longer life, or the end, of the one that there is."""
    del schedule
    found = deployment.surroundings
    assert found is not None
    live = [each for each in operations.ad_hoc.workers() if each.status.live]
    if not live:
        operations.ad_hoc.launch(hours=found.chance.choice((1, 2)))
    elif found.chance.random() < 0.5:
        operations.ad_hoc.extend(live[0].id, hours=found.chance.choice((1, 2, 3)))
    else:
        operations.ad_hoc.stop(live[0].id)


def stop_worker(worker_id: str, operations: Operations) -> None:
    """Nobody needs it any more."""
    operations.ad_hoc.stop(worker_id)


def create(deployment: "Deployment", operations: Operations, schedule: Schedule) -> None:
    """A further schedule, of the same owner."""
    number = len(deployment.owners)
    made = operations.schedules.create(f"schedule-{number}", deployment.a_spec(), rehearse=False)
    deployment.owners[made.id] = schedule.owner


def wishes(deployment: "Deployment") -> list[Callable[..., None]]:
    """What people ask for beside all else."""
    if deployment.surroundings is None:
        return []
    return [partial(ask_for_worker, deployment), partial(ask_for_worker, deployment), partial(create, deployment)]


def catalog_of(launchers: dict[str, Any]) -> LauncherCatalog:
    """What services say of their launchers."""
    return LauncherCatalog(launchers=tuple(launcher.describe(name) for name, launcher in launchers.items()))


def copy_ledger(store: Store, now: Callable[[], Any]) -> MemoryStore | None:
    """The ledger as it is now, once more; None of one that isn't in dictionaries."""
    if not isinstance(store, MemoryStore):
        return None
    copied = MemoryStore(now)
    for name, value in vars(store.tables).items():
        setattr(copied.tables, name, _copied(value))
    copied.tables.now = now
    copied.publish_catalog(store.read_catalog() or LauncherCatalog(), actor="copy")
    if noted := store.noted_owner():
        copied.note_owner(noted)
    return copied


def _copied(value: Any) -> Any:
    """A table; its rows never change, but those of the outbox."""
    if isinstance(value, dict):
        return {key: list(row) if isinstance(row, list) else row for key, row in value.items()}
    return (
        copy.deepcopy(value) if isinstance(value, list) and value and isinstance(value[0], Sent) else copy.copy(value)
    )


class Reported:
    """A launcher of a service on a copy: whatever it is asked is a fault."""

    def __init__(self, inner: Any, acts: list[str]) -> None:
        self._inner = inner
        self._acts = acts

    def __getattr__(self, method: str) -> Any:
        if method in {"launch", "terminate", "kill", "reap", "discard"}:
            self._acts.append(method)
        return getattr(self._inner, method)
