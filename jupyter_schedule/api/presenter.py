"""Values of core as the shapes that go over the wire, for one reader at one time."""

import json
import statistics
from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_schedule.api.addresses import Addresses
from jupyter_schedule.api.forms import form_of
from jupyter_schedule.api.responses import (
    AdHocWorkerResponse,
    AttemptResponse,
    FailureResponse,
    KernelResponse,
    LogResponse,
    NewsResponse,
    NotebookStatus,
    OccurrenceResponse,
    RunDetails,
    RunFilesResponse,
    RunResponse,
    ScheduleDetails,
    ScheduleResponse,
    VersionResponse,
)
from jupyter_schedule.core.compute import choices
from jupyter_schedule.core.costs import month_start
from jupyter_schedule.core.descriptions import destination, schedule_summary, upcoming
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import (
    AdHocWorker,
    Attempt,
    ComputeChoice,
    FileEntry,
    LauncherCatalog,
    PublishedFile,
    Result,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Version,
    utc,
)
from jupyter_schedule.core.object_keys import OUTPUT, REPORT, bundle_key
from jupyter_schedule.core.operations.costs import cost_before, estimate_of, typical_durations
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.operations.publication_policy import is_releasable
from jupyter_schedule.core.operations.removal import AFTER_BROKEN, on_deletion, public_name, removed
from jupyter_schedule.core.operations.runs import places_in
from jupyter_schedule.core.storage.factory import NoSuchObject
from jupyter_schedule.core.text import LONGEST_BEGUN, decode_next, strip_escapes
from jupyter_schedule.core.timing.planning import coming
from jupyter_schedule.core.timing.recurrence import Occurrence

#: occurrences that are shown ahead
NEXT = 5
#: runs that a schedule comes with
LAST_RUNS = 10
#: what a shape says of a run that the run itself doesn't
_OF_ANSWERS = {"attempts", "publication", "progress", "place", "held", "removed", "run_id"}
_GOING = {RunStatus.RUNNING, RunStatus.PUBLISHING}
_FAILED = {RunStatus.FAILED, RunStatus.TIMED_OUT}


