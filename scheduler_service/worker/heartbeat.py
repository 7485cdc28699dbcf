"""Show others a run while it lasts: a heartbeat, and the executed notebook so far."""

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from jupyter_schedule.core.object_keys import HEARTBEAT, LIVE_NOTEBOOK
from scheduler_service.worker import notebook
from scheduler_service.worker.notebook import NotebookProgress

#: seconds between two looks whether the notebook has changed
_LOOK = 1.0
#: seconds between two copies of it at least, and how many times the cost of a copy
_PAUSE = 5.0
_SHARE = 20

Put = Callable[[str, bytes], None]


class PeriodicTask:
    """Calls `action` in a thread until stopped; it answers with the seconds to wait before the next time.

    An action that raises is called again after `after_error` seconds: what it does is never worth ending a run.
    """

    def __init__(self, name: str, action: Callable[[], float], after_error: float = 5.0) -> None:
        self._action = action
        self._after_error = after_error
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)
        self._thread.start()

    def stop(self, patience: float = 10.0) -> None:
        """No call begins after this; one under way is waited for, `patience` seconds at most."""
        self._stopped.set()
        self._thread.join(patience)

    def _repeat(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            pause = self._after_error
            with suppress(Exception):
                pause = self._action()


class LiveNotebook:
    """Stores `live/notebook` when the executed notebook has changed, at most a twentieth of the time.

    As an action of `Repeating`.  A notebook that papermill is just writing is looked at again a second later.
    """

    def __init__(self, path: Path, put: Put) -> None:
        self.progress: NotebookProgress | None = None
        self._path = path
        self._put = put
        self._seen: tuple[int, int] | None = None

    def __call__(self) -> float:
        began = time.monotonic()
        try:
            status = self._path.lstat()
        except FileNotFoundError:
            return _LOOK
        version = (status.st_mtime_ns, status.st_size)
        content = notebook.read_notebook(self._path) if version != self._seen else None
        if content is None:
            return _LOOK
        self.progress = notebook.measure_progress(content)
        self._put(LIVE_NOTEBOOK, notebook.copy_for_live(content))
        self._seen = version
        return max(_PAUSE, _SHARE * (time.monotonic() - began))


def send_heartbeat(put: Put, progress: NotebookProgress | None) -> None:
    """Store `heartbeat`: `at` in UTC, our pid, and `cells` as [done, total] when known."""
    content: dict[str, object] = {"at": now_text(), "pid": os.getpid()}
    if progress:
        content["cells"] = [progress.done, progress.total]
    put(HEARTBEAT, json.dumps(content).encode())


def now_text() -> str:
    """Now, as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
