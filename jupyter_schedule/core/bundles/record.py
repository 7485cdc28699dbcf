"""A bundle's record: all that is asked about a bundle after it was made, kept beside it as `bundles/<digest>.json`.

It is written when the bundle is made or received, from the very bytes that are in it.  So creating a schedule from a
digest, checking parameters, publishing and comparing fetch no tarball, however large it is.  A record that is missing
or damaged, or that looked for keys by other patterns than this version's, is made anew from its tarball.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from jupyter_schedule.core import key_patterns
from jupyter_schedule.core.bundles.archive import ArchiveTree
from jupyter_schedule.core.bundles.tarstream import (
    ArchiveLimits,
    ArchiveMember,
    ArchiveStream,
    MemberKind,
    open_archive,
    read_members,
)
from jupyter_schedule.core.bundles.wrapper.render import SCHEDULE_FILE
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Model
from jupyter_schedule.core.notebooks.notebook import SIZE_LIMIT, ParsedNotebook, cell_text, parse_notebook
from jupyter_schedule.core.notebooks.parameters import Parameter, find_parameters
from jupyter_schedule.core.object_keys import BUNDLES, bundle_key, bundle_record_key
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage

#: where bundles had their `SCHEDULE_FILE` before the wrapper's folder had it
OLD_SCHEDULE_FILE = "schedule.json"
#: a bundle that nobody has recorded is kept for a day after it was stored; one that is older than this is stored again
RESTORE_AFTER = timedelta(hours=12)


class BundledNotebook(Model):
    """The notebook that a bundle runs, as its `schedule.json` says."""

    #: posix path in the bundle
    notebook: str
    kernel: str
    output_dir: str
    #: None where the bundle has no such notebook
    parameters: tuple[Parameter, ...] | None = None


class KeyPlace(Model):
    """A file of code in which something looks like a key; never the key itself."""

    path: str
    #: of a notebook the first such cell, as people are told
    cell: str | None = None


class BundleRecord(Model):
    """The facts about a bundle that somebody asks for later."""

    #: of this shape; a record of another one is made anew
    shape: Literal[1] = 1
    #: the bundle's digest
    bundle: str
    #: digest of the patterns by which keys were looked for; a record of other patterns is made anew
    key_patterns: str
    #: sha256 of each file, by its path
    files: dict[str, str]
    #: None of a tarball without a `schedule.json` that says one
    notebook: BundledNotebook | None = None
    #: in the order of the archive
    keys: tuple[KeyPlace, ...] = ()


class CodeScanner:
    """Collects what a record says of a bundle's code, file by file while the bundle is written or read."""

    def __init__(self, known: tuple[str, ParsedNotebook] | None = None) -> None:
        """known: path and reading of the notebook that the bundle runs, where that is read already."""
        self._known = known
        self._keys: list[KeyPlace] = []
        self._parameters: dict[str, tuple[Parameter, ...]] = {}
        #: notebook, kernel and output folder
        self._schedule: tuple[str, str, str] | None = None
        #: by the wrapper's own file: one at the root is the analyst's then
        self._knows_schedule = False

    def wants(self, path: str, size: int) -> bool:
        """True of a file that `take` is to be given."""
        return size <= SIZE_LIMIT and (path in {SCHEDULE_FILE, OLD_SCHEDULE_FILE} or path.endswith((".ipynb", ".py")))

    def take(self, path: str, data: bytes) -> None:
        """Read a file that `wants` asked for."""
        if path == SCHEDULE_FILE or (path == OLD_SCHEDULE_FILE and not self._knows_schedule):
            self._schedule = _read_schedule(data)
            self._knows_schedule = path == SCHEDULE_FILE
        if path in {SCHEDULE_FILE, OLD_SCHEDULE_FILE}:
            return
        notebook = self._read(path, data) if path.endswith(".ipynb") else None
        self._keys += _find_key(path, data, notebook)
        if notebook is not None and (self._known is None or self._known[0] == path):
            self._parameters[path] = tuple(find_parameters(notebook))

    def _read(self, path: str, data: bytes) -> ParsedNotebook | None:
        """The notebook, as it is known where these are its very bytes; None where it can't be read."""
        if self._known is not None and self._known[0] == path and self._known[1].raw == data:
            return self._known[1]
        try:
            return ParsedNotebook(parse_notebook(path, data))
        except Refused:
            return None

    def finish(self, digest: str, files: dict[str, str]) -> BundleRecord:
        """The record of the bundle whose code was taken."""
        patterns = key_patterns.digest_patterns()
        keys = tuple(self._keys)
        return BundleRecord(bundle=digest, key_patterns=patterns, files=files, notebook=self._notebook(), keys=keys)

    def _notebook(self) -> BundledNotebook | None:
        if self._schedule is None:
            return None
        path, kernel, output_dir = self._schedule
        return BundledNotebook(
            notebook=path, kernel=kernel, output_dir=output_dir, parameters=self._parameters.get(path)
        )


