"""The ad-hoc workers of the store in dictionaries."""

from collections.abc import Callable
from datetime import datetime

from jupyter_schedule.core.models import AdHocWorker
from tests.simulation.memory_outbox import MemoryOutbox


class MemoryAdHoc(MemoryOutbox):
    """The workers that people ask for, beside the outbox."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.ad_hoc: dict[str, AdHocWorker] = {}

    def add_ad_hoc_worker(self, worker: AdHocWorker, *, most: int) -> bool:
        if sum(each.owner == worker.owner for each in self.live_ad_hoc_workers()) >= most:
            return False
        self.ad_hoc[worker.id] = worker
        self.tell(worker.owner, f"ad_hoc_{worker.status}")
        return True

    def replace_ad_hoc_worker(self, before: AdHocWorker, after: AdHocWorker, *, actor: str) -> bool:
        if not before.status.live:
            raise ValueError(f"an ad-hoc worker that is {before.status} never changes")
        if self.ad_hoc[before.id].revision != before.revision:
            return False
        self.ad_hoc[before.id] = after.model_copy(update={"revision": before.revision + 1})
        self.tell(actor, f"ad_hoc_{after.status}")
        return True

    def ad_hoc_worker(self, worker_id: str) -> AdHocWorker | None:
        return self.ad_hoc.get(worker_id)

    def ad_hoc_workers(self, owner: str | None = None, *, limit: int = 100) -> list[AdHocWorker]:
        theirs = (each for each in self.ad_hoc.values() if owner in {None, each.owner})
        return sorted(theirs, key=lambda each: (each.created_at, each.id), reverse=True)[:limit]

    def live_ad_hoc_workers(self) -> list[AdHocWorker]:
        live = (each for each in self.ad_hoc.values() if each.status.live)
        return sorted(live, key=lambda each: (each.created_at, each.id))
