"""The processes of this machine and their parents: read from /proc, elsewhere from ps(1).

A run's processes carry `JUPYTER_SCHEDULE_ATTEMPT=<run>.<attempt>` in their environment, so that they are known again
when the agent that started them is gone.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARKER = "JUPYTER_SCHEDULE_ATTEMPT"
#: carried by what keeps a run's processes, in the marker's place
SUBREAPER = "JUPYTER_SCHEDULE_SUBREAPER"
_LINUX = sys.platform == "linux"
#: a program that becomes another user first
_KILL_AS = """
import os, signal, sys
user = int(sys.argv[1])
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
os.kill(-1, signal.SIGKILL)
"""


class Process(NamedTuple):
    """A process as it was when read; pid and `started` together name it for as long as the machine is up."""

    pid: int
    parent: int
    group: int
    #: the letter of proc(5): Z is a zombie, T is stopped
    state: str
    #: clock ticks since boot; 0 where only ps(1) knows
    started: int
    name: str

    @property
    def alive(self) -> bool:
        """True when it can still do anything."""
        return self.state not in {"Z", "X"}


def read(pid: int) -> Process | None:
    """The process with this pid, None when there is none."""
    if not _LINUX:
        return next((process for process in _ps() if process.pid == pid), None)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  (Path costs more than the read)
            text = file.read()
    except OSError:
        return None
    # a name may hold spaces and parentheses; what follows its last one doesn't
    before, _, after = text.rpartition(b")")
    fields = after.split()
    name = before.partition(b"(")[2].decode(errors="replace")
    return Process(pid, int(fields[1]), int(fields[2]), fields[0].decode(), int(fields[19]), name)


def walk_descendants(root: int) -> Iterator[Process]:
    """Everything below `root`, zombies included, newest first, each yielded the moment it is found.

    A caller that acts on sight catches a process that forks and exits at once.
    """
    if not _LINUX:
        table = {process.pid: process for process in _ps()}
        yield from (process for process in table.values() if _leads_to(process, root, table))
        return
    known: dict[int, Process | None] = {}
    for pid in sorted(_pids(), reverse=True):
        process = known[pid] if pid in known else known.setdefault(pid, read(pid))
        if process and _descends(process, root, known):
            yield process


def find_marked(value: str, marker: str = MARKER) -> list[int]:
    """The pids of all living processes, but this one, whose environment has the marker of this attempt.

    value: `<run>.<attempt>`.  Processes of other users can't be read and aren't found.
    """
    return [pid for pid, found in list_marked(marker) if found == value]


def list_marked(name: str) -> Iterator[tuple[int, str]]:
    """All living processes, but this one, that have a variable of this name, with its value, which has no space."""
    if not _LINUX:
        for pid, text in _ps_with_environment():
            if f" {name}=" in text:
                yield pid, text.rpartition(f" {name}=")[2].partition(" ")[0]
        return
    start = f"{name}=".encode()
    for pid in _pids():
        value = next((entry[len(start) :] for entry in _environment(pid) if entry.startswith(start)), None)
        if value is not None and pid != os.getpid():
            yield pid, value.decode(errors="replace")


def send(process: Process, number: signal.Signals) -> bool:
    """Signal this very process, never another one that got its pid.  False when it may not be signalled."""
    try:
        if sys.platform == "linux":
            _send_by_handle(process, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


def list_of_user(user: int) -> list[Process]:
    """All living processes that run with this user's id, as any of the four that a process has."""
    found = []
    for pid in _pids() if _LINUX else ():
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text(errors="replace")
            ids = next((line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")), [])
            process = read(pid) if str(user) in ids else None
            if process and process.alive:
                found.append(process)
    return found


def end_user(user: int, seconds: float) -> tuple[list[Process], list[Process]]:
    """Kill all that runs with this user's id, wherever it hangs; the second list is what still lives after `seconds`.

    Told by that user itself to all that it may signal, which the kernel does in one step: nobody forks out of it.
    """
    ended: dict[int, Process] = {}
    deadline = time.monotonic() + seconds
    everybody = [sys.executable, "-I", "-S", "-c", _KILL_AS, str(user)]
    while (left := list_of_user(user)) and time.monotonic() < deadline:
        ended |= {process.pid: process for process in left}
        subprocess.run(everybody, check=False, capture_output=True)
        for process in left:
            # one that took another id for some of its four can be out of that user's reach, and isn't out of ours
            send(process, signal.SIGKILL)
        time.sleep(0.01)
    return list(ended.values()), left


def count_memory_kills() -> int:
    """Count the processes that the kernel ended for want of memory, here and in our control group; 0 when unknown."""
    files = [Path("/proc/vmstat")]
    with suppress(OSError):
        groups = Path("/proc/self/cgroup").read_text().splitlines()
        files += [Path(f"/sys/fs/cgroup{line[3:]}/memory.events") for line in groups if line.startswith("0::")]
    total = 0
    for file in files:
        with suppress(OSError):
            total += sum(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith("oom_kill "))
    return total


def _send_by_handle(process: Process, number: signal.Signals) -> None:
    if sys.platform == "linux":
        handle = os.pidfd_open(process.pid)
        try:
            # looked at after the handle was opened: from here on the handle can't mean another process
            current = read(process.pid)
            if current and current.started == process.started:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  (Path costs more)


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  (Path costs more than the read)
            return file.read().split(b"\0")
    except OSError:
        return []


def _descends(process: Process, root: int, known: dict[int, Process | None]) -> bool:
    """True when `root` is an ancestor; looks again when a parent on the way has just gone and its children moved up."""
    for _ in range(3):
        for ancestor in _ancestors(process, known):
            if ancestor == root:
                return True
            if ancestor <= 1:
                return False
        again = read(process.pid)
        if again is None:
            return False
        process = again
    return False


def _ancestors(process: Process, known: dict[int, Process | None]) -> Iterator[int]:
    """Pids on the way up, for as long as each is still there."""
    current: Process | None = process
    seen: set[int] = set()
    while current and current.pid not in seen:
        seen.add(current.pid)
        yield current.parent
        if current.parent not in known:
            known[current.parent] = read(current.parent)
        current = known[current.parent]


def _leads_to(process: Process, root: int, table: dict[int, Process]) -> bool:
    return root in _ancestors(process, {**table})


def _ps(*options: str) -> Iterator[Process]:
    """The process table in the words of POSIX ps(1)."""
    listing = _listing("ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,comm=", *options)
    for line in listing.splitlines():
        pid, parent, group, state, name = line.split(None, 4)
        yield Process(int(pid), int(parent), int(group), state[0], 0, name.rpartition("/")[2])


def _ps_with_environment() -> Iterator[tuple[int, str]]:
    """Commands with their environments, as BSD's ps -E shows them of one's own processes."""
    for line in _listing("ps", "-A", "-E", "-ww", "-o", "pid=,command=").splitlines():
        pid, _, text = line.strip().partition(" ")
        if int(pid) != os.getpid():
            yield int(pid), text


def _listing(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
