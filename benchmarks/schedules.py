"""Many schedules: a page of a list, a step of retention, a look for withdrawals, beside plain SQL and a few."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, cycle
from typing import Any

from sqlalchemy import insert, text

from benchmarks import Row
from jupyter_schedule.core.models import LOCAL_OWNER, Visibility
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import runs, schedule_versions, schedules
from scheduler_service.publishing.unpublish import Unpublisher
from scheduler_service.retention.prune import PAGE, Pruner
from scheduler_service.retention.rules import RetentionRule
from tests.databases import postgresql_server
from tests.factories import NOON, make_run, make_schedule, make_spec

TRIES = 31
BATCH = 1000
#: schedules stored, in a small and in a large ledger, and the runs with files that each has
FEW, MANY, RUNS = 1000, 100_000, 3
#: schedules of a page of a list, and runs that each comes with
LISTED, LAST = 50, 10
SQL_OF_A_PAGE = """
SELECT s.*, v.spec FROM schedules s JOIN schedule_versions v ON v.schedule_id = s.id AND v.version = s.version
WHERE s.owner = 'local' AND s.state != 'deleted' AND s.name > 's{middle:06}' ORDER BY s.name LIMIT 50
"""
SQL_OF_RUNS = "SELECT * FROM runs WHERE schedule_id = '{id}' ORDER BY scheduled_for DESC LIMIT 10"
SQL_OF_COUNT = "SELECT count(*) FROM schedules WHERE owner = 'local' AND state != 'deleted'"
SQL_OF_A_STEP = """
SELECT f.schedule_id, count(r.ended_at), min(r.ended_at) FROM run_files f JOIN runs r ON r.id = f.run_id
WHERE f.schedule_id IN (SELECT id FROM schedules WHERE id > '{after}' ORDER BY id LIMIT 50) GROUP BY f.schedule_id
"""


def rows() -> Iterator[Row]:
    """On SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from _rows("SQLite", lambda name: f"sqlite:///{scratch}/{name}.sqlite3", scratch)
        with postgresql_server() as server:
            yield from _rows("PostgreSQL", lambda _: server.new_ledger(), scratch)


def _rows(database: str, new: Callable[[str], str], scratch: str) -> Iterator[Row]:
    few, many = _stored(new("few"), FEW), _stored(new("many"), MANY)
    among = f"{database}, {MANY:,} schedules:"
    for what, ours, floor in (
        (f"a page of {LISTED} with runs and total", _page, _sql_page),
        (f"a step of retention, {PAGE} schedules", lambda store, size: _step(store, size, scratch), _sql_step),
        ("a look for withdrawals", _look, _sql_look),
    ):
        taken, small, plain = (_median(ask) for ask in (ours(many, MANY), ours(few, FEW), floor(many, MANY)))
        yield Row(f"{among} {what}", taken, "the same in SQL", plain)
        yield Row(f"{among} {what}", taken, f"at {FEW:,}", small)
    for store in (few, many):
        store.close()


def _stored(address: str, size: int) -> SqlStore:
    """A ledger of so many schedules of one person, each with some young runs."""
    store = open_store(address, lambda: NOON)
    assert isinstance(store, SqlStore)
    for start in range(0, size, BATCH):
        spec = make_spec(visibility=Visibility.PRIVATE, publication_base="file:///published")
        made = [make_schedule(f"s{number:06}", spec=spec) for number in range(start, start + BATCH)]
        ended = {"status": "succeeded", "attempt": 1, "ended_at": NOON}
        ran = [
            make_run(schedule, str(n), scheduled_for=NOON - timedelta(days=n), **ended).model_dump(exclude={"schedule"})
            for schedule in made
            for n in range(RUNS)
        ]
        with store.database.engine.begin() as connection:
            connection.execute(insert(schedules), [schedule_row(schedule) for schedule in made])
            connection.execute(insert(schedule_versions), [version_row(schedule) for schedule in made])
            connection.execute(insert(runs), [{key: row[key] for key in row if key in runs.c} for row in ran])
    if store.database.engine.dialect.name == "postgresql":
        with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return store


def _page(store: SqlStore, size: int) -> Callable[[], object]:
    """What a list asks of the ledger, from somewhere in the middle on."""
    middles = count(size // 2)

    def ask() -> None:
        page = store.schedules.list_page(owner=LOCAL_OWNER, after=f"s{next(middles):06}", limit=LISTED)
        found = store.runs.newest_of_each([schedule.id for schedule in page], LAST)
        assert (len(page), len(found), store.schedules.count(owner=LOCAL_OWNER)) == (LISTED, LISTED, size)

    return ask


def _sql_page(store: SqlStore, size: int) -> Callable[[], object]:
    middles = count(size // 2)

    def ask() -> None:
        page = _ask(store, SQL_OF_A_PAGE.format(middle=next(middles)))
        for row in page:
            _ask(store, SQL_OF_RUNS.format(id=row[0]))
        _ask(store, SQL_OF_COUNT)

    return ask


def _step(store: SqlStore, size: int, scratch: str) -> Callable[[], object]:
    """A page of schedules that keep what they have, as nearly all do on nearly every day."""
    pruning = Pruner(store, open_storage(f"file://{scratch}"), open_storage, RetentionRule(30, 90))
    places = cycle(f"{number * 255 // TRIES:02x}" for number in range(TRIES - 1))
    del size
    return lambda: pruning.look_at_page(next(places), NOON)


def _sql_step(store: SqlStore, size: int) -> Callable[[], object]:
    places = cycle(f"{number * 255 // TRIES:02x}" for number in range(TRIES - 1))
    del size
    return lambda: _ask(store, SQL_OF_A_STEP.format(after=next(places)))


def _look(store: SqlStore, size: int) -> Callable[[], object]:
    """What every service asks after every change."""
    del size
    unpublisher = Unpublisher(store, open_storage)
    return lambda: unpublisher.look(NOON)


def _sql_look(store: SqlStore, size: int) -> Callable[[], object]:
    del size
    return lambda: _ask(store, "SELECT * FROM withdrawals LIMIT 1")


def _ask(store: SqlStore, statement: str) -> list[tuple[Any, ...]]:
    """The rows, as the driver gives them."""
    connection = store.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        connection.close()


def _median(ask: Callable[[], object]) -> float:
    """Seconds, of those that were asked before."""
    ask()
    return statistics.median(_timed(ask) for _ in range(TRIES))


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
