"""The runs that a schedule owes up to now, as rows for the ledger: pure, and the same for a tick and for an edit.

An occurrence's key is its nominal local time and fold within a timing revision, so neither new time-zone data nor an
edited zone can put it into the ledger twice.  A run's id follows from its schedule's id and its key.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile
from uuid import UUID, uuid4, uuid5

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Approval,
    CatchUp,
    Reason,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Trigger,
    Version,
    Visibility,
    utc,
    utc_text,
)
from jupyter_schedule.core.timing import freshness, recurrence
from jupyter_schedule.core.timing.recurrence import Occurrence

#: an occurrence claimed within this time of being due was not missed
ON_TIME = timedelta(seconds=60)
#: how far back `latest` still runs an occurrence that was missed
CATCH_UP_WINDOW = timedelta(hours=24)
#: how many missed occurrences `all` runs at most, the newest ones
CATCH_UP_LIMIT = 100
#: a cursor that is further ahead was put there by a clock that was wrong; what is nearer is soon reached
FAR_AHEAD = timedelta(hours=24)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class RunPlan:
    """The rows that bring a schedule's ledger up to a moment, and the schedule as it is afterwards."""

    runs: tuple[Run, ...]
    schedule: Schedule


def plan_runs(schedule: Schedule, now: datetime, knows: Callable[[str], bool] = lambda _: False) -> RunPlan:
    """Every occurrence after the cursor up to `now`: those to run are `due`, a stretch of skipped ones is one row.

    The occurrences of a schedule that is paused or waits for its rehearsal are skipped; one that ended or was deleted
    owes nothing.  One whose times can't be told any more, since its zone is gone, is paused by a row that says so.
    knows: the ledger has a run of this id.  It is asked of the first that were skipped: new data that moves a zone west
    lets a time that was accounted for come again, and a stretch that began with it would be left out as a whole.
    """
    now = utc(now)
    if schedule.state in {ScheduleState.ENDED, ScheduleState.DELETED}:
        return RunPlan((), schedule)
    try:
        first, count, newest = passed(schedule.spec, schedule.cursor, now, CATCH_UP_LIMIT + 1)
    except Refused as refusal:
        return _untold(schedule, refusal.message, now)
    paused = schedule.state in {ScheduleState.PAUSED, ScheduleState.REHEARSING}
    wanted = [] if paused else _wanted(schedule.spec.catch_up, newest, now)
    runs = [plan_run(schedule, occurrence, now) for occurrence in wanted]
    skipped = count - len(wanted)
    for occurrence in islice(between(schedule.spec, schedule.cursor, now), skipped):
        if not knows(plan_run(schedule, occurrence, now).id):
            first = occurrence
            break
        skipped -= 1
    if first is not None and skipped:
        last = newest[len(newest) - len(wanted) - 1]
        runs.insert(0, _skipped_stretch(schedule, first, last, skipped, now, paused=paused))
    return RunPlan(tuple(runs), advance_cursor(schedule, now))


