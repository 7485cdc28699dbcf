"""What every object store keeps, run over each of them."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.storage import factory, s3_clients
from jupyter_schedule.core.storage.factory import (
    LocalStorage,
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    ObjectStorage,
    StoredObject,
    file_digest,
)
from tests.factories import NOON

AWKWARD_KEYS = ["a b/c'd.csv", 'quo"te', "new\nline", "übung/数据.csv", "a/.hidden", "-dash", "100%?#&"]


STORES = ["folder", pytest.param("s3", marks=pytest.mark.s3), pytest.param("boto3", marks=pytest.mark.s3), "moto"]


def make_store(kind: str, name: str, request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStorage:
    """A new, empty store; `s3` is SeaweedFS, and `boto3` the same without obstore."""
    if kind == "folder":
        return LocalStorage(tmp_path / name)
    if kind == "boto3":
        request.getfixturevalue("monkeypatch").setattr(s3_clients, "mover", lambda _: None)
    server: Any = request.getfixturevalue("moto" if kind == "moto" else "seaweedfs")
    made: ObjectStorage = server.objects(name)
    return made


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStorage:
    return make_store(request.param, "shared", request, tmp_path)


@pytest.fixture(params=STORES)
def two_stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ObjectStorage, ObjectStorage]:
    """Two of one kind, in two buckets."""
    return tuple(make_store(request.param, name, request, tmp_path) for name in ("one", "two"))  # type: ignore[return-value]


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_what_was_put_is_got_fetched_sized_and_listed(
    store: ObjectStorage, key: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "\n" in key and "moto" in request.node.callspec.id:
        pytest.skip("moto's routes know no line breaks; SeaweedFS's do")
    store.put(key, b"12345")
    store.fetch(key, tmp_path / "fetched")
    with store.open(key) as stream:
        assert (stream.read(2), stream.read()) == (b"12", b"345")

    assert store.get(key) == b"12345"
    assert (tmp_path / "fetched").read_bytes() == b"12345"
    assert store.size(key) == 5
    assert list(store.list()) == [StoredObject(key, 5, NOON)]


def test_a_list_tells_when_each_object_was_stored(store: ObjectStorage) -> None:
    before = datetime.now(UTC)
    store.put("folder/file", b"12345")
    (stored,) = store.list()
    # a server's clock is its own, and counts whole seconds
    assert abs(stored.modified - before) < timedelta(minutes=10)


def test_what_is_not_there_is_said_to_be_so(store: ObjectStorage, tmp_path: Path) -> None:
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


def test_a_put_replaces(store: ObjectStorage) -> None:
    store.put("key", b"old")
    store.put("key", b"new")
    assert store.get("key") == b"new"


def test_a_write_once_put_keeps_the_first(store: ObjectStorage) -> None:
    store.put_once("gate", b"first")
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"second")
    assert store.get("gate") == b"first"


def test_of_many_writers_of_one_gate_exactly_one_wins(store: ObjectStorage) -> None:
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


def test_compare_and_set_lets_through_only_who_saw_the_newest(store: ObjectStorage) -> None:
    store.put_if("latest.json", b"one", None)
    with pytest.raises(ObjectChanged):
        store.put_if("latest.json", b"other", None)

    store.put_if("latest.json", b"two", factory.digest(b"one"))
    with pytest.raises(ObjectChanged):
        store.put_if("latest.json", b"three", factory.digest(b"one"))

    assert store.get("latest.json") == b"two"


def test_of_many_who_saw_the_same_exactly_one_gets_through(store: ObjectStorage) -> None:
    """Round by round, each from what the winner of the last one wrote."""
    start = threading.Barrier(8)
    expected: str | None = None
    for turn in range(5):
        winners: list[bytes] = []

        def write(number: int, turn: int = turn, seen: str | None = expected, winners: list[bytes] = winners) -> None:
            content = b"%d by %d" % (turn, number)
            start.wait()
            try:
                store.put_if("latest.json", content, seen)
            except ObjectChanged:
                return
            winners.append(content)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [store.get("latest.json")] == winners
        expected = factory.digest(winners[0])


@pytest.mark.parametrize("consume", [False, True])
def test_a_file_is_stored_and_left_alone_unless_it_may_be_consumed(
    store: ObjectStorage, tmp_path: Path, consume: bool
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")

    store.put_file("key", source, consume=consume)

    assert store.get("key") == b"content"
    assert source.exists() is not consume


@pytest.mark.parametrize("size", [0, 1, 8_388_607, 8_388_609, 20_000_000])
def test_files_of_any_size_come_back_as_they_were(store: ObjectStorage, tmp_path: Path, size: int) -> None:
    """Around the size from which S3 takes them in parts."""
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(b"0123456789" * (size // 10) + b"x" * (size % 10))

    store.put_file("folder/key", source)
    store.fetch("folder/key", back)

    assert store.size("folder/key") == size
    assert file_digest(back) == file_digest(source)


@pytest.mark.parametrize("size", [7, 9_000_000])
def test_a_copy_has_the_digest_that_it_should_have_or_is_not_made(
    two_stores: tuple[ObjectStorage, ObjectStorage], tmp_path: Path, size: int
) -> None:
    one, two = two_stores
    source = tmp_path / "source"
    source.write_bytes(b"x" * size)
    one.put_file("from", source)

    two.copy_from(one, "from", "to", file_digest(source))
    with pytest.raises(ObjectChanged):
        two.copy_from(one, "from", "wrong", factory.digest(b"other"))

    assert two.get("to") == b"x" * size
    assert [stored.key for stored in two.list()] == ["to"]


def test_each_item_is_done_and_the_first_failure_is_raised(store: ObjectStorage) -> None:
    def put(number: int) -> None:
        if number == 13:
            raise ValueError("unlucky")
        store.put(f"key/{number}", b"")

    store.for_each(range(10), put)
    assert len(list(store.list("key/"))) == 10
    with pytest.raises(ValueError, match="unlucky"):
        store.for_each(range(10, 20), put)


def test_items_are_taken_as_they_are_needed(store: ObjectStorage) -> None:
    """So a million of them take no more memory than a few."""
    lock = threading.Lock()
    done = 0

    def items() -> Iterator[int]:
        for number in range(500):
            assert number - done <= 2 * store.at_a_time
            yield number

    def act(_number: int) -> None:
        nonlocal done
        with lock:
            done += 1

    store.for_each(items(), act)
    assert done == 500


def test_a_copy_comes_from_another_store(store: ObjectStorage, tmp_path: Path) -> None:
    other = LocalStorage(tmp_path / "other")
    other.put("from", b"content")

    store.copy_from(other, "from", "to")

    assert store.get("to") == b"content"
    with pytest.raises(NoSuchObject):
        store.copy_from(other, "nothing", "to")
    assert store.get("to") == b"content"


def test_a_listing_is_sorted_and_keeps_to_its_prefix(store: ObjectStorage) -> None:
    for key in ("runs/b", "runs/a", "runs-old/c", "data/d", "run"):
        store.put(key, b"")
    assert [stored.key for stored in store.list("runs/")] == ["runs/a", "runs/b"]
    assert [stored.key for stored in store.list("run")] == ["run", "runs-old/c", "runs/a", "runs/b"]


def test_a_deleted_object_is_gone_and_deleting_twice_is_no_error(store: ObjectStorage) -> None:
    store.put("a/b/c", b"")
    store.put("a/d", b"")

    store.delete("a/b/c")
    store.delete("a/b/c")

    assert [stored.key for stored in store.list()] == ["a/d"]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a//b", "../outside", "a/../b", "./a", "nul\0", "a/"])
def test_a_key_that_could_leave_the_store_is_refused(store: ObjectStorage, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        store.put(key, b"")
    with pytest.raises(ValueError, match="not a key"):
        store.get(key)
