"""Objects in a folder (`file://`).  Standard library only: it travels to the worker."""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from jupyter_schedule.core.storage.addresses import FolderAddress
from jupyter_schedule.core.storage.base import (
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    ObjectStorage,
    StoredObject,
    check_key,
    digest,
    file_digest,
)

#: names that no analyst gives a file
_PARTIAL = ".jupyter-schedule-partial-"
_LOCK = ".jupyter-schedule-lock"
#: what os.link answers where the filesystem has no hard links
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.ENOSYS}

#: what fsync answers where a filesystem does that to files only
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP}


class LocalStorage(ObjectStorage):
    """Objects as files under one folder: a key is a relative path.

    New content is written beside its place and moved there, so readers and a killed writer never leave a torn object.
    A write is done when its name is on the disk too: no power cut takes back what somebody has built on.
    """

    def __init__(self, root: Path, public: str | None = None) -> None:
        """public: where a web server shows the folder to everybody; ends in `/`."""
        self.root = root.absolute()
        self.public = public
        self._private = False

    def put(self, key: str, data: bytes) -> None:
        with self._written(key, data) as partial:
            _move(partial, self._path(key))

    def put_secret(self, key: str, data: bytes) -> None:
        with self._written(key, data, mode=0o600) as partial:
            _move(partial, self._path(key))

    def put_once(self, key: str, data: bytes) -> None:
        with self._written(key, data) as partial:
            _link_or_raise(partial, self._path(key))

    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        path = self._path(key)
        if consume:
            _make_folder(path.parent)
            _sync(source)
            source.chmod(stat.S_IMODE(source.stat().st_mode) & self._rights() | stat.S_IRUSR)
            with contextlib.suppress(OSError):  # another filesystem: copy, below
                os.utime(source)
                source.rename(path)
            if not source.exists():
                _sync_folder(path.parent)
                return
        with self._partial(path) as partial:
            _copy(source, partial)
            _sync(partial)
            _move(partial, path)
        if consume:
            source.unlink()

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        path = self._path(key)
        _make_folder(path.parent)
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

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        start = self.root / prefix.rpartition("/")[0]
        keys = (
            (Path(folder) / name).relative_to(self.root).as_posix()
            for folder, _, names in os.walk(start)
            for name in names
            if not name.startswith(_PARTIAL) and name != _LOCK
        )
        for key in sorted(key for key in keys if key.startswith(prefix)):
            with contextlib.suppress(FileNotFoundError):  # it went away while we walked
                found = self._path(key).stat()
                yield StoredObject(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def copy_from(self, other: ObjectStorage, source: str, key: str, sha256: str | None = None) -> None:
        path = self._path(key)
        with self._partial(path) as partial:
            other.fetch(source, partial)
            if sha256 is not None and file_digest(partial) != sha256:
                raise ObjectChanged(source)
            _sync(partial)
            _move(partial, path)

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
        return FolderAddress(self.root, self.public).url(key)

    def sweep(self, before: datetime) -> int:
        left = [path for path in self.root.rglob(f"{_PARTIAL}*") if path.stat().st_mtime < before.timestamp()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def keep_private(self) -> None:
        """Close the folder to all but its account, unless others are meant to write into it.

        Its objects follow it; those that are there already can't be reached any more.
        """
        self._private = True
        if not self.root.is_dir():
            return
        found = self.root.stat()
        if found.st_uid == os.getuid() and not found.st_mode & 0o022:
            self.root.chmod(found.st_mode & 0o700)

    def _rights(self) -> int:
        """The bits of the storage's own folder, which those of each object are within; the umask narrows them."""
        return stat.S_IMODE(self.root.stat().st_mode)

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextlib.contextmanager
    def _partial(self, path: Path, mode: int = 0o666) -> Iterator[Path]:
        """A new file beside `path` with at most these rights, gone again when the block leaves it behind."""
        if self._private and not self.root.is_dir():
            _make_folder(self.root.parent)
            self.root.mkdir(mode=0o700, exist_ok=True)
        _make_folder(path.parent)
        partial = path.parent / f"{_PARTIAL}{secrets.token_hex(8)}"
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, self._rights() & mode))
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _written(self, key: str, data: bytes, mode: int = 0o666) -> Iterator[Path]:
        with self._partial(self._path(key), mode) as partial:
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


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on the disk in the one that it is in."""
    new = [each for each in (folder, *folder.parents) if not each.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in new:
        _sync_folder(made.parent)


def _move(source: Path, path: Path) -> None:
    """Give a file its final name, whoever has that now."""
    source.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # it may be written, and not read
        return
    try:
        os.fsync(handle)
    except OSError as problem:
        if problem.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


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
    _sync_folder(path.parent)


def _create_exclusively(partial: Path, path: Path) -> None:
    """Write-once without hard links: O_EXCL decides who wins, but a reader may see a short object for a moment."""
    try:
        with path.open("xb") as writer:
            writer.write(partial.read_bytes())
            writer.flush()
            os.fsync(writer.fileno())
    except FileExistsError:
        raise ObjectExists(path.name) from None
