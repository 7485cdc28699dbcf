"""The contract of the store: where schedules and runs live, and the one thing both halves share beside the objects.

It has parts, each with an interface of its own; who needs one part asks for that one.

Every write is one transaction, leaves an event behind, and wakes `wait_for_change`.  Writes that follow from something
read earlier are compare-and-set: they answer False, and change nothing, when what was read is no longer so.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from jupyter_schedule.core.models import (
    AdHocWorker,
    Attempt,
    Event,
    FailedNotification,
    LauncherCatalog,
    Notification,
    Publisher,
    QueuedNotification,
    Run,
    RunStatus,
    Schedule,
    Version,
    Withdrawal,
)
from jupyter_schedule.core.store.records import (
    BundleUse,
    KeptFiles,
    RunCursor,
    ScheduleAdvance,
    ScheduledRun,
    ScheduleGlance,
    ServiceRecord,
    UndecidedRuns,
)
from jupyter_schedule.core.timing.admission import Admitter


class NameTaken(Exception):  # noqa: N818  (an answer, not a fault)
    """A schedule of this name exists."""


class EventsGone(Exception):  # noqa: N818  (likewise)
    """Some of the events behind that number aren't kept any more: who goes by them has to look anew."""


class ScheduleStore(ABC):
    """Schedules and their versions; nothing gives all of them at once, as there may be very many."""

    @abstractmethod
    def add(self, schedule: Schedule) -> None:
        """Record a new schedule and its first version.  Raises NameTaken when its owner has one of that name."""

    @abstractmethod
    def replace(
        self,
        before: Schedule,
        after: Schedule,
        runs: Sequence[Run] = (),
        *,
        actor: str,
        kind: str | None,
        notifications: Sequence[Notification] = (),
    ) -> bool:
        """Move a schedule from `before` to `after`, with its `runs` and `notifications`: all of that or nothing.

        One that becomes deleted has its open runs asked to stop as well, and no run that would start is added.
        kind: of the event that tells it; None leaves it to those of the runs.
        False when version, state, cursor or deadline of silence are no longer `before`'s.  A run whose key the ledger
        has is left as it is: an occurrence is in the ledger once.  A higher version number records a new version, by
        `actor`.  One that makes the schedule private owes its withdrawal from every area that it was ever public in;
        one that makes it public takes that back.
        """

    @abstractmethod
    def record_due_runs(self, advances: Sequence[ScheduleAdvance], *, actor: str) -> set[str]:
        """Move many schedules at once, each as `replace` would, and each or not by itself.

        The ids of those that moved; the others are no longer as they were read, or being changed by somebody else.
        """

    def delete_unreadable(self, schedule_id: str, *, actor: str) -> bool:
        """Delete a schedule whatever is recorded of it; False when it is deleted, or isn't there.

        For one that can't be read; a store that keeps values has none.
        """
        del schedule_id, actor
        return False

    @abstractmethod
    def get(self, schedule_id: str) -> Schedule | None:
        """The schedule with this id, deleted ones included.

        One that can't be read is found, here and by the other methods, in the state `broken`, unless it is deleted.
        """

    @abstractmethod
    def find(self, name: str, *, owner: str) -> Schedule | None:
        """The owner's schedule with this name, deleted ones left out."""

    @abstractmethod
    def list_page(self, *, owner: str | None = None, after: str = "", limit: int = 100) -> list[Schedule]:
        """Schedules that aren't deleted, by name, from the first behind `after` on: of an owner, or everybody's."""

    @abstractmethod
    def list_by_id(self, schedule_ids: Sequence[str]) -> dict[str, Schedule]:
        """Those of the schedules that there are, deleted ones included, by id."""

    @abstractmethod
    def list_by_source(self, sources: Sequence[str], *, owner: str) -> list[Schedule]:
        """The owner's that may be made from one of these sources, by name; of a long path only the end is compared."""

    @abstractmethod
    def glance(self, *, owner: str) -> list[ScheduleGlance]:
        """The owner's that aren't deleted, by name, each as far as it tells its place in a list."""

    @abstractmethod
    def count(self, *, owner: str) -> int:
        """The number of an owner's schedules that aren't deleted."""

    @abstractmethod
    def find_taken(self, names: Sequence[str], *, owner: str) -> set[str]:
        """Those of the names that a schedule of the owner's has which isn't deleted."""

    @abstractmethod
    def names_beside(self, name: str, *, owner: str, limit: int) -> list[str]:
        """The names of an owner's schedules that aren't deleted, up to `limit` on each side of `name`, in order."""

    @abstractmethod
    def publication_bases(self) -> set[str]:
        """The addresses that schedules which aren't deleted publish to."""

    @abstractmethod
    def list_due(self, now: datetime, limit: int) -> list[Schedule]:
        """Active schedules with an occurrence at or before `now` that isn't in the ledger, the longest due first.

        Those that can't be read are left out.
        """

    @abstractmethod
    def list_ahead(self, moment: datetime, limit: int, *, owner: str | None = None) -> list[Schedule]:
        """An owner's, or all, that neither ended nor were deleted, with a cursor after `moment`, the furthest first."""

    @abstractmethod
    def next_due(self) -> datetime | None:
        """The time at which the next occurrence of any active schedule is due."""

    @abstractmethod
    def list_freshness_due(self, now: datetime, limit: int) -> list[Schedule]:
        """Active and ended schedules with a deadline of silence at or before `now`, the longest due first."""

    @abstractmethod
    def get_version(self, schedule_id: str, number: int) -> Version:
        """The version of a schedule with that number.  Raises KeyError."""

    @abstractmethod
    def list_versions(self, schedule_id: str) -> list[Version]:
        """All versions, the newest first."""

    @abstractmethod
    def list_with_files(self, *, after: str = "", limit: int = 100) -> list[Schedule]:
        """The schedules, deleted ones included, of whose runs some have files, by id, from the first behind `after`."""

    @abstractmethod
    def list_kept_files(self, *, after: str = "", limit: int = 100) -> list[KeptFiles]:
        """The same in short, those included whose versions were written by newer versions of us."""

    @abstractmethod
    def list_bundle_uses(self, *, after: str = "", limit: int = 100) -> list[BundleUse]:
        """Every version of so many schedules, by id and number, those written by newer versions of us included.

        after: the id of the last schedule of a page, to get the page that comes next.
        """


