"""The rows of the store in dictionaries, which its parts share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_schedule.core.models import (
    AdHocWorker,
    Attempt,
    Event,
    Notification,
    Publisher,
    Run,
    Schedule,
    Spec,
    Version,
    Withdrawal,
    utc,
)
from jupyter_schedule.core.store.records import ScheduledRun


@dataclass
class Sent:
    """A notification in the outbox."""

    notification: Notification
    at: datetime
    next_try: datetime | None
    attempts: int = 0
    delivered: bool = False
    trouble: str | None = None
    #: it isn't kept any more
    gone: bool = False


@dataclass
class Tables:
    """What a database would have in its tables."""

    now: Callable[[], datetime]
    schedules: dict[str, Schedule] = field(default_factory=dict)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    #: of each run its schedule's id and its key
    keys: set[tuple[str, str]] = field(default_factory=set)
    #: ids of the runs that haven't ended, in the order in which they came
    open: dict[str, None] = field(default_factory=dict)
    #: ids of the runs that no file is left of
    gone: set[str] = field(default_factory=set)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    #: of runs whose workers are on one host, that host
    hosts: dict[str, str] = field(default_factory=dict)
    #: of owners the number of the run that was admitted last
    served: dict[str, int] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    outbox: list[Sent] = field(default_factory=list)
    ad_hoc: dict[str, AdHocWorker] = field(default_factory=dict)
    #: by schedule and area, each with the time from which on it may be claimed
    withdrawals: dict[tuple[str, str], tuple[Withdrawal, datetime]] = field(default_factory=dict)
    #: by run and fence, each with the time at which it signed on
    publishers: dict[tuple[str, int], tuple[Publisher, datetime]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    #: the number of the newest of them that isn't kept any more
    events_gone: int = 0

    def record(self, actor: str, kind: str, schedule_id: str | None = None, run_id: str | None = None) -> None:
        """Leave an event behind."""
        self.events.append(
            Event.model_construct(
                sequence=len(self.events) + 1,
                at=utc(self.now()),
                actor=actor,
                kind=kind,
                schedule_id=schedule_id,
                run_id=run_id,
            )
        )

    def open_runs(self) -> list[Run]:
        """The runs that haven't ended, in the order in which they came."""
        return [self.runs[run_id] for run_id in self.open]

    def spec_of(self, run: Run) -> Spec:
        """What its schedule said in the run's version."""
        return next(each for each in self.versions[run.schedule_id] if each.version == run.version).spec

    def scheduled(self, runs: Iterable[Run]) -> list[ScheduledRun]:
        """The runs with what is known of them from their schedules."""
        return [ScheduledRun(run, self.spec_of(run), self.schedules[run.schedule_id].owner) for run in runs]

    def keep(self, run: Run) -> None:
        """Have the run in the ledger as it is given."""
        self.runs[run.id] = run
        if run.status.terminal:
            self.open.pop(run.id, None)
            self.leases.pop(run.id, None)
        else:
            self.open[run.id] = None
