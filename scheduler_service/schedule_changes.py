"""The changes that the service itself makes to a schedule, each with the runs that the schedule owes until then.

It pauses a schedule that fails again and again, and one that has reached its monthly cap.  It activates one whose
rehearsal has succeeded.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from jupyter_schedule.core.costs import month_start
from jupyter_schedule.core.models import (
    Notification,
    NotificationEvent,
    Pause,
    Run,
    Schedule,
    ScheduleState,
    utc,
    utc_text,
)
from jupyter_schedule.core.rehearsals import BY_HAND, tells_of
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.timing import planning
from scheduler_service.context import ACTOR
from scheduler_service.logfmt import logfmt
from scheduler_service.notifications.rules import build_notifications
from scheduler_service.quotas import budget_message
from scheduler_service.retries import BAD_ENDS, failures_in_a_row

log = logging.getLogger(__name__)

AUTO_PAUSED = "schedule_auto_paused"
CAP_REACHED = "schedule_cap_reached"
REHEARSED = "schedule_rehearsed"
#: seconds for which a clock goes on steadily before it counts as right, as one that is set at the boot soon is
STEADY_SECONDS = 600.0
#: schedules whose cursors are taken back at once
MOST_TAKEN_BACK = 500
#: the newest runs of a schedule that are looked at
RECENT_RUNS = 1000
#: how often an activation is tried when somebody else changes the schedule in between
TRIES = 20


def apply_change(
    store: Store, schedule: Schedule, now: datetime, kind: str, notices: Sequence[Notification] = (), **changes: object
) -> bool:
    """Record what the schedule owes up to now and change it, both or neither; True when that was done.

    Somebody else's change since it was read wins.  kind: of the event that tells it; notices: go to the outbox with it.
    """
    now = utc(now)
    plan = planning.plan_runs(schedule, now, lambda run_id: store.runs.get(run_id) is not None)
    after = planning.advance_cursor(plan.schedule.model_copy(update=changes), now)
    return store.schedules.replace(schedule, after, plan.runs, actor=ACTOR, kind=kind, notifications=notices)


def pause_schedule(store: Store, schedule: Schedule, now: datetime, *, after: Run, kind: str, note: str) -> bool:
    """Pause the schedule because of a run that has ended, and tell its channels; otherwise as `apply_change`."""
    now = utc(now)
    return apply_change(
        store,
        schedule,
        now,
        kind,
        build_notifications(schedule.spec.notify, NotificationEvent.AUTO_PAUSE, after.id, note=note),
        state=ScheduleState.PAUSED,
        paused=Pause(by=ACTOR, at=now, note=note),
        changed_at=now,
        changed_by=ACTOR,
    )


def pause_after_failures(store: Store, ended: Run, now: datetime) -> bool:
    """Pause the schedule of a run that has just ended badly, when it was the last of too many; True when that was done.

    Somebody else's change at the same moment wins: the next failure asks again.
    """
    schedule = store.schedules.get(ended.schedule_id)
    if schedule is None or schedule.state != ScheduleState.ACTIVE or ended.status not in BAD_ENDS:
        return False
    most = schedule.spec.policies.pause_after
    if (
        most is None
        or failures_in_a_row(store.runs.list_newest(schedule.id, limit=RECENT_RUNS), schedule.changed_at) < most
    ):
        return False
    note = "its last run failed" if most == 1 else f"its last {most} runs failed"
    done = pause_schedule(store, schedule, now, after=ended, kind=AUTO_PAUSED, note=note)
    if done:
        log.warning(logfmt("auto_pause", schedule=schedule.name, failures=most))
    return done


def pause_at_cap(store: Store, run: Run, now: datetime) -> None:
    """Pause the schedule of a run that has ended when the runs of this month have reached its cap.

    Somebody else's change at the same moment wins: the next run asks again before it starts.
    """
    schedule = store.schedules.get(run.schedule_id)
    if schedule is None or schedule.state is not ScheduleState.ACTIVE or schedule.spec.policies.monthly_cap is None:
        return
    note = budget_message(store.runs.cost_since(schedule.id, month_start(now)), schedule.spec, now)
    if note is not None and pause_schedule(store, schedule, now, after=run, kind=CAP_REACHED, note=note):
        log.warning(logfmt("cap_reached", schedule=schedule.name))


def activate_after_rehearsal(store: Store, run: Run, now: datetime) -> None:
    """Activate the schedule of a run that is about to be recorded as a success, if it waited for that.

    Called before the run ends, so that a service which dies in between does both again.  A run of a version that ran
    anything else says nothing about what the schedule does now.
    """
    if run.trigger not in BY_HAND:
        return
    for _ in range(TRIES):
        schedule = store.schedules.get(run.schedule_id)
        if schedule is None or schedule.state is not ScheduleState.REHEARSING:
            return
        if not tells_of(store.schedules.get_version(run.schedule_id, run.version).spec, schedule.spec):
            return
        if apply_change(store, schedule, now, REHEARSED, state=ScheduleState.ACTIVE):
            log.info(logfmt("rehearsed", schedule=schedule.name, run=run.id))
            return


def take_back_cursors(store: Store, now: datetime, steady_seconds: float) -> None:
    """Take cursors that a wrong clock put far ahead back to `now`, once the clock has been steady; say so meanwhile."""
    ahead = store.schedules.list_ahead(now + planning.FAR_AHEAD, MOST_TAKEN_BACK)
    if ahead and steady_seconds < STEADY_SECONDS:
        message = planning.describe_ahead(ahead)
        log.warning(logfmt("cursors_ahead", schedules=len(ahead), first=ahead[0].name, message=message))
        return
    for before in ahead:
        after = planning.take_back_cursor(before, now)
        if after is None:
            message = "It was changed at a time that is still to come. Edit its timing to start it again."
            log.warning(logfmt("cursor_ahead", schedule=before.name, until=utc_text(before.cursor), message=message))
        elif store.schedules.replace(before, after, actor=ACTOR, kind="cursor_taken_back"):
            log.warning(logfmt("cursor_taken_back", schedule=before.name, cursor=utc_text(before.cursor)))
