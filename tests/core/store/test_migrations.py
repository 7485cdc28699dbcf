"""How a database gets its shape."""

import shutil
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel, ScheduleState, Visibility
from jupyter_schedule.core.store import migrate
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.migrate import MIGRATIONS
from jupyter_schedule.core.store.migrations import HEAD
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import metadata
from tests.databases import PostgresqlServer
from tests.engine import PATIENCE
from tests.factories import NOON, make_run, make_schedule, make_spec, take_runs


def test_the_migrations_lead_to_the_schema_that_the_code_knows(ledger: str) -> None:
    store = open_store(ledger)
    assert isinstance(store, SqlStore)
    with store.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


def test_the_code_knows_the_newest_revision() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_new_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/new/ledger.sqlite3").close()
    assert stat.S_IMODE((tmp_path / "new" / "ledger.sqlite3").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/ledger.sqlite3"
    open_store(address).close()
    before = (tmp_path / "ledger.sqlite3").read_bytes()
    open_store(address).close()
    assert (tmp_path / "ledger.sqlite3").read_bytes() == before


def test_a_ledger_that_says_nothing_of_our_version_is_left_alone(ledger: str) -> None:
    change(ledger, "UPDATE alembic_version SET version_num = '9999'", "UPDATE deployment SET value = '9999'")
    with pytest.raises(Refused, match="newer jupyter-schedule"):
        open_store(ledger)


def test_a_newer_ledger_that_says_that_our_version_may_is_used(ledger: str) -> None:
    change(ledger, "UPDATE alembic_version SET version_num = '9999'", "ALTER TABLE runs ADD COLUMN novelty INTEGER")
    store = open_store(ledger)
    schedule = make_schedule()
    store.schedules.add(schedule)
    store.runs.add(make_run(schedule), actor="service")
    assert store.runs.list_newest() == [make_run(schedule, queued=1)]
    store.close()


def test_what_a_newer_version_wrote_is_left_to_newer_services(ledger: str) -> None:
    store = open_store(ledger)
    for name in ("ours", "theirs"):
        store.schedules.add(make_schedule(name))
        store.runs.add(make_run(make_schedule(name)), actor="service")
    change(
        ledger,
        f"""UPDATE schedule_versions SET shape = '9999', spec = '{{"novelty": 1}}'
        WHERE schedule_id = '{make_schedule("theirs").id}'""",
    )
    assert [schedule.name for schedule in store.schedules.list_due(NOON, 10)] == ["ours"]
    assert [schedule.name for schedule in store.schedules.list_page()] == ["ours"]
    assert [run.schedule for run in take_runs(store, "one")] == ["ours"]
    assert store.schedules.list_versions(make_schedule("theirs").id) == []
    store.close()


@pytest.mark.promise("P33")
def test_a_ledger_from_before_withdrawals_were_rows_owes_those_of_what_is_private_now(ledger: str) -> None:
    """Those of a deleted schedule too, unless its name is another's by now."""
    store = open_store(ledger)
    public = make_spec(visibility=Visibility.PUBLIC, publication_base="s3://bucket/public")
    private = make_spec(visibility=Visibility.PRIVATE)
    for name in ("turned", "open", "deleted", "taken"):
        schedule = make_schedule(name, spec=public)
        store.schedules.add(schedule)
        if name != "open":
            state = ScheduleState.DELETED if name in {"deleted", "taken"} else ScheduleState.ACTIVE
            turned = schedule.model_copy(update={"version": 2, "spec": private, "state": state})
            assert store.schedules.replace(schedule, turned, actor="ann", kind=None)
    store.schedules.add(make_schedule("taken", id="another", spec=public))
    change(ledger, "DROP TABLE withdrawals", "DROP TABLE publishers")
    revisions = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    (made,) = (each for each in revisions if each.path.endswith("_withdrawals.py"))
    assert isinstance(store, SqlStore)
    with (
        store.database.engine.begin() as connection,
        Operations.context(MigrationContext.configure(connection)),
    ):
        made.module.upgrade()
    owed = store.publications.list_owed()
    assert {(each.schedule, each.area, each.version) for each in owed} == {
        ("turned", "s3://bucket/public", 2),
        ("deleted", "s3://bucket/public", 2),
    }
    store.close()


def test_a_ledger_from_before_kernels_variables_were_kept_apart_has_their_names_alone(ledger: str) -> None:
    store = open_store(ledger)
    assert isinstance(store, SqlStore)
    kernel = Kernel(name="team", display_name="Team", argv=("/bin/k",), env={"TEAM_PASSWORD": "opensésame", "A": "b"})
    frozen = kernel.model_copy(update={"env": {}, "env_names": ("X",), "env_object": "bundles/b.env-1.json"})
    for name, of_schedule in (("old", kernel), ("new", frozen), ("none", None)):
        store.schedules.add(make_schedule(name, spec=make_spec(kernel=of_schedule)))
    revisions = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    (made,) = (each for each in revisions if each.path.endswith("_kernel_variables.py"))
    with (
        store.database.engine.begin() as connection,
        Operations.context(MigrationContext.configure(connection)),
    ):
        made.module.upgrade()
        written = " ".join(str(row) for row in connection.execute(text("SELECT spec FROM schedule_versions")))
    assert "sesame" not in written
    kernels = {each.name: each.spec.kernel for each in store.schedules.list_page()}
    cleaned = kernel.model_copy(update={"env": {}, "env_names": ("A", "TEAM_PASSWORD")})
    assert kernels == {"old": cleaned, "new": frozen, "none": None}
    store.close()


def test_services_that_start_together_on_an_empty_database_make_its_tables_once(
    postgresql: PostgresqlServer,
) -> None:
    postgresql.ask("CREATE DATABASE fresh")
    address = postgresql.address_of("fresh")
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [address] * 4))
    assert {store.last_change() for store in stores} == {0}
    assert len({store.secret() for store in stores}) == 1
    for store in stores:
        store.close()


