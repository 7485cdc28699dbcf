"""The clock's loop: a tick while many runs wait for room, and a start while many workers are seen on a slow store."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, text

from benchmarks import Row
from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, RunStatus
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import runs, schedule_versions, schedules
from scheduler_service.context import ServiceContext
from scheduler_service.tick import Ticker
from tests.databases import postgresql_server
from tests.factories import NOON, make_run, make_schedule
from tests.scheduler_service.played import Play
from tests.scheduler_service.stores import MemoryObjects

TRIES = 31
#: due runs, in a short and in a long queue, and the room that others take up
SHORT, LONG, ROOM = 100, 10_000, 8
OWNERS = 12
#: workers that are observed, and the seconds that each call to their store takes
WORKERS, SLOW = 200, 0.025


class SlowObjects(MemoryObjects):
    """Every look takes as long as one at a store across a continent."""

    def get(self, key: str) -> bytes:
        time.sleep(SLOW)
        return super().get(key)


def rows() -> Iterator[Row]:
    """On SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from _rows("SQLite", lambda name: f"sqlite:///{scratch}/{name}.sqlite3")
        with postgresql_server() as server:
            yield from _rows("PostgreSQL", lambda _: server.new_ledger())
        idle, busy = (_seconds_to_start(Path(scratch, str(workers)), workers) for workers in (0, WORKERS))
        yield Row(f"due → started beside {WORKERS} workers, {SLOW * 1000:.0f} ms a call", busy, "beside none", idle)


def _rows(database: str, new: Callable[[str], str]) -> Iterator[Row]:
    long, short = (_tick_cpu(new(str(waiting)), waiting) for waiting in (LONG, SHORT))
    yield Row(f"{database}: a tick's CPU while {LONG:,} are due and none may start", long, f"while {SHORT}", short)


def _tick_cpu(address: str, waiting: int) -> float:
    """Median of the CPU seconds of this process for a tick while nothing changes."""
    store = open_store(address, lambda: NOON)
    assert isinstance(store, SqlStore)
    made = [
        make_schedule(
            f"s{n}", owner=f"owner-{n % OWNERS}", next_due=NOON + timedelta(days=1), cursor=NOON,
        )
        for n in range(waiting + ROOM)
    ]  # fmt: skip
    due = [make_run(schedule) for schedule in made[ROOM:]]
    going = [make_run(schedule, status=RunStatus.RUNNING) for schedule in made[:ROOM]]
    with store.database.engine.begin() as connection:
        connection.execute(insert(schedules), [schedule_row(schedule) for schedule in made])
        connection.execute(insert(schedule_versions), [version_row(schedule) for schedule in made])
        for each in (due, going):
            values = [run.model_dump(exclude={"schedule"}) for run in each]
            connection.execute(insert(runs), [{key: row[key] for key in row if key in runs.c} for row in values])
        connection.execute(text("UPDATE runs SET owner = (SELECT owner FROM schedules WHERE id = schedule_id)"))
        connection.execute(text("UPDATE runs SET launcher = 'local', gives_way = (status = 'due')"))
        held = "host = 'here', holder = 'other', lease_until = '9999-12-31T00:00:00Z'"
        connection.execute(text(f"UPDATE runs SET {held} WHERE status = 'running'"))
    with tempfile.TemporaryDirectory() as scratch:
        play = Play(Path(scratch), in_memory=True)
        play.store = store
        ticker = play.another_service(concurrency=ConcurrencyLimits(total=ROOM), lease=10**6)
        taken = [_cpu(ticker.tick) for _ in range(TRIES)]
        assert not play.workers.launched
    store.close()
    return statistics.median(taken[1:])


def _seconds_to_start(folder: Path, workers: int) -> float:
    """Median seconds from a request to the worker's launch, by a ticker with pools as the product has them."""
    folder.mkdir()
    play = Play(folder, room=workers + TRIES + 1)
    play.workers.finishes = False
    slow = SlowObjects()
    slow.content = play.objects.content
    pool = next(field.default for field in ServiceContext.__dataclass_fields__.values() if field.name == "pool")
    ticker: Ticker = play.another_service(slow, pool=pool, awake=time.monotonic)
    play.schedule("daily", overlap=Overlap.ALLOW)
    for _ in range(workers):
        play.operations.runs.run_now("daily")
    while len(play.workers.launched) < workers:
        ticker.tick()
    taken = []
    for _ in range(TRIES):
        launched, start = len(play.workers.launched), time.perf_counter()
        play.operations.runs.run_now("daily")
        while len(play.workers.launched) == launched:
            ticker.tick()
        taken.append(time.perf_counter() - start)
    ticker.close()
    return statistics.median(taken)


def _cpu(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start
