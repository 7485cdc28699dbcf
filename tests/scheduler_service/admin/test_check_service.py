"""`python -m scheduler_service check`, where it looks at the service: what keeps it from starting runs."""

from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock
from scheduler_service.admin import check as module
from scheduler_service.admin.check import CheckResult, check_service
from tests.databases import DatabaseClock, PostgresqlServer
from tests.factories import NOON


def test_the_disk_and_whoever_ticks_are_looked_at_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    disk, service = check_service(DataPaths(folder), NOON)
    unmade = CheckResult(True, f"service: none ticks now, and {folder} has no ledger yet")
    assert (disk.right, service) == (True, unmade)
    assert not folder.parent.exists()

    lock = LeaderLock(DataPaths(folder).lock)
    assert lock.acquire()
    assert list(check_service(DataPaths(folder), NOON))[1] == CheckResult(True, "service: one ticks")
    lock.report(Blocker.CLOCK)
    service = list(check_service(DataPaths(folder), NOON))[1]
    assert not service.right
    assert "clock is far ahead of every other. Set it right" in service.text
    lock.release()


def test_a_disk_with_too_little_room_is_missing_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_FREE", 10**18)
    disk, _ = check_service(DataPaths(tmp_path), NOON)
    assert not disk.right
    assert "NO. Nothing starts with less than" in disk.text


def test_a_database_is_asked_for_its_time_and_for_who_ticks_and_keeps_its_shape(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_ledger()
    DatabaseClock(address)
    ahead, service = list(check_service(DataPaths(tmp_path, address), NOON + timedelta(minutes=5)))[1:]
    assert "differs from the database's by 300 s: NO" in ahead.text
    assert service.text == "service: none ticks now"

    postgresql.ask("CREATE DATABASE empty_one")
    *_, agrees, _ = check_service(DataPaths(tmp_path, postgresql.address_of("empty_one")), clock.now())
    assert agrees.right
    assert postgresql.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "empty_one") == [(0,)]

    *_, away = check_service(DataPaths(tmp_path, "postgresql://ann:hush@127.0.0.1:1/ledger"), NOON)
    assert not away.right
    assert "hush" not in away.text