class Presenter:
    """The answers for one reader."""

    def __init__(
        self, operations: Operations, root: Path, addresses: Addresses, reader: tzinfo | None, now: datetime
    ) -> None:
        """reader: the zone in which the person reads; None is this machine's."""
        self.operations = operations
        self.root = root
        self.addresses = addresses
        self.reader = reader
        self.now = now

    def check(self, value: Schedule | Run | AdHocWorker) -> None:
        """Build the answer that tells `value`, before it is recorded; raises whatever keeps it from being told."""
        match value:
            case Schedule():
                self.schedule(value).model_dump_json()
            case Run():
                self.run(value).model_dump_json()
            case AdHocWorker():
                present_ad_hoc_worker(value).model_dump_json()

    # -- schedules

    def schedules(self, schedules: list[Schedule]) -> list[ScheduleResponse]:
        """Schedules with their last runs, which are had at once."""
        recent = self.operations.runs.newest_of_each(schedules, LAST_RUNS)
        return [self._schedule(schedule, recent.get(schedule.id, [])) for schedule in schedules]

    def schedule(self, schedule: Schedule, said: str = "") -> ScheduleResponse:
        """A schedule with its last runs; `said` is a sentence about what was done to it."""
        plain = self.schedules([schedule])[0]
        return plain.model_copy(update={"message": f"{said} {plain.summary}"}) if said else plain

    def schedule_details(self, schedule: Schedule) -> ScheduleDetails:
        """A schedule with what it costs, and who changed it."""
        operations, spec = self.operations, schedule.spec
        offers = operations.offers()
        return ScheduleDetails(
            **dict(self.schedule(schedule)),
            bundle_size=operations.objects.size(bundle_key(spec.bundle)),
            bundled_notebook=spec.notebook,
            compute=_compute(spec, offers),
            estimate=estimate_of(operations.store, offers, spec, schedule.id, self.now),
            cost_this_month=operations.store.runs.cost_since(schedule.id, month_start(self.now)),
            publishing_cost=cost_before(operations, spec, schedule),
            undelivered=tuple(each for each in operations.failed_notifications() if each.schedule == schedule.name),
            still_public=operations.still_public(schedule.id),
            versions=tuple(map(present_version, operations.schedules.list_versions(schedule.name))),
            last_due=spec.last_due,
            root=spec.root,
        )

    def _schedule(self, schedule: Schedule, last_runs: Iterable[Run]) -> ScheduleResponse:
        spec = schedule.spec
        address = self.addresses.stable(schedule.owner, schedule.name, spec)
        summary = schedule_summary(schedule, self.now, self.reader)
        return ScheduleResponse(
            name=schedule.name,
            id=schedule.id,
            state=schedule.state,
            version=schedule.version,
            owner=schedule.owner,
            summary=summary,
            message=summary,
            timing=spec.timing,
            form=form_of(schedule, self.root),
            next_due=schedule.next_due,
            next=self._shown(upcoming(schedule, self.now, NEXT)),
            destination=destination(schedule.publication_name, spec),
            publication_url=address,
            public_confirmed=spec.public_confirmed,
            created_at=schedule.created_at,
            changed_at=schedule.changed_at,
            changed_by=schedule.changed_by,
            paused=schedule.paused,
            bundle=spec.bundle,
            on_delete=AFTER_BROKEN
            if schedule.state is ScheduleState.BROKEN
            else on_deletion(None if address is None else "", public_name(schedule)),
            last_runs=tuple(self.run(run) for run in last_runs),
        )

    def next(self, spec: Spec) -> tuple[OccurrenceResponse, ...]:
        """The next occurrences, as instants and as the zone's clocks show them."""
        return self._shown(islice(coming(spec, self.now), NEXT))

    def _shown(self, occurrences: Iterable[Occurrence]) -> tuple[OccurrenceResponse, ...]:
        return tuple(
            OccurrenceResponse(
                scheduled_for=occurrence.instant,
                local=occurrence.local.isoformat(timespec="seconds"),
                note=occurrence.note,
            )
            for occurrence in occurrences
        )

    # -- runs

    def run(self, run: Run) -> RunResponse:
        """A run, without its attempts."""
        return RunResponse(**self._of_run(run))

    def runs(self, runs: list[Run]) -> list[RunResponse]:
        """Runs with their attempts, which are had at once."""
        attempts = self.operations.runs.attempts_of_each(runs)
        return [
            self.run(run).model_copy(update={"attempts": tuple(map(_attempt, attempts.get(run.origin, ())))})
            for run in runs
        ]

    def run_details(self, run: Run) -> RunDetails:
        """A run with its attempts and what it left."""
        spec = self.operations.store.schedules.get_version(run.schedule_id, run.version).spec
        schedule = self.operations.store.schedules.get(run.schedule_id)
        result = self.operations.files.result(run)
        files = self.files(run, result)
        checked = self.operations.files.checked(run)
        more: dict[str, Any] = {}
        if result is not None:
            more = {"notes": result.notes, "elsewhere": result.elsewhere}
        if result is not None and result.failure is not None:
            executed = self._executed(run, result, spec.notebook) if spec.notebook else None
            more["failure"] = described(result.failure, executed)
        return RunDetails(
            **self._of_run(run) | {"attempts": tuple(map(_attempt, self.operations.runs.list_attempts(run)))},
            outputs=files.outputs,
            report=files.report,
            archive=self.addresses.archive(run) if files.outputs or files.report else None,
            parameters=spec.parameters,
            trial=schedule is not None and schedule.is_trial,
            bundle=spec.bundle,
            usual_seconds=self._usual_seconds(run.schedule_id),
            findings=checked.findings,
            more_findings=checked.more,
            only_hover_data=checked.only_hover_data,
            releasable=is_releasable(run, spec),
            **more,
        )

    def files(self, run: Run, result: Result | None) -> RunFilesResponse:
        """The files that a run left, each at its address."""
        if result is None:
            return RunFilesResponse()
        return RunFilesResponse(
            outputs=tuple(self._file(run, OUTPUT, file) for file in result.files),
            report=tuple(self._file(run, REPORT, file) for file in result.report),
        )

    def log(self, run: Run, first: int, *, whole: bool = False) -> LogResponse:
        """A run's log from piece `first` on.  `run` must have been read before: what ended prints no more.

        A character that pieces cut is part of the one that ends it, so that all texts together are the whole one's
        beginning.  whole: all of it instead, also what was too much for the pieces.
        """
        if whole:
            told = self.operations.files.log(run).decode(errors="replace")
            return LogResponse(text=told, next=first, ended=run.status.terminal)
        pieces = self.operations.files.log_pieces(run, first)
        if pieces or first:
            before = self.operations.files.log_before(run, first, LONGEST_BEGUN) if pieces else b""
            text = decode_next(before, b"".join(pieces))
        else:
            text = self.operations.files.log(run).decode(errors="replace")
        return LogResponse(text=text, next=first + max(len(pieces), bool(text)), ended=run.status.terminal)

    def news(self, since: str) -> NewsResponse:
        """Schedules that have failed since that time and still do; without one none.  Raises Refused `invalid`."""
        if not since:
            return NewsResponse(at=self.now)
        try:
            failed = self.operations.runs.list_failing(utc(datetime.fromisoformat(since)))
        except ValueError:
            raise Refused("invalid", "since should be a time, such as 2026-11-24T12:00:00Z.", "since") from None
        last = max(failed, key=lambda run: run.ended_at or run.created_at, default=None)
        name, run_id = (last.schedule, last.id) if last else (None, None)
        return NewsResponse(at=self.now, failed=len(failed), schedule=name, run_id=run_id)

    def notebook_status(self, schedules: list[Schedule]) -> NotebookStatus | None:
        """The first of a notebook's schedules that hasn't ended, None when there is none."""
        for schedule in schedules:
            if schedule.state is not ScheduleState.ENDED:
                runs = self.operations.runs.newest_of_each([schedule], LAST_RUNS).get(schedule.id, [])
                said = schedule_summary(schedule, self.now, self.reader)
                return NotebookStatus(name=schedule.name, summary=said, failing=_is_failing(runs))
        return None

    def _of_run(self, run: Run) -> dict[str, Any]:
        same = run.model_dump(include=set(RunResponse.model_fields) - _OF_ANSWERS)
        return same | {
            "run_id": run.id,
            "publication": self.addresses.publication(run),
            "removed": removed(run),
            **self._waiting(run),
            "progress": self._progress(run) if run.status in _GOING else None,
        }

    def _waiting(self, run: Run) -> dict[str, Any]:
        told = self._places.get(run.id) if run.status is RunStatus.DUE else None
        return {"place": told} if isinstance(told, int) else {"held": told}

    @cached_property
    def _places(self) -> dict[str, int | str]:
        """The place of each run that waits, or what holds it up, by its id."""
        return places_in(self.operations.store)

    def _progress(self, run: Run) -> tuple[int, int] | None:
        match self.operations.files.heartbeat(run).get("cells"):
            case [int(done), int(total)]:
                return done, total
        return None

    def _executed(self, run: Run, result: Result, notebook: str) -> bytes | None:
        name = PurePosixPath(notebook).name
        if all(file.path != name for file in result.report):
            return None
        try:
            return self.operations.files.read(run, REPORT + name)
        except NoSuchObject:
            return None

    def _file(self, run: Run, prefix: str, file: FileEntry) -> PublishedFile:
        address = self.addresses.of_run(run, prefix + file.path, self.operations.files.url)
        return PublishedFile(path=file.path, size=file.size, sha256=file.sha256, url=address)

    def _usual_seconds(self, schedule_id: str) -> float | None:
        took = typical_durations(self.operations.store, schedule_id, lambda run: run.seconds)
        return statistics.median(took) if took else None


