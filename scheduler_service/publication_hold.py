"""The end of a run that has its outputs: published where its schedule says, held back, or failed in publishing.

A file of the same content, name and rules is looked at once: the answer is kept in the work area, where no worker can
write.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.costs import costs_requests
from jupyter_schedule.core.models import (
    FOUND_IN_FILES,
    DisclosureFinding,
    DisclosureReport,
    FileEntry,
    FindingKind,
    Outcome,
    Publication,
    Reason,
    Result,
    Run,
    RunStatus,
    Schedule,
    Spec,
    Trigger,
    Visibility,
    disclosure_report_key,
)
from jupyter_schedule.core.object_keys import OUTPUT, REPORT
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage, digest, file_digest
from jupyter_schedule.core.text import size_text
from scheduler_service.decide import End
from scheduler_service.disclosure.files import RULES, FileLimits, check_file
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.hover_data import without_hover_data
from scheduler_service.publishing.fence import PublisherFence
from scheduler_service.publishing.publish import PublishFailed, add_cost, check_number, publish

#: findings that are kept of a run
MOST = 200
UNCONFIRMED = (
    "Not published. Nobody has confirmed that what this code makes may be public. Look at the files and publish them, "
    "and confirm it for the runs to come (jupyter schedule edit NAME --public)."
)
_FINDINGS = TypeAdapter(tuple[DisclosureFinding, ...])


@dataclass(frozen=True)
class WorkerFiles:
    """The files that an attempt's worker left in the work area, and the limits of the look at them."""

    work: ObjectStorage
    #: ends in `/`
    prefix: str
    limits: FileLimits


@dataclass(frozen=True)
class PublicationStorage:
    """The places that a deployment publishes to, as of `now`."""

    open_objects: Callable[[str], ObjectStorage]
    config: StorageConfig
    now: datetime


def publish_or_hold(
    run: Run,
    spec: Spec,
    schedule: Schedule,
    result: Result,
    fence: PublisherFence,
    *,
    files: WorkerFiles,
    storage: PublicationStorage,
) -> tuple[End, Publication | None]:
    """The run's end, and its publication if it has one.  May be repeated.

    spec: the frozen one that it ran with.  schedule: as it is now; what became private while the run was going
    doesn't become public any more.  Raises PublisherFenced when it does so meanwhile, or the run changes hands.
    """
    target = spec
    if spec.visibility == Visibility.PUBLIC:
        target = spec if schedule.spec.visibility == Visibility.PUBLIC else schedule.spec
    published, instead = result, dict[str, str]()
    if target.visibility == Visibility.PUBLIC:
        if run.release and run.release.without_hover_data:
            published, instead = _take_hover_data(spec, result, files)
        if held := hold_reason(run, spec, result, files, instead):
            return held, None
    publication = None
    if target.visibility != Visibility.NONE and result.files:
        report = spec.publish_report and target.publish_report
        try:
            if costs_requests(target.publication_base):
                check_number(result, storage.config.most_files)
            area = fence.open(storage.open_objects(target.publication_base), target)
            publication = publish(
                run, published, files.work, files.prefix, area, storage.now, report=report, instead=instead
            )
        except PublishFailed as failure:
            return End(RunStatus.FAILED, Reason.PUBLISHING, str(failure), result=result), None
    sentence = describe_outcome(run, result)
    if publication is not None and costs_requests(target.publication_base):
        sentence = add_cost(sentence, publication)
    return End(RunStatus.SUCCEEDED, result.reason, sentence, Outcome.FINISHED, result), publication


def hold_reason(
    run: Run, spec: Spec, result: Result, files: WorkerFiles, rewritten: Collection[str] = ()
) -> End | None:
    """The end of a public schedule's run that is held back; None when its outputs may become public.

    rewritten: files, `output/…` or `report/…`, in whose copies nothing is found, and which aren't published themselves.
    """
    if run.release and run.release.reason:
        return None
    if not spec.is_confirmed and run.trigger != Trigger.REHEARSAL:
        return End(RunStatus.FAILED, Reason.DISCLOSURE, UNCONFIRMED, Outcome.FINISHED, result)
    checked = check(run, spec, result, files, rewritten)
    if run.trigger == Trigger.REHEARSAL:
        number = len(checked.findings) + checked.more
        found = f" The disclosure check would hold them back: {number} finding{'s' * (number > 1)}." if number else ""
        return _kept(result, f"A rehearsal: its results are private until you publish them.{found}")
    if not checked.findings:
        return None
    first, others = checked.findings[0].message, len(checked.findings) + checked.more - 1
    more = f" And {others} more: see what was found." if others else ""
    message = f"Not published. {first}{more}"
    return End(RunStatus.FAILED, Reason.DISCLOSURE, message, Outcome.FINISHED, result)


