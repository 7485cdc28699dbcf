"""Who ticks, as the ledger knows it, in every store."""

from pathlib import Path

import pytest
from sqlalchemy import update

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from jupyter_schedule.core.store.records import WORKING_SECONDS, ServiceRecord
from jupyter_schedule.core.store.services import ServiceHealth, read_service_health
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import services
from tests.ticking import HOLDER, seeming_service

ONE, OTHER = (ServiceRecord(name, "here", launchers=("local",), limits={"total": 4}) for name in ("one", "other"))


def age(store: Store, seconds: float) -> None:
    """Let every note of a tick be so much older."""
    assert isinstance(store, SqlStore)
    with store.database.engine.begin() as connection:
        connection.execute(update(services).values(ticked_at=store.database.machine_clock(-seconds)))


def test_a_service_works_once_it_has_finished_a_tick_and_until_it_has_finished_none_for_long(store: Store) -> None:
    store.services.register(ONE)
    (new,) = store.services.list_all()
    assert (new.is_working, new.idle_seconds, new.launchers, new.limits) == (False, None, ("local",), {"total": 4})
    assert store.services.note_tick("one", "disk_full")
    (ticked,) = store.services.list_all()
    assert (ticked.is_working, ticked.beats, ticked.blocker) == (True, 1, "disk_full")
    age(store, WORKING_SECONDS + 1)
    assert not store.services.list_all()[0].is_working
    store.services.remove("one")
    assert store.services.list_all() == []
    assert not store.services.note_tick("one", "")


def test_any_number_tick_beside_each_other_and_those_of_yesterday_are_forgotten(store: Store) -> None:
    store.services.register(ONE)
    store.services.note_tick("one", "")
    store.services.register(OTHER)
    assert [each.holder for each in store.services.list_all()] == ["one", "other"]
    age(store, 90_000)
    store.services.register(OTHER)
    assert [each.holder for each in store.services.list_all()] == ["other"]


def test_of_those_who_would_take_over_from_one_that_is_stopped_one_does(store: Store) -> None:
    assert store.services.take_over(ONE, None)
    assert not store.services.take_over(OTHER, None)
    (before,) = store.services.list_all()
    store.services.note_tick("one", "")
    assert not store.services.take_over(OTHER, before), "it has ticked since"
    (before,) = store.services.list_all()
    assert store.services.take_over(OTHER, before)
    assert not store.services.take_over(ServiceRecord("third", "here"), before)
    assert not store.services.is_registered("one")
    assert store.services.is_registered("other")


@pytest.mark.promise("P31")
def test_a_service_that_is_alive_and_finishes_no_tick_does_not_count_as_working(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    store = open_store(paths.store)
    assert read_service_health(paths, store) == ServiceHealth(False)
    with seeming_service(paths) as service:
        assert read_service_health(paths, store) == ServiceHealth(True)
        service.tick(Blocker.DISK)
        assert read_service_health(paths, store) == ServiceHealth(True, Blocker.DISK.sentence, Blocker.DISK)
        age(store, 180)
        stopped = read_service_health(paths, store)
        assert not stopped.is_working
        assert "has finished no tick since 2" in (stopped.sentence or "")
    store.close()


def test_a_service_that_was_killed_does_not_count_however_lately_it_ticked(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    store = open_store(paths.store)
    store.services.take_over(ServiceRecord(HOLDER, "here", has_lock=True), None)
    store.services.note_tick(HOLDER, "", has_lock=True)
    assert read_service_health(paths, store) == ServiceHealth(False)
    store.services.note_tick(HOLDER, "", has_lock=False)
    assert read_service_health(paths, store).is_working, "it took over from one that is stopped, and has no lock"
    store.close()


def test_what_blocks_a_service_whose_ledger_takes_no_word_is_read_beside_it(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    store = open_store(paths.store)
    lock = LeaderLock(paths.lock)
    assert lock.acquire()
    lock.report(Blocker.BUSY)
    assert read_service_health(paths, store).blocker is Blocker.BUSY
    lock.release()
    assert read_service_health(paths, store) == ServiceHealth(False)
    store.close()
