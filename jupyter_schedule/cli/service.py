"""A scheduler service for as long as a command waits, where nobody else's is ticking."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.leader_lock import has_leader

#: `-P` keeps the folder that one is in from lending the service its modules
COMMAND = (sys.executable, "-P", "-m", "scheduler_service", "run", "--until-stdin-closes")
#: seconds that the service has to end when it is no longer needed
PATIENCE = 10


class ServiceWhileWaiting:
    """As a context: `ensure` starts a service when none ticks, leaving the block ends it; runs go on without it."""

    def __init__(self, lock: Path, say: Callable[[str], None], command: tuple[str, ...] = COMMAND) -> None:
        """`lock` is held by whoever ticks; `say` tells the person that a service was started."""
        self._lock = lock
        self._say = say
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._complaints = tempfile.TemporaryFile()
        return self

    def ensure(self) -> None:
        """Somebody ticks, or Refused `service_ended` says why the service that was started doesn't."""
        if self._child is not None and self._child.poll() is None:
            return
        if has_leader(self._lock):
            return
        if self._child is not None:
            raise Refused("service_ended", f"The scheduler service ended: {self._last_words()}")
        self._say("No scheduler service is running; one runs until this run is over.")
        # a session of its own: Ctrl-C is for the command, which then ends the service in order
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            start_new_session=True,
        )

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._end(self._child)
        self._complaints.close()

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing.")
