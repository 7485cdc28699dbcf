"""What every object store keeps, run over each of them."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_schedule.core import objects
from jupyter_schedule.core.objects import FolderObjects, NoSuchObject, ObjectChanged, ObjectExists, Objects, Stored

AWKWARD_KEYS = ["a b/c'd.csv", 'quo"te', "new\nline", "übung/数据.csv", "a/.hidden", "-dash", "100%?#&"]


@pytest.fixture(params=["folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    stores: dict[str, Callable[[], Objects]] = {"folder": lambda: FolderObjects(tmp_path / "area")}
    return stores[request.param]()


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_what_was_put_is_got_fetched_sized_and_listed(store: Objects, key: str, tmp_path: Path) -> None:
    store.put(key, b"12345")
    store.fetch(key, tmp_path / "fetched")
    with store.open(key) as stream:
        assert (stream.read(2), stream.read()) == (b"12", b"345")

    assert store.get(key) == b"12345"
    assert (tmp_path / "fetched").read_bytes() == b"12345"
    assert store.size(key) == 5
    assert list(store.list()) == [Stored(key, 5)]


def test_what_is_not_there_is_said_to_be_so(store: Objects, tmp_path: Path) -> None:
    store.put("folder/file", b"")

    for absent in ("nothing", "folder", "folder/file/below"):
        with pytest.raises(NoSuchObject):
            store.get(absent)
        with pytest.raises(NoSuchObject):
            store.open(absent)
        with pytest.raises(NoSuchObject):
            store.fetch(absent, tmp_path / "fetched")
        assert store.get_or_none(absent) is None
        assert store.size(absent) is None
    assert list(store.list("nothing/")) == []


def test_a_put_replaces(store: Objects) -> None:
    store.put("key", b"old")
    store.put("key", b"new")
    assert store.get("key") == b"new"


def test_a_write_once_put_keeps_the_first(store: Objects) -> None:
    store.put_once("gate", b"first")
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"second")
    assert store.get("gate") == b"first"


def test_of_many_writers_of_one_gate_exactly_one_wins(store: Objects) -> None:
    winners: list[int] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        try:
            store.put_once("gates/token", b"started by %d" % number)
        except ObjectExists:
            return
        winners.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [store.get("gates/token")] == [b"started by %d" % winner for winner in winners]


def test_compare_and_set_lets_through_only_who_saw_the_newest(store: Objects) -> None:
    store.put_if("latest.json", b"one", None)
    with pytest.raises(ObjectChanged):
        store.put_if("latest.json", b"other", None)

    store.put_if("latest.json", b"two", objects.digest(b"one"))
    with pytest.raises(ObjectChanged):
        store.put_if("latest.json", b"three", objects.digest(b"one"))

    assert store.get("latest.json") == b"two"


@pytest.mark.parametrize("consume", [False, True])
def test_a_file_is_stored_and_left_alone_unless_it_may_be_consumed(
    store: Objects, tmp_path: Path, consume: bool
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")

    store.put_file("key", source, consume=consume)

    assert store.get("key") == b"content"
    assert source.exists() is not consume


def test_a_copy_comes_from_another_store(store: Objects, tmp_path: Path) -> None:
    other = FolderObjects(tmp_path / "other")
    other.put("from", b"content")

    store.copy_from(other, "from", "to")

    assert store.get("to") == b"content"
    with pytest.raises(NoSuchObject):
        store.copy_from(other, "nothing", "to")
    assert store.get("to") == b"content"


def test_a_listing_is_sorted_and_keeps_to_its_prefix(store: Objects) -> None:
    for key in ("runs/b", "runs/a", "runs-old/c", "data/d", "run"):
        store.put(key, b"")
    assert [stored.key for stored in store.list("runs/")] == ["runs/a", "runs/b"]
    assert [stored.key for stored in store.list("run")] == ["run", "runs-old/c", "runs/a", "runs/b"]


def test_a_deleted_object_is_gone_and_deleting_twice_is_no_error(store: Objects) -> None:
    store.put("a/b/c", b"")
    store.put("a/d", b"")

    store.delete("a/b/c")
    store.delete("a/b/c")

    assert [stored.key for stored in store.list()] == ["a/d"]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a//b", "../outside", "a/../b", "./a", "nul\0", "a/"])
def test_a_key_that_could_leave_the_store_is_refused(store: Objects, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        store.put(key, b"")
    with pytest.raises(ValueError, match="not a key"):
        store.get(key)


def test_a_folder_without_hard_links_still_writes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    store = FolderObjects(tmp_path)

    store.put_once("gate", b"first")
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"second")

    assert store.get("gate") == b"first"


def test_a_full_disk_leaves_the_old_object_and_no_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderObjects(tmp_path)
    store.put("key", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put("key", b"new")

    assert store.get("key") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_is_still_being_written_is_not_listed(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    (tmp_path / ".jupyter-schedule-partial-x").write_bytes(b"half")
    assert list(store.list()) == []


def test_an_address_opens_the_store_it_names(tmp_path: Path) -> None:
    store = objects.open_objects(FolderObjects(tmp_path / "with space").url("").rstrip("/"))

    assert isinstance(store, FolderObjects)
    assert store.root == tmp_path / "with space"
    assert store.url("a b/c") == f"file://{tmp_path}/with%20space/a%20b/c"
    with pytest.raises(ValueError, match="use an address such as"):
        objects.open_objects("ftp://host/area")
