"""Silence: a schedule was due, and nothing of it had succeeded by the time of day that its owner set.  Pure.

Each deadline is about the times since the one before it: [previous deadline, this one).
"""

from collections.abc import Iterable
from datetime import datetime

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Reason, Run, RunStatus, Schedule, ScheduleState, Spec, Timing, Trigger
from jupyter_schedule.core.timing import recurrence


def next_deadline(spec: Spec, moment: datetime) -> datetime | None:
    """The first deadline later than `moment`; None when none was set, or its zone is gone since."""
    timing = _deadlines(spec)
    if timing is None:
        return None
    try:
        found = recurrence.next_after(timing, moment)
    except Refused:
        return None
    return found.instant if found else None


def differs(one: Spec, other: Spec) -> bool:
    """True if the two have different deadlines."""
    return _deadlines(one) != _deadlines(other)


def pending(schedule: Schedule, moment: datetime) -> datetime | None:
    """The deadline that is to be judged next: one that has passed and wasn't judged stays until it is."""
    if schedule.state in {ScheduleState.PAUSED, ScheduleState.REHEARSING, ScheduleState.DELETED}:
        return None
    if schedule.silence_due is not None or schedule.state == ScheduleState.ENDED:
        return schedule.silence_due
    return next_deadline(schedule.spec, moment)


def window(spec: Spec, deadline: datetime) -> tuple[datetime, datetime]:
    """[start, end) of the times that a deadline is about."""
    timing = _deadlines(spec)
    return recurrence.data_interval(timing, deadline) if timing else (deadline, deadline)


def broken_by(runs: Iterable[Run], start: datetime, end: datetime) -> Run | None:
    """The newest run by the clock that was due in [start, end) when none that was due then succeeded; else None.

    runs: the newest occurrence first, at least all that were due since `start`.  A time that passed while the schedule
    was paused promised nothing, and a rehearsal publishes nothing.
    """
    within = [run for run in runs if run.scheduled_for < end and (run.until or run.scheduled_for) >= start]
    if any(run.status == RunStatus.SUCCEEDED and run.trigger != Trigger.REHEARSAL for run in within):
        return None
    promised = (run for run in within if run.trigger == Trigger.SCHEDULE and run.reason != Reason.PAUSED)
    return next(promised, None)


def _deadlines(spec: Spec) -> Timing | None:
    at = spec.notify.silence_by
    if at is None:
        return None
    hour, _, minute = at.partition(":")
    return Timing(cron=f"{int(minute)} {int(hour)} * * *", timezone=spec.timing.timezone)
