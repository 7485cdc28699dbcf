"""What a simulated world's ledger says in the end, put into the terms of promises.

Nothing here asks what the product would decide: times come from expressions, and everything else from rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations, islice, takewhile

from jupyter_schedule.core.models import (
    MACHINE_AD_HOC_STATUSES,
    Overlap,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Trigger,
    Version,
)
from jupyter_schedule.core.timing import recurrence
from tests.simulation.deployment import Deployment

_FOR_EVER = float("inf")
_SECOND = timedelta(seconds=1)
_WORKING = frozenset({RunStatus.LAUNCHING, RunStatus.RUNNING})


@dataclass(frozen=True)
class Life:
    """A run, from its row to its end, in true seconds; for ever where there is none."""

    run: Run
    came: float
    #: when it was let in, and when its first attempt was recorded
    admitted: float = _FOR_EVER
    began: float = _FOR_EVER
    ended: float = _FOR_EVER


class History:
    """A world that is over."""

    def __init__(self, seen: Deployment) -> None:
        self.seen = seen
        self.ledger = seen.ledger
        self.cloud = seen.cloud
        self.calm = seen.calm
        self.troubles = seen.troubles

    @cached_property
    def lives(self) -> dict[str, Life]:
        """Every run by its id."""
        came = {run.id: at for at, run in reversed(self.ledger.rows)}
        began = {run_id: at for (run_id, number), at in self.ledger.recorded.items() if number == 1}
        admitted: dict[str, float] = {}
        ended: dict[str, float] = {}
        for move in self.ledger.moves:
            if move.run.status in _WORKING:
                admitted.setdefault(move.run.id, move.at)
            if move.run.status.terminal:
                ended.setdefault(move.run.id, move.at)
        return {
            run_id: Life(run, came[run_id], *(times.get(run_id, _FOR_EVER) for times in (admitted, began, ended)))
            for run_id, run in self.ledger.runs_by_id.items()
        }

    @cached_property
    def of_schedule(self) -> dict[str, list[Life]]:
        """The runs of each schedule, in the order in which they came."""
        found: dict[str, list[Life]] = defaultdict(list)
        for life in sorted(self.lives.values(), key=lambda life: life.run.queued):
            found[life.run.schedule_id].append(life)
        return found

    def version(self, schedule_id: str, number: int) -> Version:
        """A version of a schedule."""
        return next(each for each in self.ledger.versions_of[schedule_id] if each.version == number)

    def spec(self, run: Run) -> Spec:
        """What the run did."""
        return self.version(run.schedule_id, run.version).spec

    def owner(self, run: Run) -> str:
        """Whose run it is."""
        return self.seen.owners[run.schedule_id]

    def seconds(self, moment: datetime) -> float:
        """A time as seconds since the beginning."""
        return (moment - self.seen.world.now).total_seconds() + self.seen.world.time

    def full_at(self, at: float) -> bool:
        """Whether the ledger's disk was full then."""
        return any(trouble.what == "disk" and trouble.start <= at < trouble.end for trouble in self.troubles)

    def counted_from(self, schedule_id: str, number: int) -> Version:
        """The version that saved what a later one counts its runs by: timing, start and number are the same since."""

        def about(version: Version) -> object:
            return version.spec.timing, version.spec.policies.start, version.spec.policies.max_runs

        first = this = self.version(schedule_id, number)
        for version in self.ledger.versions_of[schedule_id]:
            if version.version < number:
                if about(version) != about(this):
                    break
                first = version
        return first

    def last_of(self, schedule_id: str, number: int) -> datetime | None:
        """When the last of a version's so many runs is due."""
        first = self.counted_from(schedule_id, number)
        policies = first.spec.policies
        if policies.max_runs is None:
            return None
        since = max(first.created_at, policies.start - _SECOND) if policies.start else first.created_at
        times = list(islice(recurrence.after(first.spec.timing, since), policies.max_runs))
        return times[-1].instant if len(times) == policies.max_runs else None

    def owes(self, schedule_id: str, number: int, since: datetime, until: datetime) -> Iterator[recurrence.Occurrence]:
        """The times later than `since` and no later than `until` at which that version is due."""
        spec = self.version(schedule_id, number).spec
        last = self.last_of(schedule_id, number)
        for occurrence in recurrence.between(spec.timing, since, until):
            early = spec.policies.start is not None and occurrence.instant < spec.policies.start
            late = spec.policies.end is not None and occurrence.instant > spec.policies.end
            if not early and not late and (last is None or occurrence.instant <= last):
                yield occurrence

    def as_it_is(self, schedule: Schedule, at: float) -> float:
        """Until when a schedule stays at that version and active, as far as it is settled; seconds."""
        until = at
        for stretch in self.ledger.settled:
            if stretch.before.id == schedule.id and stretch.at >= at:
                same = (stretch.after.version, stretch.after.state) == (schedule.version, ScheduleState.ACTIVE)
                until = (
                    self.seconds(stretch.after.cursor) if same else min(stretch.at, self.seconds(stretch.after.cursor))
                )
                if not same:
                    break
        return until

    def scheduled(self) -> Iterator[Life]:
        """The rows that came by the clock."""
        yield from (life for life in self.lives.values() if life.run.trigger == Trigger.SCHEDULE)

    def overlap(self, run: Run) -> Overlap:
        """The policy that the run froze."""
        return self.spec(run).overlap

    def at_work(self, launcher: str) -> Iterator[tuple[float, int]]:
        """Each time at which that changed, and how many of a launcher's runs were launching or running from then on.

        An ad-hoc worker takes the same room as a run.
        """
        moves = [
            (move.at, move.run.id, move.run.status in _WORKING)
            for move in self.ledger.moves
            if self.spec(move.run).launcher == launcher
        ]
        moves += [
            (at, worker.id, worker.status in MACHINE_AD_HOC_STATUSES)
            for at, worker in self.ledger.worker_moves
            if worker.launcher == launcher
        ]
        working: set[str] = set()
        for at, name, works in sorted(moves, key=lambda move: move[0]):
            (working.add if works else working.discard)(name)
            yield at, len(working)

    def at_work_of(self, owner: str, at: float) -> int:
        """How many of an owner's runs were launching or running just before that time."""
        last = {move.run.id: move.run for move in takewhile(lambda move: move.at < at, self.ledger.moves)}
        return sum(run.status in _WORKING and self.owner(run) == owner for run in last.values())


def twice(keys: Iterable[object]) -> list[object]:
    """Those that are there more than once."""
    counts: dict[object, int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    return [key for key, count in counts.items() if count > 1]


def meeting(spans: Iterable[tuple[object, float, float, str]]) -> Iterator[str]:
    """Which spans with the same key have a moment in common: key, start, end, name."""
    together: dict[object, list[tuple[float, float, str]]] = defaultdict(list)
    for key, start, end, name in spans:
        together[key].append((start, end, name))
    for each in together.values():
        for one, other in combinations(each, 2):
            if one[0] < other[1] and other[0] < one[1]:
                yield f"{one[2]} and {other[2]}"
