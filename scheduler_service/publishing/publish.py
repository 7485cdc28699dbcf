"""A run's outputs go to their addresses, in an order in which no reader ever meets a half of them.

1. `runs/<…>/files/…`: every file, after its size and digest turned out to be what the worker recorded
2. `runs/<…>/manifest.json`: the run is complete; from here on the work storage isn't needed any more
3. `data/` and `data.json`: the stable address (see `data_folder`)
4. `latest.json`: moves on to this run, unless it points at a newer one
5. `runs.json` and `index.html`: what people find

Each step can be repeated, and is left out where it is done: after a crash the same call simply finishes.
"""

import errno
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType

from jupyter_schedule.core import costs, publication_keys
from jupyter_schedule.core.models import FileEntry, Publication, PublishedFile, Result, Run, Trigger, utc, utc_text
from jupyter_schedule.core.object_keys import OUTPUT, REPORT
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectChanged, ObjectExists, ObjectStorage
from jupyter_schedule.core.text import quoted
from scheduler_service.publishing.data_folder import check_names, read_index, update_data
from scheduler_service.publishing.index_page import SHOWN_RUNS, render_index_page
from scheduler_service.publishing.manifest import (
    Latest,
    Manifest,
    ManifestFile,
    PublishFailed,
    RecentRuns,
    parse_document,
    update_document,
)

__all__ = ["PublishFailed", "add_cost", "check_number", "forget_runs", "name_run_folder", "publish", "show_run"]


def publish(  # noqa: PLR0917  (from, to, and when: read at the call in this order)
    run: Run,
    result: Result,
    work: ObjectStorage,
    worker_prefix: str,
    area: ObjectStorage,
    now: datetime,
    *,
    report: bool = False,
    instead: Mapping[str, str] = MappingProxyType({}),
) -> Publication:
    """Promote the files of `result` from `<worker_prefix>output/` in the work storage to the run's publication.

    `worker_prefix` ends in `/`.  `report`: executed notebook and log go beside the run's files.  A rehearsal gets its
    own folder under runs/ and touches nothing that readers follow; its publication's address is that folder.
    `instead`: by `output/…` or `report/…`, the object in the work storage that is published in that file's place.

    Raises PublishFailed, with nothing published, when a file isn't what the worker recorded or has an impossible name;
    whatever the stores raise passes through, and the same call may be made again.
    """
    rehearsal = run.trigger is Trigger.REHEARSAL
    if not rehearsal:
        check_names(run, result.files, area)
        _latest(run.publication_name, area)
        _recent(run.publication_name, area)
    manifest = _published_before(run, result, area)
    if manifest is None:
        keys, folder = PublicationKeys(run.publication_name), name_run_folder(run)
        parts = [(result.files, OUTPUT, keys.run_files(folder))]
        if report:
            parts.append((result.report, REPORT, keys.run_report(folder)))
        for files, part, target in parts:
            sources = {file.path: instead.get(part + file.path, worker_prefix + part + file.path) for file in files}
            _promote(files, work, sources, worker_prefix + part, area, target)
        manifest = _complete(run, result, area, now, report=report)
    if not rehearsal:
        show_run(manifest, area, now)
    return _publication(manifest, area)


def check_number(result: Result, most: int) -> None:
    """Raise PublishFailed when the run left more files than one publication may have."""
    count = len(result.files)
    if count > most:
        raise PublishFailed(costs.too_many_files_text("The run left", count, most))


def add_cost(sentence: str, publication: Publication) -> str:
    """Add to how the run ended what its many files cost."""
    count = len(publication.files)
    if count < costs.MANY_FILES:
        return sentence
    return f"{sentence} Note that {costs.publishing_text(count)}."


def show_run(manifest: Manifest, area: ObjectStorage, now: datetime) -> None:
    """Let readers find a complete run: at the stable address, and from all that points at it.  May be repeated."""
    update_data(manifest, area, now)
    _move_latest(manifest, area)
    _note_recent(manifest, area)
    _update_page(manifest.schedule, area)


def forget_runs(name: str, ids: Collection[str], area: ObjectStorage) -> None:
    """Take runs out of all that leads people to them; their manifests are gone.  May be repeated."""
    keys = PublicationKeys(name)

    def change(current: bytes | None) -> bytes | None:
        return None if current is None else parse_document(RecentRuns, current, keys.recent).without(ids).to_bytes()

    update_document(area, keys.recent, change)
    if area.size(keys.page) is not None:
        _update_page(name, area)


def name_run_folder(run: Run) -> str:
    """`runs/<YYYYMMDDTHHMMSSZ>-<run8>`, relative to the publication's root."""
    return publication_keys.run_folder(utc_text(run.scheduled_for), run.id)


def _published_before(run: Run, result: Result, area: ObjectStorage) -> Manifest | None:
    """The manifest that this run wrote already.  Raises PublishFailed when its folder is taken by other content."""
    key = PublicationKeys(run.publication_name).manifest(name_run_folder(run))
    data = area.get_or_none(key)
    if data is None:
        return None
    manifest = parse_document(Manifest, data, key)
    if manifest.run != run.id or _contents(manifest.files) != _contents(result.files):
        raise PublishFailed(f"{key} belongs to other outputs, and what is published never changes: run it again.")
    return manifest


def _contents(files: Iterable[FileEntry | ManifestFile]) -> set[tuple[str, int, str]]:
    return {(file.path, file.size, file.sha256) for file in files}


