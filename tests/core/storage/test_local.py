"""What only a folder has to keep: a full disk, a filesystem without hard links, half-written files."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.storage import factory
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectExists


def test_a_folder_without_hard_links_still_writes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

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
