"""Services of several accounts on one ledger: nothing of one account's happens with the rights of another."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import schedule_versions
from scheduler_service.effects import FOREIGN
from scheduler_service.worker.task import LaunchPlan, freeze
from tests.databases import PostgresqlServer
from tests.engine import Engine
from tests.factories import make_attempt, make_task


@pytest.fixture
def ledger(postgresql: PostgresqlServer) -> str:
    return postgresql.new_ledger()


@pytest.fixture
def ann(tmp_path: Path, ledger: str) -> Iterator[Engine]:
    (tmp_path / "ann").mkdir()
    made = Engine(tmp_path / "ann", ledger=ledger)
    yield made
    made.store.close()


@pytest.fixture
def bob(tmp_path: Path, ann: Engine) -> Iterator[Engine]:
    """Another folder, so another key; the same ledger and work area."""
    (tmp_path / "bob").mkdir()
    made = Engine(tmp_path / "bob", ledger=ann.places.shared_store)
    Path(made.places.folder / "objects").symlink_to(ann.places.folder / "objects")
    yield made
    made.store.close()


def rewrite(engine: Engine, schedule_id: str, **changes: Any) -> None:
    """Do what everybody can who has the ledger's credentials."""
    assert isinstance(engine.store, SqlStore)
    spec = engine.store.schedules.get_version(schedule_id, 1).spec.model_dump(mode="json")
    rewritten = update(schedule_versions).where(schedule_versions.c.schedule_id == schedule_id)
    with engine.store.database.engine.begin() as connection:
        connection.execute(rewritten.values(spec=spec | changes))


@pytest.mark.promise("P36")
def test_a_service_runs_what_its_own_account_recorded_and_nothing_else(
    ann: Engine, bob: Engine, tmp_path: Path
) -> None:
    """What was rewritten in the ledger, whose credentials aren't those of an account, counts as another's."""
    executed = tmp_path / "executed"
    ann.script("hers", f"touch {executed}")
    bob.script("his", "true")
    own, his = ann.run("hers"), bob.run("his")
    with bob.service():
        assert bob.ended(his).status == RunStatus.SUCCEEDED
    assert ann.operations.runs.get(own.id).status == RunStatus.DUE
    assert not executed.exists()

    rewritten = ann.script("rewritten", "true")
    rewrite(ann, rewritten.id, command=f"touch {tmp_path / 'forged'}")
    forged = ann.run("rewritten")
    with ann.service():
        assert ann.ended(own).status == RunStatus.SUCCEEDED
        assert ann.ended(forged).message == FOREIGN
    assert executed.exists()
    assert not (tmp_path / "forged").exists()


@pytest.mark.proof("faults")
def test_an_attempt_that_no_service_of_the_account_planned_is_not_launched(ann: Engine, tmp_path: Path) -> None:
    executed = tmp_path / "executed"
    schedule = ann.script("hers", "true")
    run = ann.run("hers")
    task = make_task(
        run_id=run.id,
        token="forged",
        objects=ann.places.objects,
        bundle=schedule.spec.bundle,
        command=f"touch {executed}",
    )
    long_ago = run.created_at - timedelta(minutes=1)
    forged = make_attempt(
        run,
        token="forged",
        parameters=freeze(task, LaunchPlan()),
        created_at=long_ago,
        deadline=long_ago + timedelta(hours=1),
    )
    launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
    assert ann.store.runs.add_attempt(forged, run, launching, actor="scheduler")
    with ann.service():
        ended = ann.ended(run)
    assert (ended.status, ended.message) == (RunStatus.FAILED, FOREIGN)
    assert not executed.exists()
