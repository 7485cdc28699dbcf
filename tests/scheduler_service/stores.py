"""Object stores for tests: one in memory, one that dies, and one whose callers take turns."""

import threading
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from jupyter_schedule.core.storage.factory import (
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    ObjectStorage,
    StoredObject,
    digest,
)
from tests.factories import NOON

WRITES = {"put", "put_once", "put_file", "put_if", "copy_from", "delete"}


class MemoryObjects(ObjectStorage):
    """Objects in a dictionary, all stored at one time."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.modified = NOON

    def put(self, key: str, data: bytes) -> None:
        self.content[key] = data

    def put_once(self, key: str, data: bytes) -> None:
        if key in self.content:
            raise ObjectExists(key)
        self.content[key] = data

    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        self.content[key] = source.read_bytes()
        if consume:
            source.unlink()

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        current = self.content.get(key)
        if (None if current is None else digest(current)) != expected:
            raise ObjectChanged(key)
        self.content[key] = data

    def open(self, key: str) -> IO[bytes]:
        return BytesIO(self.get(key))

    def get(self, key: str) -> bytes:
        try:
            return self.content[key]
        except KeyError:
            raise NoSuchObject(key) from None

    def fetch(self, key: str, destination: Path) -> None:
        destination.write_bytes(self.get(key))

    def size(self, key: str) -> int | None:
        return len(self.content[key]) if key in self.content else None

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        yield from [
            StoredObject(key, len(self.content[key]), self.modified)
            for key in sorted(self.content)
            if key.startswith(prefix)
        ]

    def copy_from(self, other: ObjectStorage, source: str, key: str, sha256: str | None = None) -> None:
        self.content[key] = _copied(other, source, sha256)

    def delete(self, key: str) -> None:
        self.content.pop(key, None)

    def url(self, key: str) -> str:
        return f"memory:///{quote(key)}"


def _copied(other: ObjectStorage, source: str, sha256: str | None) -> bytes:
    data = other.get(source)
    if sha256 is not None and digest(data) != sha256:
        raise ObjectChanged(source)
    return data


class Watched(ObjectStorage):
    """Another store, with `before` and `after` called around every call that touches it."""

    def __init__(self, inner: ObjectStorage) -> None:
        self.inner = inner

    def before(self, method: str, key: str) -> None:
        """Called with the method's name before it does anything."""

    def after(self, method: str, key: str) -> None:
        """Called when it has happened, and before the caller knows."""

    def _call(self, method: str, key: str, *rest: Any, **options: Any) -> Any:
        self.before(method, key)
        answer = getattr(self.inner, method)(key, *rest, **options)
        self.after(method, key)
        return answer

    def put(self, key: str, data: bytes) -> None:
        self._call("put", key, data)

    def put_once(self, key: str, data: bytes) -> None:
        self._call("put_once", key, data)

    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        self._call("put_file", key, source, consume=consume)

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        self._call("put_if", key, data, expected)

    def open(self, key: str) -> IO[bytes]:
        stream: IO[bytes] = self._call("open", key)
        return stream

    def get(self, key: str) -> bytes:
        content: bytes = self._call("get", key)
        return content

    def fetch(self, key: str, destination: Path) -> None:
        self._call("fetch", key, destination)

    def size(self, key: str) -> int | None:
        size: int | None = self._call("size", key)
        return size

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        found: Iterator[StoredObject] = self._call("list", prefix)
        return found

    def copy_from(self, other: ObjectStorage, source: str, key: str, sha256: str | None = None) -> None:
        """In two steps, as others may come between reading and writing."""
        data = _copied(other, source, sha256)
        self.before("copy_from", key)
        self.inner.put(key, data)
        self.after("copy_from", key)

    def delete(self, key: str) -> None:
        self._call("delete", key)

    def url(self, key: str) -> str:
        return self.inner.url(key)


class Died(BaseException):
    """The process is gone; nothing catches it."""


class Dying(Watched):
    """A store whose caller dies at the nth write (from 0), `before` or `after` it happened."""

    def __init__(self, inner: ObjectStorage, write: int, moment: str) -> None:
        super().__init__(inner)
        self._left = write
        self._moment = moment

    def before(self, method: str, key: str) -> None:
        if method in WRITES and self._moment == "before" and self._left == 0:
            raise Died

    def after(self, method: str, key: str) -> None:
        if method in WRITES:
            if self._moment == "after" and self._left == 0:
                raise Died
            self._left -= 1


class Writes(Watched):
    """A store that notes the keys written to it."""

    def __init__(self, inner: ObjectStorage) -> None:
        super().__init__(inner)
        self.keys: list[str] = []

    def after(self, method: str, key: str) -> None:
        if method in WRITES:
            self.keys.append(key)


class Player(Watched):
    """A caller in its own thread that waits for its turn before every step on the store."""

    def __init__(self, inner: ObjectStorage, play: Callable[[ObjectStorage], Any]) -> None:
        super().__init__(inner)
        self.over = False
        self.problem: Exception | None = None
        self._dies = False
        self._play = play
        self._turn = threading.Semaphore(0)
        self._waits = threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()
        self._waits.acquire()

    def step(self) -> None:
        """Let it do one step; back when it waits for the next or is over."""
        self._turn.release()
        self._waits.acquire()

    def die(self) -> None:
        """End it where it waits."""
        self._dies = True
        if not self.over:
            self.step()

    def before(self, method: str, key: str) -> None:
        self._waits.release()
        self._turn.acquire()
        if self._dies:
            raise Died

    def _run(self) -> None:
        try:
            self._play(self)
        except Died:
            pass
        except Exception as problem:
            self.problem = problem
        self.over = True
        self._waits.release()


def take_turns(
    store: ObjectStorage,
    plays: list[Callable[[ObjectStorage], Any]],
    moves: Iterable[tuple[int, bool]],
    observe: Callable[[], None],
) -> None:
    """Play all at once: each move is (who, whether that one dies and starts afresh); then on to the end, in turn."""
    players = [Player(store, play) for play in plays]

    def move(who: int, dies: bool) -> None:
        player = players[who]
        if dies:
            player.die()
            players[who] = Player(store, plays[who])
        elif not player.over:
            player.step()
        observe()

    for who, dies in moves:
        move(who % len(players), dies)
    while any(not player.over for player in players):
        for who in range(len(players)):
            move(who, False)
    for player in players:
        if player.problem is not None:
            raise player.problem
