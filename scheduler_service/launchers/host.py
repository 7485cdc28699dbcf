"""The host whose processes a service sees, by a name that outlives the service, the boot and the container.

A machine has a name that people don't change.  A container has none: its image may have brought the machine's, and its
host name is new each time it is made anew.  So its name is kept in the service's folder, on the volume that the next
container gets, beside the boot in which it is used.  Whoever uses a name holds a lock on its file, the workers too.  A
name whose lock is free belongs to a container that is gone with all its workers, and the next one takes it: what ran
there is then judged, and found gone.  A name that is in use in another container stays that one's.
"""

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from jupyter_schedule.core.errors import Refused
from scheduler_service.worker.handle import identify_boot, process_ids

#: the inode of a machine's own process ids: https://man7.org/linux/man-pages/man7/namespaces.7.html
_NOT_IN_A_CONTAINER = "pid:[4026531836]"
#: bytes of a name's file at most
_MOST = 4096


@dataclass(frozen=True)
class HostIdentity:
    """A host by its name, and the open file whose lock says that the name is in use; -1 where none is needed."""

    name: str
    descriptor: int = -1

    @property
    def kept(self) -> tuple[int, ...]:
        """The descriptors that a worker has to inherit, so that the name stays in use while it lives."""
        return () if self.descriptor < 0 else (self.descriptor,)

    def close(self) -> None:
        """Let the name be free when no worker holds it either."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


def identify_host(folder: Path) -> HostIdentity:
    """Name the host whose processes we see: the same for all who see the same, never the same for two that live.

    folder: the service's.  Raises Refused when it can't be written.
    """
    machine = _machine()
    if machine and process_ids() == _NOT_IN_A_CONTAINER:
        return HostIdentity(machine)
    hosts = folder / "hosts"
    try:
        hosts.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _choosing(hosts):
            return _take(hosts, f"{machine}@{socket.gethostname()}", identify_boot())
    except OSError as problem:
        message = f"{hosts} can't be used: {problem.strerror}. Make it, and what it is in, writable for us."
        raise Refused("store_unusable", message) from None


def _machine() -> str:
    """The name of the machine, or of the image; empty where there is none."""
    if sys.platform == "linux":
        with suppress(OSError):
            return Path("/etc/machine-id").read_text().strip()
    return ""


@contextmanager
def _choosing(hosts: Path) -> Iterator[None]:
    """Let nobody else choose a name meanwhile."""
    with (hosts / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _take(hosts: Path, fresh: str, boot: str) -> HostIdentity:
    """The name that is used in this boot, else the first that nobody uses, else `fresh`, which is new."""
    free: list[int] = []
    for number in count(1):
        descriptor = os.open(hosts / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        known = _read(descriptor)
        if known and known["boot"] == boot:
            found = descriptor
        elif _is_free(descriptor):
            free.append(descriptor)
            if known:
                continue
            # a new file: all names are known now
            found = free[0]
        else:
            os.close(descriptor)
            continue
        for other in free:
            if other != found:
                os.close(other)
        name = (_read(found) or {"name": fresh})["name"]
        # so that a copy of the folder doesn't pass for it: a copied file has another number
        _write(found, {"name": name, "boot": boot, "inode": str(os.fstat(found).st_ino)})
        fcntl.flock(found, fcntl.LOCK_SH)
        return HostIdentity(name, found)
    raise AssertionError


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> dict[str, str] | None:
    """The name, its boot and the file's number; None of a file that is new, torn or copied."""
    try:
        known = json.loads(os.pread(descriptor, _MOST, 0))
    except ValueError:
        return None
    inode = str(os.fstat(descriptor).st_ino)
    return known if isinstance(known, dict) and known.get("inode") == inode else None


def _write(descriptor: int, known: dict[str, str]) -> None:
    content = json.dumps(known).encode()
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)
