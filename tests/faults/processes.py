"""Processes that start with the service imported, and whose ends are told truly however many threads start some."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from typing import Any

from tests.engine import eventually

CONTEXT = multiprocessing.get_context("forkserver")
#: imported once, by the process that all others are forks of
PRELOADED = ["__main__", "tests.faults.processes", "tests.faults.failing_service", "tests.faults.publisher"]
#: multiprocessing looks after all its children whenever it starts one; of two threads that read how the same child
#: ended, one is told the truth and the other 255
_LOOKING = threading.Lock()


class Process:
    """A fork of a process that did nothing else, as multiprocessing's, for any number of threads."""

    def __init__(self, target: Callable[..., object], *arguments: Any, **options: Any) -> None:
        CONTEXT.set_forkserver_preload(PRELOADED)
        self._process = CONTEXT.Process(target=_run, args=(target, *arguments), kwargs=options)
        with _LOOKING:
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def ended(self) -> int:
        """How it ended, when it has: its exit code, or the signal that ended it as a number below 0."""
        return eventually(self._ending, what=f"the end of process {self.pid}")[0]

    def _ending(self) -> tuple[int] | None:
        with _LOOKING:
            code = self._process.exitcode
        return None if code is None else (code,)


def _run(target: Callable[..., object], *arguments: Any, **options: Any) -> None:
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    target(*arguments, **options)


def _end_with_the_tests() -> None:
    tests = multiprocessing.parent_process()
    if tests is not None:
        tests.join()
        os._exit(1)
