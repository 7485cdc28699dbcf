"""Caps of a month of UTC: on machine-hours, of all machines together and of one owner's, and on a schedule's cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jupyter_schedule.core.costs import dollars, end_of_machine, month_start
from jupyter_schedule.core.models import Run, Spec, Trigger
from jupyter_schedule.core.store.base import Store

_HOUR_SECONDS = 3600
#: triggers of runs that nobody is asking for by hand just now
AUTOMATIC = frozenset({Trigger.SCHEDULE, Trigger.BACKFILL})


@dataclass(frozen=True)
class MachineHourQuota:
    """Hours that machines may live in a month; None is no cap."""

    total: int | None = None
    per_owner: int | None = None

    @property
    def any(self) -> bool:
        """True when at least one cap is set."""
        return self.total is not None or self.per_owner is not None

    def refusal(self, used: Mapping[str, int], owner: str, now: datetime) -> str | None:
        """The sentence that says why no further machine may start for the owner; None when one may.

        used: machine seconds of this month by owner, as `used_seconds` gives them.
        """
        month = f"{month_start(now):%B}"
        if self.per_owner is not None and (mine := used.get(owner, 0)) >= self.per_owner * _HOUR_SECONDS:
            return _quota_sentence("your machines have", mine, self.per_owner, month, "max_machine_hours_per_owner")
        if self.total is not None and (every := sum(used.values())) >= self.total * _HOUR_SECONDS:
            return _quota_sentence("all machines together have", every, self.total, month, "max_machine_hours")
        return None


def used_seconds(store: Store, launcher: str, now: datetime) -> dict[str, int]:
    """The seconds that machines have lived this month, by owner, those that still live up to now.

    launcher: the one whose machines are counted of runs that go.
    """
    start = month_start(now)
    used = Counter(store.runs.machine_seconds_since(start))
    for owner, attempt in store.runs.list_attempts_at_work(launcher):
        end = attempt.ended_at or end_of_machine(attempt, now)
        used[owner] += max(int((end - max(attempt.created_at, start)).total_seconds()), 0)
    for worker in store.ad_hoc.list_live():
        if worker.instance is not None and worker.launched_at is not None:
            used[worker.owner] += max(
                int((min(now, worker.deadline) - max(worker.launched_at, start)).total_seconds()), 0
            )
    return dict(used)


def _quota_sentence(whose: str, seconds: int, cap: int, month: str, setting: str) -> str:
    return (
        f"Not started: {whose} used {seconds / _HOUR_SECONDS:.1f} machine-hours in {month}, and {cap} are allowed. "
        f"More start in the next month, or when an operator raises ec2.{setting}."
    )


def budget_message(cost: Decimal, spec: Spec, now: datetime) -> str | None:
    """The clause about a schedule whose runs of this month cost as much as its cap; None while they cost less."""
    cap = spec.policies.monthly_cap
    if cap is None or cost < cap:
        return None
    month = f"{month_start(now):%B}"
    return f"its runs have cost {dollars(cost)} in {month}, and its monthly cap is {dollars(cap)}"


def budget_block(store: Store, run: Run, spec: Spec, now: datetime) -> str | None:
    """The sentence that says why a run without an attempt may not start; None when it may.

    A run that a person asks for by hand may.
    """
    if spec.policies.monthly_cap is None or run.attempt > 0 or run.trigger not in AUTOMATIC:
        return None
    reached = budget_message(store.runs.cost_since(run.schedule_id, month_start(now)), spec, now)
    if reached is None:
        return None
    return f"Not started: {reached}. Raise the cap and resume the schedule, or wait for the next month."
