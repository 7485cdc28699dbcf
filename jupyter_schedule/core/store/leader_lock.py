"""Who ticks: a lock on a file, held by one service at a time and freed by the kernel when its process dies.

And what keeps a service that ticks from starting runs, in one word, which it says where doors look: in that file, or in
the database that many share.
"""

import fcntl
import os
from enum import StrEnum
from pathlib import Path
from typing import IO

from jupyter_schedule.core.store.base import Store

#: bytes in the file that hold the word
_WORD = 32


class Blocker(StrEnum):
    """What keeps a service from starting anything; it looks again by itself."""

    CLOCK = "clock_doubted"
    DISK = "disk_full"
    BUSY = "store_busy"
    AWAY = "store_away"
    UNUSABLE = "store_unusable"

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, for a person."""
        return f"The scheduler service starts nothing now: {_SENTENCES[self]}"


_SENTENCES = {
    Blocker.CLOCK: "its machine's clock is far ahead of every other. Set it right, and it goes on by itself.",
    Blocker.DISK: "its disk is full. Free some space, and it goes on by itself.",
    Blocker.BUSY: "another program keeps the ledger locked. End that one, and it goes on by itself.",
    Blocker.AWAY: "its database can't be reached. When that is back, it goes on by itself.",
    Blocker.UNUSABLE: "it can't use the ledger. See its log.",
}


class LeaderLock:
    """The right to tick for the store beside which the file lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the right if nobody has it; whether it is ours now."""
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # not for appending, since what is said stands at the beginning
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def say(self, hindrance: Blocker | None) -> None:
        """Tell whoever looks what keeps the holder, who has the right, from starting anything.

        In the bytes that were there before: a disk that has filled up since has room for them.  Raises OSError.
        """
        assert self._file is not None
        os.pwrite(self._file.fileno(), (hindrance or "").encode().ljust(_WORD), 0)

    def release(self) -> None:
        """Let another service take over."""
        if self._file is not None:
            self._file.close()
            self._file = None


def has_leader(path: Path, store: Store | None = None) -> bool:
    """Whether some service ticks: as a store that many share knows it, else as the lock tells.

    Looking takes the lock for an instant only if nobody has it.
    """
    known = store.is_ticked() if store is not None else None
    if known is not None:
        return known
    if not path.exists():
        return False
    lock = LeaderLock(path)
    free = lock.acquire()
    lock.release()
    return not free


def find_blocker(path: Path, store: Store | None = None) -> Blocker | None:
    """What keeps a service that ticks from starting anything, as it says itself; None when nothing does, or none ticks.

    Of several services, the first that something keeps.
    """
    if not has_leader(path, store):
        return None
    said = store.hindrances() if store is not None else None
    words = [path.read_bytes()[:_WORD].decode("ascii", "replace").strip()] if said is None else said
    return next((Blocker(word) for word in words if word in set(Blocker)), None)
