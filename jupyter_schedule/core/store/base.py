"""The contract of the store: where schedules and runs live, and the one thing both halves share beside the objects.

Every write is one transaction, leaves an event behind, and wakes `wait_for_change`.  Writes that follow from something
read earlier are compare-and-set: they answer False, and change nothing, when what was read is no longer so.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self

from jupyter_schedule.core.models import Attempt, Event, Run, Schedule, Version


class NameTaken(Exception):  # noqa: N818  (an answer, not a fault)
    """A schedule of this name exists."""


class Place(NamedTuple):
    """Where a run stands in the order in which runs are listed: a page goes on after the place of the one before."""

    scheduled_for: datetime
    created_at: datetime
    id: str

    @classmethod
    def of(cls, run: Run) -> Self:
        """The place of that run."""
        return cls(run.scheduled_for, run.created_at, run.id)


class Settlement(NamedTuple):
    """What brings a schedule up to a moment: how it was read, how it is then, and the runs that it owed."""

    before: Schedule
    after: Schedule
    runs: Sequence[Run]


class Store(ABC):
    """Schedules with their versions, runs with their attempts, and the events that tell their story."""

    # -- schedules

    @abstractmethod
    def add_schedule(self, schedule: Schedule) -> None:
        """Record a new schedule and its first version.  Raises NameTaken, unless who has the name is deleted."""

    @abstractmethod
    def replace_schedule(
        self, before: Schedule, after: Schedule, runs: Sequence[Run] = (), *, actor: str, kind: str
    ) -> bool:
        """Move a schedule from `before` to `after` and add `runs` to the ledger, both or neither.

        False when version, state or cursor are no longer `before`'s.  A run whose key the ledger has is left as it
        is: an occurrence is in the ledger once.  A higher version number records a new version, by `actor`.
        """

    @abstractmethod
    def settle(self, settlements: Sequence[Settlement], *, actor: str) -> set[str]:
        """Move many schedules at once, each as `replace_schedule` would, and each or not by itself.

        The ids of those that moved; the others are no longer as they were read, or being changed by somebody else.
        """

    @abstractmethod
    def schedule(self, schedule_id: str) -> Schedule | None:
        """The schedule with this id, deleted ones included."""

    @abstractmethod
    def schedule_named(self, name: str) -> Schedule | None:
        """The schedule with this name, deleted ones left out."""

    @abstractmethod
    def schedules(self) -> list[Schedule]:
        """All but the deleted ones, by name."""

    @abstractmethod
    def due_schedules(self, now: datetime, limit: int) -> list[Schedule]:
        """Active schedules with an occurrence at or before `now` that isn't in the ledger, the longest due first."""

    @abstractmethod
    def next_due(self) -> datetime | None:
        """When the next occurrence of any active schedule is due."""

    @abstractmethod
    def version(self, schedule_id: str, number: int) -> Version:
        """What a version of a schedule froze.  Raises KeyError."""

    @abstractmethod
    def versions(self, schedule_id: str) -> list[Version]:
        """All versions, the newest first."""

    # -- runs

    @abstractmethod
    def add_run(self, run: Run, *, actor: str) -> None:
        """Put a run into the ledger; no effect when its key is there."""

    @abstractmethod
    def replace_run(self, before: Run, after: Run, *, actor: str) -> bool:
        """Move a run from `before` to `after`.

        False when status or fence are no longer `before`'s.  Raises ValueError for a transition that isn't allowed.
        """

    @abstractmethod
    def ask_to_cancel(self, run_id: str, *, actor: str) -> bool:
        """Note that `actor` wants the run to stop.  False when it has ended or somebody asked before."""

    @abstractmethod
    def run(self, run_id: str) -> Run | None:
        """The run with this id."""

    @abstractmethod
    def runs(
        self,
        schedule_id: str | None = None,
        *,
        owner: str | None = None,
        before: Place | None = None,
        limit: int = 100,
    ) -> list[Run]:
        """Runs, the newest occurrence first: of a schedule, of an owner's schedules that aren't deleted, or all.

        before: only those that come after this place.
        """

    @abstractmethod
    def last_runs(self, schedule_ids: Sequence[str]) -> dict[str, Run]:
        """Of each schedule the run with the newest occurrence, where there is one."""

    @abstractmethod
    def recent_runs(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        """Of each schedule that has any up to `per_schedule` runs, the newest occurrence first."""

    @abstractmethod
    def open_runs(self) -> list[Run]:
        """The runs that haven't ended, those of deleted schedules included, in the order in which they came."""

    @abstractmethod
    def join(self) -> None:
        """Count as one who ticks, until `close`; when nobody else does, every lease is a dead one's and ends."""

    def is_ticked(self) -> bool | None:
        """Whether anybody has joined; None where only the lock of the folder tells."""
        return None

    @abstractmethod
    def claim(self, holder: str, lease: int, place: str) -> list[Run]:
        """All open runs that `holder` may act on for the next `lease` seconds: those it held, and those nobody holds.

        In the order in which they came into the ledger.  A run that changes hands gets a higher fence, so that its
        former holder's effects are dropped.  Leases run by the store's clock, the same for all who share it.

        No run is taken while another holds one of the same schedule: what overlaps is for one to decide.
        A run whose current attempt can be seen from one place only is left to the services there, until the attempt's
        deadline has passed; `place` is the holder's.
        """

    @abstractmethod
    def release(self, holder: str | None) -> None:
        """Give up every lease of `holder`, so that another service needn't wait for them to run out.

        None gives up everybody's: for a service that knows it has the store to itself.
        """

    # -- attempts

    @abstractmethod
    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str, alone: bool = False) -> bool:
        """Record an attempt and move its run, both or neither; False as in `replace_run`.

        alone: False also when another run of the schedule is going, whoever holds it.
        """

    @abstractmethod
    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        """Record what became known of an attempt; False when the run's fence has moved on."""

    @abstractmethod
    def attempts(self, run_id: str) -> list[Attempt]:
        """The attempts of a run, in order."""

    # -- changes

    @abstractmethod
    def events(self, since: int, limit: int = 1000) -> list[Event]:
        """Events with a sequence number above `since`, in order."""

    def clock(self) -> datetime | None:
        """The time by a clock that isn't this machine's, to be compared with it; None when the store has none."""
        return None

    @abstractmethod
    def last_change(self) -> int:
        """The sequence number of the newest event, 0 when there is none."""

    @abstractmethod
    def wait_for_change(self, since: int, timeout: float) -> int:
        """Block until there is an event above `since`, at most `timeout` seconds; the newest sequence number."""

    # -- the deployment

    @abstractmethod
    def secret(self) -> bytes:
        """What the names of attempts' objects are made from; a backup has it, so that they are found again."""

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection."""
