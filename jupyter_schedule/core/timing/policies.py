"""Between which times a schedule is due, and whether its policies make sense: pure, and the same for every door."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Spec, utc
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.recurrence import Occurrence

_SECOND = timedelta(seconds=1)


def check(spec: Spec) -> None:
    """The schedule's start and end leave it something to do, or Refused `bad_end` says that they don't."""
    policies = spec.policies
    if policies.start and policies.end and policies.end < policies.start:
        raise Refused("bad_end", "The end is before the start. Choose a later end, or an earlier start.", field="end")


def coming(spec: Spec, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences later than `moment` that the schedule has, in order: none before its start or after its end."""
    start, last = spec.policies.start, last_instant(spec)
    moment = max(utc(moment), start - _SECOND) if start else utc(moment)
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
