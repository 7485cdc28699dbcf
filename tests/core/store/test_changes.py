"""What every store tells of who changed what, and to whom."""

import threading
from datetime import timedelta

import pytest

from jupyter_schedule.core.models import (
    EMBEDDED_CATALOG,
    LauncherCatalog,
    LauncherInfo,
    RunStatus,
    Timing,
)
from jupyter_schedule.core.store.base import EventsGone, Store
from jupyter_schedule.core.store.factory import open_store
from tests.databases import Clock
from tests.engine import PATIENCE
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)


class TestChanges:
    def test_every_write_tells_who_did_what_to_which(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule)
        store.runs.add(run, actor="service")
        store.runs.request_cancel(run.id, actor="ann")
        store.runs.replace(run, run.model_copy(update={"status": RunStatus.CANCELLED}), actor="service")

        told = [(event.actor, event.kind, event.run_id) for event in store.events(0)]
        assert told == [
            ("local", "schedule_created", None),
            ("service", "run_due", run.id),
            ("ann", "run_cancel_asked", run.id),
            ("service", "run_cancelled", run.id),
        ]
        assert store.events(store.last_change()) == []

    def test_old_events_go_and_who_goes_by_one_of_them_is_told(self, store: Store, clock: Clock) -> None:
        for day in range(5):
            clock.at(day * 86_400)
            store.schedules.add(make_schedule(f"s{day}"))
        assert store.prune_events(NOON, 10) == 0
        assert store.prune_events(NOON + 3 * DAY, 2) == 2
        assert store.prune_events(NOON + 3 * DAY, 10) == 1
        for since in (0, 2):
            with pytest.raises(EventsGone):
                store.events(since)
        assert [event.sequence for event in store.events(3)] == [4, 5]

        assert store.prune_events(NOON + 9 * DAY, 10) == 1
        assert (store.last_change(), [event.sequence for event in store.events(4)]) == (5, [5])
        store.schedules.add(make_schedule("next"))
        assert store.events(5)[0].sequence == 6
        assert store.wait_for_change(1, timeout=0) == 6

    def test_an_event_of_a_clock_that_was_wrong_goes_with_those_after_it(self, store: Store, clock: Clock) -> None:
        for day in (0, 4000, 1, 2):
            clock.at(day * 86_400)
            store.schedules.add(make_schedule(f"s{day}"))
        assert store.prune_events(NOON + 2 * DAY, 10) == 3

    def test_a_change_from_another_process_wakes_who_waits(self, store: Store, ledger: str) -> None:
        other = open_store(ledger, lambda: NOON)
        waiting = threading.Event()
        woken: list[int] = []

        def wait() -> None:
            waiting.set()
            woken.append(store.wait_for_change(0, timeout=30))

        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait()
        other.schedules.add(make_schedule())
        thread.join(timeout=30)
        other.close()

        assert woken == [1]

    def test_where_runs_can_take_place_is_known_once_it_is_announced_and_written_when_it_is_new(
        self, store: Store
    ) -> None:
        assert store.read_catalog() is None
        store.publish_catalog(EMBEDDED_CATALOG, actor="scheduler")
        newest = store.last_change()
        store.publish_catalog(EMBEDDED_CATALOG, actor="scheduler")
        assert (store.read_catalog(), store.last_change()) == (EMBEDDED_CATALOG, newest)

        machines = LauncherCatalog(launchers=(LauncherInfo(name="ec2", paid=True),))
        store.publish_catalog(machines, actor="scheduler")
        assert store.read_catalog() == machines
        assert [event.kind for event in store.events(0)] == ["catalog_changed"] * 2

    def test_a_change_that_already_happened_does_not_wait(self, store: Store) -> None:
        store.schedules.add(make_schedule())
        assert store.wait_for_change(0, timeout=3600) == 1

    def test_who_should_stop_waits_no_longer(self, store: Store) -> None:
        stopped = threading.Event()
        thread = threading.Thread(target=lambda: store.wait_for_change(0, 3600, stopped))
        thread.start()
        stopped.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()

    def test_without_a_change_the_wait_ends_with_its_time(self, store: Store) -> None:
        assert store.wait_for_change(0, timeout=0) == 0


def test_two_stores_on_one_database_see_each_other_and_writers_take_turns(store: Store, ledger: str) -> None:
    other = open_store(ledger, lambda: NOON)

    def add(target: Store, start: int) -> None:
        for number in range(start, start + 20):
            target.schedules.add(make_schedule(f"s{number:02}", spec=make_spec(timing=Timing(once=NOON))))

    threads = [threading.Thread(target=add, args=pair) for pair in ((store, 0), (other, 20))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [schedule.name for schedule in other.schedules.list_page()] == [f"s{number:02}" for number in range(40)]
    other.close()


def test_the_owner_is_noted_in_both_databases(store: Store) -> None:
    assert store.noted_owner() is None
    for name in ("one", "two"):
        store.note_owner(name)
        assert store.noted_owner() == name