def describe_outcome(run: Run, result: Result) -> str:
    """The sentence of a run whose outputs were published."""
    if run.release is None:
        return result.sentence
    if run.release.without_hover_data:
        return f"Published by {run.release.by}, without the hover data of its charts."
    if not run.release.reason:
        return f"Published by {run.release.by}."
    why = run.release.reason.rstrip(".")
    return f"Published by {run.release.by}, although the disclosure check held them back: {why}."


def _kept(result: Result, why: str) -> End:
    return End(RunStatus.SUCCEEDED, result.reason, f"{result.sentence} {why}", Outcome.FINISHED, result)


def check(
    run: Run, spec: Spec, result: Result, files: WorkerFiles, rewritten: Collection[str] = ()
) -> DisclosureReport:
    """Look at all files that would become public; what was found is kept with the run.

    rewritten: those that aren't published themselves, as in `hold_reason`.
    """
    listed = [(path, file) for path, file in _listed(spec, result) if path not in rewritten]
    found = {path: (file, tuple(_of_file(path, file, files))) for path, file in listed}
    findings = [finding for _, each in found.values() for finding in each]
    held = [(path, file) for path, (file, each) in found.items() if each]
    checked = DisclosureReport(
        findings=tuple(findings[:MOST]),
        more=max(0, len(findings) - MOST),
        only_hover_data=bool(held) and all(_copy_without(path, file, files) is not None for path, file in held),
    )
    files.work.put(disclosure_report_key(run.id), checked.model_dump_json().encode())
    return checked


def _listed(spec: Spec, result: Result) -> list[tuple[str, FileEntry]]:
    listed = [(OUTPUT + file.path, file) for file in result.files]
    if spec.publish_report:
        listed += [(REPORT + file.path, file) for file in result.report]
    return listed


def _take_hover_data(spec: Spec, result: Result, files: WorkerFiles) -> tuple[Result, dict[str, str]]:
    """The result with the copies of pages in which only hover data is found, and the object of each in the work area.

    Files are named `output/…` or `report/…`; others stay as they are, and are held back for what is found in them.
    """
    copies = {
        path: copy
        for path, file in _listed(spec, result)
        if any(_of_file(path, file, files)) and (copy := _copy_without(path, file, files)) is not None
    }
    published = result.model_copy(
        update={
            "files": tuple(copies.get(OUTPUT + file.path, file) for file in result.files),
            "report": tuple(copies.get(REPORT + file.path, file) for file in result.report),
        }
    )
    return published, {path: _copy_key(copy) for path, copy in copies.items()}


def _copy_without(path: str, file: FileEntry, files: WorkerFiles) -> FileEntry | None:
    """The copy of a page without hover data, kept in the work area, where nothing is found in it; None where not."""
    if file.size > files.limits.document:
        return None
    with _local_copy(path, file, files) as local:
        if local is None:
            return None
        try:
            rewritten = without_hover_data(local.read_bytes().decode())
        except UnicodeDecodeError:
            return None
        if rewritten is None:
            return None
        data = rewritten.encode()
        local.write_bytes(data)
        if check_file(path, local, files.limits):
            return None
    copy = file.model_copy(update={"size": len(data), "sha256": digest(data)})
    files.work.put(_copy_key(copy), data)
    return copy


def _copy_key(copy: FileEntry) -> str:
    return f"{FOUND_IN_FILES}{copy.sha256}.html"


def _of_file(path: str, file: FileEntry, files: WorkerFiles) -> Iterator[DisclosureFinding]:
    about = "\0".join((str(RULES), str(files.limits), path, file.sha256))
    key = f"{FOUND_IN_FILES}{digest(about.encode())}.json"
    known = files.work.get_or_none(key)
    if known is None:
        found = _look(path, file, files)
        if found is None:  # not what was recorded, so there is nothing to remember; publishing will say so too
            yield _changed(path)
            return
        known = _FINDINGS.dump_json(found)
        files.work.put(key, known)
    yield from _FINDINGS.validate_json(known)


def _look(path: str, file: FileEntry, files: WorkerFiles) -> tuple[DisclosureFinding, ...] | None:
    """The findings in a copy of the file; None when it isn't the file that the worker recorded."""
    if file.size > files.limits.file:
        found = FindingCollector(path)
        found.add(FindingKind.UNCHECKED, f"it can't be checked: it is larger than {size_text(files.limits.file)}")
        return found.findings
    with _local_copy(path, file, files) as local:
        return None if local is None else check_file(path, local, files.limits)


@contextmanager
def _local_copy(path: str, file: FileEntry, files: WorkerFiles) -> Iterator[Path | None]:
    """A copy of the file on this machine; None when it isn't the file that the worker recorded."""
    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-disclosure-") as folder:
        local = Path(folder, "file")
        with suppress(NoSuchObject):
            files.work.fetch(files.prefix + path, local)
        same = local.exists() and local.stat().st_size == file.size and file_digest(local) == file.sha256
        yield local if same else None


def _changed(path: str) -> DisclosureFinding:
    found = FindingCollector(path)
    found.add(FindingKind.UNCHECKED, "it was changed or removed after the run had ended")
    return found.findings[0]
