"""A ledger that is away for ten minutes, in any way: nothing is lost or doubled, and the service says what is wrong."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest

from jupyter_schedule.core.models import CatchUp, Reason, RunStatus, Timing
from jupyter_schedule.core.store import postgresql as postgresql_store
from jupyter_schedule.core.store import sqlite as sqlite_store
from jupyter_schedule.core.store.leader_lock import Blocker
from tests.databases import Clock, DatabaseClock, PostgresqlServer
from tests.engine import Engine, eventually
from tests.factories import NOON
from tests.wire import wire_to

MINUTE = timedelta(minutes=1)


@dataclass
class Trouble:
    """A deployment by a given clock, and what happens between its service and its ledger."""

    engine: Engine
    clock: Clock
    #: how the service reaches the ledger, None when as everybody does
    way: str | None
    begin: Callable[[], None]
    end: Callable[[], None]
    hindrance: Blocker


@contextmanager
def locked_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    """A file that another program has locked."""
    monkeypatch.setattr(sqlite_store, "BUSY_TIMEOUT", 0.05)
    clock = Clock(NOON)
    engine = Engine(folder, now=clock)
    ledger = engine.places.folder / "ledger.sqlite3"
    with closing(sqlite3.connect(ledger, isolation_level=None, check_same_thread=False)) as other:

        def begin() -> None:
            # the service has it now and then
            eventually(lambda: _locks(other), what="the lock")

        def end() -> None:
            other.execute("ROLLBACK")

        yield Trouble(engine, clock, None, begin, end, Blocker.BUSY)
    engine.store.close()


def _locks(other: sqlite3.Connection) -> bool:
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


@contextmanager
def broken_wire(
    folder: Path, monkeypatch: pytest.MonkeyPatch, server: PostgresqlServer, fault: str
) -> Iterator[Trouble]:
    """A server at the end of a wire with a fault of its own."""
    monkeypatch.setattr(postgresql_store, "PATIENCE", 1)
    direct = server.new_ledger()
    clock = DatabaseClock(direct)
    with wire_to(server.socket) as wire:
        database = psycopg.conninfo.conninfo_to_dict(direct)["dbname"]
        way = f"postgresql://postgres@127.0.0.1:{wire.port}/{database}?sslmode=disable&connect_timeout=2"
        engine = Engine(folder, now=clock, ledger=direct)
        yield Trouble(engine, clock, way, getattr(wire, fault), wire.mend, Blocker.AWAY)
        engine.store.close()


@pytest.fixture(params=["locked", "cut", "silence"])
def trouble(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    if request.param == "locked":
        made = locked_file(tmp_path, monkeypatch)
    else:
        made = broken_wire(tmp_path, monkeypatch, request.getfixturevalue("postgresql"), request.param)
    with made as trouble:
        yield trouble
        (trouble.engine.root / "go").touch()


def covered(engine: Engine, name: str, step: timedelta) -> Counter[datetime]:
    """How often each occurrence is in the ledger."""
    runs = engine.operations.runs.list_newest(name, limit=1000)
    return Counter(run.scheduled_for + number * step for run in runs for number in range(run.count))


def counting(engine: Engine, name: str) -> str:
    """A command that notes each time that it is executed."""
    return f'echo once >> "{engine.root}/{name}.times"'


def times(engine: Engine, name: str) -> int:
    """How often its command was executed."""
    counted = engine.root / f"{name}.times"
    return len(counted.read_text().splitlines()) if counted.exists() else 0


def ran(engine: Engine, name: str, count: int) -> bool:
    """Its command was executed exactly `count` times."""
    return times(engine, name) == count


@pytest.mark.promise("P17")
def test_ten_minutes_without_the_ledger(trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    """One run works meanwhile, and comes to its end; others come due, and are there a look or two after it is back."""
    caplog.set_level(logging.INFO, "scheduler_service.service")
    engine, clock, said = trouble.engine, trouble.clock, f"action=hindered by={trouble.hindrance}"
    wait = f'echo waiting; until [ -e "{engine.root}/go" ]; do sleep 0.05; done'
    engine.script("working", f"{wait}; {counting(engine, 'working')}")
    for name, cron, catch_up in (("minutes", "* * * * *", CatchUp.LATEST), ("fives", "*/5 * * * *", CatchUp.ALL)):
        engine.script(name, counting(engine, name), timing=Timing(cron=cron), catch_up=catch_up)

    with engine.service(clock, trouble.way):
        working = engine.started(engine.run("working"))
        trouble.begin()
        for minute in range(1, 11):
            clock.at(60 * minute)
        eventually(lambda: said in caplog.text, what="word of it")
        (engine.root / "go").touch()
        eventually(lambda: times(engine, "working"), what="the end of the command")
        looks = caplog.text.count("action=tick_refused")
        trouble.end()

        assert engine.ended(working).status == RunStatus.SUCCEEDED
        for name, count in (("minutes", 1), ("fives", 2)):
            eventually(partial(ran, engine, name, count), what=f"the runs of {name}")
            for run in engine.operations.runs.list_newest(name):
                engine.ended(run)

    assert caplog.text.count("action=tick_refused") - looks <= 3
    assert "action=goes_on" in caplog.text.split(said)[-1]
    minutes = Counter(NOON + number * MINUTE for number in range(1, 11))
    assert covered(engine, "minutes", MINUTE) == minutes
    assert covered(engine, "fives", 5 * MINUTE) == Counter(minute for minute in minutes if minute.minute % 5 == 0)
    newest, missed = engine.operations.runs.list_newest("minutes")
    assert (newest.status, newest.scheduled_for) == (RunStatus.SUCCEEDED, NOON + 10 * MINUTE)
    assert (missed.status, missed.reason, missed.count) == (RunStatus.SKIPPED, Reason.MISSED, 9)
    assert (times(engine, "working"), times(engine, "minutes"), times(engine, "fives")) == (1, 1, 2)
    runs = [run for name in ("working", "minutes", "fives") for run in engine.operations.runs.list_newest(name)]
    assert all(len(engine.operations.runs.list_attempts(run)) == (run.status == RunStatus.SUCCEEDED) for run in runs)


def test_connections_that_are_lost_without_a_word_hold_nothing_up(
    postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half open for ever, while new ones work: the service gives them up by itself, in the middle of a run."""
    with broken_wire(tmp_path, monkeypatch, postgresql, "lose") as trouble:
        engine, clock = trouble.engine, trouble.clock
        wait = f'echo waiting; until [ -e "{engine.root}/go" ]; do sleep 0.05; done'
        engine.script("working", f"{wait}; {counting(engine, 'working')}")
        engine.script("minutes", counting(engine, "minutes"), timing=Timing(cron="* * * * *"))
        with engine.service(clock, trouble.way):
            working = engine.started(engine.run("working"))
            trouble.begin()
            clock.at(60)
            eventually(lambda: times(engine, "minutes"), what="the run that came due")
            trouble.begin()
            (engine.root / "go").touch()
            assert engine.ended(working).status == RunStatus.SUCCEEDED
            assert [engine.ended(run).status for run in engine.operations.runs.list_newest("minutes")] == [
                RunStatus.SUCCEEDED
            ]
    assert (times(engine, "working"), times(engine, "minutes")) == (1, 1)
