"""PostgreSQL over a wire that breaks, goes silent and is mended: nobody waits for ever, and nothing is lost."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store import postgresql as store_module
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from tests.databases import PostgresqlServer
from tests.engine import eventually
from tests.factories import NOON, make_run, make_schedule, take_runs
from tests.wire import Wire, wire_to

#: somebody waits for an advisory lock
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def wire(postgresql: PostgresqlServer) -> Iterator[Wire]:
    with wire_to(postgresql.socket) as wire:
        yield wire


@pytest.fixture
def direct(postgresql: PostgresqlServer) -> str:
    """The address of a ledger on a way that never breaks."""
    return postgresql.new_ledger()


@pytest.fixture
def store(direct: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The same ledger on the wire, by somebody with little patience."""
    monkeypatch.setattr(store_module, "PATIENCE", 1)
    database = psycopg.conninfo.conninfo_to_dict(direct)["dbname"]
    way = f"127.0.0.1:{wire.port}/{database}?sslmode=disable&connect_timeout=2"
    opened = open_store(f"postgresql://postgres@{way}", lambda: NOON)
    opened.schedules.add(make_schedule())
    opened.leases.register()
    yield opened
    opened.close()


def test_a_ledger_that_is_away_is_a_sentence_and_goes_on_when_it_is_back(store: Store, wire: Wire) -> None:
    wire.cut()
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            store.schedules.list_due(NOON, 10)
        assert caught.value.code == "store_away"
    with pytest.raises(Refused):
        take_runs(store, "one")
    with pytest.raises(Refused):
        store.wait_for_change(0, 0)

    wire.mend()
    assert [schedule.name for schedule in store.schedules.list_due(NOON, 10)] == ["daily"]
    store.runs.add(make_run(make_schedule()), actor="service")
    assert [run.schedule for run in take_runs(store, "one")] == ["daily"]
    assert store.wait_for_change(0, 0) == 3


def test_connections_that_broke_unseen_are_made_again_and_nobody_notices(store: Store, wire: Wire) -> None:
    store.schedules.list_page()
    store.wait_for_change(0, 0)
    wire.cut()
    wire.mend()
    assert [schedule.name for schedule in store.schedules.list_page()] == ["daily"]
    assert take_runs(store, "one") == []
    assert store.wait_for_change(0, 0) == 1


def test_a_wire_that_goes_silent_is_given_up(store: Store, wire: Wire) -> None:
    wire.silence()
    with pytest.raises(Refused, match="timeout expired"):
        store.schedules.list_page()
    wire.mend()
    assert [schedule.name for schedule in store.schedules.list_page()] == ["daily"]


def test_who_waits_hears_of_a_change_that_came_while_the_wire_was_cut(store: Store, wire: Wire, direct: str) -> None:
    assert store.wait_for_change(0, 0) == 1
    wire.cut()
    other = open_store(direct, lambda: NOON)
    other.schedules.add(make_schedule("other"))
    other.close()
    wire.mend()
    assert store.wait_for_change(1, 3600) == 2


def test_who_joins_is_not_alone_while_another_ticks_and_is_when_that_has_died(
    store: Store, wire: Wire, direct: str
) -> None:
    store.runs.add(make_run(make_schedule()), actor="service")
    take_runs(store, "one")
    second, third = open_store(direct, lambda: NOON), open_store(direct, lambda: NOON)
    second.leases.register()
    assert take_runs(second, "two") == []
    second.close()

    wire.cut()

    def is_alone() -> bool:
        third.leases.register()
        return [run.fence for run in take_runs(third, "three")] == [2]

    eventually(is_alone, what="the end of who was cut off")
    third.close()


def test_a_reader_misses_no_event_of_a_transaction_that_commits_late(postgresql: PostgresqlServer, direct: str) -> None:
    first, second = (open_store(direct, lambda: NOON) for _ in range(2))
    schedules = [make_schedule(name) for name in ("slow", "quick")]
    for schedule in schedules:
        first.schedules.add(schedule)
    seen = first.last_change()
    written, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with first.database.engine.begin() as connection:  # type: ignore[attr-defined]
            first.runs.insert(connection, [make_run(schedules[0])], "slow")  # type: ignore[attr-defined]
            written.set()
            go_on.wait()

    late = threading.Thread(target=slow)
    late.start()
    written.wait()
    quick = threading.Thread(target=lambda: second.runs.add(make_run(schedules[1]), actor="quick"))
    quick.start()
    eventually(lambda: not quick.is_alive() or postgresql.ask(WAITING), what="the second transaction")
    reader = open_store(direct, lambda: NOON)
    heard = reader.events(seen)
    go_on.set()
    late.join()
    quick.join()
    heard += reader.events(heard[-1].sequence if heard else seen)
    assert [event.actor for event in heard] == ["slow", "quick"]
    for store in (first, second, reader):
        store.close()
