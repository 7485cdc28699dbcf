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
