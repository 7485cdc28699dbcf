"""Files that go over the wire as they are: bundles in and out, what runs left, and what was published."""

import errno
import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.api.responses import BundleResponse
from jupyter_schedule.core.bundles import stored
from jupyter_schedule.core.bundles.record import no_such_bundle
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.object_keys import LIVE_NOTEBOOK, OUTPUT, REPORT, bundle_key
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.operations.removal import check_there
from jupyter_schedule.core.storable import check_storable
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage, open_storage

#: bytes of a file that goes through the server; S3 sends larger ones itself, by a link that lives for so many seconds
LARGEST_SENT = 100_000_000
LINKED = 300


@dataclass(frozen=True)
class OpenFile:
    """A file to be sent; whoever got it closes `stream`."""

    name: str
    size: int
    stream: IO[bytes]
    #: where a browser gets it by itself, for some minutes; None when it comes by way of here
    link: str | None = None


def receive_bundle(context: ApiContext, digest: str, packed: Path) -> BundleResponse:
    """Keep a tarball that came over the wire, which is consumed; Refused when it isn't what its name says."""
    size = packed.stat().st_size
    entries = stored.receive_bundle(context.operations.objects, packed, digest)
    return BundleResponse(bundle=digest, size=size, files=entries)


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
    check_storable({"id": run_id, "path": path})
    operations = context.operations
    run = operations.runs.get(run_id)
    check_there(run)
    if not path.startswith((OUTPUT, REPORT)) and path != LIVE_NOTEBOOK:
        raise _no_such_file()
    named = (
        (operations.store.schedules.get_version(run.schedule_id, run.version).spec.notebook or "")
        if path == LIVE_NOTEBOOK
        else path
    )
    return _opened(named.rpartition("/")[2], operations.objects, operations.files.key(run, path))


def open_published(context: ApiContext, name: str, path: str) -> OpenFile:
    """A file of a publication.  Raises Refused `no_such_file`."""
    check_storable({"name": name, "path": path})
    return _opened(path.rpartition("/")[2], _publication_storage(context, name), f"{name}/{path}")


def _publication_storage(context: ApiContext, name: str) -> ObjectStorage:
    """The storage with the results of `name`; those of a schedule that was deleted stay at their address."""
    operations = context.operations
    try:
        names.check(name)
    except Refused:
        raise _no_such_file() from None
    if operations.store.schedules.find(name) is not None:
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
