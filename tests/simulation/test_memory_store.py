"""The simulation's store keeps the contract that the databases keep: the same suite, over it."""

import pytest

from jupyter_schedule.core.store.base import Store
from tests.core.store import test_store as contract
from tests.databases import Clock
from tests.simulation.memory_store import MemoryStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return MemoryStore(clock)


class TestSchedules(contract.TestSchedules):
    pass


class TestSettlements(contract.TestSettlements):
    pass


class TestRuns(contract.TestRuns):
    #: reaches into a database
    test_the_database_itself_keeps_an_ended_run_as_it_is = None


class TestLeases(contract.TestLeases):
    pass


class TestAttempts(contract.TestAttempts):
    pass


class TestChanges(contract.TestChanges):
    #: there is no other process
    test_a_change_from_another_process_wakes_who_waits = None
