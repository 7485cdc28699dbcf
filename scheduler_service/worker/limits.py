"""What a run may use of this machine, and a look at whether it uses more.

CPUs are kept to by affinity, memory and output are looked at about every second: a best effort, since a run may use
more for a moment, or set its affinity itself.  Where the machine has handed us a control group, `cgroups` has the
kernel keep memory and CPUs.
"""

import os
import random
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from scheduler_service.worker.files import walk
from scheduler_service.worker.processes import Process

#: seconds between two looks, and how many times the cost of a look at least
_PAUSE = 1.0
_SHARE = 20


@dataclass(frozen=True)
class ProcessLimits:
    """What one run may use; None is no limit.  Bytes, and CPUs."""

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
