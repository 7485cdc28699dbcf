"""Who ticks: a lock on a file, held by one service at a time and freed by the kernel when its process dies."""

import fcntl
from pathlib import Path
from typing import IO

from jupyter_schedule.core.store.base import Store


class TickerLock:
    """The right to tick for the store beside which the file lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the right if nobody has it; whether it is ours now."""
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let another service take over."""
        if self._file is not None:
            self._file.close()
            self._file = None


def is_ticking(path: Path, store: Store | None = None) -> bool:
    """Whether some service ticks: as a store that many share knows it, else as the lock tells.

    Looking takes the lock for an instant only if nobody has it.
    """
    known = store.is_ticked() if store is not None else None
    if known is not None:
        return known
    lock = TickerLock(path)
    free = lock.acquire()
    lock.release()
    return not free
