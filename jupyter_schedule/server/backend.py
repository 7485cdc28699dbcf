"""The API, opened when somebody first asks and asked in threads, so that the event loop never waits for a disk.

What it is made of takes most of a second to import: that happens in a thread too, and not at the server's start.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from jupyter_schedule.api.context import ApiContext

#: requests that are carried out at the same time; further ones wait
THREADS = 8
#: and of those that may take seconds, which keep no other waiting
SLOW_THREADS = 2
P = ParamSpec("P")
T = TypeVar("T")


class ChangeWatch(Protocol):
    """A watch over an open ledger."""

    def stop(self) -> None:
        """No longer watch it."""


class Backend:
    """One server's way to the API."""

    def __init__(
        self,
        open_context: "Callable[[], ApiContext]",
        watch: "Callable[[ApiContext, asyncio.AbstractEventLoop], ChangeWatch]",
    ) -> None:
        """`watch` starts to watch the ledger for changes, once it is open."""
        self._open_context = open_context
        self._start_watch = watch
        self._context: ApiContext | None = None
        self._watch: ChangeWatch | None = None
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="jupyter-schedule")
        self._slow = ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="jupyter-schedule-slow")
        # made when one is first needed, so they cost nothing without a relay
        self._relayed = ThreadPoolExecutor(THREADS, thread_name_prefix="jupyter-schedule-relay")

    async def ask(self, question: "Callable[[ApiContext], T]", *, slow: bool = False) -> T:
        """The answer to `question`, asked in a thread; raises what it raises, and Refused without a ledger.

        slow: it may take seconds, and waits for others of its kind only.
        """
        loop = asyncio.get_running_loop()
        threads = self._slow if slow else self._threads
        return await loop.run_in_executor(threads, lambda: question(self._opened(loop)))

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function`, called in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))

    async def do_slowly(self, function: Callable[[], T]) -> T:
        """The result of `function`, called in a thread of those that wait for another server."""
        return await asyncio.get_running_loop().run_in_executor(self._relayed, function)

    def close(self) -> None:
        """Let requests that are under way finish, and close the ledger."""
        self._slow.shutdown(cancel_futures=True)
        self._relayed.shutdown(cancel_futures=True)
        self._threads.shutdown(cancel_futures=True)
        if self._watch is not None:
            self._watch.stop()
        if self._context is not None:
            self._context.close()

    def _opened(self, loop: asyncio.AbstractEventLoop) -> "ApiContext":
        with self._opening:
            if self._context is None:
                self._context = self._open_context()
                self._watch = self._start_watch(self._context, loop)
            return self._context
