"""Decide which notifications are due: of a run by how it and those before it ended, of a schedule by its freshness."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID, uuid5

from jupyter_schedule.core.models import (
    Notification,
    NotificationEvent,
    Notify,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Trigger,
    utc_text,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.timing import freshness
from scheduler_service.logfmt import logfmt
from scheduler_service.retries import BAD_ENDS

#: whoever asked for these looks at them: a rehearsal, and the many runs of a backfill
QUIET = frozenset({Trigger.REHEARSAL, Trigger.BACKFILL})


def list_events(run: Run, before: Iterable[Run]) -> tuple[NotificationEvent, ...]:
    """List the events that the end of a run is, the weightiest first.

    before: other runs of its schedule, in any order; only of a success are they looked at.
    """
    if run.trigger in QUIET:
        return ()
    match run.status:
        case RunStatus.FAILED:
            return (NotificationEvent.FAILURE,)
        case RunStatus.TIMED_OUT:
            return (NotificationEvent.TIME_OUT,)
        case RunStatus.SUCCEEDED:
            return _of_success(run, before)
        case _:
            return ()


def _of_success(run: Run, before: Iterable[Run]) -> tuple[NotificationEvent, ...]:
    told = [
        other
        for other in before
        if other.id != run.id
        and other.ended_at is not None
        and other.trigger not in QUIET
        and other.status in BAD_ENDS | {RunStatus.SUCCEEDED}
    ]
    first = all(other.status != RunStatus.SUCCEEDED for other in told)
    last = max(told, key=lambda other: (other.ended_at, other.created_at), default=None)
    recovers = last is not None and last.status in BAD_ENDS
    return (NotificationEvent.FIRST_SUCCESS,) * first + (NotificationEvent.RECOVERY,) * recovers


def needs_history(notify: Notify, run: Run) -> bool:
    """True when `notifications_for` depends on the runs before it."""
    picked = {NotificationEvent.FIRST_SUCCESS, NotificationEvent.RECOVERY} & set(notify.on)
    return run.status == RunStatus.SUCCEEDED and bool(notify.channels and picked)


def notifications_for(notify: Notify, run: Run, before: Iterable[Run]) -> list[Notification]:
    """The words about a run that ended: at most one for each channel."""
    if not notify.channels:
        return []
    picked = next((occasion for occasion in list_events(run, before) if occasion in notify.on), None)
    return [] if picked is None else build_notifications(notify, picked, run.id)


def build_notifications(notify: Notify, occasion: NotificationEvent, run_id: str, **details: str) -> list[Notification]:
    """One for each channel, if the owner picked the occasion; its number follows from what it is about."""
    if occasion not in notify.on:
        return []
    about = ":".join([occasion, *details.values()])
    message_id = str(uuid5(UUID(run_id), about))
    return [
        Notification(message_id=message_id, run_id=run_id, occasion=occasion, channel=channel, details=details)
        for channel in dict.fromkeys(notify.channels)
    ]


log = logging.getLogger(__name__)

KIND = "schedule_silent"
#: runs that are read at once
PAGE = 200


def judge_freshness(store: Store, schedule: Schedule, now: datetime, *, actor: str) -> bool:
    """Judge the deadline that has passed, and set the next; True when the schedule was silent.

    What passed while no service was ticking is judged once, by the first deadline that was missed.
    """
    deadline = schedule.silence_due
    if deadline is None or deadline > now:
        return False
    start, end = freshness.window(schedule.spec, deadline)
    missing = freshness.broken_by(_since(store, schedule.id, start), start, end)
    ended = schedule.state == ScheduleState.ENDED
    after = schedule.model_copy(update={"silence_due": None if ended else freshness.next_deadline(schedule.spec, now)})
    told = (
        []
        if missing is None
        else build_notifications(schedule.spec.notify, NotificationEvent.SILENCE, missing.id, by=utc_text(deadline))
    )
    kind = KIND if missing else None
    judged = store.schedules.replace(schedule, after, actor=actor, kind=kind, notifications=told)
    if judged and missing:
        log.warning(logfmt("silent", schedule=schedule.name, by=utc_text(deadline)))
    return judged and missing is not None


def _since(store: Store, schedule_id: str, start: datetime) -> Iterator[Run]:
    """Runs, the newest occurrence first, with all that were due since `start`."""
    page = store.runs.list_newest(schedule_id, limit=PAGE)
    while page:
        yield from page
        if page[-1].scheduled_for < start:
            return
        page = store.runs.list_newest(schedule_id, before=RunCursor.of(page[-1]), limit=PAGE)
