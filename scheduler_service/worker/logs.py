"""The log of a run: one pipe, always drained, kept in a file of bounded size, sent on in small chunks as it grows.

Bytes are kept as they come: a chunk may end within a character, and a program may print anything.
"""

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: bytes kept of a log's beginning and of its end
HEAD = TAIL = 25_000_000
#: bytes of a live chunk at most
CHUNK = 64 * 1024
#: seconds between two live chunks that aren't full
INTERVAL = 0.5
#: reads after the last process is gone: more than the largest pipe holds, so that nobody's endless output keeps us
_LAST_READS = 32


class RunLog:
    """Takes what the command prints and what we say about it."""

    def __init__(self, folder: Path, ship: Callable[[int, bytes], None], *, head: int = HEAD, tail: int = TAIL) -> None:
        """`ship` stores live chunk n; it is called in a thread and may raise: the chunk is then tried again."""
        self._file = CappedFile(folder / "log", head=head, tail=tail)
        self._live = LiveChunks(ship, limit=head)
        self._lock = threading.Lock()
        self._at_line_start = True
        self._stop: int | None = None
        self._reader: threading.Thread | None = None

    @property
    def complaint(self) -> str | None:
        """The reason for which the file is incomplete, None when it isn't."""
        return self._file.complaint

    def attach(self) -> int:
        """The write end of a pipe whose content becomes the log.  Whoever gets it closes it."""
        pipe, output = os.pipe()
        stopped, self._stop = os.pipe()
        self._reader = threading.Thread(target=self._drain, args=(pipe, stopped), name="log", daemon=True)
        self._reader.start()
        return output

    def detach(self) -> None:
        """Take what is in the pipe and stop, also when an escaped process holds it open."""
        if self._stop is not None and self._reader is not None:
            os.close(self._stop)
            self._reader.join()
            self._stop = self._reader = None

    def say(self, sentence: str) -> None:
        """A line of our own."""
        with self._lock:
            start = b"" if self._at_line_start else b"\n"
        self._take(start + f"jupyter-schedule: {sentence}\n".encode(errors="replace"))

    def end(self, size: int = 16_000) -> str:
        """The last bytes of the log, as text."""
        with self._lock:
            return self._file.last(size).decode(errors="replace")

    def finish(self) -> Path:
        """The whole log as a file: its beginning, a line about what was cut, its end.  Sends the last live chunk."""
        self.detach()
        self._live.close()
        return self._file.finish()

    def _drain(self, pipe: int, stopped: int) -> None:
        last_reads = _LAST_READS
        while last_reads:
            ready, _, _ = select.select([pipe, stopped], [], [])
            data = os.read(pipe, CHUNK) if pipe in ready else b""
            if not data:
                break
            last_reads -= stopped in ready
            self._take(data)
        os.close(pipe)
        os.close(stopped)

    def _take(self, data: bytes) -> None:
        with self._lock:
            self._at_line_start = data.endswith(b"\n")
            self._file.write(data)
        self._live.add(data)


class CappedFile:
    """A file that keeps its first `head` and its last `tail` bytes, the latter in a ring beside it until the end.

    A disk that fills up ends the file, not the run: `complaint` says so.
    """

    def __init__(self, path: Path, *, head: int, tail: int) -> None:
        self.complaint: str | None = None
        self._path = path
        self._head, self._tail = head, tail
        self._file = path.open("w+b", buffering=0)
        self._ring = path.with_name(path.name + ".end").open("w+b", buffering=0)
        #: bytes in the file, and bytes that ever went to the ring
        self._kept = self._turned = 0

    def write(self, data: bytes) -> None:
        first, rest = data[: self._head - self._kept], data[self._head - self._kept :]
        try:
            self._kept += self._file.write(first)
            if rest:
                self._write_to_ring(memoryview(rest))
        except OSError as problem:
            self.complaint = f"The log is incomplete: {problem.strerror}."

    def last(self, size: int) -> bytes:
        """The last `size` bytes written."""
        end = self._ring_content()[-size:]
        missing = min(size - len(end), self._kept)
        return os.pread(self._file.fileno(), missing, self._kept - missing) + end

    def finish(self) -> Path:
        """Join beginning and end; nothing can be written any more."""
        cut = max(0, self._turned - self._tail)
        try:
            if cut:
                self._file.write(f"\njupyter-schedule: {cut:,} bytes were cut here.\n".encode())
            self._file.write(self._ring_content())
        except OSError as problem:
            self.complaint = f"The log is incomplete: {problem.strerror}."
        for file in (self._file, self._ring):
            with suppress(OSError):
                file.close()
        return self._path

    def _write_to_ring(self, data: memoryview) -> None:
        while data:
            at = self._turned % self._tail
            self._ring.seek(at)
            written = self._ring.write(data[: self._tail - at])
            self._turned += written
            data = data[written:]

    def _ring_content(self) -> bytes:
        whole = os.pread(self._ring.fileno(), self._tail, 0)
        at = self._turned % self._tail
        return whole if self._turned <= self._tail else whole[at:] + whole[:at]


class LiveChunks:
    """Sends the beginning of a log on in numbered chunks: the first bytes at once, then every INTERVAL or CHUNK bytes.

    At most `limit` bytes are sent; the whole log follows at the end of the run.
    """

    def __init__(self, ship: Callable[[int, bytes], None], *, limit: int) -> None:
        self._ship = ship
        self._room = limit
        self._pending = bytearray()
        self._closed = False
        self._changed = threading.Condition()
        self._sender = threading.Thread(target=self._send, name="live log", daemon=True)
        self._sender.start()

    def add(self, data: bytes) -> None:
        with self._changed:
            taken = data[: self._room]
            self._room -= len(taken)
            self._pending += taken
            self._changed.notify()

    def close(self, patience: float = 10.0) -> None:
        """Send what is left, for at most `patience` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._sender.join(patience)

    def _send(self) -> None:
        number = 0
        while chunk := self._next():
            # the same bytes again: a put that seemed to fail may have been seen
            while not self._try(number, chunk):
                if self._pause(until_full=False):
                    return
            number += 1
            self._pause(until_full=True)

    def _next(self) -> bytes:
        """The next chunk, empty when no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closed)
            chunk = bytes(self._pending[:CHUNK])
            del self._pending[: len(chunk)]
            return chunk

    def _try(self, number: int, chunk: bytes) -> bool:
        with suppress(Exception):  # whatever ails the object store, the run goes on
            self._ship(number, chunk)
            return True
        return False

    def _pause(self, *, until_full: bool) -> bool:
        """Wait INTERVAL, less when there is a full chunk; True when nothing more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (until_full and len(self._pending) >= CHUNK), INTERVAL)
            return self._closed