def _promote(  # noqa: PLR0917  (what, from and to)
    files: Iterable[FileEntry],
    work: ObjectStorage,
    sources: Mapping[str, str],
    folder: str,
    area: ObjectStorage,
    target: str,
) -> None:
    """Copy each file from its source, with the digest that was recorded: a worker may still write.

    folder: the one in which most sources are, listed once.
    """
    files = tuple(files)
    sizes = {stored.key: stored.size for stored in work.list(folder)}
    for file in files:
        source = sources[file.path]
        _check_recorded(file, sizes.get(source) if source.startswith(folder) else work.size(source))

    def copy(file: FileEntry) -> None:
        try:
            area.copy_from(work, sources[file.path], target + file.path, file.sha256)
        except NoSuchObject:
            raise _missing(file) from None
        except ObjectChanged:
            raise _altered(file) from None
        except OSError as problem:
            if problem.errno != errno.ENAMETOOLONG:
                raise
            sentence = f"The name {quoted(file.path)} is too long for where it is published: give it a shorter one."
            raise PublishFailed(sentence) from None

    area.for_each(files, copy)


def _check_recorded(file: FileEntry, size: int | None) -> None:
    """Check what a glance can tell, before anything is written."""
    if "\0" in file.path or any(part in {"", ".", ".."} for part in file.path.split("/")):
        raise PublishFailed(f"{quoted(file.path)} can't be the name of a published file, so nothing was published.")
    if size is None:
        raise _missing(file)
    if size != file.size:
        raise _altered(file)


def _missing(file: FileEntry) -> PublishFailed:
    return PublishFailed(f"{quoted(file.path)} isn't among the run's outputs any more; nothing was published.")


def _altered(file: FileEntry) -> PublishFailed:
    return PublishFailed(f"{quoted(file.path)} was changed after the run had ended; nothing was published.")


def _complete(run: Run, result: Result, area: ObjectStorage, now: datetime, *, report: bool) -> Manifest:
    """Write the manifest, once; of two publishers of one run the first one's counts."""
    keys, folder = PublicationKeys(run.publication_name), name_run_folder(run)
    manifest = Manifest(
        run=run.id,
        schedule=run.publication_name,
        version=run.version,
        trigger=run.trigger,
        scheduled_for=run.scheduled_for,
        data_interval_start=run.data_interval_start,
        data_interval_end=run.data_interval_end,
        run_queued=run.queued,
        started_at=result.started_at,
        ended_at=result.ended_at,
        published_at=utc(now),
        files=_describe(sorted(result.files, key=lambda file: file.path), area, keys.run_files(folder)),
        report=_describe(result.report, area, keys.run_report(folder)) if report else (),
    )
    try:
        area.put_once(keys.manifest(folder), manifest.to_bytes())
    except ObjectExists:
        first = _published_before(run, result, area)
        return manifest if first is None else first
    return manifest


def _describe(files: Iterable[FileEntry], area: ObjectStorage, place: str) -> tuple[ManifestFile, ...]:
    """The files as readers get them."""
    files, told = tuple(files), {}

    def look(file: FileEntry) -> None:
        told[file.path] = area.describe(place + file.path)

    area.for_each(files, look)
    return tuple(
        ManifestFile(
            path=file.path,
            size=file.size,
            sha256=file.sha256,
            content_type=told[file.path].type,
            content_encoding=told[file.path].encoding,
        )
        for file in files
    )


def _latest(name: str, area: ObjectStorage) -> Latest | None:
    key = PublicationKeys(name).latest
    data = area.get_or_none(key)
    return None if data is None else parse_document(Latest, data, key)


def _recent(name: str, area: ObjectStorage) -> RecentRuns:
    key = PublicationKeys(name).recent
    data = area.get_or_none(key)
    return RecentRuns(schedule=name) if data is None else parse_document(RecentRuns, data, key)


def _move_latest(manifest: Manifest, area: ObjectStorage) -> None:
    keys = PublicationKeys(manifest.schedule)
    latest = Latest.of(manifest, area.url(keys.manifest(manifest.folder)))

    def change(current: bytes | None) -> bytes | None:
        if current is not None and parse_document(Latest, current, keys.latest).order > latest.order:
            return None
        return latest.to_bytes()

    update_document(area, keys.latest, change)


def _note_recent(manifest: Manifest, area: ObjectStorage) -> None:
    name = manifest.schedule

    def change(_current: bytes | None) -> bytes:
        return _recent(name, area).with_run(manifest, SHOWN_RUNS).to_bytes()

    update_document(area, PublicationKeys(name).recent, change)


def _update_page(name: str, area: ObjectStorage) -> None:
    def change(_current: bytes | None) -> bytes:
        return render_index_page(name, _latest(name, area), read_index(name, area), _newest_runs(name, area)).encode()

    update_document(area, PublicationKeys(name).page, change)


def _newest_runs(name: str, area: ObjectStorage) -> list[Manifest]:
    """The newest complete runs, newest first."""
    runs = []
    for run in _recent(name, area).runs:
        key = PublicationKeys(name).manifest(run.folder)
        # a run's retention may be over, and an old run's damage is no reason to fail
        with suppress(NoSuchObject, PublishFailed):
            runs.append(parse_document(Manifest, area.get(key), key))
    return runs


def _publication(manifest: Manifest, area: ObjectStorage) -> Publication:
    keys = PublicationKeys(manifest.schedule)
    files = keys.run_files(manifest.folder)
    return Publication(
        url=area.url(files if manifest.trigger is Trigger.REHEARSAL else keys.data),
        files=tuple(
            PublishedFile(path=file.path, size=file.size, sha256=file.sha256, url=area.url(files + file.path))
            for file in manifest.files
        ),
    )
