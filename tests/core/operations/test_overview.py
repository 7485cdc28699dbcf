"""A page of a person's schedules: what was searched for, in its order, and how many there are of each kind."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.models import RunStatus, ScheduleState
from jupyter_schedule.core.operations.overview import Order, Overview, Show, find_overview
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from tests.factories import NOON, make_run, make_schedule, make_spec

HOUR = timedelta(hours=1)
ATTENTION, NAME, NEXT = Order


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", lambda: NOON)
    yield store
    store.close()


def add(store: Store, name: str, *statuses: RunStatus, due: int | None = None, **changes: Any) -> None:
    """A schedule that is due in so many hours, with runs, the oldest first."""
    spec = make_spec(source=changes.pop("source", f"team/{name}.ipynb"))
    next_due = None if due is None else NOON + due * HOUR
    schedule = make_schedule(name, spec=spec, **({"next_due": next_due} | changes))
    store.schedules.add(schedule)
    for number, status in enumerate(statuses):
        at = NOON + number * HOUR
        store.runs.add(make_run(schedule, str(number), status=status, scheduled_for=at, attempt=1), actor="x")


def ask(store: Store, search: str = "", show: Show = Show.ALL, order: Order = ATTENTION, **page: int) -> Overview:
    return find_overview(store, "local", search, show, order, **({"skip": 0, "limit": 50} | page))


def names(found: Overview) -> list[str]:
    return [schedule.name for schedule in found.page]


@pytest.fixture
def some(store: Store) -> Store:
    ok, failed, running = RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.RUNNING
    add(store, "fine", ok, due=2)
    add(store, "soon", failed, ok, due=1)
    add(store, "going", ok, running, due=9)
    add(store, "broken", ok, failed, RunStatus.SKIPPED, due=8)
    add(store, "paused", state=ScheduleState.PAUSED)
    add(store, "tried", failed, state=ScheduleState.ENDED)
    add(store, "gone", failed, state=ScheduleState.DELETED)
    add(store, "theirs", failed, running, owner="bob")
    return store


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ATTENTION, ["broken", "going", "soon", "fine", "paused", "tried"]),
        (NAME, ["broken", "fine", "going", "paused", "soon", "tried"]),
        (NEXT, ["soon", "fine", "broken", "going", "paused", "tried"]),
    ],
)
def test_a_list_has_the_order_that_was_asked_for(some: Store, order: Order, expected: list[str]) -> None:
    assert names(ask(some, order=order)) == expected


@pytest.mark.parametrize(
    ("show", "expected"),
    [(Show.FAILING, ["broken"]), (Show.RUNNING, ["going"]), (Show.PAUSED, ["paused"])],
)
def test_a_list_has_the_kind_that_was_asked_for_and_counts_all_kinds(
    some: Store, show: Show, expected: list[str]
) -> None:
    found = ask(some, show=show)
    assert (names(found), found.found) == (expected, 1)
    assert found.counts == {"all": 6, "failing": 1, "running": 1, "paused": 1}


@pytest.mark.parametrize("words", ["slow TEAM", "sql", "SLÖW", "team/slöw", "  sql   slow "])
def test_every_word_is_searched_for_in_the_name_and_in_the_path(some: Store, words: str) -> None:
    add(some, "sql-slow", source="Team/Slöw.ipynb")
    found = ask(some, words)
    assert (names(found), found.found) == (["sql-slow"], 1)
    assert found.counts[Show.ALL] == 7


@pytest.mark.parametrize("words", ["%", "_", "theirs", "gone", "fine soon", "'; --", "[a-z]*"])
def test_what_is_nowhere_is_not_found(some: Store, words: str) -> None:
    """A wildcard is a character as any other."""
    assert names(ask(some, words)) == []


def test_pages_follow_one_another_and_one_behind_the_last_is_empty(some: Store) -> None:
    pages = [names(ask(some, skip=skip, limit=4)) for skip in (0, 4, 8)]
    assert pages == [["broken", "going", "soon", "fine"], ["paused", "tried"], []]
    assert ask(some, skip=4, limit=4).found == 6


def test_what_was_deleted_while_it_was_looked_for_is_left_out(some: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    glance, changes = some.schedules.glance, {"state": ScheduleState.DELETED, "next_due": None}

    def seen_before(**of: Any) -> Any:
        seen = glance(**of)
        fine = some.schedules.find("fine", owner="local")
        assert fine is not None
        some.schedules.replace(fine, fine.model_copy(update=changes), actor="ann", kind="schedule_deleted")
        return seen

    monkeypatch.setattr(some.schedules, "glance", seen_before)
    assert "fine" not in names(ask(some))
