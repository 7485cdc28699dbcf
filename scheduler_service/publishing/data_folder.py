"""data/ follows data.json: a run first claims its names there, then puts the claimed bytes in place.

No object store replaces two objects in one step, so between data.json and a file a publisher can die or be overtaken.
Four rules make that harmless:

1. *Claim first.*  One compare-and-set on data.json records, for every file, the newest run that has it, and enters the
   claimant under `unfinished`.  Claims only ever go to a newer run, so whatever happens later, who wins is decided.
2. *Copy what is claimed, not what is ours.*  Every claim names a complete run, whose immutable files are the source.
   So anybody can put any claim in place: who finds others unfinished does it for them as well.
3. *Look again.*  The claim is read just before every copy, or the few that go at a time; the compare-and-set that takes
   us off `unfinished` succeeds only if all that we put in place is still what is claimed.  Who was overtaken in the
   middle of a copy therefore puts the newer bytes back before it is done.
4. *Trust nothing while somebody is unfinished.*  Equal content is left alone only when nobody else was under way, and
   the publisher that died finds its own name, and puts everything of its own in place again.

Hence, once nobody is unfinished, every file has the bytes of its claim: the newest run's.  In between, an older file
shows over a newer one only if its publisher was overtaken during one copy, and only until its next step.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from jupyter_schedule.core.models import FileEntry, Run, utc
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectChanged, ObjectStorage, digest
from jupyter_schedule.core.text import quoted
from scheduler_service.publishing.manifest import (
    ROUNDS,
    DataEntry,
    DataIndex,
    Manifest,
    PublishFailed,
    parse_document,
    update_document,
)

#: a publisher that began longer ago isn't alive; its claims are in place once another has finished
_GIVEN_UP = timedelta(days=1)


def read_index(name: str, area: ObjectStorage) -> DataIndex:
    """Read which files belong in data/ of `name`.  Raises PublishFailed when data.json isn't ours any more."""
    return _IndexReader(area, PublicationKeys(name)).read()


def check_names(run: Run, files: Iterable[FileEntry], area: ObjectStorage) -> None:
    """Raise PublishFailed when a file of the run has the name of a folder in data/, or the other way round."""
    _refuse_clashes(read_index(run.publication_name, area), [file.path for file in files])


def update_data(run: Manifest, area: ObjectStorage, now: datetime) -> None:
    """Make data/ show the files of a complete run, except where a newer run has the name; may be repeated.

    Same names are replaced, one file at a time, others kept.  Raises PublishFailed when a name is a file here and a
    folder there, or when the run's own files are gone.
    """
    before, claimed = _claim(run, area, now)
    names = {file.path for file in run.files} | _claims_of(before.unfinished, before)
    out_of_place: list[str] = []

    def look(path: str) -> None:
        if not _in_place(path, before, claimed, area):
            out_of_place.append(path)

    area.for_each(names, look)
    _settle(run, sorted(out_of_place), area, now)


def _claim(run: Manifest, area: ObjectStorage, now: datetime) -> tuple[DataIndex, DataIndex]:
    """Record the newest run of every name; answers data.json before and after."""
    keys = PublicationKeys(run.schedule)
    before = claimed = DataIndex(schedule=run.schedule)

    def change(current: bytes | None) -> bytes:
        nonlocal before, claimed
        before = _index(current, keys)
        claimed = _with_claims(before, run, now)
        return claimed.to_bytes()

    update_document(area, keys.data_index, change)
    return before, claimed


def _with_claims(index: DataIndex, run: Manifest, now: datetime) -> DataIndex:
    _refuse_clashes(index, [file.path for file in run.files])
    entries = dict(index.files)
    for file in run.files:
        entry = DataEntry(
            size=file.size,
            sha256=file.sha256,
            scheduled_for=run.scheduled_for,
            run_queued=run.run_queued,
            run=run.run,
        )
        there = entries.get(file.path)
        if there is None or there.order <= entry.order:
            entries[file.path] = entry
    return DataIndex(
        schedule=run.schedule,
        files=dict(sorted(entries.items())),
        unfinished=index.unfinished | {run.run: utc(now)},
    )


