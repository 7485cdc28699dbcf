"""What a schedule will cost where it says that it runs, by what its last runs took."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from jupyter_schedule.core.costs import Estimate, estimate
from jupyter_schedule.core.models import LauncherCatalog, Run, RunStatus, Spec
from jupyter_schedule.core.store.base import Store

Seconds = TypeVar("Seconds", int, float)
#: runs that are looked at, and successes from which what is usual is taken
AMONG = 100
USUAL_OF = 10


def estimate_of(
    store: Store, offers: LauncherCatalog, spec: Spec, schedule_id: str | None, now: datetime
) -> Estimate | None:
    """The estimate; None where it costs nothing, or nobody knows the price.

    schedule_id: of one that was recorded; a new one has no runs to go by.
    """
    size = offers.size(spec.launcher, spec.size)
    if size is None or size.hourly is None:
        return None
    took = usual(store, schedule_id, lambda run: run.machine_seconds or None) if schedule_id else []
    return estimate(spec, size.hourly, took, now)


def usual(store: Store, schedule_id: str, seconds: Callable[[Run], Seconds | None]) -> list[Seconds]:
    """What the newest successes of a schedule took, as `seconds` says of each; None leaves one out."""
    runs = store.runs.list_newest(schedule_id, limit=AMONG)
    took = (seconds(run) for run in runs if run.status is RunStatus.SUCCEEDED)
    return [each for each in took if each is not None][:USUAL_OF]
