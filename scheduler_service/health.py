"""What keeps a service from starting anything, told once to the log and, for as long as it lasts, to whoever looks."""

import logging

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock

log = logging.getLogger(__name__)


class Voice:
    """Speaks where doors listen: in the store if many share it, else in the file of the lock, which is None then."""

    def __init__(self, store: Store, lock: LeaderLock | None) -> None:
        self._store = store
        self._lock = lock
        self._last: Blocker | None = None
        self._said = False

    def say(self, hindrance: Blocker | None) -> None:
        """Nothing starts for this reason; None when things start again."""
        if hindrance != self._last:
            if hindrance is None:
                log.warning("action=goes_on The scheduler service starts runs again.")
            else:
                log.error("action=hindered by=%s %s", hindrance, hindrance.sentence)
            self._last, self._said = hindrance, False
        if not self._said:
            self._said = self._tell(hindrance)

    def _tell(self, hindrance: Blocker | None) -> bool:
        """Whether it was heard; else the next tick says it again."""
        if self._lock is None and hindrance is Blocker.AWAY:
            return False
        try:
            if self._lock is None:
                self._store.say(hindrance or "")
            else:
                self._lock.say(hindrance)
        except (Refused, OSError):
            # a database that has just gone, or a file that never had room for a word: the log has it
            return False
        return True
