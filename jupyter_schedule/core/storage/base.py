"""The contract of every object store, whatever it is made of.

Keys are paths without a leading slash, `/` between their parts, any character in them but NUL; `..`, `.` and empty
parts are refused.  Sizes are bytes, digests lower-case hex sha256.  Whatever ails a store is an OSError whose text is
one sentence for a person, without any credential.
"""

import errno
import hashlib
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, TypeVar

from jupyter_schedule.core.storage.content_types import LOOKED_AT_BYTES, Content, describe_content, needs_look

Item = TypeVar("Item")


class NoSuchObject(KeyError):  # noqa: N818  (an answer, not a fault)
    """No object has this key."""


class ObjectExists(Exception):  # noqa: N818  (an answer to write-once, not a fault)
    """The key of a write-once put is taken."""


class ObjectChanged(Exception):  # noqa: N818  (an answer to compare-and-set, not a fault)
    """The object isn't the one that the caller read, or wanted."""


class StorageUnusable(OSError):  # noqa: N818  (what a person has to mend, in a sentence)
    """The store answers and refuses: trying again won't help before somebody has changed something."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.EACCES, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


class StorageAway(OSError):  # noqa: N818  (as above)
    """The store doesn't answer, or says that it can't now: the same call may succeed later."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.EHOSTUNREACH, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it."""

    key: str
    size: int
    #: when it was stored last; by the clock of who keeps it
    modified: datetime = field(compare=False)


class ObjectStorage(ABC):
    """A flat map from keys to bytes.

    A reader sees the old object or the new one, never a mixture, also when the writer dies.
    """

    #: calls of `for_each` that this store likes to have under way together
    at_a_time = 1

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store `data`, replacing what is there."""

    def put_secret(self, key: str, data: bytes) -> None:
        """Store `data` as `put` does, where there are accounts for this one's eyes only."""
        self.put(key, data)

    @abstractmethod
    def put_once(self, key: str, data: bytes) -> None:
        """Store `data` unless the key is taken.  Of any number of writers one wins; the others get ObjectExists."""

    @abstractmethod
    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        """Store a file's content, replacing what is there.  `consume` lets the store take the file itself."""

    @abstractmethod
    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        """Store `data` if the object still has the digest `expected` (None: if there is none), else ObjectChanged."""

    @abstractmethod
    def get(self, key: str) -> bytes:
        """The whole content.  Raises NoSuchObject."""

    @abstractmethod
    def open(self, key: str) -> IO[bytes]:
        """The content as a stream, which the caller closes.  Raises NoSuchObject."""

    @abstractmethod
    def fetch(self, key: str, destination: Path) -> None:
        """Write the content to a file.  Raises NoSuchObject."""

    @abstractmethod
    def size(self, key: str) -> int | None:
        """The object's size, None when there is no such object."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """The objects whose keys start with `prefix`, sorted by key.  What is still being written isn't listed."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; no error when there is none."""

    @abstractmethod
    def url(self, key: str) -> str:
        """The address of an object, or of all that a prefix ending in `/` holds."""

    def copy_from(self, other: "ObjectStorage", source: str, key: str, sha256: str | None = None) -> None:
        """Store a copy of another store's object, replacing what is there.  Raises NoSuchObject.

        With `sha256`, what is stored has that digest, or ObjectChanged is raised and nothing is.
        """
        with tempfile.TemporaryDirectory(prefix="jupyter-schedule-copy-") as folder:
            local = Path(folder, "object")
            other.fetch(source, local)
            if sha256 is not None and file_digest(local) != sha256:
                raise ObjectChanged(source)
            self.put_file(key, local, consume=True)

    def link(self, key: str, seconds: int) -> str | None:
        """An address that gives anybody the object for so long; None where a store has no such thing."""
        del key, seconds
        return None

    def sweep(self, before: datetime) -> int:
        """Remove what writers that died left half-written before then, which no reader ever saw; how many."""
        del before
        return 0

    def for_each(self, items: Iterable[Item], action: Callable[[Item], object]) -> None:
        """Do `action` with every item, as many at a time as this store likes; the first failure is raised.

        Items are taken as they are needed, in the caller's thread, and none after a failure.
        """
        for item in items:
            action(item)

    def describe(self, key: str) -> Content:
        """Return what readers are told of an object, by its name and where that doesn't tell its first bytes.

        Raises NoSuchObject.
        """
        return describe_content(key, self.read_start(key) if needs_look(key) else None)

    def read_start(self, key: str) -> bytes:
        """Return as many of the first bytes as it takes to see what an object is.  Raises NoSuchObject."""
        with self.open(key) as stream:
            return stream.read(LOOKED_AT_BYTES)

    def get_or_none(self, key: str) -> bytes | None:
        """The whole content, None when there is no such object."""
        try:
            return self.get(key)
        except NoSuchObject:
            return None


def check_key(key: str) -> str:
    """The key, or ValueError when it isn't one."""
    if "\0" in key or any(part in {"", ".", ".."} for part in key.split("/")):
        raise ValueError(f"not a key: {key!r}")
    return key


def digest(data: bytes) -> str:
    """Hex sha256: what `put_if` compares."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Hex sha256 of a file's content, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
