"""Run one command and leave nothing of it behind, whatever it started.

Where the machine lets us, the command gets a process namespace, which the kernel ends as a whole.  On any Linux this
process also becomes a subreaper: whoever calls setsid, forks twice or loses its parent stays below it, so that
everything can be frozen, killed and reaped in a loop until nothing is left.  Elsewhere (macOS) it is a best effort:
what is still below us, and what still shows the run's marker in its environment.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from scheduler_service.worker import namespaces, processes
from scheduler_service.worker.limits import LimitWatcher
from scheduler_service.worker.namespaces import NamespacedCommand
from scheduler_service.worker.processes import Process

_PR_SET_CHILD_SUBREAPER = 36
#: seconds that a helper which outlives the command by a moment, such as `exec > >(tee log)`, has to finish
SETTLE = 0.2
#: seconds after which a process that no signal ends (uninterruptible, another user's) is left to the machine
PATIENCE = 10.0
#: makes the kernel take the analysis first, never the agent or a server beside it, when memory runs out
_OOM_SCORE = "500"


class Cause(StrEnum):
    """The cause for which the command isn't running any more."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    #: it used more memory, or wrote more, than a run may
    MEMORY = "memory"
    OUTPUT = "output"


class CommandEnd(NamedTuple):
    """The end of a command, and the processes that it left."""

    cause: Cause
    #: None when a signal ended it
    exit_code: int | None
    signal: int | None
    #: how long it ran
    seconds: float
    #: what had to be ended after it
    left: tuple[Process, ...]
    #: what couldn't be ended
    survivors: tuple[Process, ...]
    #: whether the kernel says that it ended one of these processes for want of memory
    out_of_memory: bool = False


class Signals:
    """Signals as something to wait for.  TERM and INT ask to stop, HUP means nothing: the agent outlives its terminal.

    Handlers, not SIG_IGN, since the command would inherit what is ignored.
    """

    def __init__(self) -> None:
        self.stop = False
        self._woken, waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)

    def wait(self, seconds: float, *descriptors: int) -> None:
        """Return at the next signal, or one that came since the last wait, or after so many seconds.

        Also as soon as one of the descriptors has something to read.
        """
        select.select([self._woken, *descriptors], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def _ask_to_stop(self, *_: object) -> None:
        self.stop = True


def supervise(
    command: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    output: int,
    timeout: float,
    grace: Callable[[], float],
    marker: str,
    signals: Signals,
    prepare: Callable[[], None],
    watch: LimitWatcher,
) -> CommandEnd:
    """Run `command` in a session of its own until it ends, the time-out (seconds) passes or we are asked to stop.

    output: the descriptor for its stdout and stderr; closed here.  grace: seconds between TERM to its process group and
    KILL to everything, asked when it comes to that.  prepare: called in the command's process, just before it is that.
    environment must hold `marker` under `processes.MARKER`.  Raises OSError when it can't start.
    To be called once per process, which must have no threads.
    """

    def before() -> None:
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
        prepare()

    def spawn() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, preexec_fn=before,  # noqa: PLW1509  (no threads here)
        )  # fmt: skip

    adopt_orphans()
    began = time.monotonic()
    try:
        running = NamespacedCommand(spawn) if namespaces.are_available() else PlainCommand(spawn)
    finally:
        os.close(output)
    try:
        cause = _await_end(running, began + timeout, signals, watch)
        seconds = time.monotonic() - began
        if cause is Cause.EXITED:
            _settle(running, signals)
        else:
            _ask_to_end(running, grace(), signals)
    finally:
        left, survivors = end_everything(running.pid, marker)
    code = running.exit_code()
    gone_by_signal = code is not None and code < 0
    return CommandEnd(
        cause=cause,
        exit_code=None if gone_by_signal else code,
        signal=-code if code is not None and gone_by_signal else None,
        seconds=seconds,
        left=tuple(process for process in left if process.pid != running.first),
        survivors=survivors,
    )