def _compute(spec: Spec, offers: LauncherCatalog) -> ComputeChoice | None:
    """The schedule's choice among the places that are offered."""
    there = (one for one in choices(offers) if one.launcher == spec.launcher and spec.size in {None, one.size})
    return next(there, None)


def present_version(version: Version) -> VersionResponse:
    """A version, with its author and its time."""
    return VersionResponse(
        version=version.version,
        author=version.author,
        created_at=version.created_at,
        bundle=version.spec.bundle,
        timing=version.spec.timing,
    )


def _attempt(attempt: Attempt) -> AttemptResponse:
    return AttemptResponse(**attempt.model_dump(include=set(AttemptResponse.model_fields)))


def present_kernels(host: Host) -> list[KernelResponse]:
    """The kernels that a notebook can run in there, by name."""
    found = sorted(host.list_kernels().items())
    return [KernelResponse(name=name, display_name=it.display_name, language=it.language) for name, it in found]


def present_ad_hoc_worker(worker: AdHocWorker) -> AdHocWorkerResponse:
    """The worker as it is told: what was asked of its launcher stays in the ledger."""
    same = worker.model_dump(include=set(AdHocWorkerResponse.model_fields))
    return AdHocWorkerResponse(worker_id=worker.id, ends_at=worker.deadline, connect=worker.connect, **same)


