"""What a stored schedule needs is gone: that one says so, and the service goes on with all others."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import (
    EMBEDDED_CATALOG,
    LauncherCatalog,
    LauncherInfo,
    Reason,
    RunStatus,
    ScheduleState,
    Timing,
)
from jupyter_schedule.core.operations.runs import places_in
from tests.engine import Engine, eventually

PARIS = Timing(cron="* * * * *", timezone="Europe/Paris")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def remove_zone(engine: Engine) -> None:
    """As if this machine had never heard of Paris."""
    ledger = create_engine(engine.places.store)
    with ledger.begin() as connection:
        connection.execute(text("UPDATE schedule_versions SET spec = replace(spec, 'Europe/Paris', 'Europe/Lutetia')"))
    ledger.dispose()


def test_a_zone_that_is_gone_pauses_its_schedule_with_a_row_that_says_so_and_no_other(engine: Engine) -> None:
    engine.script("gone", "true", timing=PARIS)
    engine.script("other", "true", timing=Timing(cron="* * * * *"))
    remove_zone(engine)
    with engine.service(lambda: clock.now() + timedelta(minutes=1)):
        (run,) = eventually(lambda: engine.operations.runs.list_newest("gone"), what="the row")
        other = engine.ended(eventually(lambda: engine.operations.runs.list_newest("other"), what="the other's run")[0])

    assert (run.status, run.reason) == (RunStatus.SKIPPED, Reason.MISSED)
    assert "No zone called “Europe/Lutetia”" in (run.message or "")
    assert engine.operations.schedules.get("gone").state == ScheduleState.PAUSED
    assert other.status == RunStatus.SUCCEEDED


def test_a_schedule_whose_zone_is_gone_gets_another_or_is_deleted(engine: Engine) -> None:
    for name in ("edited", "deleted"):
        engine.script(name, "true", timing=PARIS)
    remove_zone(engine)
    spec = engine.operations.schedules.get("edited").spec.model_copy(update={"timing": Timing(cron="0 12 * * *")})
    assert engine.operations.schedules.edit("edited", spec, if_version=1).next_due
    assert engine.operations.schedules.delete("deleted").state == ScheduleState.DELETED


def test_a_run_that_was_due_when_its_zone_went_ends_with_a_sentence(engine: Engine) -> None:
    engine.script("due", "true", timing=PARIS)
    run = engine.run("due")
    remove_zone(engine)
    with engine.service():
        run = engine.ended(run)
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT_GONE)
    assert "No zone called “Europe/Lutetia”" in (run.message or "")


def test_a_launcher_that_is_not_installed_is_told_and_keeps_nobody_else_waiting(engine: Engine) -> None:
    """Another service may have it, so the run waits for that one."""
    engine.script("here", "true")
    engine.store.publish_catalog(LauncherCatalog(launchers=(LauncherInfo(name="moon"),)), actor="another service")
    engine.script("elsewhere", "true", launcher="moon")
    with engine.service():
        run = engine.run("elsewhere")
        assert engine.ended(engine.run("here")).status == RunStatus.SUCCEEDED
    assert engine.store.read_catalog() == EMBEDDED_CATALOG
    assert engine.operations.runs.get(run.id).status == RunStatus.DUE
    told = "Waits: the scheduler service has no launcher called moon. Edit the schedule, or ask an operator"
    assert places_in(engine.store)[run.id] == told
