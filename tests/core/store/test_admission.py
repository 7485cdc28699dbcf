"""Which due runs start, in every store: counted and moved in one transaction, for any number of services and owners."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jupyter_schedule.core.models import (
    AdHocStatus,
    ConcurrencyLimits,
    Overlap,
    Policies,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Seal,
    Trigger,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.sql import SqlStore
from tests.databases import PostgresqlServer
from tests.factories import NOON, make_ad_hoc, make_admitter, make_run, make_schedule, make_spec, take_runs

EC2: dict[str, Any] = {"launchers": frozenset({"ec2"}), "local": frozenset[str]()}


def of_owner(store: Store, owner: str, count: int = 1, **changes: object) -> list[Schedule]:
    """Schedules of one person, each with a run that is due."""
    made = []
    for number in range(count):
        schedule = make_schedule(f"{owner}-{number}", owner=owner, spec=make_spec(**changes))
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor=owner)
        made.append(schedule)
    return made


def end(store: Store, run: Run) -> None:
    """The run is over."""
    current = store.runs.get(run.id)
    assert current
    for status in (RunStatus.RUNNING, RunStatus.FAILED):
        after = current.model_copy(update={"status": status})
        assert store.runs.replace(current, after, actor="service")
        current = after


@pytest.mark.promise("P29")
@pytest.mark.promise("P30")
@pytest.mark.parametrize(("room", "owners"), [(1, 2), (2, 4), (4, 8), (4, 12)])
def test_two_services_with_several_owners_never_stand_still(store: Store, room: int, owners: int) -> None:
    for number in range(owners):
        of_owner(store, f"owner-{number:02}", 3)
    limits = ConcurrencyLimits(total=room)
    started: Counter[str] = Counter({f"owner-{number:02}": 0 for number in range(owners)})
    order: list[Run] = []
    for ended in range(owners * 3):
        for holder in ("one", "two"):
            before = {run.id for run in store.runs.list_open() if run.status == RunStatus.LAUNCHING}
            now = [run for run in take_runs(store, holder, limits=limits) if run.id not in before]
            order += now
            started.update(run.schedule.rpartition("-")[0] for run in now)
            assert max(started.values()) - min(started.values()) <= 1
        going = [run for run in store.runs.list_open() if run.status == RunStatus.LAUNCHING]
        assert len(going) == min(room, owners * 3 - ended)
        end(store, order.pop(0))
    assert store.runs.list_open() == []


def test_services_that_admit_at_once_keep_the_limit_together(store: Store, ledger: str) -> None:
    for number in range(12):
        of_owner(store, f"owner-{number:02}", 2)
    others = [open_store(ledger, lambda: NOON) for _ in range(4)]
    by = [make_admitter(f"holder-{number}", limits=ConcurrencyLimits(total=5)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        admitted = list(pool.map(lambda other, one: other.leases.admit(one, actor="x"), others, by))
    for other in others:
        other.close()
    assert sum(admitted) == 5
    held = [run.id for one in by for run, _, _ in store.leases.claim(one)]
    assert len(held) == len(set(held)) == 5


@pytest.mark.promise("P31")
def test_who_stands_still_in_the_middle_of_admitting_keeps_nobody_waiting(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_ledger()
    stuck, other = (open_store(address, lambda: NOON) for _ in range(2))
    assert isinstance(stuck, SqlStore)
    of_owner(other, "ann")
    with stuck.database.engine.begin() as connection:
        assert stuck.database.take_admission_lock(connection)
        assert other.leases.admit(make_admitter(), actor="x") == 0
    assert other.leases.admit(make_admitter(), actor="x") == 1
    for store in (stuck, other):
        store.close()


def test_local_runs_are_counted_by_host_and_machines_over_all(store: Store) -> None:
    of_owner(store, "ann", 6)
    limits = ConcurrencyLimits(total=2, per_launcher={"ec2": 3})
    assert store.leases.admit(make_admitter("one", limits=limits), actor="one") == 2
    assert store.leases.admit(make_admitter("two", limits=limits), actor="two") == 0
    assert store.leases.admit(make_admitter("three", limits=limits, host="there"), actor="three") == 2
    of_owner(store, "bob", 6, launcher="ec2", size="small")
    assert store.leases.admit(make_admitter("one", limits=limits, **EC2), actor="one") == 3
    assert store.leases.admit(make_admitter("two", limits=limits, host="there", **EC2), actor="two") == 0


@pytest.mark.promise("P36")
def test_a_service_admits_on_its_host_what_its_own_account_recorded_and_leaves_the_rest_due(store: Store) -> None:
    """However long others' wait before it; so each account's service finds its own."""
    of_owner(store, "bob", 3, seal=Seal(account="bob's", code=""))
    of_owner(store, "nobody", 1)
    of_owner(store, "ann", 2, seal=Seal(account="ann's", code=""))
    of_owner(store, "machines", 1, launcher="ec2", size="small")
    both: dict[str, Any] = {"launchers": frozenset({"local", "ec2"}), "local": frozenset({"local"})}
    limits = ConcurrencyLimits(total=10)
    taken = take_runs(store, limits=limits, account="ann's", **both)
    assert sorted(run.schedule for run in taken) == ["ann-0", "ann-1", "machines-0"]
    store.leases.release(None)
    assert [run.schedule for run, _, _ in store.leases.claim(make_admitter("other", account="bob's", **both))] == [
        "machines-0"
    ]
    assert sorted(run.schedule for run in take_runs(store, "two", limits=limits, account="bob's", **both)) == [
        "bob-0",
        "bob-1",
        "bob-2",
    ]
    assert [run.schedule for run in store.runs.list_open() if run.status == RunStatus.DUE] == ["nobody-0"]


@pytest.mark.promise("P29")
def test_an_owners_many_runs_of_another_account_keep_neither_theirs_nor_others_waiting(store: Store) -> None:
    """Owners take turns in order, and of runs that came together none is passed by."""
    both: dict[str, Any] = {"launchers": frozenset({"local"}), "local": frozenset({"local"})}
    for owner, account, name, count in (
        ("ann", "another", "elsewhere", 200), ("bob", "ours", "bobs", 3), ("ann", "ours", "here", 3)
    ):  # fmt: skip
        spec = make_spec(seal=Seal(account=account, code=""), overlap=Overlap.ALLOW)
        schedule = make_schedule(name, owner=owner, spec=spec)
        store.schedules.add(schedule)
        store.runs.add_all([make_run(schedule, str(number)) for number in range(count)], actor=owner)
    by = make_admitter("one", limits=ConcurrencyLimits(total=5), account="ours", **both)
    assert store.leases.admit(by, actor="one") == 5
    going = [each.run.schedule for each in store.leases.claim(by)]
    assert sorted(going) == ["bobs", "bobs", "here", "here", "here"]
    assert store.leases.admit(make_admitter("two", account="ours", host="there", **both), actor="two") == 1
    assert store.leases.admit(make_admitter("three", account="another", host="far", **both), actor="three") > 0


def test_an_ad_hoc_worker_takes_the_place_of_a_machine(store: Store) -> None:
    of_owner(store, "bob", 6, launcher="ec2", size="small")
    worker = make_ad_hoc(launcher="ec2")
    assert store.ad_hoc.add(worker, most=9)
    assert store.ad_hoc.replace(worker, worker.model_copy(update={"status": AdHocStatus.LAUNCHING}), actor="x")
    by = make_admitter(limits=ConcurrencyLimits(per_launcher={"ec2": 3}), **EC2)
    assert store.leases.admit(by, actor="one") == 2


def test_each_owner_has_so_many_at_once_and_keeps_nobody_else_waiting(store: Store) -> None:
    of_owner(store, "ann", 4)
    of_owner(store, "bob", 1)
    taken = take_runs(store, limits=ConcurrencyLimits(total=10, per_owner=2))
    assert sorted(run.schedule for run in taken) == ["ann-0", "ann-1", "bob-0"]


def test_who_was_served_longest_ago_is_next_whoever_serves(store: Store) -> None:
    for owner in ("ann", "bob", "cat"):
        of_owner(store, owner, 2)
    limits = ConcurrencyLimits(total=1)
    order = []
    for holder in ("one", "two", "one", "one", "two", "two"):
        (run,) = take_runs(store, holder, limits=limits)
        order.append(run.schedule)
        end(store, run)
    assert order == ["ann-0", "bob-0", "cat-0", "ann-1", "bob-1", "cat-1"]


def test_a_service_without_the_launcher_keeps_nobody_waiting(store: Store) -> None:
    of_owner(store, "ann", 2, launcher="ec2", size="small")
    of_owner(store, "bob", 1)
    assert [run.schedule for run in take_runs(store, limits=ConcurrencyLimits(total=1))] == ["bob-0"]
    assert len(take_runs(store, "two", **EC2)) == 2


def test_backfills_go_after_everything_else(store: Store) -> None:
    (ann,) = of_owner(store, "ann", overlap=Overlap.ALLOW)
    store.runs.add(make_run(ann, "backfill:1", trigger=Trigger.BACKFILL), actor="ann")
    of_owner(store, "bob", 3)
    limits = ConcurrencyLimits(total=2)
    order = []
    for _ in range(4):
        taken = take_runs(store, limits=limits)
        order += [run.key for run in taken]
        for run in taken:
            end(store, run)
    assert order[-1] == "backfill:1"
    assert len(order) == 5


@pytest.mark.parametrize(("parallel", "starts"), [(1, 1), (2, 2), (5, 3)])
def test_so_many_of_a_backfill_go_at_once_as_it_was_asked_for(store: Store, parallel: int, starts: int) -> None:
    schedule = make_schedule()
    store.schedules.add(schedule)
    for number in range(3):
        run = make_run(schedule, f"backfill:{number}", trigger=Trigger.BACKFILL, parallel=parallel)
        store.runs.add(run, actor="ann")
    assert len(take_runs(store)) == starts
    # what is due meanwhile waits for all of them
    store.runs.add(make_run(schedule), actor="service")
    assert len(take_runs(store, "two")) == 0


@pytest.mark.promise("P7")
@pytest.mark.parametrize(("overlap", "starts"), [(Overlap.ALLOW, 2), (Overlap.QUEUE_ONE, 1), (Overlap.SKIP, 1)])
def test_two_runs_of_a_schedule_start_at_once_under_allow_only(store: Store, overlap: Overlap, starts: int) -> None:
    (schedule,) = of_owner(store, "ann", overlap=overlap)
    store.runs.add(make_run(schedule, "manual:1", trigger=Trigger.MANUAL), actor="ann")
    assert len(take_runs(store)) == starts
    assert len(take_runs(store, "two")) == 0


def test_what_is_published_needs_no_room_but_others_of_its_schedule_wait(store: Store) -> None:
    (schedule,) = of_owner(store, "ann")
    (run,) = take_runs(store, limits=ConcurrencyLimits(total=1))
    publishing = run.model_copy(update={"status": RunStatus.PUBLISHING})
    assert store.runs.replace(run, publishing, actor="one")
    store.runs.add(make_run(schedule, "manual:1", trigger=Trigger.MANUAL), actor="ann")
    of_owner(store, "bob")
    taken = take_runs(store, "two", limits=ConcurrencyLimits(total=1))
    assert [run.schedule for run in taken] == ["bob-0"]


def test_nothing_starts_that_somebody_wants_to_stop_or_whose_schedule_is_gone(store: Store) -> None:
    ann, bob = of_owner(store, "ann")[0], of_owner(store, "bob")[0]
    store.runs.request_cancel(make_run(ann).id, actor="ann")
    gone = bob.model_copy(update={"state": ScheduleState.DELETED})
    assert store.schedules.replace(bob, gone, actor="bob", kind="schedule_deleted")
    assert take_runs(store) == []


@pytest.mark.promise("P34")
def test_no_run_comes_into_the_ledger_of_a_schedule_that_is_deleted(store: Store) -> None:
    schedule = make_schedule()
    store.schedules.add(schedule)
    store.runs.add(make_run(schedule, "waits"), actor="service")
    gone = schedule.model_copy(update={"state": ScheduleState.DELETED})
    owed = [make_run(schedule, "owed", status=RunStatus.SKIPPED), make_run(schedule, "due now")]
    assert store.schedules.replace(schedule, gone, owed, actor="ann", kind="schedule_deleted")
    store.runs.add_all([make_run(schedule, f"late-{number}") for number in range(9)], actor="bob")
    assert {run.key: (run.status, run.cancelled_by) for run in store.runs.list_newest()} == {
        "owed": (RunStatus.SKIPPED, None),
        "waits": (RunStatus.DUE, "ann"),
        "due now": (RunStatus.DUE, "ann"),
    }
    assert take_runs(store) == []


class TestUndecided:
    """The due runs of which something may be decided before they start."""

    def keys(self, store: Store, since: int = 0, minutes: int = 0) -> list[str]:
        moment = NOON.replace(minute=minutes)
        return [found.run.key for found in store.runs.list_undecided(since, moment, 100).runs]

    def test_one_that_gives_way_is_looked_at_when_it_came_and_beside_another(self, store: Store) -> None:
        (schedule,) = of_owner(store, "ann")
        first = make_run(schedule).key
        assert self.keys(store) == [first]
        since = store.runs.list_undecided(0, NOON, 100).next_since
        assert self.keys(store, since) == []
        take_runs(store)
        store.runs.add(make_run(schedule, "next"), actor="service")
        assert self.keys(store, store.last_change() + 1) == [first, "next"]

    def test_what_never_gives_way_is_left_alone(self, store: Store) -> None:
        (schedule,) = of_owner(store, "ann", overlap=Overlap.ALLOW)
        store.runs.add(make_run(schedule, "backfill:1", trigger=Trigger.BACKFILL), actor="ann")
        assert self.keys(store) == []

    def test_what_somebody_wants_to_stop_is_looked_at_also_of_a_backfill(self, store: Store) -> None:
        (schedule,) = of_owner(store, "ann", overlap=Overlap.ALLOW)
        for number in range(2):
            run = make_run(schedule, f"backfill:{number}", trigger=Trigger.BACKFILL)
            store.runs.add(run, actor="ann")
        store.runs.request_cancel(run.id, actor="ann")
        assert self.keys(store) == [make_run(schedule).key, "backfill:1"]

    def test_what_may_start_for_so_long_only_is_looked_at_when_that_is_over(self, store: Store) -> None:
        of_owner(store, "ann", overlap=Overlap.ALLOW, policies=Policies(start_deadline=10))
        assert self.keys(store, minutes=10) == []
        assert len(self.keys(store, minutes=11)) == 1

    def test_many_are_looked_at_a_piece_at_a_time(self, store: Store) -> None:
        of_owner(store, "ann", 5)
        since, seen = 0, []
        for expected in (True, True, False):
            found = store.runs.list_undecided(since, NOON, 2)
            seen += [each.run.schedule for each in found.runs]
            assert found.more is expected
            since = found.next_since
        assert seen == [f"ann-{number}" for number in range(5)]
