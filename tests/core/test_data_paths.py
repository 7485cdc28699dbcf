"""Where things are, and who ticks."""

import fcntl
import stat
import time
from pathlib import Path

import pytest

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.store.leader_lock import Blocker, LeaderLock, is_held, read_blocker


def test_a_folder_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    DataPaths(folder).make_private()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_ledger_in_a_file_has_one_lock_whatever_folder_or_address_leads_to_it(tmp_path: Path) -> None:
    """Two services that named the file by an address both ticked."""
    named = DataPaths(tmp_path, f"sqlite:///{tmp_path}/elsewhere/all.db?timeout=5")
    assert (named.shared_store, named.ledger) == (None, tmp_path / "elsewhere" / "all.db")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert named.lock == DataPaths(tmp_path / "other", f"sqlite:///{tmp_path}/link/all.db").lock
    assert named.lock != DataPaths(tmp_path, f"sqlite:///{tmp_path}/elsewhere/another.db").lock
    assert DataPaths(tmp_path).lock == DataPaths(tmp_path / "other", f"sqlite:///{tmp_path}/ledger.sqlite3").lock
    shared = DataPaths(tmp_path, "postgresql://host/ledger")
    assert shared.shared_store == shared.store == "postgresql://host/ledger"


def test_one_ticks_at_a_time_and_the_next_may_when_it_lets_go(tmp_path: Path) -> None:
    one, other = LeaderLock(tmp_path / "lock"), LeaderLock(tmp_path / "lock")
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()


def test_looking_who_ticks_takes_nothing_from_anybody(tmp_path: Path) -> None:
    lock = LeaderLock(tmp_path / "new" / "lock")
    assert not is_held(tmp_path / "new" / "lock")
    assert lock.acquire()
    assert is_held(tmp_path / "new" / "lock")
    lock.release()
    assert not is_held(tmp_path / "new" / "lock")


def test_who_holds_the_file_that_others_look_at_hangs_no_service_and_keeps_the_right_from_none(tmp_path: Path) -> None:
    one, other = LeaderLock(tmp_path / "lock"), LeaderLock(tmp_path / "lock")
    with (tmp_path / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not one.acquire()
    assert other.acquire()
    other.release()
    assert one.acquire()
    one.release()


def test_a_look_that_ends_soon_keeps_nobody_from_the_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = LeaderLock(tmp_path / "lock")
    with (tmp_path / "lock").open("wb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        assert lock.acquire()
    lock.release()


def test_what_keeps_the_holder_from_starting_anything_is_read_in_the_locks_file(tmp_path: Path) -> None:
    lock = LeaderLock(tmp_path / "lock")
    assert lock.acquire()
    assert read_blocker(tmp_path / "lock") is None
    for said in Blocker:
        lock.report(said)
        assert read_blocker(tmp_path / "lock") is said
        assert said.sentence.startswith("The scheduler service starts nothing now: ")
    size = (tmp_path / "lock").stat().st_size
    lock.report(None)
    assert read_blocker(tmp_path / "lock") is None
    assert (tmp_path / "lock").stat().st_size == size, "a full disk has no room for more"
    lock.release()
