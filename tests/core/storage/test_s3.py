"""What only S3 has: types, names and sizes, addresses, credentials, and sentences for what is wrong."""

import errno
import gzip
import logging
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import (
    LocalStorage,
    S3Address,
    S3Storage,
    StorageAway,
    StorageUnusable,
    open_storage,
)
from jupyter_schedule.core.storage.s3_errors import Conflict, PreconditionFailed, exception_of
from tests.faulty import Fault, Faulty
from tests.s3_servers import CANARY, S3Server, variables

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
    packed = gzip.compress(b"1,2\n", mtime=0)
    folder = LocalStorage(tmp_path)
    for name, content in (("packed", packed), ("plain", b"1,2\n"), ("empty", b"")):
        source = tmp_path / name
        source.write_bytes(content)
        store.put(f"{name}/put.csv.gz", content)
        store.put_file(f"{name}/file.csv.gz", source)
        store.copy_from(folder, name, f"{name}/foreign.csv.gz")
        store.copy_from(store, f"{name}/put.csv.gz", f"{name}/copy.csv.gz")
        store.put_once(f"{name}/once.csv.gz", content)
        store.copy_from(store, f"{name}/put.csv.gz", f"{name}/copy.html")

    def head(key: str) -> tuple[str | None, str | None, str | None]:
        found = seaweedfs.client().head_object(Bucket=store.address.bucket, Key=store.address.prefix + key)
        return found["ContentType"], found.get("ContentEncoding"), found.get("CacheControl")

    for way in ("put", "file", "foreign", "copy", "once"):
        assert head(f"packed/{way}.csv.gz") == ("text/csv; charset=utf-8", "gzip", "no-cache"), way
        # what is only called so would be rubbish to whoever unpacks it; SeaweedFS calls bytes what their names do
        for name in ("plain", "empty"):
            assert head(f"{name}/{way}.csv.gz") == ("application/gzip", None, "no-cache"), (name, way)
            assert store.describe(f"{name}/{way}.csv.gz").encoding is None
        assert store.describe(f"packed/{way}.csv.gz") == ("text/csv; charset=utf-8", "gzip")
    assert head("plain/copy.html") == ("text/html; charset=utf-8", None, "no-cache")
    assert store.get("packed/file.csv.gz") == packed


# -- names


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
    store = open_storage(text)
    assert store.url("flights/data/a b.csv") == "https://r.org/flights/data/a%20b.csv"
    assert open_storage("s3://results/x/").url("flights/") == "s3://results/x/flights/"
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
        open_storage(address)
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

    writes: list[Callable[[], object]] = [
        lambda: store.put("key", b""),
        lambda: store.put_file("key", source),
        lambda: store.put_once("key", b""),
        lambda: store.put_if("key", b"", None),
    ]
    for ask in writes:
        with pytest.raises(StorageUnusable, match=sentence) as refused:
            ask()
        assert CANARY not in f"{refused.value!r} {refused.value} {caplog.text}"


@pytest.mark.s3
def test_a_bucket_that_is_not_there_is_named(seaweedfs: S3Server, tmp_path: Path) -> None:
    store = S3Storage(seaweedfs.address("not-there"))
    for ask in (
        lambda: store.get("key"),
        lambda: store.put("key", b""),
        lambda: store.put_file("key", Path(__file__)),
        lambda: list(store.list()),
    ):
        with pytest.raises(StorageUnusable, match="There is no bucket not-there: make it"):
            ask()


@pytest.mark.s3
def test_a_bucket_in_another_region_is_told_of_whatever_is_asked(
    store: S3Storage, proxy: Faulty, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 9_000_000)
    store.put("key", b"")
    # boto3 asks a HEAD for the right one, and goes there by itself where that is told
    proxy.decide = lambda method, _: None if method == "HEAD" else Fault.OTHER_REGION
    for ask in (
        lambda: store.get("key"),
        lambda: store.put("key", b""),
        lambda: store.put_once("key", b""),
        lambda: store.put_file("key", source),
        lambda: store.fetch("key", tmp_path / "back"),
        lambda: list(store.list()),
    ):
        with pytest.raises(StorageUnusable, match="is in another region than us-east-1: set region"):
            ask()


def test_a_server_that_is_not_there_is_away(moto: S3Server) -> None:
    store = S3Storage(moto.address("bucket", endpoint="http://127.0.0.1:9"))
    with pytest.raises(StorageAway, match=r"http://127\.0\.0\.1:9 can't be reached"):
        store.get("key")


@pytest.mark.parametrize(
    ("code", "status", "kind", "words"),
    [
        ("PermanentRedirect", 301, StorageUnusable, "another region than eu-west-1: set region"),
        ("AuthorizationHeaderMalformed", 400, StorageUnusable, "another region"),
        ("ExpiredToken", 400, StorageUnusable, "have expired: log in again"),
        ("RequestTimeTooSkewed", 403, StorageUnusable, "clock differs"),
        ("EntityTooLarge", 400, StorageUnusable, "no object of that size"),
        ("SlowDown", 503, StorageAway, "asks for patience"),
        ("RequestTimeout", 400, StorageAway, "asks for patience"),
        ("PreconditionFailed", 412, PreconditionFailed, "^key$"),
        ("ConditionalRequestConflict", 409, Conflict, "^key$"),
        ("Teapot", 418, StorageUnusable, r"refused to s3:GetObject in s3://results/x \(Teapot\)"),
    ],
)
def test_each_refusal_of_s3_means_something(code: str, status: int, kind: type[Exception], words: str) -> None:
    response = {"Error": {"Code": code, "Message": CANARY}, "ResponseMetadata": {"HTTPStatusCode": status}}
    meant = exception_of(response, S3Address("results", "x/", "eu-west-1"), "key", "s3:GetObject")
    assert type(meant) is kind
    with pytest.raises(kind, match=words):
        raise meant
    assert CANARY not in str(meant)
