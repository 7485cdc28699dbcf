"""The simulation's store keeps the contract that the databases keep: the same suite, over it."""

import pytest

from jupyter_schedule.core.store.base import Store
from tests.core.store import (
    test_ad_hoc,
    test_attempts,
    test_changes,
    test_leases,
    test_outbox,
    test_publications,
    test_reads,
    test_retention,
    test_runs,
    test_schedules,
)
from tests.databases import Clock
from tests.simulation.memory_store import MemoryStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return MemoryStore(clock)


#: with a schedule that is public
public = test_publications.public


class TestSchedules(test_schedules.TestSchedules):
    pass


class TestSettlements(test_schedules.TestSettlements):
    pass


class TestPages(test_reads.TestPages):
    pass


class TestCounts(test_reads.TestCounts):
    pass


class TestRuns(test_runs.TestRuns):
    #: reaches into a database
    test_the_database_itself_keeps_an_ended_run_as_it_is = None  # type: ignore[assignment]


class TestLeases(test_leases.TestLeases):
    pass


class TestAttempts(test_attempts.TestAttempts):
    pass


class TestRetention(test_retention.TestRetention):
    pass


class TestChanges(test_changes.TestChanges):
    #: there is no other process
    test_a_change_from_another_process_wakes_who_waits = None  # type: ignore[assignment]


class TestNotifications(test_outbox.TestNotifications):
    pass


class TestFreshness(test_outbox.TestFreshness):
    pass


class TestPublications(test_publications.TestPublications):
    pass


class TestAdHocWorkers(test_ad_hoc.TestAdHocWorkers):
    #: reaches into a database
    test_the_database_itself_keeps_one_that_is_over_as_it_is = None  # type: ignore[assignment]
