"""Tarballs over HTTP."""

import gzip
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import pytest

from jupyter_schedule.server import handlers
from tests.server.conftest import Api, Reply

GZIP = {"Content-Type": "application/gzip"}


def tarball(*names: str, size: int = 1) -> tuple[str, bytes]:
    """Digest and bytes of a tarball."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = size, 0o755
            tar.addfile(entry, io.BytesIO(b"x" * size))
    return hashlib.sha256(stream.getvalue()).hexdigest(), gzip.compress(stream.getvalue())


async def put(api: Api, digest: str, packed: bytes, kind: str = "application/gzip") -> Reply:
    return await api("PUT", f"bundles/{digest}", packed, headers={"Content-Type": kind})


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads are received."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


async def test_a_tarball_is_kept_and_becomes_a_schedule_with_a_command(api: Api, scratch: Path) -> None:
    digest, packed = tarball("run.sh", "data.csv", size=300_000)
    reply = await put(api, digest, packed)
    assert (reply.status, reply.body) == (201, {"bundle": digest, "size": len(packed), "files": 2})
    assert list(scratch.iterdir()) == []
    form = {"name": "script", "command": "./run.sh --fast"}
    made = (await api("POST", "schedules", {"form": form, "bundle": digest})).body
    assert (made["form"]["notebook"], made["form"]["command"]) == (None, "./run.sh --fast")


async def test_a_tarball_whose_digest_its_sender_cannot_tell_is_named_by_the_answer(api: Api, scratch: Path) -> None:
    """A browser knows the digest of no large file; the same tarball twice is one bundle."""
    digest, packed = tarball("run.sh", "data.csv", size=300_000)
    for _ in range(2):
        reply = await api("PUT", "bundles", packed, headers=GZIP)
        assert (reply.status, reply.body) == (201, {"bundle": digest, "size": len(packed), "files": 2})
    assert [each.key for each in api.objects.list("bundles/") if each.key.endswith(".tar.gz")] == [
        f"bundles/{digest}.tar.gz"
    ]
    assert list(scratch.iterdir()) == []
    form = {"name": "script", "tarball": digest, "command": "./run.sh --fast"}
    assert (await api("POST", "schedules", {"form": form})).body["form"]["tarball"] == digest


async def test_what_is_no_tarball_gets_no_name(api: Api, scratch: Path) -> None:
    for packed in (b"", b"no tarball", tarball("../up")[1]):
        assert (await api("PUT", "bundles", packed, headers=GZIP)).status == 422
    assert list(api.objects.list("bundles/")) == []
    assert list(scratch.iterdir()) == []


async def test_a_tarball_above_the_limit_is_refused_before_it_is_received(
    api: Api, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "LARGEST_BUNDLE", 100)
    reply = await api("PUT", "bundles", b"x" * 101, headers=GZIP)
    assert (reply.status, reply.code) == (413, "archive_too_big")
    assert list(scratch.iterdir()) == []


async def test_what_is_not_what_its_name_says_is_refused_and_not_kept(api: Api, scratch: Path) -> None:
    _, packed = tarball("run.sh")
    reply = await put(api, "0" * 64, packed)
    assert (reply.status, reply.code) == (422, "wrong_digest")
    assert list(api.objects.list("bundles/")) == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("packed", "code"),
    [
        (b"", "archive_unreadable"),
        (b"no tarball", "archive_unreadable"),
        (tarball("../up")[1], "archive_unsafe"),
        (tarball("/absolute")[1], "archive_unsafe"),
        (tarball("run.sh")[1][:40], "archive_unreadable"),
    ],
    ids=["nothing", "no tarball", "one that leads up", "one that leads elsewhere", "half of one"],
)
async def test_a_hostile_or_damaged_tarball_is_refused(api: Api, packed: bytes, code: str, scratch: Path) -> None:
    reply = await put(api, "0" * 64, packed)
    assert (reply.status, reply.code) == (422, code)
    assert list(scratch.iterdir()) == []


async def test_a_tarball_of_more_files_than_a_run_may_have_is_too_large(api: Api) -> None:
    digest, packed = tarball(*(f"{number}" for number in range(10_001)), size=0)
    reply = await put(api, digest, packed)
    assert (reply.status, reply.code) == (413, "archive_too_big")


async def test_nothing_is_received_from_whom_it_is_not_allowed(api: Api, scratch: Path) -> None:
    digest, packed = tarball("run.sh")
    reply = await api("PUT", f"bundles/{digest}", packed, headers=GZIP | {"Authorization": "token wrong"})
    assert reply.status == 403
    assert not api.places.folder.exists()
    assert list(scratch.iterdir()) == []


async def test_a_tarball_says_what_it_is(api: Api, scratch: Path) -> None:
    digest, packed = tarball("run.sh")
    assert (await put(api, digest, packed, "application/octet-stream")).status == 415
    assert list(scratch.iterdir()) == []


async def test_a_bundle_that_is_not_kept_is_not_found(api: Api) -> None:
    for digest, code in (("0" * 64, "no_such_file"), ("not-a-digest", "no_such_route")):
        reply = await api("GET", f"bundles/{digest}")
        assert (reply.status, reply.code) == (404, code)
