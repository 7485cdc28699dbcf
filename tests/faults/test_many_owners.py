"""Twelve owners on one PostgreSQL ledger, and services as real processes: all healthy, then hindered one by one."""

import logging
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Overlap, RunStatus
from jupyter_schedule.core.operations.operations import Operations
from scheduler_service.__main__ import run_until_signalled
from scheduler_service.service import Service, ServiceFactories, open_launchers
from scheduler_service.settings import Settings, load_settings
from tests.crowd import Story, story
from tests.databases import PostgresqlServer
from tests.engine import Engine, eventually
from tests.faults.processes import Process

OWNERS = tuple(f"owner-{number:02}" for number in range(12))
#: so many in all, room for so many at once
RUNS, ROOM = 300, 4
#: seconds; the product's is longer
LEASE = 5
#: notes each of its executions where the test counts them
COMMAND = "echo once >> {times}"


class Hindrance(NamedTuple):
    """What ails a service from its start on."""

    full_disk: bool = False
    no_launcher: bool = False
    ahead: timedelta = timedelta()


def serve(settings: dict[str, Any], hindrance: Hindrance, log: Path) -> None:
    """Be a service until a signal ends it."""
    with log.open("ab") as output:
        os.dup2(output.fileno(), 2)
    logging.basicConfig(level=logging.INFO, format="%(process)d %(asctime)s %(name)s %(message)s")

    def launchers(*given: Any) -> Mapping[str, Any]:
        return {} if hindrance.no_launcher else open_launchers(*given)

    factories = ServiceFactories(open_launchers=launchers, lease=LEASE)
    with ExitStack() as stack:
        if hindrance.full_disk:
            stack.enter_context(mock.patch.object(shutil, "disk_usage", return_value=SimpleNamespace(free=0)))
        run_until_signalled(Service(Settings(**settings), lambda: clock.now() + hindrance.ahead, factories))


@contextmanager
def services(engine: Engine, hindrances: Sequence[Hindrance]) -> Iterator[list[Process]]:
    """So many services on the engine's ledger, each with its hindrance."""
    store = engine.places.given_store
    given = load_settings(None, engine.places.folder).model_copy(update={"store": store, "max_running": ROOM})
    settings = given.model_dump()
    log = engine.root / "service.log"
    processes = [Process(serve, settings, hindrance, log) for hindrance in hindrances]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.ended()


@pytest.fixture
def engine(tmp_path: Path, postgresql: PostgresqlServer) -> Iterator[Engine]:
    """Each owner asked for as many runs; all are due."""
    made = Engine(tmp_path, ledger=postgresql.new_ledger())
    context = made.operations.context
    for owner in OWNERS:
        made.operations = Operations(made.store, made.objects, owner=owner, now=made.now, account=context.account)
        schedule = made.script(owner, COMMAND.format(times=tmp_path / "times"), overlap=Overlap.ALLOW)
        for _ in range(RUNS // len(OWNERS)):
            made.operations.runs.run_now(schedule.name)
    yield made
    made.store.close()


def let_all_end(engine: Engine) -> Story:
    return eventually(lambda: told if (told := story(engine.store)).ended == RUNS else None, what="the last end")


def assert_each_ran_once(engine: Engine) -> None:
    runs = engine.store.runs.list_newest(limit=RUNS + 1)
    assert Counter(run.status for run in runs) == {RunStatus.SUCCEEDED: RUNS}
    assert len((engine.root / "times").read_text().splitlines()) == RUNS


def assert_shared_fairly(engine: Engine, told: Story) -> None:
    """While everybody has runs waiting, nobody has had two starts more than another."""
    owners = {run.id: run.schedule for run in engine.store.runs.list_newest(limit=RUNS)}
    shares = Counter(dict.fromkeys(OWNERS, 0))
    for run_id in told.started:
        shares[owners[run_id]] += 1
        if max(shares.values()) == RUNS // len(OWNERS):
            break
        assert max(shares.values()) - min(shares.values()) <= 1, shares


@pytest.mark.proof("faults")
@pytest.mark.promise("P29", "P30")
def test_three_services_share_the_room_and_the_owners_their_turns(engine: Engine) -> None:
    with services(engine, [Hindrance()] * 3):
        told = let_all_end(engine)
    assert_each_ran_once(engine)
    assert told.most <= ROOM
    assert_shared_fairly(engine, told)


@pytest.mark.proof("faults")
@pytest.mark.promise("P29", "P31")
def test_hindered_services_keep_a_healthy_one_from_nothing(engine: Engine) -> None:
    """One is stopped, one has a full disk, one has no launcher, and the clock of one is three hours ahead."""
    ahead = Hindrance(ahead=timedelta(hours=3))
    hindrances = [Hindrance(), Hindrance(full_disk=True), Hindrance(no_launcher=True), ahead, Hindrance()]
    with services(engine, hindrances) as processes:
        eventually(lambda: story(engine.store).ended >= RUNS // 10, what="the first ends")
        os.kill(processes[0].pid, signal.SIGSTOP)
        told = let_all_end(engine)
        os.kill(processes[0].pid, signal.SIGCONT)
    assert_each_ran_once(engine)
    assert told.most <= ROOM
    assert_shared_fairly(engine, told)
