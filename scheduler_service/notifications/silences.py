"""A schedule of which nothing succeeded by the time that its owner set is told of, once for each deadline."""

import logging
from collections.abc import Iterator
from datetime import datetime

from jupyter_schedule.core.models import NotificationEvent, Run, Schedule, ScheduleState, utc_text
from jupyter_schedule.core.store.base import RunCursor, Store
from jupyter_schedule.core.timing import freshness
from scheduler_service.notifications.rules import build_notifications

log = logging.getLogger(__name__)

KIND = "schedule_silent"
#: runs that are read at once
PAGE = 200


def judge_freshness(store: Store, schedule: Schedule, now: datetime, *, actor: str) -> bool:
    """Judge the deadline that has passed, and set the next; whether the schedule was silent.

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
    judged = store.replace_schedule(schedule, after, actor=actor, kind=kind, words=told)
    if judged and missing:
        log.warning("action=silent schedule=%s by=%s", schedule.name, utc_text(deadline))
    return judged and missing is not None


def _since(store: Store, schedule_id: str, start: datetime) -> Iterator[Run]:
    """Runs, the newest occurrence first, with all that were due since `start`."""
    page = store.runs(schedule_id, limit=PAGE)
    while page:
        yield from page
        if page[-1].scheduled_for < start:
            return
        page = store.runs(schedule_id, before=RunCursor.of(page[-1]), limit=PAGE)
