"""A schedule that waits for its rehearsal becomes active by one that succeeds."""

import logging
from datetime import datetime

from jupyter_schedule.core.machines.rehearsals import tells_of
from jupyter_schedule.core.models import Run, ScheduleState, Trigger
from jupyter_schedule.core.store.base import Store
from scheduler_service.settling import settle_and_change

log = logging.getLogger(__name__)

KIND = "schedule_rehearsed"
#: how often that is tried when somebody else changes the schedule in between
TRIES = 20


def start_after_rehearsal(store: Store, run: Run, now: datetime) -> None:
    """Let the schedule of a run that is about to be recorded as a success become active, if it waited for that.

    Called before the run ends, so that a service which dies in between does both again.  A rehearsal of a version
    that ran anything else says nothing about what the schedule does now.
    """
    if run.trigger is not Trigger.REHEARSAL:
        return
    for _ in range(TRIES):
        schedule = store.schedule(run.schedule_id)
        if schedule is None or schedule.state is not ScheduleState.REHEARSING:
            return
        if not tells_of(store.version(run.schedule_id, run.version).spec, schedule.spec):
            return
        if settle_and_change(store, schedule, now, KIND, state=ScheduleState.ACTIVE):
            log.info("action=rehearsed schedule=%s run=%s", schedule.name, run.id)
            return
