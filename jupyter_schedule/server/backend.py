"""The desk, opened when somebody first asks and asked in threads, so that the event loop never waits for a disk.

What the desk is made of takes most of a second to import: that happens in a thread too, and not at the server's start.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from jupyter_schedule.api.desk import Desk

#: requests that are carried out at the same time; further ones wait
THREADS = 8
P = ParamSpec("P")
T = TypeVar("T")


class ChangeWatch(Protocol):
    """What watches an open desk."""

    def stop(self) -> None:
        """No longer watch it."""


class Backend:
    """One server's way to its desk."""

    def __init__(
        self, open_desk: "Callable[[], Desk]", watch: "Callable[[Desk, asyncio.AbstractEventLoop], ChangeWatch]"
    ) -> None:
        """`watch` starts to watch the desk for changes, once it is open."""
        self._open_desk = open_desk
        self._start_watch = watch
        self._desk: Desk | None = None
        self._watch: ChangeWatch | None = None
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="jupyter-schedule")

    async def ask(self, question: "Callable[[Desk], T]") -> T:
        """What `question` answers about the desk, in a thread; raises what it raises, and Refused without a desk."""
        loop = asyncio.get_running_loop()
        return await self.do(lambda: question(self._opened(loop)))

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` gives, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Let requests that are under way finish, and close the desk."""
        self._threads.shutdown(cancel_futures=True)
        if self._watch is not None:
            self._watch.stop()
        if self._desk is not None:
            self._desk.close()

    def _opened(self, loop: asyncio.AbstractEventLoop) -> "Desk":
        with self._opening:
            if self._desk is None:
                self._desk = self._open_desk()
                self._watch = self._start_watch(self._desk, loop)
            return self._desk
