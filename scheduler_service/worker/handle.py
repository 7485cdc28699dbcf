"""A worker on this machine as data: enough to know the same process again, after any restart of anything else."""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from scheduler_service.worker import processes
from scheduler_service.worker.processes import Process

#: the inode of a machine's own process ids: https://man7.org/linux/man-pages/man7/namespaces.7.html
_NOT_IN_A_CONTAINER = "pid:[4026531836]"


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


def identify_host() -> str:
    """Name the host whose processes we see: the same after a restart of the machine, never the same on two machines.

    A name of the machine that people don't change, where it has one.  In a container, whose image may have brought
    that name along, the host name as well.
    """
    name = ""
    if sys.platform == "linux":
        with suppress(OSError):
            name = Path("/etc/machine-id").read_text().strip()
    if name and _process_ids() == _NOT_IN_A_CONTAINER:
        return name
    return f"{name}@{socket.gethostname()}"


def identify_boot() -> str:
    """Name the boot of this machine or container, one of its own each time; empty where only start times tell."""
    if sys.platform == "linux":
        with suppress(OSError):
            return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {_process_ids()}"
    return ""


def _process_ids() -> str:
    """The space in which a pid means something."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  (a name that is no path)
    return ""
