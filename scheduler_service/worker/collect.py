"""Collect what a run leaves: every regular file of a folder is measured and stored; anything else is named."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypedDict

from jupyter_schedule.core.storage.factory import file_digest
from scheduler_service.worker.files import is_free_of_links, open_beneath, open_folder, walk

#: store a file under a path; `consume` lets the store take the file itself
Store = Callable[[str, Path, bool], None]
#: do something with every file, in turn or many at a time: `Objects.for_each`
ForEach = Callable[[Iterable["FoundFile"], Callable[["FoundFile"], object]], None]
MOST_NOTES = 100
MOST_ELSEWHERE = 100
#: made by running, never by an analyst
_BYPRODUCTS = {".environment", "__pycache__", ".ipynb_checkpoints"}
_REPLACED = "the folder was replaced by a link"
_KINDS = {stat.S_IFLNK: "it is a symbolic link", stat.S_IFIFO: "it is a pipe", stat.S_IFSOCK: "it is a socket"}

#: size, time of change and inode of every file
Snapshot = dict[Path, tuple[int, int, int]]


class Collected(TypedDict):
    """A file as the result lists it: path under its folder, bytes, hex sha256."""

    path: str
    size: int
    sha256: str


class FoundFile(NamedTuple):
    """A file to store: its place in order, its path under the folder, where it is, and what it was when found."""

    number: int
    name: str
    path: Path
    status: os.stat_result


def collect(folder: Path, store: Store, each: ForEach, files: list[Collected], notes: list[str]) -> None:
    """Store every regular file below `folder`, as many at a time as `each` does; `files` gets them in order of path.

    Links aren't followed.  Links, sockets, pipes and names that aren't UTF-8 are left out and named in `notes`.
    In a folder of another user, who may swap files while we look and may read less than we do, each file is opened once
    and stored by that descriptor.  Raises what `store` raises; `files` then has what was stored until then.
    """
    if not folder.is_dir():
        if folder.is_symlink():
            _note(notes, folder.name, _REPLACED)
        return
    try:
        opened = open_folder(folder) if is_free_of_links(folder) else None
    except OSError:
        opened = None
    if opened is None:
        _note(notes, folder.name, _REPLACED)
        return
    stored: dict[int, Collected] = {}
    is_ours = os.fstat(opened).st_uid == os.geteuid()

    def keep(found: FoundFile) -> None:
        try:
            file = open_beneath(opened, found.name)
        except OSError:
            if not is_ours:
                _note(notes, found.name, "it was replaced while it was collected")
                return
            # we may not read what is ours, and may say so
            found.path.chmod(0o644)
            file = open_beneath(opened, found.name)
        try:
            stored[found.number] = _store(found, file, store, by_path=is_ours)
        finally:
            os.close(file)

    try:
        each(_found(folder, notes), keep)
    finally:
        os.close(opened)
        files += [stored[number] for number in sorted(stored)]


def _store(found: FoundFile, file: int, store: Store, *, by_path: bool) -> Collected:
    """Store the open file, which `store` takes by its path where nobody else could have swapped it."""
    status = os.fstat(file)
    # a file with another name elsewhere could be changed through that: it is copied, and left as it is
    is_alone = status.st_nlink == 1
    if is_alone:
        os.fchmod(file, 0o644)
    source = found.path if by_path else Path(f"/proc/self/fd/{file}")
    entry = Collected(path=found.name, size=status.st_size, sha256=file_digest(source))
    store(found.name, source, is_alone and by_path)
    return entry


def _found(folder: Path, notes: list[str]) -> Iterator[FoundFile]:
    for number, path in enumerate(walk(folder)):
        name = path.relative_to(folder).as_posix()
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            _note(notes, name, _KINDS.get(stat.S_IFMT(status.st_mode), "it isn't a regular file"))
        elif not _is_utf8(name):
            _note(notes, name, "its name isn't UTF-8")
        else:
            yield FoundFile(number, name, path, status)


def take_snapshot(code: Path, output: Path) -> Snapshot:
    """Every file of the unpacked bundle, so that `written_elsewhere` can tell what the run wrote."""
    return dict(_states(code, output))


def find_written_elsewhere(code: Path, output: Path, before: Snapshot) -> list[str]:
    """Up to 100 paths of files that the run wrote or changed outside its output folder."""
    changed = (path.relative_to(code).as_posix() for path, state in _states(code, output) if before.get(path) != state)
    return [path for path, _ in zip(filter(_is_utf8, changed), range(MOST_ELSEWHERE), strict=False)]


def _states(code: Path, output: Path) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    left_out = {output, code / "report"}
    for path in walk(code, lambda folder: folder not in left_out and folder.name not in _BYPRODUCTS):
        with suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                yield path, (status.st_size, status.st_mtime_ns, status.st_ino)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _note(notes: list[str], name: str, why: str) -> None:
    if len(notes) < MOST_NOTES:
        shown = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
        notes.append(f"{shown} was left out: {why}.")
