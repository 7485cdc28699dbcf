"""What is done beside the runs, where there are areas on S3: withdraw what is public no more, sweep what was left."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from jupyter_schedule.core.areas import Areas
from jupyter_schedule.core.objects import Objects
from jupyter_schedule.core.store.base import Store
from scheduler_service.withdraw import Withdrawals

log = logging.getLogger(__name__)

#: seconds between two looks when nothing changes, and for which a change is waited for
LOOK = 60.0
WAIT = 1.0
SWEEP_EVERY = timedelta(days=1)
#: what was begun longer ago isn't going on any more: a run and its uploads take a day and a bit at most
LEFT_BEHIND = timedelta(days=3)


class Caretaker:
    """Looks after the areas until stopped; whatever fails is tried again."""

    def __init__(
        self, store: Store, areas: Areas, open_objects: Callable[[str], Objects], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._open = open_objects
        self._now = now
        self._addresses = [each for each in (areas.work, areas.private, areas.public) if each is not None]
        self._withdrawals = Withdrawals(store, areas, open_objects)
        self._sweep_at: datetime | None = None

    @property
    def needed(self) -> bool:
        """Whether any area is set."""
        return bool(self._addresses)

    def run(self, stopped: threading.Event) -> None:
        """Look after every change, and every minute."""
        while not stopped.is_set():
            seen = self._store.last_change()
            self.look()
            waited = 0.0
            while waited < LOOK and not stopped.is_set() and self._store.wait_for_change(seen, WAIT) <= seen:
                waited += WAIT

    def look(self) -> None:
        """Do what is owed now."""
        now = self._now()
        self._withdrawals.look(now)
        if self._sweep_at is None or now >= self._sweep_at:
            self._sweep_at = now + SWEEP_EVERY
            for address in self._addresses:
                self._sweep(address, now - LEFT_BEHIND)

    def _sweep(self, address: str, before: datetime) -> None:
        try:
            count = self._open(address).sweep(before)
        except OSError as problem:
            log.warning("action=sweep_failed message=%s", problem)
        else:
            if count:
                log.info("action=swept objects=%d", count)