#: characters that a browser is given of a cell, and of a traceback
LONGEST_SOURCE = 20_000
LONGEST_TRACEBACK = 100_000
#: the cell that papermill adds isn't one of the analyst's
_ADDED = "injected-parameters"


def described(failure: dict[str, Any], executed: bytes | None) -> FailureResponse:
    """The failure as the agent noted it, with source and traceback of the cell in the executed notebook.

    Both come from a run and may hold anything; what isn't as expected is left out.
    """
    cell, cells, line = (_count(failure.get(key)) for key in ("cell", "cells", "line"))
    known = FailureResponse(kind=str(failure.get("kind", "unknown"))[:100], cell=cell, cells=cells, line=line)
    found = _cell(executed, cell) if executed is not None and cell is not None else None
    if found is None:
        return known
    seen = {"source": _text(found.get("source"))[:LONGEST_SOURCE], "traceback": _traceback(found)}
    return known.model_copy(update={name: text for name, text in seen.items() if text})


def _cell(executed: bytes, number: int) -> dict[str, Any] | None:
    """The code cell with this number, counted from 1 among the analyst's; 0 is the one that was added."""
    try:
        cells = json.loads(executed)["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        added = [cell for cell in code if _is_added(cell)]
        own = [cell for cell in code if not _is_added(cell)]
        found = added[0] if number == 0 else own[number - 1]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_added(cell: dict[str, Any]) -> bool:
    return _ADDED in cell.get("metadata", {}).get("tags", [])


def _traceback(cell: dict[str, Any]) -> str:
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict) and output.get("output_type") == "error":
            lines = output.get("traceback")
            text = "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ""
            return strip_escapes(text)[-LONGEST_TRACEBACK:]
    return ""


def _text(source: object) -> str:
    """A notebook's multi-line text: a string or a list of them."""
    return "".join(part for part in source if isinstance(part, str)) if isinstance(source, list | str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _is_failing(runs: list[Run]) -> bool:
    """True if the last one that ran to its end failed; newer ones may still be going, or were skipped."""
    ended = [run for run in runs if run.status in _FAILED | {RunStatus.SUCCEEDED}]
    return bool(ended) and ended[0].status in _FAILED
