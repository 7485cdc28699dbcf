"""The ad-hoc workers of the store in dictionaries."""

from jupyter_schedule.core.ad_hoc_workers import at_work
from jupyter_schedule.core.models import AdHocWorker, RunStatus
from jupyter_schedule.core.store.base import AdHocStore
from tests.simulation.memory_tables import Tables


class MemoryAdHoc(AdHocStore):
    """The workers that people ask for."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, worker: AdHocWorker, *, most: int) -> bool:
        if sum(each.owner == worker.owner for each in self.list_live()) >= most:
            return False
        self._tables.ad_hoc[worker.id] = worker
        self._tables.record(worker.owner, f"ad_hoc_{worker.status}")
        return True

    def replace(self, before: AdHocWorker, after: AdHocWorker, *, actor: str, most: int | None = None) -> bool:
        if not before.status.live:
            raise ValueError(f"an ad-hoc worker that is {before.status} never changes")
        if self._tables.ad_hoc[before.id].revision != before.revision:
            return False
        if most is not None and self._count_machines(before.launcher) >= most:
            return False
        self._tables.ad_hoc[before.id] = after.model_copy(update={"revision": before.revision + 1})
        self._tables.record(actor, f"ad_hoc_{after.status}")
        return True

    def _count_machines(self, launcher: str) -> int:
        of_runs = (
            run.status in {RunStatus.LAUNCHING, RunStatus.RUNNING} and self._tables.spec_of(run).launcher == launcher
            for run in self._tables.open_runs()
        )
        return sum(of_runs) + at_work(self._tables.ad_hoc.values()).get(launcher, 0)

    def get(self, worker_id: str) -> AdHocWorker | None:
        return self._tables.ad_hoc.get(worker_id)

    def list_newest(self, owner: str | None = None, *, limit: int = 100) -> list[AdHocWorker]:
        theirs = (each for each in self._tables.ad_hoc.values() if owner in {None, each.owner})
        return sorted(theirs, key=lambda each: (each.created_at, each.id), reverse=True)[:limit]

    def list_live(self) -> list[AdHocWorker]:
        live = (each for each in self._tables.ad_hoc.values() if each.status.live)
        return sorted(live, key=lambda each: (each.created_at, each.id))
