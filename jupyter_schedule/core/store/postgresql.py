"""The store in a PostgreSQL database, for any number of services and doors on any number of machines.

A connection never waits for long: to connect, for a lock, for an answer, in a transaction that was left.  What is dead
or cut off is noticed within seconds, on both sides, so that nobody waits for it.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    PoolProxiedConnection,
    QueuePool,
    Select,
    String,
    Text,
    case,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import TimeoutError as NoneFree

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.database import Database, explain_error, explain_errors
from jupyter_schedule.core.store.leases import SqlLeases
from jupyter_schedule.core.store.migrate import migrate
from jupyter_schedule.core.store.records import RunCursor, ScheduledRun
from jupyter_schedule.core.store.rows import dump_json, load_json
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import comes_after, newest_first, runs, schedules
from jupyter_schedule.core.timing.admission import Admitter

#: seconds that a statement may take; some more without an answer, and the connection counts as dead
PATIENCE = 10
#: connections that are kept for the next statement, and that may be made beside them while all of those are in use;
#: a service has two more, one that listens and one that is its seat: 6 at rest, and 10 at most
KEPT, MORE = 4, 4
#: seconds that a statement waits for one of them
QUEUE_SECONDS = 10.0
#: seconds that a statement may take while tables change their shape
PATIENCE_TO_MIGRATE = 3600
#: what PostgreSQL shows our connections as
NAME = "jupyter-schedule"
#: libpq's own settings where the address has none: https://www.postgresql.org/docs/current/libpq-connect.html
CONNECTING: dict[str, str | int] = {
    "application_name": NAME,
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: what the server does for us: it ends what takes too long, and what it doesn't hear of, so that locks are freed
SESSION = {
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    # means nothing to the server; a connection that doesn't know it has lost the others as well
    "jupyter_schedule.session": "kept",
}
#: what a pooler does that hands out another connection for each transaction, or takes no settings
_POOLED = (
    "The ledger's address is that of a pooler that drops the settings of a session, such as PgBouncer in transaction "
    "mode. Services hold locks for as long as a connection lives: give the address of PostgreSQL itself."
)
#: numbers of the locks that are held to number events, and to be one who ticks; any that nobody else takes
EVENT_LOCK, TICKING, ADMISSION_LOCK = 7_420_002, 7_420_003, 7_420_004
#: longest wait for a word of the server before it is asked whether it is still there, seconds
LISTEN = 5.0
#: seconds after which who waits for a word looks whether it should stop
STOP = 0.1
RV = TypeVar("RV")


class Link(psycopg.Connection[Any]):
    """A connection that gives up on a server which says nothing: every query ends, in one way or other."""

    #: seconds without an answer
    silence = PATIENCE * 1.5

    def wait(self, gen: Generator[Any, Any, RV], *args: Any, **kwargs: Any) -> RV:
        """As psycopg waits, but not for ever."""
        return super().wait(self._bounded(gen), *args, **kwargs)

    def _bounded(self, gen: Generator[Any, Any, RV]) -> Generator[Any, Any, RV]:
        give_up = time.monotonic() + self.silence
        try:
            wanted = next(gen)
            while True:
                # psycopg comes by several times a second, also when nothing has arrived
                ready = yield wanted
                if not ready and time.monotonic() > give_up:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer in {self.silence:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result


class BoundedPool(QueuePool):
    """Connections of which there are never more than it was told, whoever waits."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except NoneFree:
            message = "All of our connections are in use: PostgreSQL answers too slowly. See what keeps it busy."
            raise Refused("store_busy", message) from None


