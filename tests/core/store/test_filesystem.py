"""Where a SQLite file lies, and what follows from that."""

import os
import platform
from pathlib import Path

import pytest
from sqlalchemy import text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store import sqlite
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.filesystem import GONE, RENEW, LastUse, filesystem_of, is_network, on_network, refusal
from jupyter_schedule.core.store.sql import SqlStore
from tests.factories import make_schedule

MOUNTINFO = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /home rw,nosuid shared:20 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ann/local\040disk rw - xfs /dev/sdb1 rw
32 21 0:42 / /mnt/s3 rw - fuse.s3fs s3fs rw
33 21 0:43 / /over rw - tmpfs tmpfs rw
34 21 0:44 / /over rw - cifs //server/share rw
a line that nobody understands
"""


@pytest.mark.parametrize(
    ("path", "filesystem"),
    [
        ("/var/lib/x", "ext4"),
        ("/home/ann/x", "nfs4"),
        ("/homes/x", "ext4"),
        ("/home/ann/local disk/x", "xfs"),
        ("/mnt/s3/x", "fuse.s3fs"),
        ("/over/x", "cifs"),
    ],
)
def test_the_filesystem_is_that_of_the_deepest_mount_and_of_two_the_later(path: str, filesystem: str) -> None:
    assert filesystem_of(Path(path), MOUNTINFO) == filesystem


def test_what_other_machines_may_have_too_is_a_network_filesystem() -> None:
    assert [name for name in ("ext4", "nfs", "nfs4", "tmpfs", "cifs", "fuse.sshfs", "overlay") if is_network(name)] == [
        "nfs",
        "nfs4",
        "cifs",
        "fuse.sshfs",
    ]
    assert not is_network("fuse.fuse-overlayfs")
    assert filesystem_of(Path("/x"), "") == ""
    assert not is_network("")


def test_the_folder_of_this_test_is_looked_up(tmp_path: Path) -> None:
    assert not on_network(tmp_path / "ledger.sqlite3")


@pytest.mark.parametrize(
    ("last", "refused"),
    [(None, False), (LastUse("here", 0), False), (LastUse("there", 1), True), (LastUse("there", GONE), False)],
)
def test_another_machine_has_the_file_until_a_while_after_its_last_use(last: LastUse | None, refused: bool) -> None:
    assert (refusal(Path("/l"), "here", last) is not None) is refused


class TestOnNetwork:
    @pytest.fixture
    def ledger(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(sqlite, "on_network", lambda path: True)
        self.come_from("laptop", monkeypatch)
        return tmp_path / "ledger.sqlite3"

    def come_from(self, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "node", lambda: host)

    def test_the_journal_is_the_classic_one(self, ledger: Path) -> None:
        store = open_store(f"sqlite:///{ledger}")
        assert isinstance(store, SqlStore)
        store.schedules.add(make_schedule())
        with store.database.engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "delete"
        assert not ledger.with_name("ledger.sqlite3-wal").exists()
        store.close()

    def test_a_second_machine_is_refused_with_a_sentence_until_the_first_is_gone(
        self, ledger: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = open_store(f"sqlite:///{ledger}")
        first.schedules.add(make_schedule())
        self.come_from("server", monkeypatch)
        with pytest.raises(Refused, match="in use on laptop: use it there"):
            open_store(f"sqlite:///{ledger}")
        first.close()

        note = ledger.with_name("ledger.sqlite3.host")
        long_ago = note.stat().st_mtime - GONE
        os.utime(note, (long_ago, long_ago))
        second = open_store(f"sqlite:///{ledger}")
        assert second.schedules.list_page() == [make_schedule()]
        second.close()

    def test_the_first_machine_stops_when_it_comes_back_after_another_took_over(
        self, ledger: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = open_store(f"sqlite:///{ledger}")
        ledger.with_name("ledger.sqlite3.host").write_text("server")
        monkeypatch.setattr("jupyter_schedule.core.store.filesystem.RENEW", -RENEW)
        with pytest.raises(Refused, match="in use on server"):
            first.schedules.add(make_schedule())
        first.close()
