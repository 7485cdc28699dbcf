"""Small disks, which tests fill."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

#: bytes in which files take room
PAGE = 4096
#: mounts a disk of that size and answers where
Mount = Callable[[str], Path]


@contextmanager
def mounting(under: Path) -> Iterator[Mount]:
    """Mount a disk in a folder that is given; gone with the block.  Skips where that can't be done."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = under / "small"
        folder.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", str(folder)]
        can_mount = sys.platform == "linux" and shutil.which("mount")
        if not can_mount or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk needs root on Linux")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave_free(disk: Path, free: int) -> None:
    """Have so many bytes of a disk free, or as many as there can be, by a file that takes the others.

    There is never more room on the way than before or after.
    """
    with (disk / "ballast").open("ab") as file:
        taken = file.tell()
        lacking = free - shutil.disk_usage(disk).free
        if lacking > 0:
            taken = max(0, taken - lacking) // PAGE * PAGE
            file.truncate(taken)
        for piece in (1_000_000, PAGE):
            # others write too
            with suppress(OSError):
                while shutil.disk_usage(disk).free - free >= piece:
                    os.posix_fallocate(file.fileno(), taken, piece)
                    taken += piece
