"""Folders and files as a run may leave them: read-only, unreadable, deeper than a recursion goes, links elsewhere."""

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

#: Linux opens a folder for going through alone; elsewhere it has to be readable
_PASSAGE = getattr(os, "O_PATH", os.O_RDONLY)


def walk(folder: Path, enter: Callable[[Path], bool] = lambda _: True) -> Iterator[Path]:
    """Everything below `folder` but folders, in the order of names; only folders that `enter` likes are looked into.

    Links aren't followed.  A folder that can't be listed is made readable first, and else taken for empty.
    """
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if path.is_dir() and not path.is_symlink():
            if enter(path):
                waiting += [path / name for name in sorted(_names(path), reverse=True)]
        elif path != folder:
            yield path


def open_plain(path: Path) -> BinaryIO:
    """A regular file, opened for reading; a link in its place isn't followed, nor a pipe waited for.  Raises OSError.

    The agent may read what the run's user may not, and a run can put anything where its files are expected.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def open_folder(folder: Path) -> int:
    """A descriptor of `folder`, which had no link in its path when it was made.  Raises OSError when it has one now."""
    return _open_parts(None, folder.parts, os.O_RDONLY | os.O_DIRECTORY)


def open_beneath(folder: int, name: str) -> int:
    """A descriptor of the regular file `name`, a relative path below the folder with that descriptor.

    What is opened is what was asked for, whoever swaps it meanwhile: no part of the path is followed when it is a link.
    A pipe isn't waited for.  Raises OSError.
    """
    file = _open_parts(folder, tuple(name.split("/")), os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file", name)
    return file


def _open_parts(folder: int | None, parts: tuple[str, ...], flags: int) -> int:
    """Open the last of `parts`, going down from `folder` one by one."""
    *parents, last = parts
    current = folder
    try:
        for part in parents:
            # a folder that may only be gone through, not listed, is enough on the way
            deeper = os.open(part, _PASSAGE | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            if current is not None and current != folder:
                os.close(current)
            current = deeper
        return os.open(last, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
    finally:
        if current is not None and current != folder:
            os.close(current)


def is_free_of_links(folder: Path) -> bool:
    """True when `folder`, which had no link in its path when it was made, has none now."""
    return folder.resolve() == folder


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, what may not be written to included.  What can't be removed stays."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if folder.is_dir() and not folder.is_symlink():
        # these two go down trees of any depth, and chmod opens each folder before it looks inside
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", folder], check=False, capture_output=True)


def _names(folder: Path) -> list[str]:
    for _ in range(2):
        try:
            return os.listdir(folder)  # noqa: PTH208  (names, which Path.iterdir would wrap)
        except OSError:
            with suppress(OSError):
                folder.chmod(0o700)
    return []
