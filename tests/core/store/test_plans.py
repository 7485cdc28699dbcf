"""How what is read of many schedules is found: by an index, row by row of what is asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.store import rows
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import schedule_versions, schedules
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
    "how many": ("schedules_of_owner", lambda store: store.schedules.count(owner="ann")),
    "names beside": ("schedules_of_owner", lambda store: store.schedules.names_beside("b", owner="ann", limit=9)),
    "of a notebook": ("schedules_by_source", lambda store: store.schedules.list_by_source(["a", "b/a"], owner="ann")),
    "what a month has cost": ("runs_paid", lambda store: store.runs.cost_since("id", NOON)),
    "how many fail": ("runs_by_status", lambda store: store.runs.count_failing(owner="ann")),
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
