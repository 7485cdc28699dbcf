"""The admission of due runs: whose turn it is, and what the limits leave, counted over all services: pure.

A store calls it inside the one transaction in which it counts what goes and moves the next run, so what is decided here
is still so when it is written.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, RunStatus, Trigger
from jupyter_schedule.core.timing.run_queue import may_overlap


@dataclass(frozen=True)
class Admitter:
    """The service that admits: its name in leases, what it can start, and the limits that it goes by."""

    holder: str
    #: seconds
    lease: int
    host: str
    #: the launchers that it has, and those of them whose workers are on its own host
    launchers: frozenset[str]
    local: frozenset[str] = frozenset()
    limits: ConcurrencyLimits = field(default_factory=ConcurrencyLimits)
    #: the account that it runs as, where many share the ledger: on its own host it starts only what that one recorded
    account: str | None = None


class GoingRun(NamedTuple):
    """A run that goes, as far as others wait for it."""

    schedule_id: str
    owner: str
    launcher: str
    #: where it was admitted, if its worker is there
    host: str | None
    status: RunStatus
    trigger: Trigger
    parallel: int = 1


class WaitingRun(NamedTuple):
    """A due run, as far as its admission depends on it."""

    id: str
    schedule_id: str
    owner: str
    launcher: str
    trigger: Trigger
    parallel: int
    overlap: Overlap


class Turns(NamedTuple):
    """An owner who has runs waiting: when one of theirs was admitted last, and since when the first of them waits.

    Both are numbers that grow; `served` is 0 of one whose turn never was.
    """

    owner: str
    served: int
    waiting_since: int


class Admission:
    """The room that is left, and the turns, while runs are admitted one after another.

    `total` bounds the runs whose workers are on the service's own host, a launcher's limit its machines, wherever they
    were started.  A run that is being published needs no room, and others of its schedule wait for it all the same.
    """

    def __init__(self, by: Admitter, going: Iterable[GoingRun], machines: Mapping[str, int] | None = None) -> None:
        """machines: by launcher, those that are at work for no run."""
        self._by = by
        self._here = 0
        self._of_owner: Counter[str] = Counter()
        self._of_launcher: Counter[str] = Counter(machines or {})
        self._beside: defaultdict[str, list[GoingRun]] = defaultdict(list)
        for run in going:
            self._count(run)

    def open_launchers(self) -> frozenset[str]:
        """Those of the service's launchers that have room for a further run."""
        limits = self._by.limits
        return frozenset(
            name
            for name in self._by.launchers
            if (name not in self._by.local or self._here < limits.total)
            and self._of_launcher[name] < limits.per_launcher.get(name, self._of_launcher[name] + 1)
        )

    def next_owner(self, waiting: Iterable[Turns]) -> str | None:
        """The owner whose turn it is: who has the fewest runs at work, of them the one served longest ago."""
        most = self._by.limits.per_owner
        may = (turns for turns in waiting if most is None or self._of_owner[turns.owner] < most)
        first = min(may, key=self._place, default=None)
        return first.owner if first else None

    def may_start(self, run: WaitingRun) -> bool:
        """True when nothing of its schedule keeps that run waiting."""
        return may_overlap(run, run.overlap, self._beside[run.schedule_id])

    def admit(self, run: WaitingRun) -> None:
        """Count that run as one that goes."""
        host = self._by.host if run.launcher in self._by.local else None
        admitted = (run.schedule_id, run.owner, run.launcher, host, RunStatus.LAUNCHING, run.trigger, run.parallel)
        self._count(GoingRun(*admitted))

    def _count(self, run: GoingRun) -> None:
        self._beside[run.schedule_id].append(run)
        if run.status == RunStatus.PUBLISHING:
            return
        self._of_owner[run.owner] += 1
        self._of_launcher[run.launcher] += 1
        self._here += run.launcher in self._by.local and run.host == self._by.host

    def _place(self, turns: Turns) -> tuple[int, int, int, str]:
        return self._of_owner[turns.owner], turns.served, turns.waiting_since, turns.owner


#: the first due run of an owner on one of these launchers, of none of those schedules; None when there is none
FindNext = Callable[[str, Collection[str], Collection[str]], WaitingRun | None]


def admit_in_turn(admission: Admission, waiting: Iterable[Turns], find_next: FindNext) -> Iterator[WaitingRun]:
    """The runs that start now, each told as soon as it is found; the caller moves it before it asks for the next.

    Owners take turns, each with their runs in the order in which they came.  What waits for another of its schedule
    keeps later ones of that schedule waiting, and nobody else.
    """
    served = max((turns.served for turns in waiting), default=0)
    left = {turns.owner: turns for turns in waiting}
    held_up: set[str] = set()
    while (launchers := admission.open_launchers()) and (owner := admission.next_owner(left.values())) is not None:
        run = find_next(owner, launchers, held_up)
        if run is None:
            del left[owner]
        elif admission.may_start(run):
            served += 1
            left[owner] = left[owner]._replace(served=served)
            admission.admit(run)
            yield run
        else:
            held_up.add(run.schedule_id)
