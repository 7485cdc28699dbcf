"""The database that all parts of a store in SQL stand on, and the sentences for what ails it.

Locks are taken in one order: the admission lock, by who admits runs; rows that exist, in the order of their ids; then
the event lock, which one transaction holds from there to its end; then rows that are new.  Whoever has the event lock,
or that of admission, never waits for a row, so there are no deadlocks, and the numbers of events are in the order of
their commits: a reader that goes on after the newest it has seen misses none.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, ExceptionContext, Select, event, func, insert, select

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.migrations import HEAD
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.store.tables import events, schedule_versions

LAST_CHANGE = select(func.max(events.c.sequence))
#: what a newer version wrote may mean what we don't know, and is left to services of that version
READABLE_SHAPE = schedule_versions.c.shape <= HEAD


class Database(ABC):
    """A database, how the parts of a store write to it, and what one kind of database does in its own way."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self.now = now

    @abstractmethod
    def take_event_lock(self, connection: Connection) -> None:
        """Let no other transaction number events, or add runs, until this one has ended."""

    @abstractmethod
    def take_admission_lock(self, connection: Connection) -> bool:
        """Let no other transaction admit runs until this one has ended; False while another does.

        Nobody waits for it: who holds it may have been stopped, and has to keep nobody from anything else.
        """

    @abstractmethod
    def lease_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        """So many seconds from now, by the clock of all who share the store."""

    @abstractmethod
    def machine_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        """The same by the clock of the machine that keeps the ledger, which no service believes or doubts."""

    @abstractmethod
    def insert_new(self, table: Any) -> Any:
        """An INSERT that leaves out rows which are there."""

    @abstractmethod
    def newest_runs(
        self, schedule_ids: Sequence[str], per_schedule: int, after: RunCursor | None = None
    ) -> Select[Any]:
        """The ids of the newest runs of each schedule, found without looking at any other run.

        after: only of those that come after this cursor.
        """

    @abstractmethod
    def text_in(self, document: ColumnElement[Any], name: str) -> ColumnElement[str | None]:
        """The text of that name in a JSON object, also where the rest of it can't be read, as far as it is there."""

    def read(self) -> Connection:
        """Begin a transaction that writes nothing."""
        return self.engine.connect().execution_options(reads_only=True)

    def record(
        self, connection: Connection, actor: str, kind: str, schedule_id: str | None = None, run_id: str | None = None
    ) -> None:
        """Add an event, by whoever holds the event lock from then on."""
        self.take_event_lock(connection)
        row = {"at": self.now(), "actor": actor, "kind": kind, "schedule_id": schedule_id, "run_id": run_id}
        connection.execute(insert(events).values(row))


# -- what a database's errors mean to a person: one sentence each, without addresses that hold a password

#: by SQLite's result codes: https://www.sqlite.org/rescode.html
_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: ("store_busy", "{ledger} is locked by another program. Try again, or end what locks it."),
    sqlite3.SQLITE_FULL: ("disk_full", "The disk is full: free some space and try again."),
    sqlite3.SQLITE_READONLY: ("store_unusable", "{ledger} can't be written: make the file and its folder writable."),
    sqlite3.SQLITE_CANTOPEN: ("store_unusable", "{ledger} can't be opened: see who may read and write its folder."),
    sqlite3.SQLITE_IOERR: ("store_unusable", "{ledger} can't be used: its disk fails. See the system's log."),
    sqlite3.SQLITE_CORRUPT: ("store_unusable", "{ledger} can't be used: it is damaged. Put its last backup there."),
    sqlite3.SQLITE_NOTADB: ("store_unusable", "{ledger} can't be used: it is no database. Put its last backup there."),
}
#: by the class of PostgreSQL's code: https://www.postgresql.org/docs/current/errcodes-appendix.html
_OF_POSTGRESQL = {
    "53100": ("disk_full", "PostgreSQL's disk is full: free some space there and try again."),
    "25006": ("store_unusable", "PostgreSQL is read-only at the moment: see whether it is a standby."),
    "55P03": ("store_busy", "The ledger is locked by another program. Try again, or end what locks it."),
    "57014": ("store_busy", "PostgreSQL took too long to answer. Try again, or see what keeps it busy."),
    "40P01": ("store_busy", "The ledger was being changed by somebody else. Try again."),
    "42501": ("store_unusable", "PostgreSQL doesn't let this user change the ledger: make it the database's owner."),
}
#: data that doesn't fit is a fault of ours, or an answer such as NameTaken: nothing that a person could do
_NOT_ERRORS = ("22", "23", "42")


def explain_errors(engine: Engine, ledger: str = "The ledger") -> None:
    """From now on the engine raises Refused where the database, and not what was asked, is the trouble."""

    def handle(context: ExceptionContext) -> None:
        problem = context.original_exception
        # a connection that turns out to be dead before it is used is replaced, and nobody notices
        if not context.is_pre_ping and (refused := _known(problem, ledger)) is not None:
            raise refused from problem

    event.listen(engine, "handle_error", handle)


def explain_error(problem: BaseException) -> Refused:
    """The refusal that a driver's error stands for."""
    return _known(problem, "The ledger") or Refused("store_unusable", f"The ledger can't be used: {_words(problem)}.")


def _known(problem: Any, ledger: str) -> Refused | None:
    if isinstance(problem, sqlite3.Error):
        code, sentence = _OF_SQLITE.get(getattr(problem, "sqlite_errorcode", 0) & 0xFF, (None, ""))
        return Refused(code, sentence.format(ledger=ledger)) if code else None
    return _of_postgresql(problem)


def _of_postgresql(problem: Any) -> Refused | None:
    code = getattr(problem, "sqlstate", None)
    if code in _OF_POSTGRESQL:
        return Refused(*_OF_POSTGRESQL[code])
    if not _is_operational(problem) or (code or "").startswith(_NOT_ERRORS):
        return None
    return Refused("store_away", f"PostgreSQL can't be used: {_words(problem)}. See whether it runs and lets us in.")


def _is_operational(problem: Any) -> bool:
    """An OperationalError is known by its name, since the driver may not be installed."""
    return any(kind.__name__ in {"OperationalError", "InterfaceError"} for kind in type(problem).__mro__)


def _words(problem: Any) -> str:
    """The text of the driver, on one line and without its own advice."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "FATAL" in line or "failed" in line), lines[0] if lines else "")
    return said.rpartition("FATAL:")[2].strip().rstrip(".") or type(problem).__name__
