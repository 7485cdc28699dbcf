"""What the ledger in a file asks of SQLite, on every connection."""

import subprocess
import sys
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


def test_another_store_on_the_file_takes_no_lock_away_from_the_first(tmp_path: Path) -> None:
    """Whoever closes the ledger last deletes SQLite's log: no other process may think so while one has it open."""
    ledger = tmp_path / "ledger.sqlite3"
    first = open_store(f"sqlite:///{ledger}")
    assert isinstance(first, SqlStore)
    with first.database.engine.connect() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM runs").scalar_one()
        open_store(f"sqlite:///{ledger}").close()
        other = f"import sqlite3; c = sqlite3.connect({str(ledger)!r}); c.execute('SELECT * FROM runs'); c.close()"
        subprocess.run([sys.executable, "-c", other], check=True)
        assert ledger.with_name("ledger.sqlite3-wal").exists()
        assert first.last_change() == 0
    first.close()
