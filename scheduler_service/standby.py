"""The right to tick for a ledger in a file: it comes with the lock, or is taken over from a holder that is stopped.

The kernel frees the lock when its holder dies, not when it is stopped or hangs.  So the leader is a row of the ledger
too, which it changes while it ticks.  A row that hasn't changed for a minute is that of a leader which doesn't work, by
whatever clock: the watcher measures the minute itself.  A leader that wakes up finds another's row, and stops ticking;
what it had begun is fenced by its leases.
"""

from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import ServiceRecord

#: seconds without a note of a tick after which another service takes over
STOPPED_SECONDS = 60.0


class LeaderWatch:
    """Tells a leader that works from one that doesn't, by looking at its row again and again."""

    def __init__(self, awake: Callable[[], float]) -> None:
        self._awake = awake
        self._seen: tuple[str, int] | None = None
        self._since = 0.0

    def may_lead(self, leader: ServiceRecord | None, *, has_lock: bool) -> bool:
        """True when the watcher may tick from now on; `has_lock`: it has the lock."""
        seen = None if leader is None else (leader.holder, leader.beats)
        now = self._awake()
        if seen != self._seen:
            self._seen, self._since = seen, now
        if has_lock and (leader is None or leader.has_lock):
            # who had it is dead
            return True
        return leader is not None and now - self._since >= STOPPED_SECONDS


class LeaderLook:
    """Looks at who leads, without making a ledger or changing its shape."""

    def __init__(self, places: DataPaths, open_store: Callable[[], Store]) -> None:
        self._places = places
        self._open = open_store
        self._store: Store | None = None

    def leader(self) -> ServiceRecord | None:
        """The service that leads; None when none is known, or the ledger can't be read."""
        if not self._places.ledger.exists():
            return None
        try:
            self._store = self._store or self._open()
            return next(iter(self._store.services.list_all()), None)
        except (Refused, DBAPIError):
            return None

    def close(self) -> None:
        """Let go of the ledger."""
        if self._store is not None:
            self._store.close()
            self._store = None
