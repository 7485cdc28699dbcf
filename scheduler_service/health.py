"""The report of a service about itself: that it ticks, what keeps it from starting anything, what it can't use."""

import logging
import threading
from collections.abc import Callable

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from jupyter_schedule.core.store.records import ServiceRecord
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

#: seconds between two notes of a tick, while nothing else changes; well below `WORKING_SECONDS`
NOTE_EVERY_SECONDS = 5.0
#: seconds after which a trouble that lasts is said again
SAY_EVERY_SECONDS = 60.0


class HealthReporter:
    """Reports a service's ticks to the ledger, and what blocks it to the log and to whoever looks while it lasts."""

    def __init__(
        self, store: Store, service: ServiceRecord, lock: LeaderLock | None, awake: Callable[[], float]
    ) -> None:
        """lock: of a ledger in a file, which one service ticks for; awake: seconds that nobody can set."""
        self._store = store
        self._service = service
        self._lock = lock
        self._awake = awake
        self._noted_at: float | None = None
        self._noted = ""
        self._last: Blocker | None = None
        self._is_reported = False

    def is_deposed(self) -> bool:
        """Another service ticks instead, since this one was stopped for long; any number tick for a shared ledger."""
        return self._lock is not None and not self._store.services.is_registered(self._service.holder)

    def note_tick(self, blocker: Blocker | None) -> None:
        """A tick has been finished, which started nothing for this reason; None when it could."""
        self.report(blocker)
        now, word = self._awake(), blocker or ""
        if self._noted_at is not None and now - self._noted_at < NOTE_EVERY_SECONDS and word == self._noted:
            return
        # who took over from a service that was stopped gets the lock when that one is gone
        has_lock = self._lock is not None and self._lock.acquire()
        known = self._store.services.note_tick(self._service.holder, word, has_lock=has_lock)
        if not known and self._lock is None:
            # it slept for longer than rows are kept
            self._store.services.register(self._service)
            self._store.services.note_tick(self._service.holder, word)
        self._noted_at, self._noted = now, word

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
        """Write it beside the ledger; False when that failed, so that the next tick tries again."""
        if self._lock is None or not self._lock.is_ours:
            return True
        try:
            self._lock.report(blocker)
        except OSError:
            # a file that never had room for a word: the log has it
            return False
        return True


class TroubleLog:
    """Logs a trouble that many threads meet again and again: once, and then once a minute."""

    def __init__(self, awake: Callable[[], float]) -> None:
        self._awake = awake
        self._said_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def warn(self, action: str, refusal: Refused) -> None:
        """Log that `action` was refused, unless a refusal of this kind was logged a moment ago."""
        with self._lock:
            now, last = self._awake(), self._said_at.get(refusal.code)
            if last is not None and now - last < SAY_EVERY_SECONDS:
                log.debug(logfmt(action, message=refusal.message))
                return
            self._said_at[refusal.code] = now
        log.warning(logfmt(action, message=refusal.message))


def warn_always(action: str, refusal: Refused) -> None:
    """Log that `action` was refused, each time."""
    log.warning(logfmt(action, message=refusal.message))
