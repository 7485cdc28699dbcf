"""The fence of whoever writes to a publication: each step asks the ledger first whether it may still be done.

An object store has no transaction with the ledger.  So whoever is stopped between the question and the step, for as
long as you like, does that step when it goes on, with those under way beside it, and no other.  Who writes where
everybody can read has therefore signed on before: what it may leave behind is looked for until it has signed off (see
`unpublish`).
"""

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Publisher, Run, Schedule, Spec, Visibility
from jupyter_schedule.core.storage.base import Item
from jupyter_schedule.core.storage.factory import ObjectStorage, StoredObject
from jupyter_schedule.core.store.base import PublicationStore

#: seconds for which an answer is good: small files go faster than a ledger is asked
GOOD_FOR = 0.05


class PublisherFenced(Exception):  # noqa: N818  (an answer, not a fault)
    """The work that was begun is somebody else's now, or nobody's; it is looked at anew."""


class Fence:
    """Asks before each step, unless it has just asked."""

    def __init__(self, is_ours: Callable[[], bool], elapsed: Callable[[], float] | None = None) -> None:
        """elapsed: seconds that go on while the process is stopped, and while the machine sleeps."""
        self._is_ours = is_ours
        self._elapsed = elapsed or clock.since_boot
        self._lock = threading.Lock()
        self._asked_at = -math.inf

    def check(self) -> None:
        """Raise PublisherFenced when it isn't ours any more."""
        with self._lock:
            now = self._elapsed()
            if now - self._asked_at < GOOD_FOR:
                return
            if not self._is_ours():
                raise PublisherFenced
            self._asked_at = now


class FencedStorage(ObjectStorage):
    """Another store, which is changed only by whom the fence lets pass."""

    def __init__(self, inner: ObjectStorage, fence: Fence) -> None:
        self.inner = inner
        self.at_a_time = inner.at_a_time
        self._fence = fence

    def put(self, key: str, data: bytes) -> None:
        self._fence.check()
        self.inner.put(key, data)

    def put_once(self, key: str, data: bytes) -> None:
        self._fence.check()
        self.inner.put_once(key, data)

    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        self._fence.check()
        self.inner.put_file(key, source, consume=consume)

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        self._fence.check()
        self.inner.put_if(key, data, expected)

    def copy_from(self, other: ObjectStorage, source: str, key: str, sha256: str | None = None) -> None:
        self._fence.check()
        # a store copies within itself where it knows the other for its own kind
        self.inner.copy_from(other.inner if isinstance(other, FencedStorage) else other, source, key, sha256)

    def delete(self, key: str) -> None:
        self._fence.check()
        self.inner.delete(key)

    # -- what changes nothing that readers see

    def get(self, key: str) -> bytes:
        return self.inner.get(key)

    def open(self, key: str) -> IO[bytes]:
        return self.inner.open(key)

    def fetch(self, key: str, destination: Path) -> None:
        self.inner.fetch(key, destination)

    def size(self, key: str) -> int | None:
        return self.inner.size(key)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        return self.inner.list(prefix)

    def url(self, key: str) -> str:
        return self.inner.url(key)

    def link(self, key: str, seconds: int) -> str | None:
        return self.inner.link(key, seconds)

    def sweep(self, before: datetime) -> int:
        return self.inner.sweep(before)

    def for_each(self, items: Iterable[Item], action: Callable[[Item], object]) -> None:
        self.inner.for_each(items, action)


class PublisherFence:
    """The fence of one run's publisher, told by the rows of its run and its schedule; whoever leaves it signs off."""

    def __init__(self, store: PublicationStore, run: Run, schedule: Schedule) -> None:
        """run, schedule: as the ledger has them when it begins."""
        self._store = store
        self._schedule = schedule
        self.publisher = Publisher(run_id=run.id, fence=run.fence, schedule_id=run.schedule_id)

    def open(self, area: ObjectStorage, target: Spec) -> ObjectStorage:
        """The area that the target names, fenced.  Raises PublisherFenced when it mustn't be written any more."""
        if target.visibility == Visibility.PUBLIC:
            public = {"version": self._schedule.version, "area": target.publication_base}
            self.publisher = self.publisher.model_copy(update=public)
            if not self._store.sign_on(self.publisher):
                raise PublisherFenced
        return FencedStorage(area, Fence(lambda: self._store.is_current(self.publisher)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.publisher.area is not None:
            # the ledger is away: it counts as alive for a day, or until this run is published by the next try
            with suppress(Refused):
                self._store.sign_off(self.publisher)
