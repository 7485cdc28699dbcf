"""Opening a database: SQLite's pragmas, private files, and the migrations up to today's shape."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.migrations import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"
#: seconds that a writer waits for another's transaction
BUSY_TIMEOUT = 30


def connect(address: str) -> Engine:
    """An engine on the database at `address`, such as `sqlite:////a/folder/ledger.sqlite3`, in today's shape.

    A new SQLite file is readable by its owner only.  Raises Refused when the file can't be made or is too new for us.
    """
    url = make_url(address)
    if url.get_backend_name() != "sqlite":
        raise Refused(
            "store_unknown", f"No store speaks {url.get_backend_name()}; use an address such as sqlite:////a/file."
        )
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise Refused("store_unusable", f"The ledger can't be opened at {path}: {problem.strerror}.") from None
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    migrate(engine)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the database to today's shape, in one transaction; whoever comes second finds it done."""
    if _revision(engine) == HEAD:
        return
    # a third of a command's start, which only the first one on a new version needs
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if _revision(engine) not in {None, *known}:
        raise Refused(
            "store_too_new", "The ledger was written by a newer jupyter-schedule. Upgrade this one to use it."
        )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    """Which shape the database is in; None when it is empty."""
    with engine.connect().execution_options(reads_only=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    """Durable, concurrent, checked; and transactions begin where we say so, not where the driver guesses."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: a transaction that reads first and then writes would fail, not wait."""
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
