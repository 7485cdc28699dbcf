"""A schedule that has reached its monthly cap is paused, and what it still owes is skipped."""

import logging
from datetime import datetime
from decimal import Decimal

from jupyter_schedule.core.costs import dollars, month_start
from jupyter_schedule.core.models import Run, RunStatus, ScheduleState, Spec, Trigger
from jupyter_schedule.core.store.base import Store
from scheduler_service import settling

log = logging.getLogger(__name__)

KIND = "schedule_cap_reached"
#: what nobody is asking for by hand just now
BY_ITSELF = frozenset({Trigger.SCHEDULE, Trigger.BACKFILL})


def told_if_reached(cost: Decimal, spec: Spec, now: datetime) -> str | None:
    """What to say of a schedule whose runs of this month cost so much; None while that is below its cap."""
    cap = spec.policies.monthly_cap
    if cap is None or cost < cap:
        return None
    month = f"{month_start(now):%B}"
    return f"its runs have cost {dollars(cost)} in {month}, and its monthly cap is {dollars(cap)}"


def may_start(store: Store, run: Run, spec: Spec, now: datetime) -> str | None:
    """Why a run that is due may not start: a sentence; None when it may.  What a person asks for by hand may."""
    if spec.policies.monthly_cap is None or run.status is not RunStatus.DUE or run.trigger not in BY_ITSELF:
        return None
    reached = told_if_reached(store.cost_since(run.schedule_id, month_start(now)), spec, now)
    if reached is None:
        return None
    return f"Not started: {reached}. Raise the cap and resume the schedule, or wait for the next month."


def pause_at_cap(store: Store, run: Run, now: datetime) -> None:
    """Pause the schedule of a run that has ended when the runs of this month have reached its cap.

    Somebody else's change at the same moment wins: the next run asks again before it starts.
    """
    schedule = store.schedule(run.schedule_id)
    if schedule is None or schedule.state is not ScheduleState.ACTIVE or schedule.spec.policies.monthly_cap is None:
        return
    note = told_if_reached(store.cost_since(schedule.id, month_start(now)), schedule.spec, now)
    if note is not None and settling.pause(store, schedule, now, after=run, kind=KIND, note=note):
        log.warning("action=cap_reached schedule=%s", schedule.name)
