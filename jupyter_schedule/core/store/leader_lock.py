"""The leader: a lock on a file, held by one service at a time and freed by the kernel when its process dies.

The lock says who lives, not who works: a process that is stopped keeps it, and counts no more after a while.  What
blocks the holder from starting runs is reported in that file too, since a ledger that can't be written takes no word.
"""

import fcntl
import os
import time
from enum import StrEnum
from pathlib import Path
from typing import IO

#: bytes in the file that hold the word
_WORD = 32
#: a look holds the file for less than a moment: tries at it, and seconds between two of them
_TRIES, _MOMENT = 20, 0.01


class Blocker(StrEnum):
    """A reason for which a service starts nothing; it looks again by itself."""

    CLOCK = "clock_doubted"
    COPY = "ledger_copied"
    FOREIGN = "area_of_another"
    UNSEEN = "area_unseen"
    DISK = "disk_full"
    BUSY = "store_busy"
    AWAY = "store_away"
    UNUSABLE = "store_unusable"

    @property
    def sentence(self) -> str:
        """The same for a person, with what to do."""
        return f"The scheduler service starts nothing now: {_SENTENCES[self]}"

    @property
    def explanation(self) -> str:
        """The reason alone, as a sentence."""
        reason = _SENTENCES[self]
        return reason[:1].upper() + reason[1:]


_SENTENCES = {
    Blocker.CLOCK: "its machine's clock is far from every other. Set it right, and it goes on by itself.",
    Blocker.COPY: "the work area belongs to another copy of this ledger. If this one is to go on instead, end the "
    "other's services and run `python -m scheduler_service claim`; else give it a work area of its own.",
    Blocker.FOREIGN: "the work area belongs to another deployment. Give this one a prefix of its own in storage.work.",
    Blocker.UNSEEN: "its work area hasn't said yet whose it is. When that answers, it goes on by itself.",
    Blocker.DISK: "its disk is full. Free some space, and it goes on by itself.",
    Blocker.BUSY: "another program keeps the ledger locked. End that one, and it goes on by itself.",
    Blocker.AWAY: "its database can't be reached. When that is back, it goes on by itself.",
    Blocker.UNUSABLE: "it can't use the ledger. See its log.",
}


class LeaderLock:
    """The right to tick for the store beside which the file lies.

    It is two locks: the right itself is on a file that nobody else touches; the one that others look at is taken by who
    has the right.  So a look never keeps a service from the right.  Who holds that file for longer keeps the service
    from ticking, but neither hangs it nor the next one: the right is given back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._right: IO[bytes] | None = None
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the right if nobody has it; True when it is ours now.  It waits for nobody but who looks just now."""
        if self._right is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        right = _open(self._path.with_name(f"{self._path.name}.right"))
        if not _lock(right):
            right.close()
            return False
        file = _open(self._path)
        if not _lock(file, tries=_TRIES):
            for opened in (file, right):
                opened.close()
            return False
        self._right, self._file = right, file
        return True

    @property
    def is_ours(self) -> bool:
        """True from `acquire` to `release`."""
        return self._right is not None

    def report(self, blocker: Blocker | None) -> None:
        """Tell whoever looks what keeps the holder, who has the right, from starting anything.

        In the bytes that were there before: a disk that has filled up since has room for them.  Raises OSError.
        """
        assert self._file is not None
        os.pwrite(self._file.fileno(), (blocker or "").encode().ljust(_WORD), 0)

    def release(self) -> None:
        """Let another service take over."""
        for file in (self._file, self._right):
            if file is not None:
                file.close()
        self._file = self._right = None


def is_held(path: Path) -> bool:
    """Somebody has the right to tick for the store beside which the file lies, alive or stopped."""
    try:
        with path.open("rb") as file:
            # shared, so that of any number of those who look none takes another for a leader
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_blocker(path: Path) -> Blocker | None:
    """The blocker that is reported in the file, None when there is none."""
    try:
        word = path.read_bytes()[:_WORD].decode("ascii", "replace").strip()
    except OSError:
        return None
    return Blocker(word) if word in set(Blocker) else None


def _lock(file: IO[bytes], *, tries: int = 1) -> bool:
    """Lock the file for us alone; False when somebody else held it at every try."""
    for left in reversed(range(tries)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_MOMENT)
        else:
            return True
    return False


def _open(path: Path) -> IO[bytes]:
    """The file, made when there is none; not for appending, since what is reported stands at the beginning."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