def _refuse_clashes(index: DataIndex, paths: Sequence[str]) -> None:
    """A name that is a file in one run and a folder in another has no place in a folder; no name is ever removed."""
    folders_there = {folder for path in index.files for folder in _folders(path)}
    for path in paths:
        clash = path if path in folders_there else next((f for f in _folders(path) if f in index.files), None)
        if clash is not None:
            kinds = ("file", "folder") if clash == path else ("folder", "file")
            raise PublishFailed(
                f"This run has a {kinds[0]} named {quoted(clash)}, but a {kinds[1]} of that name is published "
                "already: give it another name.",
            )


def _folders(path: str) -> list[str]:
    """`a` and `a/b` of `a/b/c`."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _claims_of(runs: Iterable[str], index: DataIndex) -> set[str]:
    owners = set(runs)
    return {path for path, entry in index.files.items() if entry.run in owners} if owners else set()


def _in_place(path: str, before: DataIndex, claimed: DataIndex, area: ObjectStorage) -> bool:
    """True when data/ surely has the claimed bytes already; the size is looked at, as people tidy up folders."""
    entry, there = claimed.files[path], before.files.get(path)
    if before.unfinished or there is None or there.sha256 != entry.sha256:
        return False
    return area.size(PublicationKeys(claimed.schedule).data + path) == entry.size


def _settle(run: Manifest, paths: Sequence[str], area: ObjectStorage, now: datetime) -> None:
    """Put the claimed bytes of `paths` in place, then leave `unfinished`; again when a claim changed meanwhile.

    Raises ObjectChanged when others are always faster.
    """
    keys = PublicationKeys(run.schedule)
    reader = _IndexReader(area, keys)
    written: dict[str, str] = {}
    for _ in range(ROUNDS):
        for first in range(0, len(paths), area.at_a_time):
            claims = reader.read().files
            batch = [path for path in paths[first : first + area.at_a_time] if path in claims]
            batch = [path for path in batch if claims[path].sha256 != written.get(path)]
            area.for_each(batch, lambda path, claims=claims: _put_in_place(path, claims[path], run, area))  # type: ignore[misc]
            written |= {path: claims[path].sha256 for path in batch}
        index = reader.read()
        if any(path in index.files and index.files[path].sha256 != written[path] for path in written):
            continue
        finished = index.model_copy(update={"unfinished": _without(run.run, index.unfinished, now)})
        with suppress(ObjectChanged):
            area.put_if(keys.data_index, finished.to_bytes(), reader.digest)
            return
    raise ObjectChanged(keys.data_index)


def _put_in_place(path: str, entry: DataEntry, run: Manifest, area: ObjectStorage) -> None:
    keys = PublicationKeys(run.schedule)
    try:
        area.copy_from(area, keys.run_files(entry.folder) + path, keys.data + path)
    except NoSuchObject:
        if entry.run == run.run:
            raise PublishFailed(
                f"{quoted(path)} was removed from {keys.run_files(entry.folder)} while it was being published: "
                "run it again.",
            ) from None
        # the claim of a run whose own files went with its retention: nobody can improve on what is in place


def _without(run_id: str, unfinished: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    return {other: since for other, since in unfinished.items() if other != run_id and now - since < _GIVEN_UP}


class _IndexReader:
    """data.json as it is now, parsed again only when its bytes changed."""

    def __init__(self, area: ObjectStorage, keys: PublicationKeys) -> None:
        self._area = area
        self._keys = keys
        self._bytes: bytes | None = None
        self._index = DataIndex(schedule=keys.name)

    @property
    def digest(self) -> str | None:
        """Of the bytes last read, None when there was no index."""
        return None if self._bytes is None else digest(self._bytes)

    def read(self) -> DataIndex:
        """Raises PublishFailed when it isn't ours any more."""
        current = self._area.get_or_none(self._keys.data_index)
        if current != self._bytes:
            self._index = _index(current, self._keys)
            self._bytes = current
        return self._index


def _index(data: bytes | None, keys: PublicationKeys) -> DataIndex:
    return DataIndex(schedule=keys.name) if data is None else parse_document(DataIndex, data, keys.data_index)
