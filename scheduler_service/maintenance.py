"""The work beside the runs: unpublish what is public no more, sweep what was left, prune what is over."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store
from scheduler_service.health import warn_always
from scheduler_service.logfmt import logfmt
from scheduler_service.publishing.unpublish import Unpublisher
from scheduler_service.retention.prune_daily import DailyPruner

log = logging.getLogger(__name__)

#: seconds between two looks when nothing changes, and after one that failed
LOOK_SECONDS = 60.0
WAIT_SECONDS = 1.0
SWEEP_EVERY = timedelta(days=1)
#: what was begun longer ago isn't going on any more: a run and its uploads take a day and a bit at most
LEFT_BEHIND = timedelta(days=3)


class MaintenanceLoop:
    """Maintains the storage until stopped; whatever fails is tried again."""

    def __init__(
        self,
        store: Store,
        storage: StorageConfig,
        open_objects: Callable[[str], ObjectStorage],
        now: Callable[[], datetime],
        pruning: DailyPruner,
        *,
        work_area: str,
        warn: Callable[[str, Refused], None] = warn_always,
    ) -> None:
        """warn: logs, under a name, that the ledger couldn't be used."""
        self._store = store
        self._open = open_objects
        self._now = now
        self._addresses = {each for each in (work_area, storage.private, storage.public) if each is not None}
        self._unpublisher = Unpublisher(store, open_objects)
        self._pruning = pruning
        self._warn = warn
        self._sweep_at: datetime | None = None
        self._woken = threading.Event()
        self._stopped = threading.Event()

    def wake(self) -> None:
        """Somebody has written to the store."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no further look."""
        self._stopped.set()
        self._woken.set()

    def run(self) -> None:
        """Look after every change, and every minute, until stopped."""
        while not self._stopped.is_set():
            self._woken.clear()
            pause = LOOK_SECONDS
            try:
                if self.maintain():
                    continue
            except Refused as refusal:
                # such as a ledger that is away: the next look starts from it again
                self._warn("maintenance_failed", refusal)
                pause = WAIT_SECONDS
            except Exception:
                log.exception(logfmt("maintenance_failed"))
                pause = WAIT_SECONDS
            self._woken.wait(pause)

    def maintain(self) -> bool:
        """Do what is due now, of much a part; True when there is more."""
        now = self._now()
        self._unpublisher.look(now)
        if self._sweep_at is None or now >= self._sweep_at:
            self._sweep_at = now + SWEEP_EVERY
            # where nothing is set, each schedule says itself where it publishes
            for address in sorted(self._addresses | self._store.schedules.publication_bases()):
                self._sweep(address, now - LEFT_BEHIND)
        return self._pruning.look(now)

    def _sweep(self, address: str, before: datetime) -> None:
        try:
            count = self._open(address).sweep(before)
        except OSError as problem:
            log.warning(logfmt("sweep_failed", message=problem))
        else:
            if count:
                log.info(logfmt("swept", objects=count))
