"""The places of due runs in the queue, as they are shown: pure.

They are told by the rules that `admission` starts runs by, from one look at the ledger; only that one decides.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, Run, Trigger

_NOBODY: Mapping[str, int] = MappingProxyType({})


class BlockedBy(StrEnum):
    """The limit that keeps a run from starting now."""

    #: as many go as may in all
    SERVICE = "service"
    OWNER = "owner"
    LAUNCHER = "launcher"


class Capacity:
    """The part of the limits that is left while runs reserve their places."""

    def __init__(
        self,
        limits: ConcurrencyLimits,
        owner_of: Callable[[Run], str] = lambda _: "",
        launcher_of: Callable[[Run], str] = lambda _: "",
        working: Iterable[Run] = (),
        taken: Mapping[str, int] = _NOBODY,
    ) -> None:
        """working: the runs that have a place already.  taken: by launcher, machines that are at work beside them."""
        self.limits = limits
        self.launcher_of = launcher_of
        self._owner_of = owner_of
        self._total = 0
        self._of_owner: Counter[str] = Counter()
        self._of_launcher: Counter[str] = Counter(taken)
        for run in working:
            self.reserve(run)

    def blocked_by(self, run: Run) -> BlockedBy | None:
        """The limit that keeps that run from starting now, the narrower one first; None when it can start."""
        if self.limits.per_owner is not None and self._of_owner[self._owner_of(run)] >= self.limits.per_owner:
            return BlockedBy.OWNER
        most = self.limits.per_launcher and self.limits.per_launcher.get(self.launcher_of(run))
        if most and self._of_launcher[self.launcher_of(run)] >= most:
            return BlockedBy.LAUNCHER
        return BlockedBy.SERVICE if self._total >= self.limits.total else None

    def reserve(self, run: Run) -> None:
        """Count that run as one that goes."""
        self._total += 1
        if self.limits.per_owner is not None:
            self._of_owner[self._owner_of(run)] += 1
        if self.limits.per_launcher:
            self._of_launcher[self.launcher_of(run)] += 1


def fair_order(due: Iterable[Run], owner_of: Callable[[Run], str], working: Iterable[Run] = ()) -> list[Run]:
    """Owners take turns, each with their runs in the order in which they came; backfills go after everything else.

    working: each of them was a turn of its owner's, so who has more at work waits for who has fewer.
    """
    at_work = Counter(owner_of(run) for run in working)
    turns: Counter[tuple[bool, str]] = Counter()
    placed: list[tuple[tuple[bool, int, int], Run]] = []
    for run in sorted(due, key=lambda run: run.queued):
        late, owner = run.trigger == Trigger.BACKFILL, owner_of(run)
        turn = at_work[owner] + turns[late, owner]
        turns[late, owner] += 1
        placed.append(((late, turn, run.queued), run))
    return [run for _, run in sorted(placed, key=lambda item: item[0])]


class OfSchedule(Protocol):
    """A run, as far as others of its schedule depend on it."""

    @property
    def trigger(self) -> Trigger:
        """The cause of the run."""

    @property
    def parallel(self) -> int:
        """The number of runs of its schedule's backfills that may go at once."""


def may_overlap(run: OfSchedule, overlap: Overlap, beside: Sequence[OfSchedule]) -> bool:
    """True when a run may start beside those of its schedule that go: under `allow`, or when there are none.

    Of a backfill so many go at once as it was asked for, and nothing else of its schedule unless they may overlap.
    """
    if run.trigger != Trigger.BACKFILL:
        return not beside or overlap == Overlap.ALLOW
    backfills = sum(other.trigger == Trigger.BACKFILL for other in beside)
    return backfills < run.parallel and (backfills == len(beside) or overlap == Overlap.ALLOW)


def queue_positions(
    line: Iterable[Run], capacity: Capacity, overlap_of: Callable[[Run], Overlap], going: Iterable[Run] = ()
) -> dict[str, int | str]:
    """The position of each run by its id, 1 for the next; of one that something narrower holds up, why it waits.

    Who is held up stands in nobody's way, so the others' places don't count it.  going: all runs that go, since others
    of their schedules may have to wait for them.
    """
    positions: dict[str, int | str] = {}
    ahead = 0
    busy: defaultdict[str, list[Run]] = defaultdict(list)
    for run in going:
        busy[run.schedule_id].append(run)
    for run in line:
        beside = busy[run.schedule_id]
        if not may_overlap(run, overlap_of(run), beside):
            positions[run.id] = "Waiting for the previous run"
            continue
        match capacity.blocked_by(run):
            case BlockedBy.OWNER:
                positions[run.id] = _limit(capacity.limits.per_owner, "of your runs")
            case BlockedBy.LAUNCHER:
                name = capacity.launcher_of(run)
                positions[run.id] = (
                    f"{_limit(capacity.limits.per_launcher[name], 'of the runs')} with the launcher {name}"
                )
            case _:
                ahead += 1
                positions[run.id] = ahead
                capacity.reserve(run)
                beside.append(run)
    return positions


def _limit(most: int | None, what: str) -> str:
    return f"Waits: only one {what} goes at once" if most == 1 else f"Waits: at most {most} {what} go at once"
