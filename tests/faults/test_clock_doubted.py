"""A service whose clock is set hours ahead of the database's: it starts nothing, and everybody is told why."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import RunStatus, Timing
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.store.services import read_service_health
from scheduler_service.admin.check import check_service
from scheduler_service.launchers.plugins import CheckResult
from tests.databases import DatabaseClock, PostgresqlServer
from tests.engine import Engine, eventually


def test_it_waits_until_the_clocks_agree(
    postgresql: PostgresqlServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = postgresql.new_ledger()
    clock = DatabaseClock(ledger)
    ahead = [timedelta()]

    def wall() -> datetime:
        return clock() + ahead[0]

    def said() -> Blocker | None:
        return read_service_health(engine.places, engine.store).blocker

    engine = Engine(tmp_path, now=clock, ledger=ledger)
    engine.script("hourly", "true", timing=Timing(cron="0 * * * *"))
    with engine.service(wall):
        engine.ended(engine.run("hourly"))
        ahead[0] = timedelta(hours=3)
        eventually(lambda: said() is Blocker.CLOCK, what="word of the clock")
        waiting = engine.run("hourly")
        findings = list(check_service(engine.places, clock()))
        assert CheckResult(False, f"service: NO. {Blocker.CLOCK.sentence}") in findings

        ahead[0] = timedelta()
        assert engine.ended(waiting).status == RunStatus.SUCCEEDED
        eventually(lambda: said() is None, what="word that it goes on")
    assert len(engine.operations.runs.list_newest("hourly")) == 2
    assert caplog.text.count("action=hindered by=clock_doubted") == 1
    engine.store.close()
