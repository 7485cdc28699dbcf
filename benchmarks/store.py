"""The ledger: what comes due at once, an idle look, a page of runs, each beside a small ledger or plain SQL.

Every database is as durable as in use: SQLite with `synchronous=FULL`, PostgreSQL with `fsync`.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from sqlalchemy import insert, text

from benchmarks import Row
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.records import RunCursor, ScheduleAdvance
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import runs, schedule_versions, schedules
from jupyter_schedule.core.timing import planning
from tests.databases import postgresql_server
from tests.factories import NOON, make_admitter, make_run, make_schedule, make_spec

TRIES = 7
BATCH = 500
DUE = 1000
#: expressions that many schedules have in common
KINDS = 20
#: schedules stored, in a small and in a large ledger
FEW, MANY = 1000, 100_000
#: runs listed
SHORT, LONG = 100, 1_000_000
LATER = timedelta(days=1)


def rows() -> Iterator[Row]:
    """On SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from _rows("SQLite", lambda name: f"sqlite:///{scratch}/{name}.sqlite3")
    with postgresql_server() as server:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            server.ask(f"ALTER SYSTEM SET {name} = 'on'")
        server.ask("SELECT pg_reload_conf()")
        yield from _rows("PostgreSQL", lambda _: server.new_ledger())


def _rows(database: str, new: Callable[[str], str]) -> Iterator[Row]:
    few, many = _stored(new("few"), FEW), _stored(new("many"), MANY)
    idle = [statistics.median(_timed(partial(_idle, store)) for _ in range(TRIES)) for store in (many, few)]
    yield Row(f"{database}: an idle look at {MANY:,} schedules", idle[0], f"at {FEW:,}", idle[1])
    varied = _stored(new("varied"), MANY, kinds=DUE)
    plain = _sql(few)
    for store, kinds in ((many, KINDS), (varied, DUE)):
        ours = _timed(partial(_settle, store))
        assert len(store.runs.list_newest(limit=DUE + 1)) == DUE
        due = f"{DUE:,} of {MANY:,} schedules due at once, by {kinds:,} expressions, in the ledger"
        yield Row(f"{database}: {due}", ours, "the same in SQL", plain)
    varied.close()
    short, long = _listed(new("short"), SHORT), _listed(new("long"), LONG)
    of_long, of_short = (
        statistics.median(_timed(partial(_page, store, count // 2)) for _ in range(TRIES))
        for store, count in ((long, LONG), (short, SHORT))
    )
    yield Row(f"{database}: a page in the middle of {LONG:,} runs", of_long, f"of {SHORT:,}", of_short)
    for store in (few, many, short, long):
        store.close()


def _open(address: str) -> SqlStore:
    store = open_store(address, lambda: NOON)
    assert isinstance(store, SqlStore)
    return store


def _stored(address: str, count: int, kinds: int = KINDS) -> SqlStore:
    """A ledger of so many schedules, of which `DUE` are due at noon, by `kinds` expressions in a mix."""
    store = _open(address)
    for start in range(0, count, BATCH):
        made = [
            make_schedule(
                f"s{number:06}",
                cursor=NOON - timedelta(minutes=1),
                next_due=NOON if number < DUE else NOON + LATER,
                spec=make_spec(timing=Timing(cron=_cron(number % kinds))),
            )
            for number in range(start, start + BATCH)
        ]
        with store.database.engine.begin() as connection:
            connection.execute(insert(schedules), [schedule_row(schedule) for schedule in made])
            connection.execute(insert(schedule_versions), [version_row(schedule) for schedule in made])
    return store


def _cron(kind: int) -> str:
    """An expression that is due at noon, and at other times that are its own."""
    return f"0,{kind % 20 + 1} 12,{kind // 20 % 12} {'*' if kind < 240 else f'1-{20 + kind // 240}'} * *"


def _listed(address: str, count: int) -> SqlStore:
    """A ledger of so many runs of one schedule, an hour apart."""
    store = _open(address)
    schedule = make_schedule()
    store.schedules.add(schedule)
    row = make_run(schedule, status="succeeded").model_dump(exclude={"schedule"})
    for start in range(0, count, 20_000):
        with store.database.engine.begin() as connection:
            connection.execute(
                insert(runs),
                [
                    row | {"id": f"{n:036}", "key": str(n), "scheduled_for": NOON + n * timedelta(minutes=1)}
                    for n in range(start, min(start + 20_000, count))
                ],
            )
    with store.database.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    return store


#: a service that waits for something to do
IDLE = make_admitter("idle")


def _idle(store: SqlStore) -> None:
    """What a tick asks when nothing is due and nothing runs."""
    store.schedules.list_due(NOON - LATER, BATCH)
    store.leases.admit(IDLE, actor="idle")
    store.leases.claim(IDLE)
    store.schedules.next_due()


def _settle(store: SqlStore) -> None:
    """What the tick does with what is due."""
    while due := store.schedules.list_due(NOON, BATCH):
        owed = [(schedule, planning.plan_runs(schedule, NOON)) for schedule in due]
        store.schedules.record_due_runs(
            [ScheduleAdvance(before, what.schedule, what.runs) for before, what in owed], actor="scheduler"
        )


def _page(store: SqlStore, middle: int) -> None:
    place = RunCursor(NOON + middle * timedelta(minutes=1), NOON, f"{middle:036}")
    assert len(store.runs.list_newest(make_schedule().id, before=place, limit=50)) == 50


def _sql(store: SqlStore) -> float:
    """Seconds for the same rows, known in advance and handed to the driver in the same batches."""
    mark = "?" if store.database.engine.dialect.name == "sqlite" else "%s"
    made = [make_schedule(f"s{number:06}") for number in range(DUE)]
    columns = [column.name for column in runs.c if column.name not in {"holder", "lease_until"}]
    into_runs = f"INSERT INTO runs ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"
    into_events = (
        "INSERT INTO events (at, actor, kind, schedule_id, run_id) "
        f"VALUES ('2026-11-24T12:00:00Z', 'scheduler', 'run_due', {mark}, {mark})"
    )
    move = f"UPDATE schedules SET cursor = '2026-11-24T12:00:00Z', next_due = '2026-11-24T12:01:00Z' WHERE id = {mark}"
    values = [make_run(schedule) for schedule in made]
    rows = [tuple(run.model_dump(mode="json")[name] for name in columns) for run in values]

    def write() -> None:
        connection = store.database.engine.raw_connection()
        cursor = connection.cursor()
        for start in range(0, DUE, BATCH):
            end = start + BATCH
            if mark == "?":
                cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(move, [(schedule.id,) for schedule in made[start:end]])
            cursor.executemany(into_runs, rows[start:end])
            cursor.executemany(into_events, [(run.schedule_id, run.id) for run in values[start:end]])
            connection.commit()
        connection.close()

    return _timed(write)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
