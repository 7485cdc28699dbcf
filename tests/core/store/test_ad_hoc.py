"""What every store keeps of ad-hoc workers, run over each of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jupyter_schedule.core.ad_hoc_workers import ended
from jupyter_schedule.core.models import AdHocStatus, RunStatus
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.sql import SqlStore
from tests.factories import NOON, make_ad_hoc, make_run, make_schedule

HOUR = timedelta(hours=1)


class TestAdHocWorkers:
    def test_one_is_kept_with_all_that_is_known_of_it(self, store: Store) -> None:
        asked = make_ad_hoc(ssh_key="ssh-ed25519 AAAA", hourly=Decimal("0.104"))
        assert store.ad_hoc.add(asked, most=1)
        known = {
            "status": AdHocStatus.READY,
            "turn": 1,
            "parameters": {"region": "eu-west-1", "launch": {"MinCount": 1}},
            "instance": "i-1",
            "address": "192.0.2.1",
            "launched_at": NOON,
            "stopped_by": "ann",
        }
        ready = asked.model_copy(update=known)
        assert store.ad_hoc.replace(asked, ready, actor="scheduler")
        assert store.ad_hoc.get(asked.id) == ready.model_copy(update={"revision": 1})
        assert store.ad_hoc.get("unknown") is None

    def test_who_changes_what_has_changed_since_changes_nothing(self, store: Store) -> None:
        asked = make_ad_hoc()
        store.ad_hoc.add(asked, most=1)
        assert store.ad_hoc.replace(asked, asked.model_copy(update={"stopped_by": "ann"}), actor="ann")
        before = store.last_change()
        launching = asked.model_copy(update={"status": AdHocStatus.LAUNCHING})
        assert not store.ad_hoc.replace(asked, launching, actor="scheduler")
        now = store.ad_hoc.get(asked.id)
        assert now is not None
        assert (now.status, now.stopped_by, store.last_change()) == (AdHocStatus.ASKED, "ann", before)

    def test_an_owner_has_so_many_at_once_and_another_as_many(self, store: Store) -> None:
        assert store.ad_hoc.add(make_ad_hoc("one"), most=1)
        assert not store.ad_hoc.add(make_ad_hoc("two"), most=1)
        assert store.ad_hoc.add(make_ad_hoc("hers", owner="ann"), most=1)
        first = make_ad_hoc("one")
        store.ad_hoc.replace(first, ended(first, AdHocStatus.ENDED, "Over.", NOON), actor="scheduler")
        assert store.ad_hoc.add(make_ad_hoc("two"), most=1)

    def test_of_many_who_ask_at_once_no_more_than_may_get_one(self, store: Store) -> None:
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda n: store.ad_hoc.add(make_ad_hoc(str(n)), most=3), range(8)))
        assert sum(got) == 3

    def test_lists_are_the_newest_first_and_the_live_ones_everybodys_in_their_order(self, store: Store) -> None:
        for hour, (name, owner) in enumerate((("a", "ann"), ("b", "bob"), ("c", "ann"))):
            store.ad_hoc.add(make_ad_hoc(name, owner=owner, created_at=NOON + hour * HOUR), most=9)
        a, b, c = (make_ad_hoc(name).id for name in "abc")
        second = store.ad_hoc.get(b)
        assert second is not None
        store.ad_hoc.replace(second, ended(second, AdHocStatus.FAILED, "No.", NOON), actor="scheduler")
        assert [each.id for each in store.ad_hoc.list_newest()] == [c, b, a]
        assert [each.id for each in store.ad_hoc.list_newest("ann")] == [c, a]
        assert [each.id for each in store.ad_hoc.list_newest(limit=1)] == [c]
        assert [each.id for each in store.ad_hoc.list_live()] == [a, c]

    def test_one_that_is_over_never_changes(self, store: Store) -> None:
        asked = make_ad_hoc()
        store.ad_hoc.add(asked, most=1)
        store.ad_hoc.replace(asked, ended(asked, AdHocStatus.STOPPED, "Stopped.", NOON), actor="scheduler")
        over = store.ad_hoc.get(asked.id)
        assert over is not None
        with pytest.raises(ValueError, match="never changes"):
            store.ad_hoc.replace(over, asked, actor="scheduler")

    def test_the_database_itself_keeps_one_that_is_over_as_it_is(self, store: Store) -> None:
        asked = make_ad_hoc()
        store.ad_hoc.add(asked, most=1)
        store.ad_hoc.replace(asked, ended(asked, AdHocStatus.STOPPED, "Stopped.", NOON), actor="scheduler")
        assert isinstance(store, SqlStore)
        with pytest.raises(IntegrityError, match="never changes"), store.database.engine.begin() as connection:
            connection.execute(text("UPDATE ad_hoc_workers SET status = 'ready'"))

    def test_its_hours_count_beside_those_of_runs(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule)
        store.runs.add(run, actor="ann")
        store.runs.replace(
            run,
            run.model_copy(update={"status": RunStatus.CANCELLED, "ended_at": NOON, "machine_seconds": 60}),
            actor="scheduler",
        )
        for name, owner in (("mine", schedule.owner), ("hers", "ann")):
            worker = make_ad_hoc(name, owner=owner, instance="i-1", launched_at=NOON)
            store.ad_hoc.add(worker, most=1)
            over = ended(worker, AdHocStatus.ENDED, "Over.", NOON + HOUR)
            store.ad_hoc.replace(worker, over, actor="scheduler")
        assert store.runs.machine_seconds_since(NOON) == {schedule.owner: 3660, "ann": 3600}
        assert store.runs.machine_seconds_since(NOON + HOUR) == {schedule.owner: 3600, "ann": 3600}
        assert store.runs.machine_seconds_since(NOON + 2 * HOUR) == {}

    def test_every_change_wakes_who_waits(self, store: Store) -> None:
        seen = store.last_change()
        asked = make_ad_hoc()
        store.ad_hoc.add(asked, most=1)
        launching = asked.model_copy(update={"status": AdHocStatus.LAUNCHING})
        store.ad_hoc.replace(asked, launching, actor="scheduler")
        told = [(event.actor, event.kind) for event in store.events(seen)]
        assert told == [("local", "ad_hoc_asked"), ("scheduler", "ad_hoc_launching")]
