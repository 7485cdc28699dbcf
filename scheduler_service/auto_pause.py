"""A schedule that fails again and again pauses itself, if it was told to."""

import logging
from datetime import datetime

from jupyter_schedule.core.models import Run, ScheduleState
from jupyter_schedule.core.store.base import Store
from scheduler_service import settling
from scheduler_service.retries import BAD_ENDS, failures_in_a_row

log = logging.getLogger(__name__)

KIND = "schedule_auto_paused"
#: newest runs of a schedule that are looked at
AMONG = 1000


def pause_after_failures(store: Store, ended: Run, now: datetime) -> bool:
    """Pause the schedule of a run that has just ended badly, when it was the last of too many; whether that was done.

    Somebody else's change at the same moment wins: the next failure asks again.
    """
    schedule = store.schedule(ended.schedule_id)
    if schedule is None or schedule.state != ScheduleState.ACTIVE or ended.status not in BAD_ENDS:
        return False
    most = schedule.spec.policies.pause_after
    if most is None or failures_in_a_row(store.runs(schedule.id, limit=AMONG), schedule.changed_at) < most:
        return False
    note = "its last run failed" if most == 1 else f"its last {most} runs failed"
    done = settling.pause(store, schedule, now, after=ended, kind=KIND, note=note)
    if done:
        log.warning("action=auto_pause schedule=%s failures=%d", schedule.name, most)
    return done
