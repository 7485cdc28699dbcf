"""A service that has nothing to do, on a ledger of very many schedules and on one of few: its CPU and its memory."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert

from benchmarks import Row
from jupyter_schedule.core import clock
from jupyter_schedule.core.models import utc
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import schedule_versions, schedules
from scheduler_service.worker import processes
from scheduler_service.worker.limits import measure_memory
from tests.databases import postgresql_server
from tests.engine import Engine, eventually
from tests.factories import make_schedule

BATCH = 1000
#: schedules stored, in a small and in a large ledger
FEW, MANY = 1000, 100_000
#: seconds after its start, and for which it is watched: it looks at everything once a minute at least
SETTLED, WATCHED = 15, 75
#: clock ticks in a second, by which Linux counts CPU time
TICKS = os.sysconf("SC_CLK_TCK")


def rows() -> Iterator[Row]:
    """On SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as scratch, postgresql_server() as server:
        yield from _rows("SQLite", Path(scratch, "sqlite"), lambda: None)
        yield from _rows("PostgreSQL", Path(scratch, "postgresql"), server.new_ledger)


def _rows(database: str, folder: Path, new: Callable[[], str | None]) -> Iterator[Row]:
    (cpu, memory), (small_cpu, small_memory) = (_idle(folder / str(size), size, new()) for size in (MANY, FEW))
    idle = f"{database}, {MANY:,} schedules, nothing due:"
    yield Row(f"{idle} ms of CPU a second", cpu * 1000, f"at {FEW:,}", small_cpu * 1000, unit="")
    yield Row(f"{idle} megabytes", memory / 1e6, f"at {FEW:,}", small_memory / 1e6, unit="")


def _idle(folder: Path, size: int, ledger: str | None) -> tuple[float, int]:
    """The share of one core that a service takes, and its memory in bytes."""
    folder.mkdir(parents=True)
    engine = Engine(folder, ledger=ledger)
    assert isinstance(engine.store, SqlStore)
    now = utc(clock.now())
    made = make_schedule("s", cursor=now, next_due=now + timedelta(days=1))
    row, version = schedule_row(made), version_row(made)
    for start in range(0, size, BATCH):
        ids = [f"{number:036}" for number in range(start, start + BATCH)]
        with engine.store.database.engine.begin() as connection:
            connection.execute(insert(schedules), [row | {"id": each, "name": f"s{each[-6:]}"} for each in ids])
            connection.execute(insert(schedule_versions), [version | {"schedule_id": each} for each in ids])
    with engine.service_process() as service:
        eventually(lambda: any(each.is_working for each in engine.store.services.list_all()), what="the service")
        time.sleep(SETTLED)
        before = _cpu_seconds(service.pid)
        time.sleep(WATCHED)
        share = (_cpu_seconds(service.pid) - before) / WATCHED
        process = processes.read(service.pid)
        assert process is not None
        memory = measure_memory(process)
    engine.store.close()
    return share, memory


def _cpu_seconds(pid: int) -> float:
    """Of the process, by proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
