"""Ledgers that can't be used: one sentence, nothing touched, and as good as before when the trouble is over."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.postgresql import Link
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.sqlite import SqliteStore
from tests.databases import PostgresqlServer
from tests.factories import NOON, make_schedule


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger with one schedule."""
    path = tmp_path / "ledger.sqlite3"
    store = open_store(f"sqlite:///{path}", lambda: NOON)
    store.schedules.add(make_schedule())
    store.close()
    return path


def refused(address: str) -> Refused:
    """How opening it is refused."""
    with pytest.raises(Refused) as caught:
        open_store(address)
    return caught.value


def limited(store: SqlStore, pragma: str) -> None:
    """Give every connection that the store has a limit of SQLite's."""
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")


def fill(store: SqlStore) -> None:
    """Add schedules until something gives."""
    for number in range(1000):
        store.schedules.add(make_schedule(f"s{number}"))


class TestSqlite:
    def test_a_file_that_is_no_database_is_left_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.sqlite3"
        path.write_text("not a database, however long it may be. " * 100)
        before = path.read_bytes()
        refusal = refused(f"sqlite:///{path}")
        assert refusal.message == f"The ledger at {path} can't be used: it is no database. Put its last backup there."
        assert path.read_bytes() == before

    def test_a_damaged_ledger_says_so(self, file: Path) -> None:
        whole = bytearray(file.read_bytes())
        # the second page on: the first one says that it is a database
        whole[4096:] = b"\xff" * (len(whole) - 4096)
        file.write_bytes(whole)
        assert "it is damaged" in refused(f"sqlite:///{file}").message
        assert file.read_bytes() == whole

    def test_a_ledger_that_is_being_written_by_another_program_is_busy(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("jupyter_schedule.core.store.sqlite.BUSY_TIMEOUT", 0)
        store = open_store(f"sqlite:///{file}")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Refused, match="is locked by another program") as caught:
            store.schedules.add(make_schedule("other"))
        assert caught.value.code == "store_busy"
        other.execute("ROLLBACK")
        store.schedules.add(make_schedule("other"))
        other.close()
        store.close()

    def test_a_full_disk_changes_nothing_and_is_forgotten_when_there_is_space(self, file: Path) -> None:
        store = open_store(f"sqlite:///{file}", lambda: NOON)
        assert isinstance(store, SqliteStore)
        limited(store, "max_page_count=1")
        with pytest.raises(Refused, match="The disk is full") as caught:
            fill(store)
        assert caught.value.code == "disk_full"
        limited(store, "max_page_count=1000000")
        known = {schedule.name for schedule in store.schedules.list_page()}
        assert len(store.events(0)) == len(known)
        with store.database.engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        store.schedules.add(make_schedule("after"))
        assert {schedule.name for schedule in store.schedules.list_page()} == known | {"after"}
        store.close()

    def test_a_ledger_that_is_read_only_says_what_to_do(self, file: Path) -> None:
        store = open_store(f"sqlite:///{file}")
        assert isinstance(store, SqliteStore)
        limited(store, "query_only=ON")
        with pytest.raises(Refused, match="can't be written: make the file and its folder writable"):
            store.schedules.add(make_schedule("other"))
        store.close()


class TestPostgresql:
    @pytest.mark.parametrize(
        ("address", "sentence"),
        [
            ("postgresql://ann:hush@127.0.0.1:1/ledger", "Connection refused"),
            ("postgresql://ann:hush@no-such-host.invalid/ledger", "PostgreSQL can't be used"),
            ("postgresql://ann:hush%zz@host/ledger", "must be percent-encoded"),
            ("postgresql://ann:hush@host:port/ledger", "PostgreSQL can't be used"),
        ],
    )
    def test_an_address_that_leads_nowhere_is_a_sentence_without_its_password(
        self, address: str, sentence: str
    ) -> None:
        message = refused(address).message
        assert sentence in message
        assert "hush" not in message
        assert "\n" not in message

    def test_a_wrong_password_and_a_missing_database_say_so(self, postgresql: PostgresqlServer) -> None:
        missing = refused(postgresql.address_of("missing")).message
        assert 'database "missing" does not exist' in missing
        nobody = refused(postgresql.address_of("postgres").replace("postgres@", "nobody:hush@")).message
        assert 'role "nobody" does not exist' in nobody
        assert "hush" not in nobody

    def test_a_user_who_may_only_read_is_told_so(self, postgresql: PostgresqlServer) -> None:
        address = postgresql.new_ledger()
        postgresql.ask("CREATE ROLE reader LOGIN")
        reading = address.replace("postgres@", "reader@")
        assert "make it the database's owner" in refused(reading).message
        store = open_store(f"{address}&options=-c%20default_transaction_read_only%3Don")
        with pytest.raises(Refused, match="read-only"):
            store.schedules.add(make_schedule())
        store.close()


class TestPoolers:
    """What hands out another connection for each transaction is told at once, however it is set up.

    The words are PgBouncer's, seen with one in front of a server.
    """

    def test_one_that_takes_no_settings(self, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(**_: object) -> Link:
            raise psycopg.OperationalError("FATAL:  unsupported startup parameter: options")

        monkeypatch.setattr(Link, "connect", refuse)
        assert self.told(postgresql) == ("store_unusable", True)

    def test_one_that_ignores_them(self, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
        connect = Link.connect

        def ignore(*, options: str, **given: object) -> Link:
            return connect(**given)  # type: ignore[arg-type]

        monkeypatch.setattr(Link, "connect", ignore)
        assert self.told(postgresql) == ("store_unusable", True)

    def told(self, postgresql: PostgresqlServer) -> tuple[str, bool]:
        refusal = refused(postgresql.new_ledger())
        return refusal.code, "such as PgBouncer in transaction mode" in refusal.message
