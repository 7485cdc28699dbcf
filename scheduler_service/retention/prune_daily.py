"""Once a day one of the services that share a ledger prunes; who does is decided by an object in the work storage."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from jupyter_schedule.core.models import UtcTime, utc
from jupyter_schedule.core.storage.factory import ObjectChanged, ObjectStorage
from scheduler_service.logfmt import logfmt
from scheduler_service.publishing.manifest import PublicationDocument, parse_document, update_document
from scheduler_service.retention.prune import ExpiredRun, PrunePlan, Pruner, PruneSearch

log = logging.getLogger(__name__)

TURN = "pruning.json"
EVERY = timedelta(days=1)
#: a pass of which nothing was heard for so long has ended with its service
GIVEN_UP = timedelta(hours=1)
#: how long a service is up before it looks for the first time, and until it looks whether it is its turn again
LOOK = timedelta(minutes=10)
#: how often who looks for what goes is heard of
SAY = timedelta(minutes=5)
#: runs that are found before the first of them goes, so that their number is bound
MOST = 5000


class PruneTurn(PublicationDocument):
    """The service that prunes, or did last."""

    by: str
    #: when that was last heard of
    at: UtcTime
    done: bool


class DailyPruner:
    """Does a part of the day's work at each call, so that whoever calls gets to other things in between."""

    def __init__(self, pruning: Pruner, work: ObjectStorage, holder: str, started: datetime) -> None:
        """holder: the name of this service, which is up since `started`."""
        self._pruning = pruning
        self._work = work
        self._holder = holder
        self._look_at = started + LOOK
        self._left: Iterator[list[ExpiredRun]] | None = None
        self._plan: PrunePlan | None = None
        self._search: PruneSearch | None = None
        self._said = started
        self._whole = True

    def look(self, now: datetime) -> bool:
        """Do what comes next if it is our turn; True when there is more."""
        if now < self._look_at:
            return False
        try:
            more = self._go_on(now)
        except Exception:
            log.exception(logfmt("prune_failed"))
            more, self._search = False, None
        if not more:
            self._look_at = now + LOOK
        return more

    def _go_on(self, now: datetime) -> bool:
        if self._search is None:
            if not self._take(now):
                return False
            self._search, self._plan, self._whole = self._pruning.search(now), None, True
            self._said = now
        if self._plan is None or self._left is None:
            if self._is_searching(self._search, now):
                return True
            self._plan = self._search.take()
            self._left = self._plan.batches()
            for trouble in self._plan.troubles:
                log.warning(logfmt("prune_left", message=trouble))
        batch = next(self._left, None)
        if batch is not None:
            self._remove(batch, now)
            return True
        self._pruning.remove_loose(self._plan.loose)
        if not self._search.over:
            self._plan = None
            return True
        self._plan = replace(self._plan, loose=[])
        if self._pruning.prune_records(now):
            return True
        self._search = None
        # what was left is tried again sooner than tomorrow
        self._say(now, done=self._whole)
        return False

    def _is_searching(self, search: PruneSearch, now: datetime) -> bool:
        """Look at the next page of schedules, and be heard of now and then; True when there is another."""
        if now - self._said >= SAY:
            self._say(now, done=False)
        return search.step(most=MOST)

    def _remove(self, batch: list[ExpiredRun], now: datetime) -> None:
        if (left := self._pruning.remove(batch)) is not None:
            log.warning(logfmt("prune_left", message=left))
            self._whole = False
        self._say(now, done=False)

    def _take(self, now: datetime) -> bool:
        """Take the turn; True when this service is the one that prunes now."""
        taken = False

        def change(current: bytes | None) -> bytes | None:
            nonlocal taken
            last = None if current is None else parse_document(PruneTurn, current, TURN)
            # a clock that was wrong may have left a time that is still to come
            taken = last is None or abs(now - last.at) >= (EVERY if last.done else GIVEN_UP)
            return self._turn(now, done=False) if taken else None

        try:
            update_document(self._work, TURN, change)
        except ObjectChanged:
            return False
        return taken

    def _say(self, now: datetime, *, done: bool) -> None:
        self._said = now
        self._work.put(TURN, self._turn(now, done=done))

    def _turn(self, now: datetime, *, done: bool) -> bytes:
        return PruneTurn(by=self._holder, at=utc(now), done=done).to_bytes()
