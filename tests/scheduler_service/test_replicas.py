"""Several services on one PostgreSQL database: all tick, each on the runs that it holds."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import RunStatus
from scheduler_service.context import LEASE
from tests.databases import DatabaseClock, PostgresqlServer
from tests.engine import Engine, eventually

WAIT_FOR_GO = 'echo waiting; until [ -e "$GO" ]; do sleep 0.05; done; echo once >> "$GO.times"'


@pytest.fixture
def ledger(postgresql: PostgresqlServer) -> str:
    return postgresql.new_ledger()


@pytest.fixture
def database_clock(ledger: str) -> DatabaseClock:
    """Stands still: no lease runs out unless a test says so."""
    return DatabaseClock(ledger, clock.now())


@pytest.fixture
def engine(
    tmp_path: Path, ledger: str, database_clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    made = Engine(tmp_path, ledger=ledger)
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    made.script("waiting", WAIT_FOR_GO, env=("GO",))
    yield made
    (tmp_path / "go").touch()
    made.store.close()


def times(engine: Engine) -> int:
    """How often the command came to its end."""
    counted = engine.root / "go.times"
    return len(counted.read_text().splitlines()) if counted.exists() else 0


def present(engine: Engine) -> int:
    """How many services tick, as the ledger has it."""
    return sum(service.is_working for service in engine.store.services.list_all())


def test_all_tick_and_each_run_goes_once(engine: Engine) -> None:
    for number in range(6):
        engine.script(f"counted-{number}", f"echo once >> {engine.root}/go.times")
    with engine.service(), engine.service():
        runs = [engine.run(f"counted-{number}") for number in range(6)]
        assert {engine.ended(run).status for run in runs} == {RunStatus.SUCCEEDED}
    assert times(engine) == 6


@pytest.mark.proof("faults")
def test_a_service_at_work_has_ten_connections_at_most(postgresql: PostgresqlServer, engine: Engine) -> None:
    for number in range(8):
        engine.script(f"counted-{number}", f"echo once >> {engine.root}/go.times")
    most = 0

    def all_ran() -> bool:
        nonlocal most
        most = max(most, connections(postgresql, engine))
        return times(engine) == 8

    with engine.service():
        runs = [engine.run(f"counted-{number}") for number in range(8)]
        engine.store.close()  # what the test has it opens again, one at a time
        eventually(all_ran, what="all runs")
        assert {engine.ended(run).status for run in runs} == {RunStatus.SUCCEEDED}
    assert 6 <= most <= 10 + 1


def connections(server: PostgresqlServer, engine: Engine) -> int:
    """How many there are to the deployment's ledger."""
    database = str(engine.places.shared_store).partition("?")[0].rpartition("/")[2]
    counted = server.ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'")
    return int(str(counted[0][0]))


@pytest.mark.promise("P3")
def test_a_lone_service_that_restarts_goes_on_with_its_runs_without_waiting_for_leases(engine: Engine) -> None:
    with engine.service_process() as first:
        run = engine.started(engine.run("waiting"))
        first.send_signal(signal.SIGKILL)
        first.wait()
        with engine.service():
            eventually(lambda: engine.operations.runs.get(run.id).fence == 2, what="the new holder")
            (engine.root / "go").touch()
            assert engine.ended(run).status == RunStatus.SUCCEEDED
    assert times(engine) == 1


@pytest.mark.promise("P3")
def test_the_runs_of_a_dead_replica_are_taken_by_another_when_its_lease_has_run_out(
    engine: Engine, database_clock: DatabaseClock
) -> None:
    with engine.service_process() as dead:
        run = engine.started(engine.run("waiting"))
        with engine.service():
            eventually(lambda: present(engine) == 2, what="both services")
            dead.send_signal(signal.SIGKILL)
            dead.wait()
            (engine.root / "go").touch()
            eventually(lambda: times(engine) == 1, what="the end of the command")
            assert engine.operations.runs.get(run.id).fence == 1
            database_clock.at(LEASE + 1)
            assert engine.ended(run).status == RunStatus.SUCCEEDED
    assert engine.operations.runs.get(run.id).fence == 2
    assert times(engine) == 1
