"""A control group (version 2) for one run, where the machine has handed us a part of its tree.

The kernel then keeps memory and CPUs, says whether memory ran out, and ends all of a run by one word, which a later
service can say too: the group's place is written down before anything is in it.  See the kernel's
Documentation/admin-guide/cgroup-v2.rst, and https://systemd.io/CGROUP_DELEGATION for `delegate`.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from scheduler_service.worker.limits import ProcessLimits

_PERIOD = 100_000
#: seconds for which a group whose processes were killed is tried to be removed
_PATIENCE = 2.0


class Cgroup:
    """One run's group, by its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: set[str] = set()

    def keep_to(self, limits: ProcessLimits) -> ProcessLimits:
        """Have the kernel keep what it can; the limits that are left to others."""
        left = limits
        if limits.memory is not None and self._set("memory", "memory.max", str(limits.memory)):
            with suppress(OSError):
                # what is swapped out instead would only make the run, and the machine, slow
                (self._folder / "memory.swap.max").write_text("0")
            left = replace(left, memory=None)
        if limits.cpus is not None and self._set("cpu", "cpu.max", f"{round(limits.cpus * _PERIOD)} {_PERIOD}"):
            left = replace(left, cpus=None)
        return left

    def join(self) -> None:
        """Put this process, and what it will start, into the group."""
        (self._folder / "cgroup.procs").write_text("0")

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended a process of the group for want of memory."""
        with suppress(OSError):
            for line in (self._folder / "memory.events").read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1]) > 0
        return False

    def _set(self, controller: str, file: str, value: str) -> bool:
        with suppress(OSError):
            if controller not in (self._folder / "cgroup.controllers").read_text().split():
                (self._folder.parent / "cgroup.subtree_control").write_text(f"+{controller}")
            (self._folder / file).write_text(value)
            return True
        return False


@contextmanager
def create_group(name: str, record: Path) -> Iterator[Cgroup | None]:
    """A group for a run, gone afterwards with all that is in it; None where we have no part of the tree.

    record: the file that says where the group is, for `end`.
    """
    base = _base()
    folder = base / f"jupyter-schedule-{name}" if base else None
    try:
        if folder:
            record.write_text(str(folder))
            folder.mkdir()
    except OSError:
        folder = None
    try:
        yield Cgroup(folder) if folder else None
    finally:
        if folder:
            end_group(record)


def end_group(record: Path) -> None:
    """End everything in the group that `record` names, and remove the group; nothing when there is none."""
    try:
        folder = Path(record.read_text())
        (folder / "cgroup.kill").write_text("1")
    except OSError:
        return
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.005)


def is_populated(record: Path) -> bool:
    """Whether anything is in the group that `record` names."""
    try:
        return "populated 1" in (Path(record.read_text()) / "cgroup.events").read_text()
    except OSError:
        return False


def _base() -> Path | None:
    """The nearest folder of the tree that is ours to divide: our own group, or the one around it."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return None
    ours = next((line[3:] for line in lines if line.startswith("0::")), None)
    root = next((Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"), None)
    if ours is None or root is None:
        return None
    own = root / ours.lstrip("/")
    for folder in (own, own.parent) if own != root else ():
        with suppress(OSError, AttributeError):
            if os.getxattr(folder, "user.delegate") == b"1":
                return folder
    # without a manager above us, as in a container
    return own if own == root and os.access(root / "cgroup.procs", os.W_OK) else None
