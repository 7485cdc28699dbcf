"""What only S3 has to keep: answers that are lost, sizes and names, types, credentials, sentences for what is wrong."""

import errno
import logging
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.objects import (
    FolderObjects,
    ObjectChanged,
    ObjectExists,
    ObjectsAway,
    ObjectsUnusable,
    S3Address,
    S3Objects,
    open_objects,
    s3,
    s3_clients,
)
from jupyter_schedule.core.objects.s3_answers import Conflict, PreconditionFailed, answer
from tests.faulty import Fault, Faulty, faulty
from tests.s3_servers import CANARY, S3Server, variables

GIBI = 1 << 30


@pytest.fixture
def proxy(seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """A proxy before SeaweedFS, and retries that don't wait."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr(s3, "_pause", lambda _: None)
    with faulty(seaweedfs.endpoint) as made:
        yield made


@pytest.fixture
def store(seaweedfs: S3Server, proxy: Faulty) -> S3Objects:
    """A new area behind the proxy."""
    return S3Objects(seaweedfs.address(seaweedfs.bucket(), endpoint=proxy.endpoint))


def once(*faults: Fault, method: str = "PUT") -> Any:
    """These faults, one for each of the next requests with that method."""
    left = list(faults)

    def decide(asked: str, _path: str) -> Fault | None:
        return left.pop(0) if asked == method and left else None

    return decide


# -- types


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_readers_are_told_type_and_packing(
    seaweedfs: S3Server, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a put, a file, and a copy, from a folder and within S3; and to ask again each time."""
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    store = seaweedfs.objects()
    source = tmp_path / "source"
    source.write_bytes(b"1,2\n")
    folder = FolderObjects(tmp_path)
    store.put("a/put.csv.gz", b"1,2\n")
    store.put_file("a/file.csv.gz", source)
    store.copy_from(folder, "source", "a/foreign.csv.gz")
    store.copy_from(store, "a/put.csv.gz", "a/copy.csv.gz")
    store.put_once("a/once.csv.gz", b"")
    store.copy_from(store, "a/put.csv.gz", "a/copy.html")

    def head(key: str) -> tuple[str | None, str | None, str | None]:
        found = seaweedfs.client().head_object(Bucket=store.address.bucket, Key=store.address.prefix + key)
        return found["ContentType"], found.get("ContentEncoding"), found.get("CacheControl")

    for name in ("put", "file", "foreign", "copy", "once"):
        assert head(f"a/{name}.csv.gz") == ("text/csv", "gzip", "no-cache"), name
    assert head("a/copy.html") == ("text/html", None, "no-cache")
    assert store.get("a/file.csv.gz") == b"1,2\n"


# -- lost answers, conflicts, breaks


@pytest.mark.s3
def test_a_writer_whose_answer_was_lost_knows_that_it_won(store: S3Objects, proxy: Faulty) -> None:
    """The request that is sent again meets what the first one wrote."""
    proxy.decide = once(Fault.LOST)
    store.put_once("gate", b"ours")
    proxy.decide = once(Fault.LOST)
    store.put_if("gate", b"newer", s3.digest(b"ours"))

    assert store.get("gate") == b"newer"
    assert proxy.faults() == 2
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"ours")


@pytest.mark.s3
def test_a_conflict_is_asked_again_and_given_up_in_the_end(store: S3Objects, proxy: Faulty) -> None:
    proxy.decide = once(Fault.CONFLICT, Fault.CONFLICT)
    store.put_once("gate", b"ours")
    assert store.get("gate") == b"ours"

    proxy.decide = lambda *_: Fault.CONFLICT
    with pytest.raises(ObjectsAway, match="keep writing"):
        store.put_once("other", b"")


@pytest.mark.s3
def test_a_false_412_never_makes_two_winners(store: S3Objects, proxy: Faulty) -> None:
    proxy.decide = once(Fault.PRECONDITION)
    with pytest.raises(ObjectExists):
        store.put_once("gate", b"ours")
    assert store.get_or_none("gate") is None