def advance_cursor(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule with its cursor at `now` and its next occurrence; an active one ends when none will come."""
    cursor = max(utc(now), schedule.cursor)
    changes: dict[str, object] = {
        "cursor": cursor,
        "next_due": None,
        "silence_due": freshness.pending(schedule, cursor),
    }
    if schedule.state != ScheduleState.ACTIVE:
        return schedule.model_copy(update=changes)
    upcoming = next_coming(schedule.spec, cursor)
    changes |= {"next_due": upcoming.instant} if upcoming else {"state": ScheduleState.ENDED}
    return schedule.model_copy(update=changes)


def take_back_cursor(schedule: Schedule, now: datetime) -> Schedule | None:
    """The schedule with a cursor that a wrong clock put far ahead taken back to `now`; None when that isn't so.

    What was done with the schedule before `now` says that it is `now` that is right.  Times that the ledger has rows of
    aren't owed again, since their keys are in it.
    """
    now = utc(now)
    if schedule.cursor - now <= FAR_AHEAD or schedule.changed_at > now:
        return None
    return advance_cursor(schedule.model_copy(update={"cursor": now}), now)


def describe_ahead(ahead: Sequence[Schedule]) -> str | None:
    """The sentence about schedules whose cursors are far ahead, the furthest first; None of none.

    Who looks at a schedule that is silent for a year has to hear why.
    """
    if not ahead:
        return None
    name, others = f"“{ahead[0].name}”", len(ahead) - 1
    which = f"{name} and {others} more start" if others else f"{name} starts"
    return (
        f"{which} nothing until {utc_text(ahead[0].cursor)}, since a clock was wrong. A service whose clock has been "
        "right for ten minutes takes that back; an edit of the timing does so at once."
    )


def was_due(schedule: Schedule, versions: Iterable[Version], start: datetime, end: datetime) -> Iterator[Occurrence]:
    """The times after `start` up to `end` at which it was due by the timing of then; before it was made, by today's.

    versions: all of the schedule's, in any order; without them it has always been as it is.
    """
    since = [(start, schedule.spec.timing)]
    since += [(each.created_at, each.spec.timing) for each in sorted(versions, key=lambda version: version.version)]
    for (first, timing), (last, _) in pairwise([*since, (end, schedule.spec.timing)]):
        yield from recurrence.between(timing, max(start, first), min(end, last))


def plan_run(schedule: Schedule, occurrence: Occurrence, now: datetime) -> Run:
    """The run that an occurrence owes."""
    start, end = recurrence.data_interval(schedule.spec.timing, occurrence.instant)
    return _run(schedule, f"cron:{schedule.timing_rev}:{occurrence.key}", Trigger.SCHEDULE, now).model_copy(
        update={"scheduled_for": occurrence.instant, "data_interval_start": start, "data_interval_end": end}
    )


def plan_manual_run(schedule: Schedule, now: datetime) -> Run:
    """A run asked for by hand: due now, over the last complete data interval."""
    start, end = recurrence.last_complete_interval(schedule.spec.timing, now)
    return _run(schedule, f"manual:{uuid4()}", Trigger.MANUAL, now).model_copy(
        update={"scheduled_for": utc(now), "data_interval_start": start, "data_interval_end": end}
    )


def plan_rehearsal(schedule: Schedule, now: datetime) -> Run:
    """A run by hand whose outputs stay private until somebody has looked at them."""
    return _rehearsing(plan_manual_run(schedule, now))


def plan_run_by_hand(schedule: Schedule, now: datetime) -> Run:
    """A run that somebody asks for: a rehearsal where the schedule is public, or waits for one."""
    unseen = schedule.spec.visibility == Visibility.PUBLIC or schedule.state == ScheduleState.REHEARSING
    return (plan_rehearsal if unseen else plan_manual_run)(schedule, now)


def plan_release(run: Run, release: Approval, count: int) -> Run:
    """The run that publishes what `run` made, for the `count`th time: same version, occurrence and data interval."""
    key = f"release:{run.origin}:{count}"
    again = {"key": key, "id": str(uuid5(UUID(run.schedule_id), key)), "release": release, "trigger": Trigger.RETRY}
    return plan_retry(run, count, release.at).model_copy(update=again)


def plan_backfill_run(schedule: Schedule, occurrence: Occurrence, batch: int, now: datetime, parallel: int = 1) -> Run:
    """The run that does what a past occurrence was due for, by the schedule's current version, the `batch`th time."""
    start, end = recurrence.data_interval(schedule.spec.timing, occurrence.instant)
    key = f"backfill:{batch}:{utc_text(occurrence.instant)}"
    times: dict[str, object] = {"data_interval_start": start, "data_interval_end": end}
    return _run(schedule, key, Trigger.BACKFILL, utc(now)).model_copy(
        update={"scheduled_for": occurrence.instant, "parallel": parallel} | times
    )


def plan_retry(run: Run, count: int, now: datetime) -> Run:
    """The run that does the same as `run` again, for the `count`th time: same version, occurrence and data interval."""
    key = f"retry:{run.id}:{count}"
    again = Run(
        id=str(uuid5(UUID(run.schedule_id), key)),
        schedule_id=run.schedule_id,
        schedule=run.schedule,
        owner=run.owner,
        version=run.version,
        key=key,
        trigger=Trigger.RETRY,
        scheduled_for=run.scheduled_for,
        data_interval_start=run.data_interval_start,
        data_interval_end=run.data_interval_end,
        status=RunStatus.DUE,
        created_at=utc(now),
    )
    # what hadn't been looked at still hasn't
    return _rehearsing(again) if run.trigger is Trigger.REHEARSAL else again


def _rehearsing(run: Run) -> Run:
    key = f"rehearsal:{uuid4()}"
    changes = {"key": key, "id": str(uuid5(UUID(run.schedule_id), key)), "trigger": Trigger.REHEARSAL}
    return run.model_copy(update=changes)


def _wanted(catch_up: CatchUp, newest: list[Occurrence], now: datetime) -> list[Occurrence]:
    """The passed occurrences that still run, in order; always the last ones."""
    if not newest:
        return []
    age = now - newest[-1].instant
    match catch_up:
        case CatchUp.ALL:
            return newest[-CATCH_UP_LIMIT:]
        case CatchUp.LATEST:
            return newest[-1:] if age <= CATCH_UP_WINDOW else []
        case CatchUp.NONE:
            return newest[-1:] if age <= ON_TIME else []


def _untold(schedule: Schedule, why: str, now: datetime) -> RunPlan:
    """The one occurrence known from before is accounted for; those after it are told when their zone is back."""
    if schedule.next_due is None or schedule.next_due > now:
        return RunPlan((), schedule)
    run = _run(schedule, f"cron:{schedule.timing_rev}:untold/{utc_text(schedule.next_due)}", Trigger.SCHEDULE, now)
    told: dict[str, object] = {
        "scheduled_for": schedule.next_due,
        "data_interval_start": schedule.next_due,
        "data_interval_end": schedule.next_due,
        "status": RunStatus.SKIPPED,
        "reason": Reason.MISSED,
        "message": f"The schedule is paused, since its times can't be told. {why}",
        "ended_at": now,
    }
    paused: dict[str, object] = {"state": ScheduleState.PAUSED, "cursor": schedule.next_due} | dict.fromkeys(
        ("next_due", "silence_due")
    )
    return RunPlan((run.model_copy(update=told),), schedule.model_copy(update=paused))


def _skipped_stretch(
    schedule: Schedule, first: Occurrence, last: Occurrence, count: int, now: datetime, *, paused: bool
) -> Run:
    times = "Its time" if count == 1 else f"{count} times"
    waited = schedule.state == ScheduleState.REHEARSING
    cause = "the schedule waited for its rehearsal" if waited else "the schedule was paused"
    cause = cause if paused else "the scheduler was off"
    return plan_run(schedule, first, now).model_copy(
        update={
            "status": RunStatus.SKIPPED,
            "reason": Reason.PAUSED if paused else Reason.MISSED,
            "message": f"{times} passed while {cause}.",
            "until": last.instant if count > 1 else None,
            "count": count,
            "ended_at": utc(now),
        }
    )


def _run(schedule: Schedule, key: str, trigger: Trigger, now: datetime) -> Run:
    return Run(
        id=str(uuid5(UUID(schedule.id), key)),
        schedule_id=schedule.id,
        schedule=schedule.name,
        owner=schedule.owner,
        version=schedule.version,
        key=key,
        trigger=trigger,
        scheduled_for=now,
        data_interval_start=now,
        data_interval_end=now,
        status=RunStatus.DUE,
        created_at=now,
    )


# -- the occurrences that a schedule has, within its start, its end and its number of runs


def check_bounds(spec: Spec) -> None:
    """The schedule's start and end leave it something to do, or Refused `bad_end` says that they don't."""
    policies = spec.policies
    if policies.start and policies.end and policies.end < policies.start:
        raise Refused("bad_end", "The end is before the start. Choose a later end, or an earlier start.", field="end")


def coming(spec: Spec, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences later than `moment` that the schedule has, in order: none before its start or after its end."""
    start, last = spec.policies.start, last_instant(spec)
    moment = utc(moment)
    if start is not None and start > moment:
        moment = start - _SECOND
    for occurrence in recurrence.after(spec.timing, moment):
        if last is not None and occurrence.instant > last:
            return
        yield occurrence


def next_coming(spec: Spec, moment: datetime) -> Occurrence | None:
    """The first of them; None when there is none."""
    return next(coming(spec, moment), None)


def between(spec: Spec, start: datetime, end: datetime) -> Iterator[Occurrence]:
    """The occurrences later than `start` and no later than `end` that the schedule has, in order."""
    end = utc(end)
    for occurrence in coming(spec, start):
        if occurrence.instant > end:
            return
        yield occurrence


def passed(spec: Spec, start: datetime, end: datetime, most: int) -> tuple[Occurrence | None, int, list[Occurrence]]:
    """Of the occurrences that `between` would give: the first, their number, and the last `most` of them, in order.

    As quick for a year of minutes as for a day.
    """
    first = next(between(spec, start, end), None)
    if first is None:
        return None, 0, []
    limit = last_instant(spec)
    end = min(utc(end), utc(limit)) if limit is not None else utc(end)
    since = takewhile(lambda occurrence: occurrence.instant >= first.instant, recurrence.until(spec.timing, end))
    newest = list(islice(since, most))[::-1]
    return first, recurrence.count(spec.timing, first.instant - _SECOND, end), newest


def last_instant(spec: Spec) -> datetime | None:
    """The time after which it isn't due any more; None when there is none."""
    return min((limit for limit in (spec.policies.end, spec.last_due) if limit is not None), default=None)


def count_runs(spec: Spec, now: datetime) -> Spec:
    """The spec as it is recorded at `now`, with the time of the last of its so many runs worked out."""
    most = spec.policies.max_runs
    free = spec.model_copy(update={"last_due": None})
    if most is None:
        return free
    last = next(islice(coming(free, now), most - 1, None), None)
    return free.model_copy(update={"last_due": last.instant if last else None})


def recount_runs(before: Spec, after: Spec, now: datetime) -> Spec:
    """The spec of an edit: what was counted stays so, unless the edit changes when it is due or how often."""

    def about(spec: Spec) -> tuple[object, ...]:
        return spec.timing, spec.policies.start, spec.policies.max_runs

    return (
        after.model_copy(update={"last_due": before.last_due})
        if about(before) == about(after)
        else count_runs(after, now)
    )
