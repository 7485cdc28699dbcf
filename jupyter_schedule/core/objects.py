"""Where files live: the contract that every object store keeps, and the one made of a folder (`file://`).

Standard library only: it travels to the worker.

Keys are paths without a leading slash, `/` between their parts, any character in them but NUL; `..`, `.` and empty
parts are refused.  Sizes are bytes, digests lower-case hex sha256.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote, urlsplit

#: names that no analyst gives a file
_PARTIAL = ".jupyter-schedule-partial-"
_LOCK = ".jupyter-schedule-lock"
#: what os.link answers where the filesystem has no hard links
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.ENOSYS}


class NoSuchObject(KeyError):  # noqa: N818  (an answer, not a fault)
    """No object has this key."""


class ObjectExists(Exception):  # noqa: N818  (an answer to write-once, not a fault)
    """The key of a write-once put is taken."""


class ObjectChanged(Exception):  # noqa: N818  (an answer to compare-and-set, not a fault)
    """The object isn't the one that the caller read."""


@dataclass(frozen=True)
class Stored:
    """An object as a listing shows it."""

    key: str
    size: int


class Objects(ABC):
    """A flat map from keys to bytes.

    A reader sees the old object or the new one, never a mixture, also when the writer dies.
    """

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store `data`, replacing what is there."""

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
    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys start with `prefix`, sorted by key.  What is still being written isn't listed."""

    @abstractmethod
    def copy_from(self, other: "Objects", source: str, key: str) -> None:
        """Store a copy of another store's object, replacing what is there.  Raises NoSuchObject."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; no error when there is none."""

    @abstractmethod
    def url(self, key: str) -> str:
        """The address of an object, or of all that a prefix ending in `/` holds."""

    def get_or_none(self, key: str) -> bytes | None:
        """The whole content, None when there is no such object."""
        try:
            return self.get(key)
        except NoSuchObject:
            return None


def open_objects(address: str) -> Objects:
    """The object store at an address such as `file:///var/lib/results`.  Raises ValueError for an unknown scheme."""
    parts = urlsplit(address)
    if parts.scheme != "file":
        raise ValueError(f"no object store speaks {parts.scheme or address!r}; use an address such as file:///a/folder")
    return FolderObjects(Path(unquote(parts.path)))


def digest(data: bytes) -> str:
    """Hex sha256: what `put_if` compares."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Hex sha256 of a file's content, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FolderObjects(Objects):
    """Objects as files under one folder: a key is a relative path.

    New content is written beside its place and moved there, so readers and a killed writer never leave a torn object.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, key: str, data: bytes) -> None:
        with self._written(key, data) as partial:
            partial.replace(self._path(key))

    def put_once(self, key: str, data: bytes) -> None:
        with self._written(key, data) as partial:
            _link_or_raise(partial, self._path(key))

    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if consume:
            _sync(source)
            with contextlib.suppress(OSError):  # another filesystem: copy, below
                source.rename(path)
                return
        with self._partial(path) as partial:
            _copy(source, partial)
            _sync(partial)
            partial.replace(path)
        if consume:
            source.unlink()

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            current = self.get_or_none(key)
            if (None if current is None else digest(current)) != expected:
                raise ObjectChanged(key)
            self.put(key, data)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NoSuchObject(key) from None

    def open(self, key: str) -> IO[bytes]:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NoSuchObject(key) from None

    def fetch(self, key: str, destination: Path) -> None:
        path = self._path(key)
        if not path.is_file():
            raise NoSuchObject(key)
        _copy(path, destination)

    def size(self, key: str) -> int | None:
        path = self._path(key)
        return path.stat().st_size if path.is_file() else None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        start = self.root / prefix.rpartition("/")[0]
        keys = (
            (Path(folder) / name).relative_to(self.root).as_posix()
            for folder, _, names in os.walk(start)
            for name in names
            if not name.startswith(_PARTIAL) and name != _LOCK
        )
        for key in sorted(key for key in keys if key.startswith(prefix)):
            size = self.size(key)
            if size is not None:  # else it went away while we walked
                yield Stored(key, size)

    def copy_from(self, other: Objects, source: str, key: str) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._partial(path) as partial:
            other.fetch(source, partial)
            _sync(partial)
            partial.replace(path)

    def delete(self, key: str) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root:
                return
            try:
                folder.rmdir()
            except OSError:  # not empty: others still live there
                return

    def url(self, key: str) -> str:
        return f"file://{quote(str(self.root))}/{quote(key)}"

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if not key or "\0" in key or any(part in {"", ".", ".."} for part in parts):
            raise ValueError(f"not a key: {key!r}")
        return self.root.joinpath(*parts)

    @contextlib.contextmanager
    def _partial(self, path: Path) -> Iterator[Path]:
        """A new file beside `path`, gone again when the block leaves it behind."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_PARTIAL, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        partial.chmod(0o644)
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _written(self, key: str, data: bytes) -> Iterator[Path]:
        with self._partial(self._path(key)) as partial:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield partial


def _copy(source: Path, destination: Path) -> None:
    """Copy content only: neither owner, mode nor times belong to an object."""
    shutil.copyfile(source, destination)


def _sync(path: Path) -> None:
    """Have the content on the disk before a name says that it is there."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _link_or_raise(partial: Path, path: Path) -> None:
    """Give `partial` its final name if nobody has it: link(2) is the one step that both tests and takes it."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise ObjectExists(path.name) from None
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        _create_exclusively(partial, path)


def _create_exclusively(partial: Path, path: Path) -> None:
    """Write-once without hard links: O_EXCL decides who wins, but a reader may see a short object for a moment."""
    try:
        with path.open("xb") as writer:
            writer.write(partial.read_bytes())
            writer.flush()
            os.fsync(writer.fileno())
    except FileExistsError:
        raise ObjectExists(path.name) from None
