"""Who may act on a run that goes, in every store."""

import pytest
from sqlalchemy import event

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.sql import SqlStore
from tests.databases import Clock
from tests.factories import make_admitter, make_run, make_schedule, take_runs

LEASE = 30


class TestLeases:
    @pytest.fixture(autouse=True)
    def _one_open_run(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        store.runs.add(make_run(schedule, "ended", status=RunStatus.SKIPPED), actor="service")

    def test_a_run_is_held_by_the_first_who_admits_it(self, store: Store) -> None:
        assert [run.fence for run in take_runs(store)] == [1]
        assert take_runs(store, "two") == []

    def test_a_run_that_waits_is_nobodys(self, store: Store) -> None:
        assert store.leases.claim(make_admitter()) == []

    def test_a_ledger_in_which_nothing_goes_is_asked_once(self, store: Store) -> None:
        """It is asked at every tick of a service that has nothing to do."""
        if not isinstance(store, SqlStore):
            return
        asked: list[str] = []
        event.listen(store.database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
        assert store.leases.claim(make_admitter()) == []
        assert len([each for each in asked if "FROM runs" in each]) == 1

    def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence(self, store: Store, clock: Clock) -> None:
        (old,) = take_runs(store)
        clock.at(LEASE + 1)
        (new,) = take_runs(store, "two")

        assert new.fence == old.fence + 1
        running = {"status": RunStatus.RUNNING}
        assert not store.runs.replace(old, old.model_copy(update=running), actor="one")
        assert store.runs.replace(new, new.model_copy(update=running), actor="two")

    def test_a_run_can_be_left_to_others(self, store: Store, clock: Clock) -> None:
        (run,) = take_runs(store)
        clock.at(LEASE + 1)
        assert store.leases.claim(make_admitter("two"), [run.id]) == []
        assert len(store.leases.claim(make_admitter("three"))) == 1

    def test_a_run_is_left_to_services_that_have_its_launcher(self, store: Store, clock: Clock) -> None:
        take_runs(store)
        clock.at(LEASE + 1)
        assert take_runs(store, "two", launchers=frozenset({"ec2"}), local=frozenset()) == []
        assert len(take_runs(store, "three")) == 1

    def test_a_holder_that_keeps_claiming_keeps_its_lease_and_its_fence(self, store: Store, clock: Clock) -> None:
        for seconds in (0, 20, 40, 60):
            clock.at(seconds)
            (run,) = take_runs(store)
            assert run.fence == 1
        clock.at(61)
        assert take_runs(store, "two") == []

    def test_a_released_lease_is_free_at_once(self, store: Store) -> None:
        take_runs(store)
        store.leases.release("one")
        assert [run.fence for run in take_runs(store, "two")] == [2]

    def test_one_run_can_be_let_go(self, store: Store) -> None:
        store.runs.add(make_run(make_schedule(), "manual", trigger="manual", parallel=1), actor="ann")
        other = make_schedule("other")
        store.schedules.add(other)
        store.runs.add(make_run(other), actor="service")
        first, second = take_runs(store)
        store.leases.release("one", first.id)
        assert [run.id for run in take_runs(store, "two")] == [first.id]
        assert [run.id for run in take_runs(store)] == [second.id]

    def test_a_service_that_finds_nobody_else_ends_the_leases_of_the_dead(self, store: Store) -> None:
        take_runs(store, "dead")
        store.leases.register()
        assert [run.fence for run in take_runs(store, "two")] == [2]

    def test_claiming_when_there_is_nothing_to_take_writes_nothing(self, store: Store) -> None:
        take_runs(store)
        before = store.last_change()
        take_runs(store)
        assert store.last_change() == before

    def test_what_is_known_of_a_run_from_its_schedule_comes_with_it(self, store: Store) -> None:
        take_runs(store)
        (held,) = store.leases.claim(make_admitter())
        assert (held.spec, held.owner) == (make_schedule().spec, make_schedule().owner)
