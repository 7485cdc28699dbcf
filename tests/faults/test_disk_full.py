"""A disk that is full: whoever asks is told, the ledger stays whole, and runs wait until there is room."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus, Timing
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.store.services import read_service_health
from scheduler_service.tick import LEAST_FREE
from tests.databases import Clock
from tests.disks import Mount, leave_free
from tests.engine import Engine, eventually
from tests.factories import NOON

#: bytes of the disk: something beside what has to be free
SIZE = LEAST_FREE + 60_000_000


@pytest.fixture
def disk(small_disk: Mount) -> Path:
    return small_disk(str(SIZE))


def refused_run(engine: Engine) -> Refused | None:
    """Ask for a run; how that was refused, if it was."""
    try:
        engine.operations.runs.run_now("minutes")
    except Refused as refusal:
        return refusal
    return None


def test_runs_wait_for_room_and_the_ledger_stays_whole(disk: Path) -> None:
    clock = Clock(NOON)
    (disk / "deployment").mkdir()
    engine = Engine(disk / "deployment", now=clock)
    engine.script("minutes", f'echo once >> "{engine.root}/times"', timing=Timing(cron="* * * * *"))

    def said() -> Blocker | None:
        return read_service_health(engine.places, engine.store).blocker

    with engine.service(clock):
        eventually(engine.operations.store.last_change, what="the service")
        leave_free(disk, LEAST_FREE // 2)
        eventually(lambda: said() is Blocker.DISK, what="word of little room")
        clock.at(60)
        (waiting,) = eventually(lambda: engine.operations.runs.list_newest("minutes"), what="the row that came due")
        assert waiting.status == RunStatus.DUE

        leave_free(disk, 0)
        clock.at(120)
        refusal = eventually(lambda: refused_run(engine), what="a ledger without room")
        assert refusal.code == "disk_full"
        by_hand = [run for run in engine.operations.runs.list_newest("minutes", limit=1000) if run.trigger == "manual"]
        assert said() is Blocker.DISK

        for run in by_hand:
            leave_free(disk, 1_000_000)
            engine.operations.runs.cancel(run.id)
        leave_free(disk, SIZE)
        eventually(lambda: said() is None, what="word that it goes on")
        for run in engine.operations.runs.list_newest("minutes", limit=1000):
            engine.ended(run)

    with create_engine(engine.places.store).connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    runs = [run for run in engine.operations.runs.list_newest("minutes", limit=1000) if run.trigger == "schedule"]
    assert Counter(run.scheduled_for for run in runs) == Counter(clock.start.replace(minute=at) for at in (1, 2))
    assert all(run.status in {RunStatus.SUCCEEDED, RunStatus.SKIPPED} for run in runs)
    executed = [run for run in runs if run.status == RunStatus.SUCCEEDED]
    assert len((engine.root / "times").read_text().splitlines()) == len(executed) > 0
    engine.store.close()
