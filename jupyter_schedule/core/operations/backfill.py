"""The past occurrences that are run again, by hand, over a range.

A row's key is `backfill:<batch>:<instant>`: the batch is how often that instant was asked for, so two people who ask
for the same days at once make one row of each.  Clock times wouldn't do: who was in two zones had some twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Run, RunStatus, Schedule, Trigger, Version, utc
from jupyter_schedule.core.operations.context import OperationsContext
from jupyter_schedule.core.operations.schedules import ScheduleOperations
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.timing import planning, recurrence

#: runs that one request may ask for, and from how many on it has to be confirmed
MOST = 10_000
ASK_FROM = 100
#: runs of a backfill that may go at once, at most
MOST_PARALLEL = 16
#: rows that are read at once, and those that are written at once
PAGE = 1000
BATCH = 200
#: before it nothing is due
FIRST = datetime(recurrence.YEARS[0], 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class BackfillPlan:
    """The runs that a backfill adds to the ledger, and the number of those that it leaves as they are."""

    runs: tuple[Run, ...]
    #: occurrences of the range that have succeeded, and those whose run hasn't ended
    succeeded: int
    waiting: int


class BackfillOperations:
    """The backfills of one person's schedules."""

    def __init__(self, context: OperationsContext, schedules: ScheduleOperations) -> None:
        self._context = context
        self._schedules = schedules

    def plan(
        self, name: str, start: datetime, end: datetime, *, again: bool = False, parallel: int = 1
    ) -> BackfillPlan:
        """The plan of a `start`; nothing is put into the ledger."""
        now = utc(self._context.now())
        return ask(self._context.store, self._schedules.get(name), start, end, now, again=again, parallel=parallel)

    def start(
        self,
        name: str,
        start: datetime,
        end: datetime,
        *,
        again: bool = False,
        confirmed: bool = False,
        parallel: int = 1,
    ) -> BackfillPlan:
        """Put runs for times that have passed into the ledger, as `ask` plans them."""
        plan = self.plan(name, start, end, again=again, parallel=parallel)
        check_confirmed(plan.runs, confirmed=confirmed)
        for run in plan.runs[:1]:  # they differ by their times alone
            self._context.check(run)
        for some in batches(plan.runs):
            self._context.store.runs.add_all(some, actor=self._context.actor)
        return plan

    def cancel(self, name: str) -> int:
        """Let no waiting run of the schedule's backfills start, and say how many those were; what goes, goes on."""
        schedule = self._schedules.get(name)
        left = [run for run in self._context.store.runs.list_open(schedule.id) if is_left(run)]
        some_ids = ([run.id for run in some] for some in batches(left))
        return sum(self._context.store.runs.request_cancel_all(ids, actor=self._context.actor) for ids in some_ids)


def ask(
    store: Store,
    schedule: Schedule,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    again: bool = False,
    parallel: int = 1,
) -> BackfillPlan:
    """A run for every time from `start` to `end` at which the schedule was, or would have been, due.

    Those that have succeeded, unless `again`, and those whose run hasn't ended are left as they are: who was
    interrupted asks for the same again.  parallel: how many of them may go at once.
    Raises Refused as `check_range`, and `bad_parallel`.
    """
    if not 1 <= parallel <= MOST_PARALLEL:
        raise Refused("bad_parallel", f"From 1 to {MOST_PARALLEL} runs in parallel, please.", field="parallel")
    versions = store.schedules.list_versions(schedule.id)
    start, end = check_range(schedule, start, end, now, versions)
    known = rows(store, schedule, start, end)
    return plan(schedule, start, end, known, now, again=again, parallel=parallel, versions=versions)


def check_range(
    schedule: Schedule, start: datetime, end: datetime, now: datetime, versions: Sequence[Version] = ()
) -> tuple[datetime, datetime]:
    """The range, cut off at now, or Refused: `bad_end`, `nothing_to_backfill`, `too_many` with the number said."""
    if end < start:
        raise Refused("bad_end", "The end is before the start. Choose a later end, or an earlier start.", field="end")
    start, end = max(utc(start), FIRST), min(utc(end), utc(now))
    count = sum(1 for _ in islice(_due(schedule, versions, start, end), MOST + 1))
    if count == 0:
        message = f"“{schedule.name}” was never due then. Choose a range before now that holds one of its times."
        raise Refused("nothing_to_backfill", message, field="start")
    if count > MOST:
        message = f"That range has more than {MOST:,} times, the most at once. Choose a shorter one."
        raise Refused("too_many", message, field="end")
    return start, end


def plan(
    schedule: Schedule,
    start: datetime,
    end: datetime,
    known: Iterable[Run],
    now: datetime,
    *,
    again: bool,
    parallel: int = 1,
    versions: Sequence[Version] = (),
) -> BackfillPlan:
    """One due row for every occurrence from `start` to `end`, both included, oldest first.

    Left out are those whose run hasn't ended, and, unless `again`, those that have succeeded.
    known: the schedule's rows in that range.  versions: as `planning.was_due` has them.
    """
    of_time: dict[datetime, list[Run]] = {}
    for run in known:
        of_time.setdefault(run.scheduled_for, []).append(run)
    runs: list[Run] = []
    succeeded = waiting = 0
    for occurrence in _due(schedule, versions, start, end):
        before = of_time.get(occurrence.instant, [])
        if any(not run.status.terminal for run in before):
            waiting += 1
        elif not again and any(run.status == RunStatus.SUCCEEDED for run in before):
            succeeded += 1
        else:
            batch = 1 + sum(run.trigger == Trigger.BACKFILL for run in before)
            runs.append(planning.plan_backfill_run(schedule, occurrence, batch, now, parallel))
    return BackfillPlan(tuple(runs), succeeded, waiting)


def check_confirmed(runs: Sequence[Run], *, confirmed: bool) -> None:
    """So many runs are wanted, or Refused `confirm_backfill` asks."""
    if needs_confirmation(runs) and not confirmed:
        message = f"That is {len(runs):,} runs. Confirm that you want them all."
        raise Refused("confirm_backfill", message, field="confirmed")


def batches(runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    """The runs in their order, so many at once that neither a person nor the service waits long for the ledger."""
    for start in range(0, len(runs), BATCH):
        yield runs[start : start + BATCH]


def is_left(run: Run) -> bool:
    """True if it is a backfill's run that hasn't started, and that nobody asked to stop."""
    return run.trigger == Trigger.BACKFILL and run.status == RunStatus.DUE and run.cancelled_by is None


def needs_confirmation(runs: Sequence[Run]) -> bool:
    """True if they are so many that a person has to confirm them."""
    return len(runs) >= ASK_FROM


def _due(
    schedule: Schedule, versions: Sequence[Version], start: datetime, end: datetime
) -> Iterable[recurrence.Occurrence]:
    return planning.was_due(schedule, versions, utc(start) - _SECOND, end)


def rows(store: Store, schedule: Schedule, start: datetime, end: datetime, *, reaching: bool = False) -> Iterable[Run]:
    """The schedule's rows whose times are from `start` to `end`, read page by page.

    reaching: also stretches of skipped times that began not long before and reach into the range.
    """
    # a moment later than the last of them, so that it comes before all in the list
    before = RunCursor(end + _SECOND, end, "")
    while page := store.runs.list_newest(schedule.id, before=before, limit=PAGE):
        for run in page:
            if run.scheduled_for >= start or (reaching and run.until is not None and run.until >= start):
                yield run
        if page[-1].scheduled_for < start:
            return
        before = RunCursor.of(page[-1])