class PostgresqlDatabase(Database):
    """A server, whose clock and locks are those of all who share it."""

    def take_event_lock(self, connection: Connection) -> None:
        connection.execute(_TAKE_EVENT_LOCK)

    def take_admission_lock(self, connection: Connection) -> bool:
        return bool(connection.execute(_TAKE_ADMISSION_LOCK).scalar_one())

    def lease_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        moment = func.timezone("UTC", func.clock_timestamp()) + text(f"interval '{float(seconds)} seconds'")
        return func.to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS"Z"', type_=String())

    def machine_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        return self.lease_clock(seconds)

    def insert_new(self, table: Any) -> Any:
        return insert(table)

    def text_in(self, document: ColumnElement[Any], name: str) -> ColumnElement[str | None]:
        # `->>` reads all of the JSON, and fails at an escape anywhere in it that isn't text
        text = cast(document, Text)
        is_risky = text.regexp_match(r"\\u(0000|d[89a-f])", flags="i")
        return case((is_risky, func.substring(text, rf'"{name}": ?"([^"\\]*)"')), else_=document[name].as_string())

    def newest_runs(
        self, schedule_ids: Sequence[str], per_schedule: int, after: RunCursor | None = None
    ) -> Select[Any]:
        newest = select(runs.c.id).where(runs.c.schedule_id == schedules.c.id).order_by(*newest_first(runs))
        if after is not None:
            newest = newest.where(comes_after(runs, after))
        of_each = newest.limit(per_schedule).correlate(schedules).lateral()
        return select(of_each.c.id).select_from(schedules).join(of_each, true()).where(schedules.c.id.in_(schedule_ids))


class PostgresqlLeases(SqlLeases):
    """Leases among services that all tick: each holds a lock as long as its own connection, its seat, lives."""

    def __init__(self, database: Database, connect: Callable[[], Link]) -> None:
        super().__init__(database)
        self._connect = connect
        self._seat: Link | None = None

    def register(self) -> None:
        seat = self._take_seat()
        # whoever decides whether it is alone has the lock to itself for as long as that takes
        (alone,) = seat.execute(f"SELECT pg_try_advisory_lock({TICKING})").fetchone() or (False,)
        if alone:
            self.release(None)
        seat.execute(f"SELECT pg_advisory_lock_shared({TICKING})")
        if alone:
            seat.execute(f"SELECT pg_advisory_unlock({TICKING})")
        self._seat = seat

    def claim(self, by: Admitter, leave: Collection[str] = ()) -> list[ScheduledRun]:
        self._keep_seat()
        return super().claim(by, leave)

    def close(self) -> None:
        """Give up the seat."""
        if self._seat is not None:
            self._seat.close()

    def _keep_seat(self) -> None:
        """Whoever claims is there, also when its connection was lost in between."""
        if self._seat is None:
            return
        try:
            self._seat.execute("SELECT 1")
        except psycopg.Error:
            try:
                seat = self._take_seat()
                seat.execute(f"SELECT pg_advisory_lock_shared({TICKING})")
            except psycopg.Error as problem:
                raise explain_error(problem) from None
            self._seat = seat

    def _take_seat(self) -> Link:
        """A connection whose life is ours."""
        return _connect_alone(self._connect)


