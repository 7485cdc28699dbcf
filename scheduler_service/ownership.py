"""The work area's owner: one ledger, named in a marker that is written once, so that a copy of it keeps still.

A copy of a ledger knows the same secret and the same runs as the original, and would take its machines and files for
its own.  What tells them apart is outside of both: the database that a ledger is in.  A ledger's file beside a work
area that is a folder needs no marker: whoever copies that folder back has both.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.object_keys import OWNER_MARKER
from jupyter_schedule.core.storage.factory import ObjectExists, ObjectStorage, S3Storage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.leader_lock import Blocker
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

#: seconds that a service waits at its start for the marker; one that can't be read keeps nobody from anything
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class OwnerMarker:
    """A ledger: its deployment, by its secret, and the database that it is in."""

    deployment: str
    database: str

    def document(self) -> bytes:
        """The marker's bytes."""
        return json.dumps({"deployment": self.deployment, "database": self.database}, indent=1).encode()


def parse_marker(document: bytes) -> OwnerMarker | None:
    """The ledger that a marker names; None of a document that names none."""
    try:
        told = json.loads(document)
        return OwnerMarker(str(told["deployment"]), str(told["database"]))
    except (ValueError, KeyError, TypeError):
        return None


def compare(marker: OwnerMarker | None, ours: OwnerMarker) -> Blocker | None:
    """The reason for which a ledger that isn't the owner has to keep still; None of the owner."""
    if marker == ours:
        return None
    if marker is not None and marker.deployment == ours.deployment:
        return Blocker.COPY
    return Blocker.FOREIGN


def identify_ledger(store: Store, places: DataPaths, host: str, secret: bytes) -> OwnerMarker:
    """Name a ledger; host: the machine that a ledger in a file is on."""
    database = store.identify_database() or f"{host}:{places.ledger.resolve()}"
    return OwnerMarker(hashlib.sha256(b"deployment " + secret).hexdigest()[:16], database)


def has_marker(places: DataPaths, objects: ObjectStorage) -> bool:
    """True where a ledger and its work area can come apart."""
    return places.shared_store is not None or isinstance(objects, S3Storage)


class Ownership:
    """The right of a ledger to its work area, as it was seen last; a look may take as long as the storage does.

    Before the first look a ledger goes by what it remembers: a database that owned the area goes on while the storage
    is away.  A copy remembers another database, so it keeps still until it has seen whose the area is.
    """

    def __init__(
        self, objects: ObjectStorage, store: Store, ours: OwnerMarker, wake: Callable[[], None] = lambda: None
    ) -> None:
        """wake: called when the answer has changed."""
        self._objects = objects
        self._store = store
        self._ours = ours
        self._wake = wake
        self._looked = threading.Event()
        self._is_noted = store.noted_owner() == ours.database
        #: the reason to keep still, None for the owner
        self.blocker: Blocker | None = None if self._is_noted else Blocker.UNSEEN

    def look(self) -> None:
        """Read the marker, which is written where there is none; a storage that is away changes nothing."""
        try:
            found = self._read_or_write()
            before, self.blocker = self.blocker, compare(found, self._ours)
            if before != self.blocker:
                self._wake()
            self._note()
        except (OSError, Refused) as problem:
            log.info(logfmt("marker_unread", message=problem))
        finally:
            self._looked.set()

    @property
    def has_looked(self) -> bool:
        """True once somebody has looked, whatever came of it."""
        return self._looked.is_set()

    def wait_for_look(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until somebody has looked, but no longer."""
        self._looked.wait(seconds)

    def check(self) -> None:
        """The ledger owns its work area, or Refused `not_owner` says whose it is.  Writes nothing."""
        found = self._objects.get_or_none(OWNER_MARKER)
        blocker = None if found is None else compare(parse_marker(found), self._ours)
        if blocker is not None:
            raise Refused("not_owner", blocker.explanation)

    def claim(self) -> bool:
        """Own the work area from now on, instead of another database of the same deployment; False when it did before.

        Raises Refused `not_owner` when another deployment owns it.
        """
        found = self._read_or_write()
        if found == self._ours:
            return False
        if compare(found, self._ours) is Blocker.FOREIGN:
            raise Refused("not_owner", Blocker.FOREIGN.explanation)
        self._objects.put(OWNER_MARKER, self._ours.document())
        return True

    def _note(self) -> None:
        """Remember in the ledger who it is, while it is the owner."""
        if self.blocker is None and not self._is_noted:
            self._store.note_owner(self._ours.database)
            self._is_noted = True

    def _read_or_write(self) -> OwnerMarker | None:
        found = self._objects.get_or_none(OWNER_MARKER)
        if found is None:
            try:
                self._objects.put_once(OWNER_MARKER, self._ours.document())
            except ObjectExists:
                found = self._objects.get_or_none(OWNER_MARKER)
            else:
                return self._ours
        return parse_marker(found or b"")
