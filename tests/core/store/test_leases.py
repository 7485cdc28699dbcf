"""Who may act on a run now, in every store."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_schedule.core.models import (
    Run,
    RunStatus,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from tests.databases import Clock
from tests.factories import NOON, make_run, make_schedule

LEASE = 30
HERE = "here"


class TestLeases:
    @pytest.fixture(autouse=True)
    def _one_open_run(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        store.runs.add(make_run(schedule, "ended", status=RunStatus.SKIPPED), actor="service")

    def test_an_open_run_goes_to_the_first_who_claims_it(self, store: Store) -> None:
        assert [run.fence for run in store.leases.claim("one", LEASE, HERE)] == [1]
        assert store.leases.claim("two", LEASE, HERE) == []

    def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence(self, store: Store, clock: Clock) -> None:
        (old,) = store.leases.claim("one", LEASE, HERE)
        clock.at(LEASE + 1)
        (new,) = store.leases.claim("two", LEASE, HERE)

        assert new.fence == old.fence + 1
        launching = {"status": RunStatus.LAUNCHING}
        assert not store.runs.replace(old, old.model_copy(update=launching), actor="one")
        assert store.runs.replace(new, new.model_copy(update=launching), actor="two")

    def test_a_holder_that_keeps_claiming_keeps_its_lease_and_its_fence(self, store: Store, clock: Clock) -> None:
        for seconds in (0, 20, 40, 60):
            clock.at(seconds)
            (run,) = store.leases.claim("one", LEASE, HERE)
            assert run.fence == 1
        clock.at(61)
        assert store.leases.claim("two", LEASE, HERE) == []

    def test_a_released_lease_is_free_at_once(self, store: Store) -> None:
        store.leases.claim("one", LEASE, HERE)
        store.leases.release("one")
        assert [run.fence for run in store.leases.claim("two", LEASE, HERE)] == [2]

    def test_a_service_that_finds_nobody_else_ends_the_leases_of_the_dead(self, store: Store) -> None:
        store.leases.claim("dead", LEASE, HERE)
        store.leases.register()
        assert [run.fence for run in store.leases.claim("two", LEASE, HERE)] == [2]

    def test_the_open_runs_of_one_schedule_are_in_one_hand(self, store: Store) -> None:
        schedule = make_schedule()
        store.leases.claim("one", LEASE, HERE)
        store.runs.add(make_run(schedule, "next"), actor="service")
        other = make_schedule("other")
        store.schedules.add(other)
        store.runs.add(make_run(other), actor="service")

        assert [run.schedule for run in store.leases.claim("two", LEASE, HERE)] == ["other"]
        assert [run.key for run in store.leases.claim("one", LEASE, HERE)] == [make_run(schedule).key, "next"]

    def test_a_holder_that_slept_past_its_lease_gets_no_run_of_a_schedule_that_another_has_now(
        self, store: Store, clock: Clock
    ) -> None:
        store.leases.claim("asleep", LEASE, HERE)
        clock.at(LEASE + 1)
        store.leases.claim("awake", LEASE, HERE)
        store.runs.add(make_run(make_schedule(), "next"), actor="service")
        assert store.leases.claim("asleep", LEASE, HERE) == []

    def test_runs_wait_in_the_order_in_which_they_came(self, store: Store) -> None:
        schedule = make_schedule("queue")
        store.schedules.add(schedule)
        keys = [f"k{number}" for number in (5, 3, 9, 1, 7)]
        for key in keys:
            store.runs.add(make_run(schedule, key), actor="service")
        assert [run.key for run in store.leases.claim("one", LEASE, HERE)][1:] == keys

    def test_claiming_when_there_is_nothing_to_take_writes_nothing(self, store: Store) -> None:
        store.leases.claim("one", LEASE, HERE)
        before = store.last_change()
        store.leases.claim("one", LEASE, HERE)
        assert store.last_change() == before


def test_services_that_claim_together_share_the_runs_out_a_schedule_in_one_hand(store: Store, ledger: str) -> None:
    for number in range(20):
        schedule = make_schedule(f"s{number}")
        store.schedules.add(schedule)
        for key in ("one", "two", "three"):
            store.runs.add(make_run(schedule, key), actor="service")
    others = [open_store(ledger, lambda: NOON) for _ in range(3)]

    def claim(number: int) -> list[Run]:
        return others[number].leases.claim(f"holder-{number}", LEASE, HERE)

    with ThreadPoolExecutor(3) as pool:
        shares = list(pool.map(claim, range(3)))
    for other in others:
        other.close()

    assert sorted(run.id for share in shares for run in share) == sorted(run.id for run in store.runs.list_newest())
    hands = [{run.schedule for run in share} for share in shares]
    assert sum(len(hand) for hand in hands) == 20
