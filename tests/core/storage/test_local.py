"""What only a folder has to keep: a full disk, a filesystem without hard links, half-written files."""

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.storage import factory
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectExists, open_storage, open_work


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "no hard links here")


def test_a_folder_without_hard_links_still_writes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    store = LocalStorage(tmp_path)

    store.put_once("gate", b"first")
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"second")

    assert store.get("gate") == b"first"


def test_a_full_disk_leaves_the_old_object_and_no_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStorage(tmp_path)
    store.put("key", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put("key", b"new")

    assert store.get("key") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_is_still_being_written_is_not_listed(tmp_path: Path) -> None:
    store = LocalStorage(tmp_path)
    (tmp_path / ".jupyter-schedule-partial-x").write_bytes(b"half")
    assert list(store.list()) == []


def test_what_dead_writers_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    store = LocalStorage(tmp_path)
    store.put("folder/key", b"")
    (tmp_path / "folder" / ".jupyter-schedule-partial-x").write_bytes(b"half")
    now = datetime.now(UTC)

    assert store.sweep(now - timedelta(days=1)) == 0
    assert store.sweep(now + timedelta(days=1)) == 1
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["key"]


def test_an_address_opens_the_store_it_names(tmp_path: Path) -> None:
    store = factory.open_storage(LocalStorage(tmp_path / "with space").url("").rstrip("/"))

    assert isinstance(store, LocalStorage)
    assert store.root == tmp_path / "with space"
    assert store.url("a b/c") == f"file://{tmp_path}/with%20space/a%20b/c"
    with pytest.raises(ValueError, match="use an address such as"):
        factory.open_storage("ftp://host/area")


def test_a_name_is_on_the_disk_before_a_write_counts_as_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that a rename or a link gave, and each folder made for it: a power cut takes none of them back."""
    root = tmp_path / "area"
    store, source = LocalStorage(root), tmp_path / "file"
    synced: dict[Path, set[str]] = {}
    real = os.fsync

    def sync(handle: int) -> None:
        real(handle)
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            known = os.fstat(handle)
            folder = next(path for path in (tmp_path, *tmp_path.rglob("*")) if os.path.samestat(known, path.stat()))
            synced[folder] = {path.name for path in folder.iterdir()}

    monkeypatch.setattr(os, "fsync", sync)
    for consume in (False, True):
        source.write_bytes(b"1")
        store.put_file(f"file/{consume}", source, consume=consume)
    store.put("put/a/key", b"1")
    store.put_once("once/key", b"1")
    store.put_if("if/key", b"1", None)
    store.copy_from(store, "put/a/key", "copy/key")
    monkeypatch.setattr(os, "link", no_links)
    store.put_once("linkless/key", b"1")

    assert "area" in synced[tmp_path]
    assert {"file", "put", "once", "if", "copy", "linkless"} <= synced[root]
    assert synced[root / "file"] >= {"False", "True"}
    assert "a" in synced[root / "put"]
    assert [name for name in ("put/a", "once", "if", "copy", "linkless") if "key" not in synced[root / name]] == []


def test_a_filesystem_that_syncs_no_folders_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def sync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", sync)
    LocalStorage(tmp_path).put("key", b"1")
    assert LocalStorage(tmp_path).get("key") == b"1"


@pytest.mark.parametrize(("umask", "private"), [(0o022, False), (0o077, True)])
def test_what_is_published_is_read_by_whom_the_umask_says(umask: int, private: bool, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        area = open_storage((tmp_path / "published").as_uri())
        area.put("flights/a.csv", b"1")
        area.copy_from(area, "flights/a.csv", "flights/b.csv")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "published").rglob("*.csv")}
    assert modes == dict.fromkeys(("a.csv", "b.csv"), 0o600 if private else 0o644)


def test_the_work_area_is_its_accounts_alone(tmp_path: Path) -> None:
    """Also one that an older service left open, but none into which others write."""
    (tmp_path / "old").mkdir(mode=0o755)
    (tmp_path / "old").chmod(0o755)
    (tmp_path / "team").mkdir()
    (tmp_path / "team").chmod(0o2770)
    taken = tmp_path / "log.txt"
    taken.write_text("x")
    for name, folder, file in (("new", 0o700, 0o600), ("old", 0o700, 0o600), ("team", 0o2770, 0o640)):
        work = open_work((tmp_path / name).as_uri())
        work.put("runs/a.log", b"1")
        work.put_file("runs/b.log", taken)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == folder
        assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / name / "runs").iterdir()} == {file}