@pytest.mark.s3
@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.INTERNAL, Fault.CLOSED, Fault.LOST, Fault.EXPIRED])
def test_what_passes_is_tried_again(store: S3Objects, proxy: Faulty, fault: Fault, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(b"x" * 9_000_000)
    proxy.decide = once(fault, fault)
    store.put_file("small", Path(__file__))
    proxy.decide = once(fault)
    store.put_file("large", source)
    proxy.decide = once(fault, fault, method="GET")
    store.fetch("large", back)

    assert back.read_bytes() == source.read_bytes()
    assert store.get("small") == Path(__file__).read_bytes()


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_a_body_that_breaks_off_is_never_taken_for_whole(
    store: S3Objects, proxy: Faulty, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    store.put("key", b"0123456789" * 1000)

    proxy.decide = once(Fault.TRUNCATED, Fault.TRUNCATED, method="GET")
    assert store.get("key") == b"0123456789" * 1000
    proxy.decide = once(Fault.TRUNCATED, Fault.TRUNCATED, method="GET")
    store.fetch("key", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"0123456789" * 1000
    proxy.decide = once(Fault.TRUNCATED, method="GET")
    with store.open("key") as stream, pytest.raises(ObjectsAway, match="breaks off"):
        stream.read()


@pytest.mark.s3
def test_a_server_that_stays_away_is_said_to_be_away(store: S3Objects, proxy: Faulty, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 9_000_000)
    proxy.decide = lambda *_: Fault.SLOW_DOWN
    for ask in (
        lambda: store.put("key", b""),
        lambda: store.get("key"),
        lambda: store.put_file("key", source),
        lambda: store.fetch("key", tmp_path / "back"),
        lambda: list(store.list()),
        lambda: store.size("key"),
        lambda: store.put_once("key", b""),
    ):
        with pytest.raises(ObjectsAway):
            ask()


# -- parts


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

    other.copy_from(store, "from", "to.csv", s3.digest(source.read_bytes()))
    with pytest.raises(ObjectChanged):
        other.copy_from(store, "from", "wrong.csv", s3.digest(b""))

    assert other.get("to.csv") == source.read_bytes()
    assert [stored.key for stored in other.list()] == ["to.csv"]
    found = seaweedfs.client().head_object(Bucket=other.address.bucket, Key=f"{other.address.prefix}to.csv")
    assert found["ContentType"] == "text/csv"
    assert "-3" in found["ETag"]


@pytest.mark.s3
@pytest.mark.parametrize("fast", [True, False])
def test_an_upload_that_is_given_up_leaves_no_parts(
    store: S3Objects, proxy: Faulty, tmp_path: Path, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(s3_clients, "mover", lambda _: None)
    source = tmp_path / "source"
    source.write_bytes(b"x" * 20_000_000)
    proxy.decide = lambda method, path: Fault.SLOW_DOWN if method == "PUT" and "partNumber=2" in path else None

    with pytest.raises(ObjectsAway):
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
    room, most, inside = s3_clients.Room(100), 0, 0
    lock = threading.Lock()

    def take(size: int) -> None:
        nonlocal most, inside
        with room.taken(size):
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


# -- names, and files that don't hold still


@pytest.mark.s3
@pytest.mark.parametrize("letter", ["n", "é"])
def test_a_name_longer_than_s3_takes_is_refused_in_a_sentence(seaweedfs: S3Server, letter: str) -> None:
    """1,024 bytes, not letters, the prefix included."""
    store = seaweedfs.objects()
    longest = 1024 - len(store.address.prefix)
    deep = "/".join([letter * (200 // len(letter.encode()))] * 5)
    longest_name = deep + "x" * (longest - len(deep.encode()))
    with pytest.raises(OSError, match="longer than the 1,024 bytes") as refused:
        store.put(f"{longest_name}x", b"")
    assert refused.value.errno == errno.ENAMETOOLONG
    store.put(longest_name, b"1")
    assert store.get(longest_name) == b"1"


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


# -- addresses


@pytest.mark.s3
def test_a_link_gives_anybody_one_object(seaweedfs: S3Server) -> None:
    store = seaweedfs.objects()
    store.put("a b/100%.csv", b"1,2\n")
    link = store.link("a b/100%.csv", 60)
    assert link is not None
    with urllib.request.urlopen(link) as found:
        assert found.read() == b"1,2\n"
    assert CANARY not in link


def test_an_address_is_whole_wherever_it_goes() -> None:
    text = "s3://results/team%20a?region=eu-west-1&endpoint=https%3A%2F%2Fs3.local%3A8333&public=https%3A%2F%2Fr.org%2F"
    address = S3Address.parse(text)

    assert str(address) == text
    assert address == S3Address("results", "team a/", "eu-west-1", "https://s3.local:8333", "https://r.org/")
    store = open_objects(text)
    assert store.url("flights/data/a b.csv") == "https://r.org/flights/data/a%20b.csv"
    assert open_objects("s3://results/x/").url("flights/") == "s3://results/x/flights/"
    assert str(S3Address.parse("s3://results")) == "s3://results"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3://", "isn't the name of a bucket"),
        ("s3://Results", "isn't the name of a bucket"),
        (f"s3://key:{CANARY}@results/x", "holds no credentials"),
        ("s3://results/a/../b", "isn't a prefix"),
        ("s3://results?regoin=eu-west-1", "not in regoin"),
        ("s3://results?public=ftp://x", "public must be an address"),
        (f"s3://results?endpoint=https://u:{CANARY}@host", "endpoint must be an address"),
    ],
)
def test_an_address_that_names_no_area_is_refused_in_a_sentence(address: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        open_objects(address)
    assert CANARY not in str(refused.value)


# -- what is wrong, in a sentence


@pytest.mark.s3
@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("nobody", "may not s3:PutObject in s3://shared-bucket"),
        ("reader", "may not s3:PutObject in s3://shared-bucket"),
        ("stranger", "doesn't know the credentials"),
        (None, "No credentials for S3 were found"),
    ],
)
def test_who_may_not_write_is_told_so(  # noqa: PLR0917  (fixtures)
    seaweedfs: S3Server,
    who: str | None,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And neither message nor log has the secret."""
    caplog.set_level(logging.INFO)
    store = seaweedfs.objects()
    for name, value in variables(who or "").items():
        if who is None and "KEY" in name:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    s3_clients.forget()
    source = tmp_path / "source"
    source.write_bytes(b"")

    for ask in (
        lambda: store.put("key", b""),
        lambda: store.put_file("key", source),
        lambda: store.put_once("key", b""),
        lambda: store.put_if("key", b"", None),
    ):
        with pytest.raises(ObjectsUnusable, match=sentence) as refused:
            ask()
        assert CANARY not in f"{refused.value!r} {refused.value} {caplog.text}"


@pytest.mark.s3
def test_a_bucket_that_is_not_there_is_named(seaweedfs: S3Server, tmp_path: Path) -> None:
    store = S3Objects(seaweedfs.address("not-there"))
    for ask in (
        lambda: store.get("key"),
        lambda: store.put("key", b""),
        lambda: store.put_file("key", Path(__file__)),
        lambda: list(store.list()),
    ):
        with pytest.raises(ObjectsUnusable, match="There is no bucket not-there: make it"):
            ask()


def test_a_server_that_is_not_there_is_away(moto: S3Server) -> None:
    store = S3Objects(moto.address("bucket", endpoint="http://127.0.0.1:9"))
    with pytest.raises(ObjectsAway, match=r"http://127\.0\.0\.1:9 can't be reached"):
        store.get("key")


@pytest.mark.parametrize(
    ("code", "status", "kind", "words"),
    [
        ("PermanentRedirect", 301, ObjectsUnusable, "another region than eu-west-1: set region"),
        ("AuthorizationHeaderMalformed", 400, ObjectsUnusable, "another region"),
        ("ExpiredToken", 400, ObjectsUnusable, "have expired: log in again"),
        ("RequestTimeTooSkewed", 403, ObjectsUnusable, "clock differs"),
        ("EntityTooLarge", 400, ObjectsUnusable, "no object of that size"),
        ("SlowDown", 503, ObjectsAway, "asks for patience"),
        ("RequestTimeout", 400, ObjectsAway, "asks for patience"),
        ("PreconditionFailed", 412, PreconditionFailed, "^key$"),
        ("ConditionalRequestConflict", 409, Conflict, "^key$"),
        ("Teapot", 418, ObjectsUnusable, r"refused to s3:GetObject in s3://results/x \(Teapot\)"),
    ],
)
def test_each_refusal_of_s3_means_something(code: str, status: int, kind: type[Exception], words: str) -> None:
    response = {"Error": {"Code": code, "Message": CANARY}, "ResponseMetadata": {"HTTPStatusCode": status}}
    meant = answer(response, S3Address("results", "x/", "eu-west-1"), "key", "s3:GetObject")
    assert type(meant) is kind
    with pytest.raises(kind, match=words):
        raise meant
    assert CANARY not in str(meant)
