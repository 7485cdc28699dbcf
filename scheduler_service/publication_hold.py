"""The end of a run that has its outputs: published where its schedule says, held back, or failed in publishing.

A file of the same content, name and rules is looked at once: the answer is kept in the work area, where no worker can
write.
"""

import tempfile
from collections.abc import Callable, Iterator
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
    if target.visibility == Visibility.PUBLIC and (held := hold_reason(run, spec, result, files)):
        return held, None
    publication = None
    if target.visibility != Visibility.NONE and result.files:
        report = spec.publish_report and target.publish_report
        try:
            if costs_requests(target.publication_base):
                check_number(result, storage.config.most_files)
            area = fence.open(storage.open_objects(target.publication_base), target)
            publication = publish(run, result, files.work, files.prefix, area, storage.now, report=report)
        except PublishFailed as failure:
            return End(RunStatus.FAILED, Reason.PUBLISHING, str(failure), result=result), None
    sentence = describe_outcome(run, result)
    if publication is not None and costs_requests(target.publication_base):
        sentence = add_cost(sentence, publication)
    return End(RunStatus.SUCCEEDED, result.reason, sentence, Outcome.FINISHED, result), publication


def hold_reason(run: Run, spec: Spec, result: Result, files: WorkerFiles) -> End | None:
    """The end of a public schedule's run that is held back; None when its outputs may become public."""
    if run.release and run.release.reason:
        return None
    if not spec.is_confirmed and run.trigger != Trigger.REHEARSAL:
        return End(RunStatus.FAILED, Reason.DISCLOSURE, UNCONFIRMED, Outcome.FINISHED, result)
    checked = check(run, spec, result, files)
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
    if not run.release.reason:
        return f"Published by {run.release.by}."
    why = run.release.reason.rstrip(".")
    return f"Published by {run.release.by}, although the disclosure check held them back: {why}."


def _kept(result: Result, why: str) -> End:
    return End(RunStatus.SUCCEEDED, result.reason, f"{result.sentence} {why}", Outcome.FINISHED, result)


def check(run: Run, spec: Spec, result: Result, files: WorkerFiles) -> DisclosureReport:
    """Look at all files that would become public; what was found is kept with the run."""
    listed = [(OUTPUT + file.path, file) for file in result.files]
    if spec.publish_report:
        listed += [(REPORT + file.path, file) for file in result.report]
    findings = [finding for path, file in listed for finding in _of_file(path, file, files)]
    checked = DisclosureReport(findings=tuple(findings[:MOST]), more=max(0, len(findings) - MOST))
    files.work.put(disclosure_report_key(run.id), checked.model_dump_json().encode())
    return checked


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
    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-disclosure-") as folder:
        local = Path(folder, "file")
        try:
            files.work.fetch(files.prefix + path, local)
        except NoSuchObject:
            return None
        if local.stat().st_size != file.size or file_digest(local) != file.sha256:
            return None
        return check_file(path, local, files.limits)


def _changed(path: str) -> DisclosureFinding:
    found = FindingCollector(path)
    found.add(FindingKind.UNCHECKED, "it was changed or removed after the run had ended")
    return found.findings[0]
