"""What the ledger in a file asks of SQLite, on every connection."""

from pathlib import Path

import pytest

from jupyter_schedule.core.store import sqlite
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.sql import SqlStore

#: https://www.sqlite.org/pragma.html#pragma_synchronous
FULL = 2


@pytest.mark.parametrize(("network", "journal"), [(False, "wal"), (True, "delete")])
def test_what_is_committed_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool, journal: str
) -> None:
    """With less than FULL a power cut may take back what has been answered, or launched."""
    monkeypatch.setattr(sqlite, "on_network", lambda path: network)
    store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3")
    assert isinstance(store, SqlStore)
    # two at once, so that none is the one that made the tables
    connections = [store.database.engine.raw_connection() for _ in range(2)]
    for connection in connections:
        cursor = connection.cursor()
        pragmas = ("synchronous", "journal_mode", "foreign_keys")
        in_force = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
        assert in_force == [FULL, journal, 1]
    for connection in connections:
        connection.close()
    store.close()
