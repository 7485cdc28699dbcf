"""The place in line of each run that waits, or the cause that holds it up, among those of everybody."""

from jupyter_schedule.core.ad_hoc_workers import at_work
from jupyter_schedule.core.models import EMBEDDED_CATALOG, GOING_STATUSES, Overlap, Run, RunStatus
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.text import ordinal
from jupyter_schedule.core.timing.run_queue import Capacity, fair_order, queue_positions

_WORKING = {RunStatus.LAUNCHING, RunStatus.RUNNING}


def places_in(store: Store) -> dict[str, int | str]:
    """As `places` tells them, by what the service said of its limits and of each schedule as it is now."""
    open_runs = store.runs.list_open()
    waiting = [run for run in open_runs if run.status is RunStatus.DUE]
    if not waiting:
        return {}
    schedules = {schedule.id: schedule for schedule in store.schedules.list_all()}

    def owner_of(run: Run) -> str:
        return schedules[run.schedule_id].owner if run.schedule_id in schedules else ""

    def launcher_of(run: Run) -> str:
        return schedules[run.schedule_id].spec.launcher if run.schedule_id in schedules else ""

    def overlap_of(run: Run) -> Overlap:
        return schedules[run.schedule_id].spec.overlap if run.schedule_id in schedules else Overlap.ALLOW

    room = (store.read_catalog() or EMBEDDED_CATALOG).room
    working = [run for run in open_runs if run.status in _WORKING]
    going = [run for run in open_runs if run.status in GOING_STATUSES]
    space = Capacity(room, owner_of, launcher_of, working, at_work(store.ad_hoc.list_live()))
    return queue_positions(fair_order(waiting, owner_of, working), space, overlap_of, going)


def place_text(told: int | str | None) -> str:
    """`12th in line`, or what holds it up; nothing of the next one."""
    if isinstance(told, int):
        return f"{ordinal(told)} in line" if told > 1 else ""
    return told or ""