def walk_schedules(schedules: ScheduleStore, page: int = 500) -> Iterator[Schedule]:
    """All schedules that aren't deleted, by name, read page by page; those of one name come with the same page."""
    after = ""
    while found := schedules.list_page(after=after, limit=page):
        whole = found if len(found) < page else [each for each in found if each.name != found[-1].name]
        yield from whole
        after, page = (whole[-1].name, page) if whole else (after, 2 * page)


def walk_with_files(schedules: ScheduleStore, page: int = 500) -> Iterator[Schedule]:
    """All schedules of whose runs some have files, by id, read page by page."""
    after = ""
    while found := schedules.list_with_files(after=after, limit=page):
        yield from found
        after = found[-1].id


class RunStore(ABC):
    """Runs with their attempts, and the files that they left."""

    @abstractmethod
    def add(self, run: Run, *, actor: str) -> None:
        """Put a run into the ledger; no effect when its key is there."""

    def add_all(self, runs: Sequence[Run], *, actor: str) -> None:
        """Put runs into the ledger in their order, as `add`; a store may do that at once."""
        for run in runs:
            self.add(run, actor=actor)

    @abstractmethod
    def replace(
        self,
        before: Run,
        after: Run,
        *,
        actor: str,
        notifications: Sequence[Notification] = (),
        publisher: Publisher | None = None,
    ) -> bool:
        """Move a run from `before` to `after` and put `notifications` into the outbox, both or neither.

        publisher: who has written what the run published, and signs off with it.
        False when status, attempt or fence are no longer `before`'s, or the schedule no longer at the publisher's
        version.
        Raises ValueError for a transition that isn't allowed.
        """

    @abstractmethod
    def request_cancel(self, run_id: str, *, actor: str) -> bool:
        """Note that `actor` wants the run to stop.  False when it has ended or somebody asked before."""

    def request_cancel_all(self, run_ids: Sequence[str], *, actor: str) -> int:
        """As `request_cancel`, which a store may do at once; how many it was noted of."""
        return sum(self.request_cancel(run_id, actor=actor) for run_id in run_ids)

    @abstractmethod
    def get(self, run_id: str) -> Run | None:
        """The run with this id."""

    @abstractmethod
    def list_newest(
        self,
        schedule_id: str | None = None,
        *,
        owner: str | None = None,
        before: RunCursor | None = None,
        limit: int = 100,
    ) -> list[Run]:
        """Runs, the newest occurrence first: of a schedule, of an owner's schedules that aren't deleted, or all.

        before: only those that come after this cursor.
        """

    @abstractmethod
    def newest_of_each(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        """Of each schedule that has any up to `per_schedule` runs, the newest occurrence first."""

    @abstractmethod
    def count(self, schedule_id: str | None = None, *, owner: str) -> int:
        """The number of runs of the owner's schedules that aren't deleted, or of one of these."""

    def last_of_each(self, schedule_ids: Sequence[str]) -> dict[str, Run]:
        """Of each schedule the run with the newest occurrence, where there is one."""
        return {schedule_id: runs[0] for schedule_id, runs in self.newest_of_each(schedule_ids, 1).items()}

    @abstractmethod
    def has_due(self) -> bool:
        """True when a run waits for its start: one look at an index."""

    @abstractmethod
    def list_undecided(self, since: int, now: datetime, limit: int) -> UndecidedRuns:
        """The open runs of schedules of which a due run may have to be decided before it starts.

        That is one that somebody wants to stop, or approved; one whose time to start is over at `now`; and one that
        gives way, and came at place `since` in the order or later, or waits for another of its schedule that goes.  Of
        each of these kinds `limit` runs at most.  Runs of backfills that merely wait are left out.
        """

    @abstractmethod
    def count_at_work(self) -> dict[str, int]:
        """By launcher, the number of runs that have a worker, or are about to."""

    @abstractmethod
    def list_attempts_at_work(self, launcher: str) -> list[tuple[str, Attempt]]:
        """The attempts, ended ones included, of runs that have a worker of this launcher, each with its owner."""

    @abstractmethod
    def list_by_prefix(self, prefix: str, *, owner: str, limit: int) -> list[Run]:
        """Runs of the owner's schedules that aren't deleted, whose ids begin so."""

    @abstractmethod
    def count_going(self, *, owner: str) -> int:
        """The number of the owner's runs that are going, those of deleted schedules left out."""

    @abstractmethod
    def list_failing(self, *, owner: str) -> list[Run]:
        """Of each of the owner's schedules that goes on the newest run that ran to its end, where that failed."""

    @abstractmethod
    def list_open(self, schedule_id: str | None = None) -> list[Run]:
        """The runs that haven't ended, in the order in which they came: of a schedule, or all, of deleted ones too."""

    @abstractmethod
    def is_name_open(self, name: str, *, owner: str) -> bool:
        """True when a run hasn't ended whose schedule, of that owner, has this name, or had it and is deleted."""

    @abstractmethod
    def backfill_progress(self, schedule_id: str) -> dict[RunStatus, int]:
        """The number of runs in each status, of those backfills of the schedule that are under way.

        Under way is what was asked for at the same time as a run that hasn't ended.
        """

    @abstractmethod
    def cost_since(self, schedule_id: str, since: datetime) -> Decimal:
        """Dollars that the schedule's runs have cost which ended at `since` or later."""

    @abstractmethod
    def machine_seconds_since(self, since: datetime) -> dict[str, int]:
        """By owner, how long machines lived: of runs and of ad-hoc workers that ended at `since` or later.

        Those of deleted schedules count too.
        """

    # -- attempts

    @abstractmethod
    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str) -> bool:
        """Record an attempt and move its run, both or neither; False as in `replace`."""

    @abstractmethod
    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        """Record what became known of an attempt; False when the run's fence has moved on."""

    @abstractmethod
    def list_attempts(self, run_id: str) -> list[Attempt]:
        """The attempts of a run, in order."""

    @abstractmethod
    def attempts_of_each(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        """The attempts of each run that has any, in order, by run id."""

    def get_attempt(self, run_id: str, number: int) -> Attempt | None:
        """One attempt of a run; None when there is none of that number."""
        return next((attempt for attempt in self.list_attempts(run_id) if attempt.number == number), None)

    # -- retention

    @abstractmethod
    def list_with_files(self, schedule_id: str) -> list[Run]:
        """The runs of a schedule that began and whose files aren't known to be gone, the newest occurrence first.

        Those that haven't ended, and those whose files have begun to go, are among them.
        """

    @abstractmethod
    def mark_pruned(self, run_ids: Sequence[str], *, actor: str) -> None:
        """Note that the files of runs that have ended begin to go; from here on nobody is sent to look for them."""

    @abstractmethod
    def finish_pruning(self, run_ids: Sequence[str], *, actor: str) -> None:
        """Note that no file is left of runs that were marked."""


class LeaseStore(ABC):
    """Leases, by which one service at a time acts on a run."""

    @abstractmethod
    def register(self) -> None:
        """Count as one who is there, until `close`; when nobody else is, every lease is a dead one's and ends."""

    @abstractmethod
    def admit(self, by: Admitter, *, actor: str) -> int:
        """Let due runs start, as far as the limits of `by` leave room; how many they were, 0 while another admits.

        One transaction counts what goes, whoever holds it, and moves each run to `launching` with a lease of `by`: no
        two services admit at once, so limits hold for all of them together.  Nothing of a deleted schedule starts, nor
        what somebody wants to stop.
        """

    @abstractmethod
    def claim(self, by: Admitter, leave: Collection[str] = ()) -> list[ScheduledRun]:
        """All going runs that `by` may act on for its next lease: those it holds, and those whose lease ran out.

        In the order in which they came into the ledger.  A run that changes hands gets a higher fence, so that its
        former holder's effects are dropped.  Leases run by the store's clock, the same for all who share it.

        leave: the ids of runs that are left to others.
        Runs of launchers that `by` hasn't are left to services that have them, and a run whose current attempt can be
        seen from one host only to the services there, until the attempt's deadline has passed.
        """

    @abstractmethod
    def release(self, holder: str | None, run_id: str | None = None) -> None:
        """Give up every lease of `holder`, or that of one run, so that others needn't wait for them to run out.

        None gives up everybody's: for a service that knows it has the store to itself.
        """


class ServiceStore(ABC):
    """The services that tick: one for a ledger in a file, any number for one that many share."""

    @abstractmethod
    def register(self, service: ServiceRecord) -> None:
        """Count as one who ticks beside the others, without a tick so far."""

    @abstractmethod
    def take_over(self, service: ServiceRecord, before: ServiceRecord | None) -> bool:
        """Count as the only one who ticks, instead of `before`; False when that isn't how things are any more."""

    @abstractmethod
    def note_tick(self, holder: str, blocker: str, *, has_lock: bool = False) -> bool:
        """Note that `holder` has just finished a tick; False when it doesn't count as one who ticks."""

    @abstractmethod
    def is_registered(self, holder: str) -> bool:
        """True while `holder` counts as one who ticks."""

    @abstractmethod
    def remove(self, holder: str) -> None:
        """Let `holder` count as gone."""

    @abstractmethod
    def list_all(self) -> list[ServiceRecord]:
        """Those who count as ticking, the stopped and the dead of the last day included."""


class OutboxStore(ABC):
    """Notifications that are still to be delivered."""

    @abstractmethod
    def next_tries(self) -> dict[str, datetime]:
        """Of each channel that has notifications waiting, when the next may be claimed, by `claim`'s clock."""

    @abstractmethod
    def claim(self, channel: str, lease: int) -> QueuedNotification | None:
        """The notification of this channel that may have been claimed for longest; others leave it for `lease` seconds.

        None when none may be claimed now.
        """

    @abstractmethod
    def mark_delivered(self, notification: QueuedNotification) -> bool:
        """Note that the channel took it.  False when it was claimed again since."""

    @abstractmethod
    def mark_failed(self, notification: QueuedNotification, trouble: str, again_in: float | None) -> bool:
        """Note why it wasn't delivered, and that it may be claimed again in so many seconds; None gives it up.

        False when it was claimed again since.
        """

    @abstractmethod
    def list_failed(self, since: datetime, *, owner: str | None = None, limit: int = 100) -> list[FailedNotification]:
        """Those written since then that failed and weren't delivered so far, the newest first; of an owner, or all."""

    @abstractmethod
    def prune(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` notifications written before then that were delivered or given up; how many."""


class PublicationStore(ABC):
    """Publishers at work, and withdrawals that are owed."""

    @abstractmethod
    def is_current(self, publisher: Publisher) -> bool:
        """True while the run is being published at the publisher's fence, and its schedule is at that version."""

    @abstractmethod
    def sign_on(self, publisher: Publisher) -> bool:
        """Note that somebody may write to an area from now on.  False, and nothing is noted, when it isn't current."""

    @abstractmethod
    def sign_off(self, publisher: Publisher) -> None:
        """Note that it writes nothing more; no error when it never signed on."""

    @abstractmethod
    def is_written(self, name: str, *, owner: str) -> bool:
        """True while somebody is signed on to publish for the owner's schedule of that name, deleted ones included."""

    @abstractmethod
    def list_owed(self, *, owner: str | None = None) -> list[Withdrawal]:
        """The withdrawals that aren't done, the longest owed first; of an owner's schedules, or all."""

    @abstractmethod
    def claim(self, lease: int) -> Withdrawal | None:
        """The withdrawal that may have been tried for longest; others leave it for `lease` seconds.

        None when none may be tried now.
        """

    @abstractmethod
    def keep(self, withdrawal: Withdrawal, lease: int) -> bool:
        """True while it is owed and was claimed by nobody since; renews the claim when half of `lease` is over."""

    @abstractmethod
    def mark_done(self, withdrawal: Withdrawal) -> bool:
        """Note that nothing of it is left, and nobody who could write any.  False when it was claimed again since."""

    @abstractmethod
    def put_off(self, withdrawal: Withdrawal, again_in: float, *, remaining: int | None, trouble: str | None) -> bool:
        """Note what a try left and why, and that it may be claimed again in so many seconds.

        False when it was claimed again since.
        """


class AdHocStore(ABC):
    """Ad-hoc workers."""

    @abstractmethod
    def add(self, worker: AdHocWorker, *, most: int) -> bool:
        """Record a worker that its owner asked for.  False when so many of the owner's are live."""

    @abstractmethod
    def replace(self, before: AdHocWorker, after: AdHocWorker, *, actor: str, most: int | None = None) -> bool:
        """Move a worker from `before` to `after`, as its next revision; False when it is no longer at `before`'s.

        most: False also when so many machines of its launcher are at work, those of runs included, and while runs are
        admitted.
        Raises ValueError for one that is over: it never changes.
        """

    @abstractmethod
    def get(self, worker_id: str) -> AdHocWorker | None:
        """The worker with this id."""

    @abstractmethod
    def list_newest(self, owner: str | None = None, *, limit: int = 100) -> list[AdHocWorker]:
        """Workers of an owner, or all, the newest first."""

    @abstractmethod
    def list_live(self) -> list[AdHocWorker]:
        """Everybody's that aren't over, in the order in which they were asked for."""


class Store(ABC):
    """The parts, the events that tell their story, and what belongs to the deployment as a whole."""

    schedules: ScheduleStore
    runs: RunStore
    leases: LeaseStore
    services: ServiceStore
    outbox: OutboxStore
    publications: PublicationStore
    ad_hoc: AdHocStore

    @abstractmethod
    def events(self, since: int, limit: int = 1000) -> list[Event]:
        """Events with a sequence number above `since`, in order.  Raises EventsGone when some of them aren't kept."""

    def clock(self) -> datetime | None:
        """The time by a clock that isn't this machine's, to be compared with it; None when the store has none."""
        return None

    def identify_database(self) -> str | None:
        """Name the database, other than every copy of it; None when the place of its file does."""
        return None

    @abstractmethod
    def last_change(self) -> int:
        """The sequence number of the newest event, 0 when there is none."""

    @abstractmethod
    def wait_for_change(self, since: int, timeout: float, stopped: threading.Event | None = None) -> int:
        """Wait `timeout` seconds for an event above `since`, or until `stopped`; the newest sequence number."""

    @abstractmethod
    def prune_events(self, before: datetime, limit: int) -> int:
        """Remove of the `limit` oldest events those that were written before then; how many they were.

        The newest event stays, by which changes are waited for.
        """

    # -- the deployment

    @abstractmethod
    def publish_catalog(self, catalog: LauncherCatalog, *, actor: str) -> None:
        """Let every client know where runs can take place; nothing is written when they know."""

    @abstractmethod
    def read_catalog(self) -> LauncherCatalog | None:
        """The catalog that was published last; None when none ever was."""

    @abstractmethod
    def note_owner(self, database: str) -> None:
        """Remember that the work area is this database's, as `identify_database` names it."""

    @abstractmethod
    def noted_owner(self) -> str | None:
        """The database that was noted last: another one's name, in a copy; None before the first."""

    @abstractmethod
    def secret(self) -> bytes:
        """The key from which the names of attempts' objects are made; a backup has it, so that they are found again."""

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection."""
