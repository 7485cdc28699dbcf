"""What the service itself changes about a schedule, with what the schedule owes until then: the only place for both."""

from collections.abc import Sequence
from datetime import datetime

from jupyter_schedule.core.models import Notification, NotificationEvent, Pause, Run, Schedule, ScheduleState, utc
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.timing import planning
from scheduler_service.context import ACTOR
from scheduler_service.notifications.rules import words


def settle_and_change(
    store: Store, schedule: Schedule, now: datetime, kind: str, told: Sequence[Notification] = (), **changes: object
) -> bool:
    """Record what the schedule owes up to now and change it, both or neither; whether that was done.

    Somebody else's change since it was read wins.  kind: of the event that tells it; told: goes to the outbox with it.
    """
    now = utc(now)
    owed = planning.owed(schedule, now)
    after = planning.advanced(owed.schedule.model_copy(update=changes), now)
    return store.replace_schedule(schedule, after, owed.runs, actor=ACTOR, kind=kind, words=told)


def pause(store: Store, schedule: Schedule, now: datetime, *, after: Run, kind: str, note: str) -> bool:
    """Pause the schedule because of a run that has ended, and tell its channels; otherwise as `settle_and_change`."""
    now = utc(now)
    return settle_and_change(
        store,
        schedule,
        now,
        kind,
        words(schedule.spec.notify, NotificationEvent.AUTO_PAUSE, after.id, note=note),
        state=ScheduleState.PAUSED,
        paused=Pause(by=ACTOR, at=now, note=note),
        changed_at=now,
        changed_by=ACTOR,
    )
