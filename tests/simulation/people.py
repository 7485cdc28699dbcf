"""People who use the product while a world is bad, and who end everything when it is good again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from jupyter_schedule.core.descriptions import upcoming
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus, Schedule, ScheduleState, Visibility
from jupyter_schedule.core.operations.operations import Operations
from tests.simulation import surroundings
from tests.simulation.world import HORIZON, HOUR, Actor, Stepped

if TYPE_CHECKING:
    from tests.simulation.deployment import Deployment

#: when somebody loses patience with what is still to do
PATIENCE = 2 * HOUR
#: schedules that are always left
LEAST = 6


@dataclass(frozen=True)
class Backfilled:
    """Somebody asked for a range of times, and was told that all of it is in the ledger."""

    began: float
    at: float
    schedule: str
    #: by which they were due, and those before it
    version: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Shown:
    """What somebody saw of a schedule: the times at which it comes next."""

    at: float
    now: datetime
    schedule: Schedule
    times: list[datetime]


class Reader:
    """Somebody who looks at all schedules now and then, as panel and terminal show them."""

    def __init__(self, deployment: "Deployment") -> None:
        self._deployment = deployment
        self.actor = Actor(deployment.world, "reader", mortal=False)

    def live(self) -> None:
        """Look, and note it."""
        deployment, world = self._deployment, self._deployment.world
        while world.time < HORIZON:
            world.sleep(self.actor, world.chance.expovariate(1 / 2400))
            for schedule in deployment.ledger.schedules.list_page(limit=1000):
                if coming := upcoming(schedule, world.now, 5):
                    times = [occurrence.instant for occurrence in coming]
                    deployment.shown.append(Shown(world.time, world.now, schedule, times))


class Person:
    """Somebody who uses the product while all this happens, in the name of whoever owns what they touch."""

    def __init__(self, deployment: "Deployment", name: str) -> None:
        self._deployment = deployment
        self._world = deployment.world
        self.actor = Actor(self._world, name, mortal=False)
        self._clock = surroundings.person_clock(deployment)

    def live(self) -> None:
        """Ask for something now and then."""
        chance = self._world.chance
        wishes = [self._run, self._cancel, self._retry, self._retry, self._edit, self._toggle, self._backfill]
        if self._deployment.is_crowded:
            wishes += [self._delete, self._share, self._share]
        wishes += surroundings.wishes(self._deployment)
        while True:
            self._world.sleep(self.actor, chance.expovariate(1 / 1200))
            if self._world.time >= HORIZON:
                return
            wish = chance.choice(wishes)
            schedule = chance.choice(self._deployment.ledger.schedules.list_page(limit=1000))
            self.ask(schedule, partial(wish, schedule=schedule))

    def ask(self, schedule: Schedule, what: Callable[[Operations], object]) -> bool:
        """Ask; what is refused, or got no answer, is let be.  Whether it was done."""
        deployment = self._deployment
        operations = Operations(
            Stepped(self.actor, "store", deployment.ledger),  # type: ignore[arg-type]
            Stepped(self.actor, "objects", deployment.work),  # type: ignore[arg-type]
            owner=schedule.owner,
            now=self._clock,
            storage=deployment.storage,
        )
        try:
            what(operations)
        except (Refused, OSError) as problem:
            self._world.say(self.actor.name, f"was told: {problem}")
            deployment.told.append((self._world.time, problem))
            return False
        return True

    def end_all(self) -> None:
        """Let nothing more come due, and hours later cancel what a long queue still holds."""
        schedules = {schedule.id: schedule for schedule in self._deployment.ledger.schedules.list_page(limit=1000)}
        self._pause(schedules.values())
        self._world.sleep(self.actor, PATIENCE)
        # somebody may have been about to let one go on
        self._pause(self._deployment.schedules_left)
        for run in self._deployment.ledger.runs.list_open():
            self.ask(schedules[run.schedule_id], partial(_cancel, run.id))
        for worker in self._deployment.ledger.ad_hoc.list_live():
            mine = next(each for each in schedules.values() if each.owner == worker.owner)
            self.ask(mine, partial(surroundings.stop_worker, worker.id))

    def _pause(self, schedules: Iterable[Schedule]) -> None:
        for schedule in schedules:
            self.ask(schedule, partial(_pause, schedule.name))

    def _run(self, operations: Operations, schedule: Schedule) -> None:
        """Once, or again and again while nothing seems to happen."""
        for _ in range(self._world.chance.choice((1, 1, 1, 8))):
            operations.runs.run_now(schedule.name)

    def _cancel(self, operations: Operations, schedule: Schedule) -> None:
        if runs := [run for run in self._deployment.ledger.runs.list_open() if run.schedule_id == schedule.id]:
            operations.runs.cancel(self._world.chance.choice(runs).id)

    def _retry(self, operations: Operations, schedule: Schedule) -> None:
        """From two windows at once."""
        ended = [run for run in self._deployment.ledger.ended.values() if run.schedule_id == schedule.id]
        if ended := [run for run in ended if run.status != RunStatus.SKIPPED]:
            run_id = self._world.chance.choice(ended).id
            self._beside(schedule, lambda again: again.runs.retry(run_id))
            operations.runs.retry(run_id)

    def _edit(self, operations: Operations, schedule: Schedule) -> None:
        operations.schedules.edit(schedule.name, self._deployment.a_spec(), if_version=schedule.version)

    def _toggle(self, operations: Operations, schedule: Schedule) -> None:
        (operations.schedules.resume if schedule.state == ScheduleState.PAUSED else operations.schedules.pause)(
            schedule.name
        )

    def _delete(self, operations: Operations, schedule: Schedule) -> None:
        """While others are left, and somebody else fills in its last hours."""
        if len(self._deployment.schedules_left) > LEAST:
            self._beside(schedule, lambda filling: self._fill(filling, schedule))
            operations.schedules.delete(schedule.name)

    def _fill(self, operations: Operations, schedule: Schedule) -> None:
        operations.backfill.start(schedule.name, self._world.now - timedelta(hours=3), self._world.now, parallel=2)

    def _share(self, operations: Operations, schedule: Schedule) -> None:
        """Everybody may read its results, or nobody any more."""
        is_public = schedule.spec.visibility == Visibility.PUBLIC
        spec = schedule.spec.model_copy(
            update={"visibility": Visibility.PRIVATE if is_public else Visibility.PUBLIC, "publish_report": False}
        )
        operations.schedules.edit(
            schedule.name, spec, if_version=schedule.version, public_confirmed=True, rehearse=False
        )

    def _backfill(self, operations: Operations, schedule: Schedule) -> None:
        """The last hours, by two people at once, each of whom asks again until all of it is told to be there."""
        end = self._world.now
        hours = self._world.chance.choice((1, 2, 3))
        start = end - timedelta(hours=hours)

        def insist(person: Person) -> None:
            for _ in range(10):
                if person.ask(schedule, fill):
                    return
                self._world.sleep(person.actor, 30)

        def fill(asked: Operations) -> None:
            began, before = self._world.time, asked.schedules.get(schedule.name)
            # the more there is, the more of them go at a time
            asked.backfill.start(schedule.name, start, end, parallel=hours)
            # of one that was edited meanwhile it isn't known by which expression it was filled
            if asked.schedules.get(schedule.name).version == before.version:
                told = Backfilled(began, self._world.time, schedule.id, before.version, start, end)
                self._deployment.backfilled.append(told)

        other = Person(self._deployment, f"{self.actor.name}'")
        self._world.start(other.actor, lambda: insist(other))
        insist(self)

    def _beside(self, schedule: Schedule, what: Callable[[Operations], object]) -> None:
        other = Person(self._deployment, f"{self.actor.name}'")
        self._world.start(other.actor, lambda: other.ask(schedule, what))


def _cancel(run_id: str, operations: Operations) -> None:
    operations.runs.cancel(run_id)


def _pause(name: str, operations: Operations) -> None:
    operations.schedules.pause(name)
