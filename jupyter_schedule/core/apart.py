"""Files that anybody may have written are read in a process apart: nobody waits for it, and it ends when it lasts.

A notebook, a module or an archive can take minutes and gigabytes to look at, and JSON is parsed without ever letting
another thread go.  So a server hands such a question to one of a few children: warm, of a lower priority, with a limit
of memory, and killed by the limit of time.  A question is a generator function of ours whose arguments and answers can
be pickled; each answer has the limit of its own, so that one can be quick and the next one take as long as files are
large.  Where nobody else waits, as in a terminal, the same question is carried out on the spot.
"""

import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, Protocol, TypeVar

from jupyter_schedule.core.errors import Refused

#: seconds that a look may take, and the writing of a bundle after it
LOOK = 20.0
WRITE = 600.0
#: seconds until one that was just started takes a question
START = 60.0
#: children at the same time; who asks further ones waits
MOST = 2
#: bytes of address space of a child
MEMORY = 4 << 30
#: bytes of an answer: reading it keeps others waiting again
LARGEST = 8 << 20
#: seconds after which a child that nobody asks ends
IDLE = 600.0
#: what nearly every question needs: it is there before the first one comes
_NEEDED = "jupyter_schedule.core.bundles.packaging"
P = ParamSpec("P")
T = TypeVar("T")


class Apart(Protocol):
    """The way in which questions about files are carried out."""

    def __call__(self, question: Callable[P, Iterator[T]], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        """The answers, one by one.  Raises what the question raises, and Refused at a limit."""


def on_the_spot(question: Callable[P, Iterator[T]], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
    """Carry it out in this thread."""
    return question(*args, **kwargs)


class Children:
    """A few processes that carry questions out; they are started when they are needed, and kept."""

    def __init__(self, limits: tuple[float, ...] = (LOOK, WRITE), memory: int = MEMORY) -> None:
        """limits: seconds that the first answer of a question may take, the second and so on; memory: bytes."""
        self._limits = limits
        self._memory = memory
        self._idle: list[_Child] = []
        self._changing = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST)

    def warm(self) -> None:
        """Have one ready soon; returns at once."""
        with self._changing:
            if not self._idle:
                self._idle.append(_Child(self._memory))

    def __call__(self, question: Callable[P, Iterator[T]], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        """The answers of a child."""
        with self._room:
            child = self._asked((question, args, kwargs))
            done = False
            try:
                for number in range(sys.maxsize):
                    limit = self._limits[min(number, len(self._limits) - 1)]
                    kind, answer = child.hear(limit)
                    done = kind != "answer"
                    if kind == "raised":
                        raise answer
                    if done:
                        return
                    yield answer
                    child.send(None)
            except GeneratorExit:
                with suppress(OSError, Refused):
                    child.send("enough")
                    done = child.hear(self._limits[0])[0] == "end"
                raise
            finally:
                self._put_back(child, whole=done)

    def close(self) -> None:
        """End those that nobody asks anything."""
        with self._changing:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _asked(self, question: object) -> "_Child":
        """A child that has got the question; one that ended meanwhile is passed over."""
        while True:
            with self._changing:
                child = self._idle.pop() if self._idle else None
            fresh = child is None
            child = child or _Child(self._memory)
            if child.take(question):
                return child
            child.end()
            if fresh:
                raise RuntimeError("a process that looks at files can't be started")

    def _put_back(self, child: "_Child", *, whole: bool) -> None:
        if not whole:
            child.end()
            return
        with self._changing:
            self._idle.append(child)


class _Child:
    """One process, with a session of its own, so that what it started ends with it."""

    def __init__(self, memory: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno()), str(memory)]
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())

    def send(self, message: object) -> None:
        self._connection.send(message)

    def take(self, question: object) -> bool:
        """True when it has got the question; False when it is gone, or doesn't start."""
        with suppress(EOFError, OSError):
            self.send(question)
            return self._connection.poll(START) and self._connection.recv() == "taken"
        return False

    def hear(self, limit: float) -> tuple[str, Any]:
        """The next message: `answer`, `raised` or `end`, with what it is about.  Raises Refused at the limit."""
        try:
            if not self._connection.poll(limit):
                message = f"Looking at it took more than {limit:.0f} s, so it was given up: make it smaller or simpler."
                raise Refused("takes_too_long", message, field="notebook")
            kind, answer = pickle.loads(self._connection.recv_bytes())  # noqa: S301  (of our own child)
        except (EOFError, OSError):
            message = "Looking at it needs more memory than there is for that: make it smaller or simpler."
            raise Refused("takes_too_much", message, field="notebook") from None
        return kind, answer

    def end(self) -> None:
        """End it with whatever it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._connection.close()


def main(handle: int, memory: int) -> None:
    """Answer the questions that come through the socket until it ends, or nobody asks any more."""
    os.nice(5)
    with suppress(OSError, ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with closing(Connection(handle)) as connection:
        import_module(_NEEDED)
        with suppress(EOFError, OSError):
            while connection.poll(IDLE):
                question, args, kwargs = connection.recv()
                connection.send("taken")
                _answer(connection, partial(question, *args, **kwargs))


def _answer(connection: Connection, question: Callable[[], Iterator[object]]) -> None:
    try:
        for answer in question():
            told = pickle.dumps(("answer", answer))
            if len(told) > LARGEST:
                raise MemoryError
            connection.send_bytes(told)
            del answer, told
            if connection.recv() is not None:
                break
    except MemoryError:
        message = "There is too much in it to be looked at: make it smaller or simpler."
        connection.send(("raised", Refused("takes_too_much", message, field="notebook")))
    except Exception as problem:
        connection.send_bytes(_pickled(problem))
    else:
        connection.send(("end", None))


def _pickled(problem: Exception) -> bytes:
    """The message of a failure; one that can't travel is told in words."""
    try:
        told = pickle.dumps(("raised", problem))
        pickle.loads(told)  # noqa: S301  (our own)
    except Exception:
        return pickle.dumps(("raised", RuntimeError(f"{type(problem).__name__}: {problem}")))
    return told


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