class PostgresqlStore(SqlStore):
    """One connection listens for changes; whoever waits while another waits on it looks by itself."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], connect: Callable[[], Link]) -> None:
        database = PostgresqlDatabase(engine, now)
        self._seats = PostgresqlLeases(database, connect)
        super().__init__(database, self._seats)
        self._connect = connect
        self._listener: Link | None = None
        self._listening = threading.Lock()

    def clock(self) -> datetime:
        with self.database.read() as connection:
            moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment

    def identify_database(self) -> str:
        with self.database.read() as connection:
            return str(connection.execute(_IDENTITY).scalar_one())

    def wait_for_change(self, since: int, timeout: float, stopped: threading.Event | None = None) -> int:
        give_up = time.monotonic() + timeout
        stopped = stopped or threading.Event()
        if not self._listening.acquire(blocking=False):
            return self._look_now_and_then(since, give_up, stopped)
        try:
            newest = self._newest_heard()
            while newest <= since and (left := give_up - time.monotonic()) > 0 and not stopped.is_set():
                if self._listener is not None:
                    self._listen(self._listener, min(left, LISTEN), stopped)
                newest = self._newest_heard()
        except psycopg.Error as problem:
            self._listener = None
            raise explain_error(problem) from None
        finally:
            self._listening.release()
        return newest

    def close(self) -> None:
        self._seats.close()
        if self._listener is not None:
            self._listener.close()
        super().close()

    def _newest_heard(self) -> int:
        """The newest event, asked on the connection that listens, which is made again when it was lost."""
        newest = "SELECT coalesce(max(sequence), 0) FROM events"
        if self._listener is not None:
            with contextlib.suppress(psycopg.Error):
                return _number(self._listener.execute(newest))
            self._listener.close()
            self._listener = None
        listener = _connect_alone(self._connect)
        listener.execute("LISTEN jupyter_schedule")
        self._listener = listener
        return _number(listener.execute(newest))

    def _listen(self, listener: Link, seconds: float, stopped: threading.Event) -> None:
        """Until something is heard, or nobody waits for it any more; that is looked at several times a second."""
        give_up = time.monotonic() + seconds
        heard = False
        while not heard and (left := give_up - time.monotonic()) > 0 and not stopped.is_set():
            heard = bool(list(listener.notifies(timeout=min(left, STOP), stop_after=1)))

    def _look_now_and_then(self, since: int, give_up: float, stopped: threading.Event) -> int:
        while (newest := self.last_change()) <= since and (left := give_up - time.monotonic()) > 0:
            if stopped.wait(min(left, 0.5)):
                break
        return newest


def open_postgresql(address: str, now: Callable[[], datetime], *, migrates: bool) -> PostgresqlStore:
    """The store in the database at a `postgresql://` address, as libpq reads it.

    Raises Refused when it can't be reached or used; no message has a password.
    """
    if migrates:
        patient = _engine(connector(address, PATIENCE_TO_MIGRATE))
        migrate(patient)
        patient.dispose()
    connect = connector(address, PATIENCE)
    return PostgresqlStore(_engine(connect), now, connect)


def _engine(connect: Callable[[], Link]) -> Engine:
    """A pool of connections, each looked at before it is used."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        poolclass=BoundedPool,
        pool_pre_ping=True,
        pool_size=KEPT,
        max_overflow=MORE,
        pool_timeout=QUEUE_SECONDS,
    )
    explain_errors(engine)
    event.listen(engine, "connect", _adapt_json)
    return engine


def _adapt_json(connection: Link, record: object) -> None:
    """Write and read JSON as every store does; SQLAlchemy tells only connections that it opens itself."""
    del record
    set_json_dumps(dump_json, connection)
    set_json_loads(load_json, connection)


def connector(address: str, patience: int) -> Callable[[], Link]:
    """Makes connections to the database at `address`.  Raises Refused when that isn't an address."""
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:
        # not told what is wrong: it quotes the address, and so the password
        message = "The store's address can't be read: in a password, signs such as @ : / % must be percent-encoded."
        raise Refused("store_unknown", message) from None
    session = {"statement_timeout": f"{patience}s"} | SESSION
    ours = " ".join(f"-c {name}={value}" for name, value in session.items())
    options: dict[str, Any] = {**CONNECTING, **given, "options": f"{ours} {given.get('options', '')}".rstrip()}

    def connect() -> Link:
        try:
            link = Link.connect(**options)
        except psycopg.OperationalError as problem:
            if "unsupported startup parameter" in str(problem):
                raise Refused("store_unusable", _POOLED) from None
            raise
        link.silence = patience * 1.5
        link.autocommit = True
        (kept,) = link.execute("SELECT current_setting('jupyter_schedule.session', true)").fetchone() or (None,)
        link.autocommit = False
        if kept != "kept":
            link.close()
            raise Refused("store_unusable", _POOLED)
        return link

    return connect


def _connect_alone(connect: Callable[[], Link]) -> Link:
    """A connection outside the pool and outside transactions."""
    link = connect()
    link.autocommit = True
    return link


def _number(cursor: psycopg.Cursor[Any]) -> int:
    (number,) = cursor.fetchone() or (0,)
    return int(number)


_TAKE_ADMISSION_LOCK = text(f"SELECT pg_try_advisory_xact_lock({ADMISSION_LOCK})")
_TAKE_EVENT_LOCK = text(f"SELECT pg_advisory_xact_lock({EVENT_LOCK})")
#: the same on a standby that takes over; another in whatever a dump was restored to
_IDENTITY = text(
    "SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "FROM pg_control_system()"
)
