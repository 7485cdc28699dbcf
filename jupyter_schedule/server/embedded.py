"""The embedded scheduler service: a child that ticks while the server runs, and is started again when it dies.

The child is the very program that an operator runs.  When its standard input ends, by `stop` or because the server is
gone however it went, it stops ticking; analyses that are running go on, and the next service takes them over.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

#: seconds after which a service that lasted so long counts as having worked
STEADY = 60.0
#: longest pause before it is started again, seconds; the pauses double from 1
LONGEST_PAUSE = 60.0
#: seconds that it has to end when it is asked to
PATIENCE = 10.0


def service_command(folder: Path | None = None) -> list[str]:
    """The program; `folder` is where the ledger is, None leaves it to the program.

    It ends with `EX_CONFIG` where many share the ledger: a service of one's own would run there what others recorded.
    `-P` keeps the folder that one is in from lending the service its modules.
    """
    command = [sys.executable, "-P", "-m", "scheduler_service", "run", "--embedded"]
    return command if folder is None else [*command, "--folder", str(folder)]


class Supervisor:
    """Keeps one child running from `start` to `stop`."""

    def __init__(
        self, command: Sequence[str], log: logging.Logger, pause_after: Callable[[int], float] | None = None
    ) -> None:
        """`pause_after` gives the seconds to wait after so many failures in a row."""
        self._command = list(command)
        self._log = log
        self._pause_after = pause_after or (lambda failures: min(2.0 ** min(failures - 1, 10), LONGEST_PAUSE))
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="scheduler-service", daemon=True)

    @property
    def pid(self) -> int | None:
        """The child's process id, None when there is none at the moment."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Start the child soon; returns at once."""
        self._thread.start()

    def stop(self, patience: float = PATIENCE) -> None:
        """Ask the child to end, and wait for that; after `patience` seconds end it."""
        with self._changing:
            self._stopping.set()
            child = self._child
        if child is not None:
            _end(child, patience)
        if self._thread.is_alive():
            self._thread.join()

    def _keep_running(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code, ending = self._run_once()
            # by EX_CONFIG it has said why it is never for this server
            if self._stopping.is_set() or code == os.EX_CONFIG:
                return
            failures = 1 if time.monotonic() - began > STEADY else failures + 1
            pause = self._pause_after(failures)
            sentence = "The scheduler service ended (%s); it is started again in %g s."
            self._log.warning(f"action=service_restart message={sentence}", ending, pause)
            self._stopping.wait(pause)

    def _run_once(self) -> tuple[int | None, str]:
        """Start the child and wait for its end; its exit code, if it was started, and how it ended in words."""
        with self._changing:
            if self._stopping.is_set():
                return None, "not started"
            try:
                # a session of its own: Ctrl-C is for the server, which then ends the service in order
                self._child = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
                )
            except OSError as problem:
                return None, str(problem.strerror)
        child = self._child
        code = child.wait()
        assert child.stdin is not None
        child.stdin.close()
        return code, f"exit code {code}"


def _end(child: "subprocess.Popen[bytes]", patience: float) -> None:
    assert child.stdin is not None
    child.stdin.close()
    for harder in (child.terminate, child.kill):
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            harder()
    child.wait()
