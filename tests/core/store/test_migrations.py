"""How a database gets its shape."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.connect import MIGRATIONS, connect
from jupyter_schedule.core.store.migrations import HEAD
from jupyter_schedule.core.store.schema import metadata


def test_the_migrations_lead_to_the_schema_that_the_code_knows(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/ledger.sqlite3")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_code_knows_the_newest_revision() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_new_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    connect(f"sqlite:///{tmp_path}/new/ledger.sqlite3")
    assert stat.S_IMODE((tmp_path / "new" / "ledger.sqlite3").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/ledger.sqlite3"
    connect(address).dispose()
    before = (tmp_path / "ledger.sqlite3").read_bytes()
    connect(address).dispose()
    assert (tmp_path / "ledger.sqlite3").read_bytes() == before


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/ledger.sqlite3"
    with connect(address).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="newer jupyter-schedule"):
        connect(address)


def test_a_ledger_that_cannot_be_made_is_refused_with_its_place_and_cause(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"can't be opened at .*/file/ledger.sqlite3"):
        connect(f"sqlite:///{tmp_path}/file/ledger.sqlite3")


def test_an_address_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(Refused, match="No store speaks mysql"):
        connect("mysql://host/database")
