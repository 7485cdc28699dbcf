"""Keep a run to its limits on this machine, and notice when it uses more.

CPUs are kept to by affinity, memory and output are looked at about every second: a best effort, since a run may use
more for a moment, or set its affinity itself.

Where the machine has handed us a part of its tree of control groups (version 2), the kernel keeps memory and CPUs, says
whether memory ran out, and ends all of a run by one word, which a later service can say too: the group's place is
written down before anything is in it.  See the kernel's Documentation/admin-guide/cgroup-v2.rst, and
https://systemd.io/CGROUP_DELEGATION for `delegate`.
"""

import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from scheduler_service.worker.files import walk
from scheduler_service.worker.processes import Process

#: seconds between two looks, and how many times the cost of a look at least
_PAUSE = 1.0
_SHARE = 20
#: microseconds over which the kernel counts a group's CPUs
_PERIOD = 100_000
#: seconds for which a group whose processes were killed is tried to be removed
_PATIENCE = 2.0


@dataclass(frozen=True)
class ProcessLimits:
    """The limits of one run; None is no limit.  Bytes, and CPUs."""

    memory: int | None = None
    cpus: float | None = None
    output: int | None = None

    def apply(self) -> None:
        """Keep this process, and what it will start, to as many CPUs; which ones is left to chance."""
        if sys.platform == "linux" and self.cpus is not None:
            ours = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, random.sample(ours, min(len(ours), ceil(self.cpus))))


NO_LIMITS = ProcessLimits()


class LimitWatcher:
    """Looks at how much memory a run's processes have, and how much is in its output folder."""

    def __init__(self, limits: ProcessLimits, output: Path) -> None:
        self._limits = limits
        self._output = output
        self._next = 0.0
        self._watches = limits.memory is not None or limits.output is not None
        #: seconds until it should be asked again
        self.pause = _PAUSE if self._watches else 3600.0

    def exceeded(self, run: Iterable[Process]) -> str | None:
        """`memory` or `output` when there is more of it than a run may have; looks at most every second."""
        began = time.monotonic()
        if not self._watches or began < self._next:
            return None
        too_much = None
        if self._limits.memory is not None and sum(map(measure_memory, run)) > self._limits.memory:
            too_much = "memory"
        elif self._limits.output is not None and _exceeds(self._output, self._limits.output):
            too_much = "output"
        now = time.monotonic()
        self.pause = max(_PAUSE, _SHARE * (now - began))
        self._next = now + self.pause
        return too_much


def measure_memory(process: Process) -> int:
    """Bytes of memory that a process has, its share of what several have in common; 0 where that can't be read."""
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(("Pss:", "SwapPss:")))


def _exceeds(folder: Path, most: int) -> bool:
    total = 0
    for path in walk(folder):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
        if total > most:
            return True
    return False


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
        """True when the kernel ended a process of the group for want of memory."""
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
def create_cgroup(name: str, record: Path) -> Iterator[Cgroup | None]:
    """A group for a run, gone afterwards with all that is in it; None where we have no part of the tree.

    record: the file that says where the group is, for `end_cgroup`.
    """
    base = find_cgroup_base()
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
            end_cgroup(record)


def end_cgroup(record: Path) -> None:
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


def is_cgroup_populated(record: Path) -> bool:
    """True when anything is in the group that `record` names."""
    try:
        return "populated 1" in (Path(record.read_text()) / "cgroup.events").read_text()
    except OSError:
        return False


def find_cgroup_base() -> Path | None:
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
