"""A worker on this machine as data: enough to know the same process again, after any restart of anything else."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from scheduler_service.worker import processes
from scheduler_service.worker.processes import Process


def build_handle(pid: int) -> dict[str, Any]:
    """Boot, pid and start: together they name one process for ever."""
    process = processes.read(pid)
    return {"boot": identify_boot(), "pid": pid, "started": process.started if process else None}


def find_process(handle: dict[str, Any]) -> Process | None:
    """The process that the handle names, None when it is gone: also when its pid or its boot is another's now."""
    if handle["boot"] != identify_boot():
        return None
    process = processes.read(handle["pid"])
    if process is None or not process.alive or process.started != handle["started"]:
        return None
    return process


def identify_boot() -> str:
    """Name the boot of this machine or container, one of its own each time; empty where only start times tell."""
    if sys.platform == "linux":
        with suppress(OSError):
            return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {process_ids()}"
    return ""


def process_ids() -> str:
    """The space in which a pid means something; empty where there is one only."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  (a name that is no path)
    return ""