def _read_schedule(data: bytes) -> tuple[str, str, str] | None:
    """Notebook, kernel and output folder that a `schedule.json` says, as text that can be written again.

    None when it doesn't: anybody may have made the bundle, and what is in its file of that name.
    """
    try:
        match json.loads(data):
            case {"notebook": str(path), "kernel": str(kernel), "output_dir": str(output_dir)}:
                for text in (path, kernel, output_dir):
                    text.encode()
                return path, kernel, output_dir
    except (ValueError, RecursionError):
        return None
    return None


def _find_key(path: str, data: bytes, notebook: ParsedNotebook | None) -> Iterator[KeyPlace]:
    """The place of the first key in a file of code, if it has one; a notebook that can't be read is taken for text."""
    if notebook is None:
        if any(key_patterns.find_keys(data.decode("utf-8", "replace"))):
            yield KeyPlace(path=path)
        return
    number = 0
    for cell in notebook.content["cells"]:
        is_code = cell.get("cell_type") == "code"
        number += is_code
        if any(key_patterns.find_keys(cell_text(cell))):
            yield KeyPlace(path=path, cell=f"cell {number}" if is_code else "a cell without code")
            return


def describe_archive(packed: Path) -> tuple[BundleRecord, tuple[ArchiveMember, ...]]:
    """Record and members of any tarball, read once to its end; Refused when it couldn't be unpacked safely."""
    tree, scanner = ArchiveTree(ArchiveLimits()), CodeScanner()
    found: dict[str, ArchiveMember] = {}
    files: dict[str, str] = {}
    with open_archive(packed, tree.limits) as stream:
        for member, blocks in read_members(stream):
            tree.add(member)
            found[member.path] = member
            if member.kind is MemberKind.FILE:
                digest, kept = hashlib.sha256(), bytearray()
                wanted = scanner.wants(member.path, member.size)
                for block in blocks:
                    digest.update(block)
                    kept += block if wanted else b""
                files[member.path] = digest.hexdigest()
                if wanted:
                    scanner.take(member.path, bytes(kept))
    tree.check_links()
    return scanner.finish(stream.hash.hexdigest(), files), tuple(found.values())


def keep_bundle(objects: ObjectStorage, packed: Path, record: BundleRecord) -> None:
    """Keep a bundle, whose file is consumed, and its record; nothing is put where both are there and young."""
    # before the tarball is put: one whose record couldn't be written would stay there alone
    document = record.model_dump_json().encode()
    if not _is_kept(objects, packed, record.bundle):
        objects.put_file(bundle_key(record.bundle), packed, consume=True)
        objects.put(bundle_record_key(record.bundle), document)


def _is_kept(objects: ObjectStorage, packed: Path, digest: str) -> bool:
    """True where the same is there whole, and young enough that nobody clears it away while a person looks at it."""
    there = {stored.key: stored for stored in objects.list(f"{BUNDLES}{digest}.")}
    bundle = there.get(bundle_key(digest))
    if bundle is None or bundle_record_key(digest) not in there:
        return False
    if bundle.size != packed.stat().st_size:  # one that a power cut left torn
        return False
    just_now = datetime.fromtimestamp(packed.stat().st_mtime, UTC)
    return just_now - bundle.modified < RESTORE_AFTER


def read_record(objects: ObjectStorage, digest: str) -> BundleRecord:
    """The record of a bundle that is kept.

    Raises Refused `no_such_bundle`; where the record is made anew also `bundle_changed` and what `archive` raises.
    """
    data = objects.get_or_none(bundle_record_key(digest))
    known = None if data is None else _parse_record(data)
    if known is not None and known.bundle == digest and known.key_patterns == key_patterns.digest_patterns():
        return known
    with fetched(objects, digest) as packed:
        record, _ = describe_archive(packed)
    if record.bundle != digest:
        raise Refused("bundle_changed", "The bundle isn't what was recorded: make the bundle again.", "files")
    objects.put(bundle_record_key(digest), record.model_dump_json().encode())
    return record


def _parse_record(data: bytes) -> BundleRecord | None:
    try:
        return BundleRecord.model_validate_json(data)
    except ValidationError:
        return None


@contextmanager
def fetched(objects: ObjectStorage, digest: str) -> Iterator[Path]:
    """The tarball of a bundle as a file for as long as the block lasts.  Raises Refused `no_such_bundle`."""
    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as scratch:
        packed = Path(scratch) / "bundle.tar.gz"
        try:
            objects.fetch(bundle_key(digest), packed)
        except NoSuchObject:
            raise no_such_bundle() from None
        yield packed


@contextmanager
def open_bundle(objects: ObjectStorage, digest: str) -> Iterator[ArchiveStream]:
    """The content of a bundle, fetched whole.  Raises as `fetched`."""
    with fetched(objects, digest) as packed, open_archive(packed, ArchiveLimits()) as stream:
        yield stream


def no_such_bundle() -> Refused:
    """The refusal that says how code that isn't in the work area gets there."""
    message = (
        "The bundle isn't there any more. Make it again: take the notebook as it is now "
        "(jupyter schedule edit NAME --rebundle). Where the work area was moved, an operator brings it: "
        "python -m scheduler_service migrate-storage."
    )
    return Refused("no_such_bundle", message, "files")