#: what a later version may bring
NOVELTY = f"""
from alembic import op
import sqlalchemy as sa

revision, down_revision = "8888", "{HEAD}"


def upgrade():
    op.add_column("schedules", sa.Column("novelty", sa.Integer))
"""


def test_a_migration_waits_for_who_reads_and_keeps_nobody_waiting_meanwhile(
    postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.ask("CREATE DATABASE older")
    address = postgresql.address_of("older")
    open_store(address).close()
    shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "migrations" / "versions" / "8888_novelty.py").write_text(NOVELTY)
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path / "migrations")
    monkeypatch.setattr(migrate, "HEAD", "8888")
    tried = threading.Event()
    # instead of a pause between two tries
    monkeypatch.setattr(time, "sleep", lambda _: tried.set())
    with psycopg.connect(address) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM schedules")
        upgraded = pool.submit(open_store, address)
        assert tried.wait(PATIENCE)
        # a statement of older code goes on, though a migration wants the table
        postgresql.ask("UPDATE schedules SET owner = owner", "older")
        assert not upgraded.done()
        reader.rollback()
        store = upgraded.result(PATIENCE)
    assert store.schedules.list_page() == []
    assert postgresql.ask("SELECT count(novelty) FROM schedules", "older") == [(0,)]
    store.close()


def test_a_ledger_that_cannot_be_made_is_refused_with_its_place_and_cause(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"can't be opened at .*/file/ledger.sqlite3"):
        open_store(f"sqlite:///{tmp_path}/file/ledger.sqlite3")


@pytest.mark.parametrize("address", ["mysql://host/database", "ledger.sqlite3", "sqlite:/one/slash"])
def test_an_address_that_nobody_speaks_is_refused_with_examples(address: str) -> None:
    with pytest.raises(Refused, match=r"use .* such as sqlite:////a/file or postgresql://"):
        open_store(address)


def change(address: str, *statements: str) -> None:
    """Do what a newer version, or an operator, does to a ledger."""
    store = open_store(address)
    assert isinstance(store, SqlStore)
    with store.database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    store.close()
