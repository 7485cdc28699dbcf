"""How what is read of many schedules is found: by an index, row by row of what is asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.store import rows
from jupyter_schedule.core.store import runs as run_rows
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import runs, schedule_versions, schedules
from tests.factories import NOON, make_run, make_schedule, make_spec

Statements = list[tuple[str, Any]]


@contextmanager
def watched(store: SqlStore) -> Iterator[Statements]:
    """The statements that the block has executed, with their parameters."""
    seen: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(store.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(store.database.engine, "before_cursor_execute", note)


def plans(store: SqlStore, statements: Statements) -> list[str]:
    """How the database would find what they ask for if reading a whole table were out of question."""
    with store.database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        words = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        found = [connection.exec_driver_sql(f"{words} {statement}", given).all() for statement, given in statements]
        return ["\n".join(str(row[-1]) for row in rows) for rows in found]


READS: dict[str, tuple[str, Callable[[Store], object]]] = {
    "silences": ("schedules_silence", lambda store: store.schedules.list_freshness_due(NOON, 500)),
    "a page of a person's": ("schedules_of_owner", lambda store: store.schedules.list_page(owner="ann", after="b")),
    "a page of everybody's": ("schedules_name", lambda store: store.schedules.list_page(after="s99", limit=9)),
    "a list of a person's": ("schedules_of_owner", lambda store: store.schedules.glance(owner="ann")),
    "how many": ("schedules_of_owner", lambda store: store.schedules.count(owner="ann")),
    "names beside": ("schedules_of_owner", lambda store: store.schedules.names_beside("b", owner="ann", limit=9)),
    "of a notebook": ("schedules_by_source", lambda store: store.schedules.list_by_source(["a", "b/a"], owner="ann")),
    "what a month has cost": ("runs_paid", lambda store: store.runs.cost_since("id", NOON)),
    "how many fail": ("runs_by_status", lambda store: store.runs.list_failing(owner="ann")),
    "notifications that failed": ("outbox_failed", lambda store: store.outbox.list_failed(NOON)),
}


@pytest.mark.parametrize("read", READS)
def test_what_is_asked_for_is_found_by_its_index(store: SqlStore, read: str) -> None:
    index, ask = READS[read]
    owners = ("ann", "bob", "eve")
    made = [make_schedule(f"s{n}", owner=owners[n % 3], spec=make_spec(source=f"{n}.ipynb")) for n in range(300)]
    with store.database.engine.begin() as connection:
        connection.execute(insert(schedules), [schedule_row(schedule) for schedule in made])
        connection.execute(insert(schedule_versions), [version_row(schedule) for schedule in made])
        if connection.dialect.name == "postgresql":  # as it does by itself; SQLite never does
            connection.execute(text("ANALYZE schedules"))
    with watched(store) as seen:
        ask(store)
    for plan in plans(store, [(statement, given) for statement, given in seen if statement.startswith("SELECT")]):
        assert index in plan
        assert "SCAN schedules" not in plan


def test_what_is_decided_before_a_start_is_found_without_reading_all_that_waits(store: SqlStore) -> None:
    with watched(store) as seen:
        store.runs.list_undecided(1, NOON, 500)
    found = plans(store, [(statement, given) for statement, given in seen if statement.startswith("SELECT")])
    for plan, index in zip(found, ("runs_giving_way", "runs_asked", "runs_start_by"), strict=False):
        assert index in plan
        assert "TEMP B-TREE" not in plan


def test_a_page_is_read_in_its_order_and_never_sorted(store: SqlStore) -> None:
    with watched(store) as seen:
        store.schedules.list_page(owner="ann", limit=50)
        store.schedules.list_page(limit=50)
    for plan in plans(store, [(statement, given) for statement, given in seen if statement.startswith("SELECT")]):
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan


def test_rows_become_values_when_their_transaction_is_over(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that however many there are, nobody is cut off for leaving a transaction alone."""
    schedule = make_schedule()
    store.schedules.add(schedule)
    store.runs.add(make_run(schedule, status=RunStatus.DUE), actor="x")
    in_use: list[int] = []
    for name in ("Schedule", "Version", "Run"):
        made = getattr(rows, name)

        def make(made: Any = made, **columns: Any) -> Any:
            in_use.append(store.database.engine.pool.checkedout())  # type: ignore[attr-defined]
            return made(**columns)

        monkeypatch.setattr(rows, name, make)

    store.schedules.list_page()
    store.schedules.list_versions(schedule.id)
    store.runs.list_open()
    assert in_use == [0, 0, 0]


#: of a run, what its row has not, or as something else
NOT_IN_ROWS = {"schedule", "release", "publication", "pruned_at"}


def steps_of(store: SqlStore, ask: Callable[[], object]) -> int:
    """Hundreds of steps of SQLite's machine for what is asked."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def watch(connection: Any) -> None:
        connection.connection.driver_connection.set_progress_handler(count, 100)

    event.listen(store.database.engine, "begin", watch)
    ask()
    event.remove(store.database.engine, "begin", watch)
    return steps


@pytest.mark.parametrize("mine", [0, 3, None])
def test_a_page_of_a_persons_runs_costs_as_much_among_few_runs_as_among_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mine: int | None
) -> None:
    """They have few among the many of others, or all of them."""
    monkeypatch.setattr(run_rows, "AMONG", 50)
    steps: list[int] = []
    for number, many in enumerate((500, 4_000)):
        store = open_store(f"sqlite:///{tmp_path}/{number}.sqlite3", lambda: NOON)
        assert isinstance(store, SqlStore)
        of_many, of_few = (
            make_schedule("many", owner="bob" if mine is not None else "ann"),
            make_schedule("few", owner="ann"),
        )
        for schedule in (of_many, of_few):
            store.schedules.add(schedule)
        row = make_run(of_many, status=RunStatus.SUCCEEDED).model_dump(exclude=NOT_IN_ROWS)
        with store.database.engine.begin() as connection:
            connection.execute(insert(runs), [row | {"id": f"{n:036}", "key": str(n)} for n in range(many)])
        for n in range(mine or 0):
            at = NOON - (n + 1) * timedelta(days=1)
            store.runs.add(make_run(of_few, str(n), scheduled_for=at, status=RunStatus.SKIPPED), actor="x")
        found = store.runs.list_newest(owner="ann", limit=20)
        assert [run.key for run in found] == [str(n) for n in range(mine)] if mine is not None else len(found) == 20
        steps.append(steps_of(store, partial(store.runs.list_newest, owner="ann", limit=20)))
        store.close()
    assert steps[1] == pytest.approx(steps[0], abs=2)


def test_pages_of_a_persons_runs_join_wherever_they_are_found(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "AMONG", 5)
    made = [make_schedule(name, owner=owner) for name, owner in (("a", "ann"), ("b", "bob"), ("c", "ann"))]
    for schedule in made:
        store.schedules.add(schedule)
    for n in range(30):
        schedule = made[1] if n % 5 else made[n % 10 // 5 * 2]
        at = NOON + n * timedelta(days=1)
        store.runs.add(make_run(schedule, str(n), scheduled_for=at, status=RunStatus.SKIPPED), actor="x")
    expected = [str(n) for n in reversed(range(0, 30, 5))]
    for limit in (1, 2, 3, 10):
        found: list[str] = []
        before = None
        while page := store.runs.list_newest(owner="ann", before=before, limit=limit):
            found += [run.key for run in page]
            before = RunCursor.of(page[-1])
        assert found == expected
