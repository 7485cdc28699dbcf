"""Caps on machine-hours: of all machines together, and of one owner's, in a month of UTC."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jupyter_schedule.core.costs import month_start
from jupyter_schedule.core.store.base import Store

_HOUR = 3600


@dataclass(frozen=True)
class HourCaps:
    """Hours that machines may live in a month; None is no cap."""

    total: int | None = None
    per_owner: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.total is not None or self.per_owner is not None

    def refusal(self, used: Mapping[str, int], owner: str, now: datetime) -> str | None:
        """Why no further machine may start for the owner: a sentence; None when one may.

        used: machine seconds of this month by owner, as `used_seconds` gives them.
        """
        month = f"{month_start(now):%B}"
        if self.per_owner is not None and (mine := used.get(owner, 0)) >= self.per_owner * _HOUR:
            return _told("your machines have", mine, self.per_owner, month, "max_machine_hours_per_owner")
        if self.total is not None and (every := sum(used.values())) >= self.total * _HOUR:
            return _told("all machines together have", every, self.total, month, "max_machine_hours")
        return None


def used_seconds(store: Store, now: datetime) -> dict[str, int]:
    """By owner, how long machines have lived this month: of what has ended, and of ad-hoc workers up to now."""
    start = month_start(now)
    used = Counter(store.machine_seconds_since(start))
    for worker in store.live_ad_hoc_workers():
        if worker.instance is not None and worker.launched_at is not None:
            used[worker.owner] += max(int((now - max(worker.launched_at, start)).total_seconds()), 0)
    return dict(used)


def _told(whose: str, seconds: int, cap: int, month: str, setting: str) -> str:
    return (
        f"Not started: {whose} used {seconds / _HOUR:.1f} machine-hours in {month}, and {cap} are allowed. "
        f"More start in the next month, or when an operator raises ec2.{setting}."
    )
