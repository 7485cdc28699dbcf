"""What a database's complaints mean to a person: one sentence each, without addresses that hold a password."""

import sqlite3
from typing import Any

from sqlalchemy import Engine, ExceptionContext, event

from jupyter_schedule.core.errors import Refused

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
_NOT_TROUBLES = ("22", "23", "42")


def tell_troubles(engine: Engine, ledger: str = "The ledger") -> None:
    """From now on the engine raises Refused where the database, and not what was asked, is the trouble."""

    def handle(context: ExceptionContext) -> None:
        problem = context.original_exception
        # a connection that turns out to be dead before it is used is replaced, and nobody notices
        if not context.is_pre_ping and (refused := _known(problem, ledger)) is not None:
            raise refused from problem

    event.listen(engine, "handle_error", handle)


def trouble_of(problem: BaseException) -> Refused:
    """The trouble that a driver's error stands for."""
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
    if not _is_operational(problem) or (code or "").startswith(_NOT_TROUBLES):
        return None
    return Refused("store_away", f"PostgreSQL can't be used: {_words(problem)}. See whether it runs and lets us in.")


def _is_operational(problem: Any) -> bool:
    """Whether it is what drivers call an OperationalError, told by its name: the driver may not be installed."""
    return any(kind.__name__ in {"OperationalError", "InterfaceError"} for kind in type(problem).__mro__)


def _words(problem: Any) -> str:
    """What the driver says, on one line and without its own advice."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "FATAL" in line or "failed" in line), lines[0] if lines else "")
    return said.rpartition("FATAL:")[2].strip().rstrip(".") or type(problem).__name__
