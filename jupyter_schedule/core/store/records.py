"""Values that a store takes and gives beside the models: parts of the ledger's rows, put together for one question."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from jupyter_schedule.core.models import Run, Schedule, ScheduleState, Spec

#: seconds without a finished tick after which a service doesn't count as working
WORKING_SECONDS = 30


class RunCursor(NamedTuple):
    """The place of a run in the order in which runs are listed: a page goes on after the place of the one before."""

    scheduled_for: datetime
    created_at: datetime
    id: str

    @classmethod
    def of(cls, run: Run) -> Self:
        """The cursor at that run."""
        return cls(run.scheduled_for, run.created_at, run.id)


class ScheduleAdvance(NamedTuple):
    """The change that brings a schedule up to a moment: how it was read, how it is then, and the runs that it owed."""

    before: Schedule
    after: Schedule
    runs: Sequence[Run]


class ScheduleGlance(NamedTuple):
    """A schedule as far as it tells its place in a list, had without its spec."""

    id: str
    name: str
    #: the end of the path that it was made from; None of a tarball, and where that isn't known
    source: str | None
    state: ScheduleState
    next_due: datetime | None


class ScheduledRun(NamedTuple):
    """A run with what is known of it from its schedule: the spec of its version, and its owner."""

    run: Run
    spec: Spec
    owner: str


class UndecidedRuns(NamedTuple):
    """Open runs of schedules in the order in which they came, and the place from which to look next."""

    runs: list[ScheduledRun]
    next_since: int
    #: there may be more from that place on
    more: bool


class BundleUse(NamedTuple):
    """A version of a schedule, as far as it tells whether its bundle is wanted."""

    bundle: str
    schedule_id: str
    version: int
    created_at: datetime
    #: it is what a schedule does that isn't deleted
    current: bool
    deleted: bool
    #: some run of it hasn't ended, or has files
    has_runs: bool


class KeptFiles(NamedTuple):
    """The runs of a schedule of which some files may be left, as far as it tells whether any may go."""

    schedule_id: str
    #: those of them that have ended, and the first end among them
    ended: int
    first_end: datetime | None
    #: files of some have begun to go
    begun: bool
    deleted: bool
    #: what the schedule says of it itself, see `Policies`
    keep_runs: int | None
    keep_days: int | None


class ServiceRecord(NamedTuple):
    """A service that ticks, as the ledger knows it; times are by the clock of the machine that keeps the ledger."""

    #: its name in leases
    holder: str
    #: the host whose processes it sees
    host: str
    #: it holds the lock beside a ledger that is a file
    has_lock: bool = False
    launchers: tuple[str, ...] = ()
    #: the most runs that may go at once, as `ConcurrencyLimits` in JSON
    limits: Mapping[str, Any] = MappingProxyType({})
    started_at: datetime | None = None
    #: when it finished a tick last, and the seconds since then; None before the first
    ticked_at: datetime | None = None
    idle_seconds: float | None = None
    #: how often a tick was noted: who reads it twice sees that something moves, by whatever clock
    beats: int = 0
    #: the `Blocker` that keeps it from starting anything, empty when none does
    blocker: str = ""

    @property
    def is_working(self) -> bool:
        """It has finished a tick of late; a clock that was set back tells nothing."""
        return self.idle_seconds is not None and abs(self.idle_seconds) <= WORKING_SECONDS
