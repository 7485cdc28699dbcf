"""Small disks, which tests fill."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

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
    """Have so many bytes of a disk free, or as many as there can be, by a file that takes the others."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    with ballast.open("wb") as file:
        taken = 0
        for piece in (1_000_000, 4096):
            # others write too
            with suppress(OSError):
                while shutil.disk_usage(disk).free - free >= piece:
                    os.posix_fallocate(file.fileno(), taken, piece)
                    taken += piece
