"""Files that go over the wire as they are: bundles in and out, what runs left, and what was published."""

import errno
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.api.responses import BundleResponse
from jupyter_schedule.core.bundles import stored
from jupyter_schedule.core.bundles.record import no_such_bundle
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import publication_name
from jupyter_schedule.core.object_keys import LIVE_NOTEBOOK, OUTPUT, REPORT, bundle_key
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.operations.removal import check_there
from jupyter_schedule.core.storable import check_storable
from jupyter_schedule.core.storage.base import check_key
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage, open_storage

#: bytes of a file that goes through the server; S3 sends larger ones itself, by a link that lives for so many seconds
LARGEST_SENT = 100_000_000
LINKED = 300
#: bytes of a file that are packed at once
CHUNK = 256 * 1024


@dataclass(frozen=True)
class OpenFile:
    """A file to be sent; whoever got it closes `stream`."""

    name: str
    #: None of what is packed while it is sent
    size: int | None
    stream: IO[bytes]
    #: where a browser gets it by itself, for some minutes; None when it comes by way of here
    link: str | None = None


def receive_bundle(context: ApiContext, digest: str | None, packed: Path) -> BundleResponse:
    """Keep a tarball that came over the wire, which is consumed; Refused when it isn't what its name says.

    digest: its name; None has one made of what came.
    """
    size = packed.stat().st_size
    bundle, entries = stored.receive_bundle(context.operations.objects, packed, digest, context.operations.host)
    return BundleResponse(bundle=bundle, size=size, files=entries)


def open_bundle(context: ApiContext, digest: str) -> OpenFile:
    """A bundle that is kept.  Raises Refused `no_such_file`."""
    try:
        return _opened(f"{digest[:12]}.tar.gz", context.operations.objects, bundle_key(digest))
    except Refused:
        raise _no_such_bundle() from None


def fetch_bundle(context: ApiContext, digest: str, destination: Path) -> None:
    """Write a bundle that is kept to a file.  Raises Refused `no_such_file`."""
    try:
        context.operations.objects.fetch(bundle_key(digest), destination)
    except NoSuchObject:
        raise _no_such_bundle() from None


def open_run_file(context: ApiContext, run_id: str, path: str) -> OpenFile:
    """A file that a run left, or its notebook so far.  Raises Refused `no_such_file`, `files_removed`."""
    key = run_file_key(context, run_id, path)
    operations = context.operations
    named = path
    if path == LIVE_NOTEBOOK:
        run = operations.runs.get(run_id)
        named = operations.store.schedules.get_version(run.schedule_id, run.version).spec.notebook or ""
    return _opened(named.rpartition("/")[2], operations.objects, key)


def run_file_key(context: ApiContext, run_id: str, path: str) -> str:
    """The object that is a file of a run.  Raises Refused `no_such_file`, `files_removed`."""
    check_storable({"id": run_id, "path": path})
    run = context.operations.runs.get(run_id)
    check_there(run)
    if not path.startswith((OUTPUT, REPORT)) and path != LIVE_NOTEBOOK:
        raise _no_such_file()
    key = context.operations.files.key(run, path)
    try:
        return check_key(key)
    except ValueError:
        raise _no_such_file() from None


def open_archive(context: ApiContext, run_id: str) -> OpenFile:
    """All files that a run left, as a zip file.  Raises Refused `no_such_file`, `files_removed`."""
    check_storable({"id": run_id})
    operations = context.operations
    run = operations.runs.get(run_id)
    check_there(run)
    result = operations.files.result(run)
    if result is None:
        raise _no_such_file()
    paths = [OUTPUT + file.path for file in result.files] + [REPORT + file.path for file in result.report]
    if not paths:
        raise _no_such_file()
    entries = [(path, operations.files.key(run, path)) for path in paths]
    stream = io.BufferedReader(ZipStream(operations.objects, entries, run.ended_at or run.created_at), CHUNK)
    return OpenFile(f"{run.schedule}-{run.scheduled_for:%Y-%m-%dT%H%M}.zip", None, stream)


def open_published(context: ApiContext, name: str, path: str) -> OpenFile:
    """A file of a publication.  Raises Refused `no_such_file`."""
    check_storable({"name": name, "path": path})
    publication = publication_name(context.operations.owner, name)
    return _opened(path.rpartition("/")[2], _publication_storage(context, name), f"{publication}/{path}")


class ZipStream(io.RawIOBase):
    """A zip file that is made while it is read, of objects that are read one after the other."""

    def __init__(self, objects: ObjectStorage, entries: Sequence[tuple[str, str]], moment: datetime) -> None:
        """entries: names in the archive, and keys.  moment: the time that each file in it has."""
        super().__init__()
        self._pieces = _zipped(objects, entries, moment)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill the buffer as far as a piece goes; 0 at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class _Sink(io.RawIOBase):
    """Takes what is written, to be taken on."""

    def __init__(self) -> None:
        super().__init__()
        self._taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._taken += piece
        return len(piece)

    def take(self) -> bytes:
        taken, self._taken = bytes(self._taken), bytearray()
        return taken


def _zipped(objects: ObjectStorage, entries: Sequence[tuple[str, str]], moment: datetime) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, key in entries:
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with objects.open(key) as source, archive.open(entry, "w", force_zip64=True) as target:
                while piece := source.read(CHUNK):
                    target.write(piece)
                    yield sink.take()
    yield sink.take()


def _publication_storage(context: ApiContext, name: str) -> ObjectStorage:
    """The storage with the results of `name`; those of a schedule that was deleted stay at their address."""
    operations = context.operations
    try:
        names.check(name)
    except Refused:
        raise _no_such_file() from None
    if operations.store.schedules.find(name, owner=operations.owner) is not None:
        return open_storage(operations.schedules.get(name).spec.publication_base)
    return operations.storage.all_of(operations.schedules.published)[0]


def _opened(name: str, objects: ObjectStorage, key: str) -> OpenFile:
    try:
        size = objects.size(key)
        if size is None:
            raise _no_such_file()
        link = objects.link(key, LINKED) if size > LARGEST_SENT else None
        return OpenFile(name, size, io.BytesIO() if link else objects.open(key), link)
    except (NoSuchObject, ValueError):
        raise _no_such_file() from None
    except OSError as problem:
        if problem.errno != errno.ENAMETOOLONG:
            raise
        raise _no_such_file() from None


def _no_such_bundle() -> Refused:
    """The refusal for an address of a bundle: there is nothing at it."""
    return Refused("no_such_file", no_such_bundle().message, "files")


def _no_such_file() -> Refused:
    return Refused("no_such_file", "There is no such file: nothing was published there, or it was removed.")