class PlainCommand:
    """A command as a child of ours; `first` would be a process of ours beside it."""

    first: int | None = None
    #: descriptors that can be read when the command has ended: a signal tells
    tells: tuple[int, ...] = ()

    def __init__(self, spawn: Callable[[], "subprocess.Popen[bytes]"]) -> None:
        self._process = spawn()
        self.pid = self._process.pid

    def ended(self) -> bool:
        """True when the command has ended; orphans that ended in the meantime are reaped."""
        return _has_ended(self._process)

    def ask_to_end(self) -> None:
        """TERM to the command's group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGTERM)

    def is_ending(self) -> bool:
        """True when something of the command's group is still there."""
        return any(process.alive and process.group == self.pid for process in _below(self.pid))

    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None when it can't be ended."""
        return _exit_code(self._process)


def end_everything(leader: int, marker: str) -> tuple[tuple[Process, ...], tuple[Process, ...]]:
    """Freeze, kill and reap until nothing below this process is left; the second tuple is what couldn't be ended.

    leader: pid of the command, which stays a zombie so that its pid means nothing else until its status is read.
    """
    ended: dict[tuple[int, int], Process] = {}
    denied: dict[tuple[int, int], Process] = {}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        frozen = _freeze(leader, marker, denied, deadline)
        if frozen is None:
            return tuple(ended.values()), tuple(denied.values())
        for process in frozen.values():
            processes.send(process, signal.SIGKILL)
        ended |= frozen
        time.sleep(0.001)
    return tuple(ended.values()), tuple(process for process in _below(leader) if process.alive)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  (a third of the agent's start-up, needed only once a run was won)

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _await_end(
    running: NamespacedCommand | PlainCommand, deadline: float, signals: Signals, watch: LimitWatcher
) -> Cause:
    while not running.ended():
        if signals.stop:
            return Cause.STOPPED
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return Cause.TIMED_OUT
        if too_much := watch.exceeded(_below(running.pid)):
            return Cause(too_much)
        signals.wait(min(remaining, watch.pause), *running.tells)
    return Cause.EXITED


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True when the command has ended, looked at without reaping it; orphans that ended in the meantime are reaped."""
    if sys.platform == "linux":
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == process.pid:
                return True
            os.waitpid(ended.si_pid, 0)
        return False
    else:  # noqa: RET505  (mypy knows the branches of a platform, not what follows a return)
        return process.poll() is not None


def _settle(running: NamespacedCommand | PlainCommand, signals: Signals) -> None:
    end = time.monotonic() + SETTLE
    while time.monotonic() < end and any(
        process.alive and process.pid != running.first for process in _below(running.pid)
    ):
        signals.wait(0.01)


def _ask_to_end(running: NamespacedCommand | PlainCommand, grace: float, signals: Signals) -> None:
    """TERM to the command's group, then as long as `grace` for it to save what it has."""
    running.ask_to_end()
    end = time.monotonic() + grace
    while time.monotonic() < end and running.is_ending():
        signals.wait(0.02)


def _freeze(
    leader: int, marker: str, denied: dict[tuple[int, int], Process], deadline: float
) -> dict[tuple[int, int], Process] | None:
    """Stop everything below us, so that nothing forks while it is being killed; None when there is nothing.

    Zombies count as something: whoever forks and exits leaves one, so a look that finds none has missed nobody.
    """
    frozen: dict[tuple[int, int], Process] = {}
    seen_any = False
    fresh = True
    while fresh and time.monotonic() < deadline:
        fresh = False
        for process in _suspects(leader, marker, look_further=not seen_any):
            key = (process.pid, process.started)
            if key in denied:
                continue
            seen_any = True
            if process.alive and key not in frozen:
                fresh = True
                allowed = processes.send(process, signal.SIGSTOP)
                (frozen if allowed else denied)[key] = process
    return frozen if seen_any else None


def _suspects(leader: int, marker: str, *, look_further: bool) -> Iterator[Process]:
    """Yield every process below us; when there is none, also those that carry the marker."""
    nothing = True
    for process in _below(leader):
        nothing = False
        yield process
    if nothing and look_further:
        yield from filter(None, map(processes.read, processes.find_marked(marker)))


def _below(leader: int) -> Iterator[Process]:
    """Descendants, without the command itself once it has ended; those that ended are reaped on the way."""
    for process in processes.walk_descendants(os.getpid()):
        if not process.alive and process.pid == leader:
            continue
        if not process.alive and process.parent == os.getpid():
            with suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        yield process


def _exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit code, negative for a signal; None when it can't be ended."""
    try:
        return process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return None
