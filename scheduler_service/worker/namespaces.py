"""A process namespace for one command: when its first process ends, the kernel ends everything else in it.

That holds for whatever calls setsid, forks as fast as it can or forgets its environment, and also when whoever made the
namespace is killed.  It needs no privilege where the machine lets a user have a user namespace.  Linux only.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_SLAVE = 2, 4, 8, 0x4000, 0x80000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

#: starts the command, in the first process of the namespace
Spawn = Callable[[], "subprocess.Popen[bytes]"]


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send us this signal when the thread that started us ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def forgo_new_rights() -> None:
    """Let no program that we start have more rights than we do, whatever its file says."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def are_available() -> bool:
    """True when a process like this one can have a namespace with its own /proc; tried, since so much can forbid it."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(Exception):
            _leave_ours()
            grandchild = os.fork()
            if grandchild == 0:
                with suppress(Exception):
                    _own_proc()
                    code = 0
                os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class NamespacedCommand:
    """A command in a namespace of its own.  Its first process, `pid` and `first`, adopts and reaps all others in it.

    Made once per process, which must have no threads: its children are in the namespace from then on.
    """

    def __init__(self, spawn: Spawn) -> None:
        """Raises what `spawn` raises."""
        _leave_ours()
        self._told, tell = os.pipe()
        self.pid = self.first = os.fork()
        if self.pid == 0:
            os.close(self._told)
            _first_process(spawn, tell)
        os.close(tell)
        #: descriptors that can be read when the command has ended
        self.tells = (self._told,)
        self._said = b""
        if (problem := self._line()) != {}:
            os.waitpid(self.pid, 0)
            raise OSError(problem["errno"], problem["text"]) if problem.get("errno") else ValueError(problem["text"])
        os.set_blocking(self._told, False)

    def ended(self) -> bool:
        """True when the command has ended, or its namespace has."""
        with suppress(BlockingIOError):
            while part := os.read(self._told, 4096):
                self._said += part
            return True
        return self._said.endswith(b"\n")

    def exit_code(self) -> int | None:
        """The command's exit code, negative for a signal; to be asked when nothing of the namespace is left."""
        os.close(self._told)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        code: int = json.loads(self._said)["code"] if self._said else -signal.SIGKILL
        return code

    def ask_to_end(self) -> None:
        """TERM to the command's group, whose end is then waited for as well as the command's."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def is_ending(self) -> bool:
        """True when something of the command's group is still there."""
        return not self.ended()

    def _line(self) -> dict[str, object]:
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(self._told, 1)
            if not part:
                raise OSError("the namespace ended at once")
            line += part
        found: dict[str, object] = json.loads(line)
        return found


def _first_process(spawn: Spawn, tell: int) -> NoReturn:
    """Start the command and reap whatever ends; over when nothing is left, or killed by whoever made the namespace."""
    try:
        end_with_parent(signal.SIGKILL)
        _own_proc()
        # the wake-up descriptor is the maker's too
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        command = spawn()
    except BaseException as problem:
        text = getattr(problem, "strerror", None) or str(problem)
        _say(tell, {"errno": getattr(problem, "errno", None), "text": text})
        os._exit(1)
    # a maker that was killed before we asked to end with it doesn't read any more
    _say(tell, {})
    asked = False

    def pass_on(*_: object) -> None:
        nonlocal asked
        asked = True
        _signal_group(command.pid)

    signal.signal(signal.SIGTERM, pass_on)
    code = None
    try:
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == command.pid:
                code = os.waitstatus_to_exitcode(status)
            if code is not None and not (asked and _group_lives(command.pid)):
                _say(tell, {"code": code})
                code = None
    except BaseException:
        os._exit(0)


def _leave_ours() -> None:
    """Our children are in a new process namespace; with a user namespace around it where we aren't root."""
    user, group = os.geteuid(), os.getegid()
    _check(_libc().unshare(_CLONE_NEWPID if user == 0 else _CLONE_NEWPID | _CLONE_NEWUSER))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _own_proc() -> None:
    """/proc shows this namespace; what is mounted outside later still appears here."""
    libc = _libc()
    _check(libc.unshare(_CLONE_NEWNS))
    _check(libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None))
    _check(libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None))


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _signal_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)


def _say(descriptor: int, content: dict[str, object]) -> None:
    os.write(descriptor, json.dumps(content).encode() + b"\n")


def _check(answer: int) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
