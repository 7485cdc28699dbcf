"""Which past occurrences are run again, by hand, over a range.

A row's key is `backfill:<batch>:<nominal>`: the batch is how often that occurrence was asked for, so two people who ask
for the same days at once make one row of each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from jupyter_schedule.core import ledger, occurrences
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Run, RunStatus, Schedule, Trigger, utc
from jupyter_schedule.core.store.base import Place, Store

#: runs that one request may ask for, and from how many on it has to be confirmed
MOST = 10_000
ASK_FROM = 100
#: rows that are read at once
PAGE = 1000
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Plan:
    """What a backfill adds to the ledger, and what it leaves as it is."""

    runs: tuple[Run, ...]
    #: occurrences of the range that have succeeded, and those whose run hasn't ended
    succeeded: int
    waiting: int


def ask(
    store: Store,
    schedule: Schedule,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    again: bool,
    confirmed: bool,
) -> Plan:
    """A run for every time from `start` to `end` at which the schedule was, or would have been, due.

    Those that have succeeded, unless `again`, and those whose run hasn't ended are left as they are: who was
    interrupted asks for the same again.  Raises Refused as `check_range` and `check_confirmed`.
    """
    start, end = check_range(schedule, start, end, now)
    found = plan(schedule, start, end, _rows(store, schedule, start, end), now, again=again)
    check_confirmed(found.runs, confirmed=confirmed)
    return found


def check_range(schedule: Schedule, start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The range, cut off at now, or Refused: `bad_end`, `nothing_to_backfill`, `too_many` with the number said."""
    if end < start:
        raise Refused("bad_end", "The end is before the start. Choose a later end, or an earlier start.", field="end")
    end = min(utc(end), utc(now))
    count = sum(1 for _ in islice(_due(schedule, start, end), MOST + 1))
    if count == 0:
        message = f"“{schedule.name}” was never due then. Choose a range before now that holds one of its times."
        raise Refused("nothing_to_backfill", message, field="start")
    if count > MOST:
        message = f"That range has more than {MOST:,} times, the most at once. Choose a shorter one."
        raise Refused("too_many", message, field="end")
    return start, end


def plan(
    schedule: Schedule, start: datetime, end: datetime, known: Iterable[Run], now: datetime, *, again: bool
) -> Plan:
    """One due row for every occurrence from `start` to `end`, both included, oldest first.

    Left out are those whose run hasn't ended, and, unless `again`, those that have succeeded.
    known: the schedule's rows in that range.
    """
    rows: dict[datetime, list[Run]] = {}
    for run in known:
        rows.setdefault(run.scheduled_for, []).append(run)
    runs: list[Run] = []
    succeeded = waiting = 0
    for occurrence in _due(schedule, start, end):
        before = rows.get(occurrence.instant, [])
        if any(not run.status.terminal for run in before):
            waiting += 1
        elif not again and any(run.status == RunStatus.SUCCEEDED for run in before):
            succeeded += 1
        else:
            batch = 1 + sum(run.trigger == Trigger.BACKFILL for run in before)
            runs.append(ledger.backfill_run(schedule, occurrence, batch, now))
    return Plan(tuple(runs), succeeded, waiting)


def check_confirmed(runs: Sequence[Run], *, confirmed: bool) -> None:
    """So many runs are wanted, or Refused `confirm_backfill` asks."""
    if len(runs) >= ASK_FROM and not confirmed:
        message = f"That is {len(runs):,} runs, one after another. Confirm that you want them all."
        raise Refused("confirm_backfill", message, field="confirmed")


def _due(schedule: Schedule, start: datetime, end: datetime) -> Iterable[occurrences.Occurrence]:
    return occurrences.between(schedule.spec.timing, utc(start) - _SECOND, end)


def _rows(store: Store, schedule: Schedule, start: datetime, end: datetime) -> Iterable[Run]:
    """The schedule's rows whose times are from `start` to `end`, read page by page."""
    # a moment later than the last of them, so that it comes before all in the list
    before = Place(end + _SECOND, end, "")
    while page := store.runs(schedule.id, before=before, limit=PAGE):
        yield from (run for run in page if run.scheduled_for >= start)
        if page[-1].scheduled_for < start:
            return
        before = Place.of(page[-1])
