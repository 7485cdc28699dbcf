"""Services that only seem to tick: what clients find of one, without a process."""

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from jupyter_schedule.core.store.records import ServiceRecord

HOLDER = "1-ticking"


class SeemingService:
    """The lock and the row of a service that ticks for a ledger in a file."""

    def __init__(self, paths: DataPaths) -> None:
        self._lock = LeaderLock(paths.lock)
        assert self._lock.acquire()
        self._store = open_store(paths.store)
        assert self._store.services.take_over(ServiceRecord(HOLDER, "here", has_lock=True), None)
        self.tick()

    def tick(self, blocker: Blocker | None = None) -> None:
        """Finish a tick, which started nothing for that reason."""
        self._store.services.note_tick(HOLDER, blocker or "", has_lock=True)

    def close(self) -> None:
        """End as a service does."""
        self._store.services.remove(HOLDER)
        self._store.close()
        self._lock.release()


@contextmanager
def seeming_service(paths: DataPaths) -> Iterator[SeemingService]:
    """Such a service for as long as the block lasts."""
    service = SeemingService(paths)
    try:
        yield service
    finally:
        service.close()
