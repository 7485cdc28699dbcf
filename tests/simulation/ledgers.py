"""What a simulated world keeps its ledger in: dictionaries, or the product's own store in a SQLite file."""

import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.sql import SqlStore
from tests.factories import NOON
from tests.simulation.memory_store import MemoryStore

#: opens a store that goes by the given clock; its folder is gone with the store
Opens = Callable[[Callable[[], datetime]], Store]
#: a file system in memory, where there is one: nothing here outlives its world
_QUICK = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)


def in_memory(now: Callable[[], datetime]) -> Store:
    """The contract's rules and nothing else: fast enough for thousands of days."""
    return MemoryStore(now)


def in_sqlite(now: Callable[[], datetime]) -> Store:
    """The product's store, in today's shape."""
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=_QUICK))
    try:
        (folder / "ledger.db").write_bytes(_empty())
        store = open_store(f"sqlite:///{folder}/ledger.db", now)
    except BaseException:
        shutil.rmtree(folder)
        raise
    weakref.finalize(store, shutil.rmtree, folder)
    return store


def without_unique(now: Callable[[], datetime]) -> Store:
    """The same, whose table of runs holds a key, and an id, as often as it is written."""
    store = in_sqlite(now)
    connection = store.database.engine.raw_connection()  # type: ignore[attr-defined]
    cursor = connection.cursor()
    ((made,),) = cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'runs'").fetchall()
    loose = re.sub(r"CONSTRAINT runs_once UNIQUE \([^)]*\),?|PRIMARY KEY \(id\),?|,\s*(?=\))", "", made)
    cursor.executescript(f"PRAGMA foreign_keys = OFF; DROP TABLE runs; {loose};")
    connection.close()
    return store


@contextmanager
def full_disk(store: SqlStore) -> Iterator[None]:
    """SQLite gets no further page: what doesn't fit into those that there are fails in mid-transaction."""

    def limit(pages: int) -> None:
        connection = store.database.engine.raw_connection()
        connection.cursor().execute(f"PRAGMA max_page_count = {pages}")
        connection.close()

    # as many as there are, when there are more
    limit(1)
    try:
        yield
    finally:
        limit(2**30)


@cache
def _empty() -> bytes:
    """A ledger without rows: its migrations take longer than a simulated day."""
    with tempfile.TemporaryDirectory(prefix="world-", dir=_QUICK) as folder:
        file = Path(folder) / "ledger.db"
        open_store(f"sqlite:///{file}", lambda: NOON).close()
        return file.read_bytes()
