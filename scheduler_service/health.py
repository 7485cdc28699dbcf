"""The report of what blocks a service from starting anything: once to the log, and to whoever looks while it lasts."""

import logging

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)


class HealthReporter:
    """Reports to where clients look: the store if many share it, and then lock is None; else the file of the lock."""

    def __init__(self, store: Store, lock: LeaderLock | None) -> None:
        self._store = store
        self._lock = lock
        self._last: Blocker | None = None
        self._is_reported = False

    def report(self, blocker: Blocker | None) -> None:
        """Nothing starts for this reason; None when things start again."""
        if blocker != self._last:
            if blocker is None:
                log.warning(logfmt("goes_on", message="The scheduler service starts runs again."))
            else:
                log.error(logfmt("hindered", by=blocker, message=blocker.sentence))
            self._last, self._is_reported = blocker, False
        if not self._is_reported:
            self._is_reported = self._write(blocker)

    def _write(self, blocker: Blocker | None) -> bool:
        """Write it down; False when that failed, so that the next tick tries again."""
        if self._lock is None and blocker is Blocker.AWAY:
            return False
        try:
            if self._lock is None:
                self._store.leases.report_blocker(blocker or "")
            else:
                self._lock.report(blocker)
        except (Refused, OSError):
            # a database that has just gone, or a file that never had room for a word: the log has it
            return False
        return True
