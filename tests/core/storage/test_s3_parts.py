"""What goes to S3 in parts, and files that change on the way."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.storage import s3, s3_clients
from jupyter_schedule.core.storage.base import digest
from jupyter_schedule.core.storage.factory import ObjectChanged, S3Storage, StorageAway
from tests.faulty import Fault, Faulty
from tests.s3_servers import S3Server

GIBI = 1 << 30


def test_parts_are_planned_for_every_size_that_s3_takes() -> None:
    """8 MiB, and more where 10,000 of them aren't enough: a file of 20 GB has 2,385 of them."""
    assert s3.part_size(0) == s3.part_size(20_000_000_000) == 8 << 20
    assert len(s3.spans(20_000_000_000, s3.part_size(20_000_000_000))) == 2385
    for size in (78 * GIBI, 79 * GIBI, 500 * GIBI + 1, 5 << 40):
        part = s3.part_size(size)
        assert -(-size // part) <= 10_000
        assert part % (1 << 20) == 0


def test_parts_cover_a_file_once() -> None:
    assert s3.spans(10, 4) == [(1, 0, 3), (2, 4, 7), (3, 8, 9)]
    assert s3.spans(8, 4) == [(1, 0, 3), (2, 4, 7)]


@pytest.mark.s3
def test_a_copy_too_large_for_one_request_goes_in_parts(
    seaweedfs: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above 5 GiB; here, above 5 MiB."""
    monkeypatch.setattr(s3, "LARGEST_COPY", 5 << 20)
    monkeypatch.setattr(s3, "COPIED_PART", 5 << 20)
    store, other = seaweedfs.objects("one"), seaweedfs.objects("two")
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 50_000)
    store.put_file("from", source)

    other.copy_from(store, "from", "to.csv", digest(source.read_bytes()))
    with pytest.raises(ObjectChanged):
        other.copy_from(store, "from", "wrong.csv", digest(b""))

    assert other.get("to.csv") == source.read_bytes()
    assert [stored.key for stored in other.list()] == ["to.csv"]
    found = seaweedfs.client().head_object(Bucket=other.address.bucket, Key=f"{other.address.prefix}to.csv")
    assert found["ContentType"] == "text/csv; charset=utf-8"
    assert "-3" in found["ETag"]


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_an_upload_that_is_given_up_leaves_no_parts(
    store: S3Storage, proxy: Faulty, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    source = tmp_path / "source"
    source.write_bytes(b"x" * 20_000_000)
    proxy.decide = lambda method, path: Fault.SLOW_DOWN if method == "PUT" and "partNumber=2" in path else None

    with pytest.raises(StorageAway):
        store.put_file("key", source)

    assert store.size("key") is None
    proxy.decide = lambda *_: None
    assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 0


@pytest.mark.s3
def test_parts_that_a_dead_writer_left_are_swept_when_they_are_old(seaweedfs: S3Server) -> None:
    store = seaweedfs.objects()
    seaweedfs.client().create_multipart_upload(Bucket=store.address.bucket, Key=f"{store.address.prefix}a b/half")
    now = datetime.now(UTC)

    assert store.sweep(now - timedelta(days=1)) == 0
    assert store.sweep(now + timedelta(days=1)) == 1
    assert store.sweep(now + timedelta(days=1)) == 0


def test_memory_is_shared_out_and_never_more_than_there_is() -> None:
    memory, most, inside = s3_clients.MemoryBudget(100), 0, 0
    lock = threading.Lock()

    def take(size: int) -> None:
        nonlocal most, inside
        with memory.take(size):
            with lock:
                inside += min(size, 100)
                most = max(most, inside)
            with lock:
                inside -= min(size, 100)

    threads = [threading.Thread(target=take, args=(size,)) for size in [60, 50, 1000, 1, 40] * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < most <= 100


@pytest.mark.s3
def test_a_file_that_changes_while_it_is_uploaded_is_noticed(
    seaweedfs: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "growing.csv"
    source.write_bytes(b"1\n")
    send = s3._send

    def send_and_grow(*arguments: Any) -> None:
        send(*arguments)
        with source.open("ab") as file:
            file.write(b"2\n")

    monkeypatch.setattr(s3, "_send", send_and_grow)
    with pytest.raises(ObjectChanged, match=r"growing\.csv changed"):
        seaweedfs.objects().put_file("key", source, consume=True)
    assert source.exists()


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_a_file_that_is_cut_off_while_its_parts_go_is_noticed_and_kept(
    store: S3Storage, proxy: Faulty, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the server waits for the rest
    monkeypatch.setattr(s3_clients, "SILENCE", 1)
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    source = tmp_path / "shrinking.csv"
    source.write_bytes(b"x" * 50_000_000)

    def decide(method: str, _path: str) -> None:
        if method == "PUT":
            os.truncate(source, 1000)

    proxy.decide = decide
    with pytest.raises((ObjectChanged, OSError)):
        store.put_file("key", source, consume=True)
    assert source.exists()
