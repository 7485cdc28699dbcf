"""The store in a SQLite file: private, durable, and for the processes of one machine."""

import os
import platform
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from errno import EACCES, EISDIR
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    PoolProxiedConnection,
    Select,
    String,
    Text,
    case,
    cast,
    create_engine,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.database import Database, explain_errors
from jupyter_schedule.core.store.filesystem import OneHost, on_network
from jupyter_schedule.core.store.leases import SqlLeases
from jupyter_schedule.core.store.migrate import migrate
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.store.rows import dump_json, load_json
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import UtcText, comes_after, newest_first, runs, schedules

#: seconds that a writer waits for another's transaction
BUSY_TIMEOUT = 30
#: seconds between two looks at SQLite's change counter; a look takes about 2 µs
LOOK_EVERY = 0.05
#: on a network filesystem each look is a request
LOOK_FAR_EVERY = 1.0


class SqliteDatabase(Database):
    """A file, which a writer has to itself."""

    def take_event_lock(self, connection: Connection) -> None:
        """A writer has the whole file to itself from its beginning."""

    def take_admission_lock(self, connection: Connection) -> bool:
        """A writer has the whole file to itself."""
        del connection
        return True

    def lease_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        return literal(self.now() + timedelta(seconds=seconds), UtcText())

    def machine_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        return func.strftime("%Y-%m-%dT%H:%M:%SZ", "now", f"{seconds:+} seconds", type_=String())

    def insert_new(self, table: Any) -> Any:
        return insert(table)

    def newest_runs(
        self, schedule_ids: Sequence[str], per_schedule: int, after: RunCursor | None = None
    ) -> Select[Any]:
        others = runs.alias("others")
        newest = select(others.c.id).where(others.c.schedule_id == schedules.c.id)
        if after is not None:
            newest = newest.where(comes_after(others, after))
        newest = newest.order_by(*newest_first(others)).limit(per_schedule).correlate(schedules)
        return (
            select(runs.c.id)
            .select_from(schedules)
            .join(runs, runs.c.id.in_(newest))
            .where(schedules.c.id.in_(schedule_ids))
        )

    def text_in(self, document: ColumnElement[Any], name: str) -> ColumnElement[str | None]:
        text, before = cast(document, Text), f'"{name}": "'
        place = func.instr(text, before)
        rest = func.substr(text, place + len(before))
        return case(
            (func.json_valid(text), func.json_extract(text, f"$.{name}")),
            (place > 0, func.substr(rest, 1, func.instr(rest, '"') - 1)),
            else_=None,
        )


class SqliteStore(SqlStore):
    """One ticks at a time, by the lock of the folder; so the leases of others are those of the dead."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], look_every: float = LOOK_EVERY) -> None:
        database = SqliteDatabase(engine, now)
        super().__init__(database, SqlLeases(database))
        self._look_every = look_every

    def wait_for_change(self, since: int, timeout: float, stopped: threading.Event | None = None) -> int:
        give_up = time.monotonic() + timeout
        stopped = stopped or threading.Event()
        connection = self.database.engine.raw_connection()
        try:
            counter = _data_version(connection)
            newest = self.last_change()
            while newest <= since and (left := give_up - time.monotonic()) > 0:
                if stopped.wait(min(self._look_every, left)):
                    break
                if (seen := _data_version(connection)) != counter:
                    counter, newest = seen, self.last_change()
        finally:
            connection.close()
        return newest


def open_sqlite(url: URL, now: Callable[[], datetime], *, migrates: bool) -> SqliteStore:
    """The store in the file that `url` names, made when there is none, readable by its owner only.

    Raises Refused when it can't be made, and on a network filesystem when another machine uses it.
    """
    path = Path(url.database or "")
    network = on_network(path)
    engine = _engine(url, path, network=network)
    if migrates:
        migrate(engine)
    return SqliteStore(engine, now, LOOK_FAR_EVERY if network else LOOK_EVERY)


def _make_file(path: Path) -> None:
    """Make an empty file that its owner alone reads, unless there is one.  Raises OSError.

    One that there is isn't opened: whoever closes a file gives up all locks that the process has on it, those of its
    other connections included, and another process would take SQLite's log for nobody's and delete it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        wrong = EISDIR if path.is_dir() else None if os.access(path, os.R_OK | os.W_OK) else EACCES
        if wrong is not None:
            raise OSError(wrong, os.strerror(wrong)) from None


def _engine(url: URL, path: Path, *, network: bool) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_file(path)
    except OSError as problem:
        raise Refused("store_unusable", f"The ledger can't be opened at {path}: {problem.strerror}.") from None
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT}, json_serializer=dump_json, json_deserializer=load_json
    )
    if network:
        host = OneHost(path, platform.node())
        event.listen(engine, "connect", lambda *_: host.keep())
        event.listen(engine, "begin", lambda _: host.keep())
    event.listen(engine, "connect", _prepare_on_network if network else _prepare)
    event.listen(engine, "begin", _begin)
    explain_errors(engine, f"The ledger at {path}")
    return engine


def _prepare(connection: sqlite3.Connection, _: Any, journal: str = "WAL") -> None:
    """Durable, concurrent, checked; and transactions begin where we say so, not where the driver guesses."""
    connection.isolation_level = None
    for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_on_network(connection: sqlite3.Connection, record: Any) -> None:
    _prepare(connection, record, "DELETE")


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: a transaction that reads first and then writes would fail, not wait."""
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _data_version(connection: PoolProxiedConnection) -> int:
    """SQLite's counter of commits by other connections: https://www.sqlite.org/pragma.html#pragma_data_version"""
    cursor = connection.cursor()
    cursor.execute("PRAGMA data_version")
    (version,) = cursor.fetchone() or (0,)
    return int(version)
