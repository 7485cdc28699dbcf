"""Where things are, and who ticks."""

import stat
from pathlib import Path

from jupyter_schedule.core.places import Places
from jupyter_schedule.core.ticking import TickerLock, is_ticking


def test_a_folder_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    Places(folder).make_private()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_one_ticks_at_a_time_and_the_next_may_when_it_lets_go(tmp_path: Path) -> None:
    one, other = TickerLock(tmp_path / "lock"), TickerLock(tmp_path / "lock")
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()


def test_looking_who_ticks_takes_nothing_from_anybody(tmp_path: Path) -> None:
    lock = TickerLock(tmp_path / "new" / "lock")
    assert not is_ticking(tmp_path / "new" / "lock")
    assert lock.acquire()
    assert is_ticking(tmp_path / "new" / "lock")
    lock.release()
    assert not is_ticking(tmp_path / "new" / "lock")
