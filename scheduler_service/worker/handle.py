"""A worker on this machine as data: enough to know the same process again, after any restart of anything else."""

import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from scheduler_service.worker import processes
from scheduler_service.worker.processes import Process


def handle_of(pid: int) -> dict[str, Any]:
    """Host, boot, pid and start: together they name one process for ever."""
    process = processes.read(pid)
    return {"host": host(), "boot": boot(), "pid": pid, "started": process.started if process else None}


def process_of(handle: dict[str, Any]) -> Process | None:
    """The process that the handle names, None when it is gone: also when its pid or its boot is another's now."""
    if handle["boot"] != boot():
        return None
    process = processes.read(handle["pid"])
    if process is None or not process.alive or process.started != handle["started"]:
        return None
    return process


def host() -> str:
    """This machine's name."""
    return socket.gethostname()


def boot() -> str:
    """What changes with every start of this machine; empty where only the start time of a process tells."""
    if sys.platform == "linux":
        with suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
