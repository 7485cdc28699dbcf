"""What a person asks for, one method each: validated values in, shapes out.  The same with a server and without one."""

import errno
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import IO
from zoneinfo import available_timezones

from sqlalchemy.exc import DBAPIError

from jupyter_schedule import __version__
from jupyter_schedule.api.addresses import Addresses
from jupyter_schedule.api.calendars import backfilled, calendar_of
from jupyter_schedule.api.differences import drift, version_difference
from jupyter_schedule.api.forms import edited, form_of, patched, rebundled, request_of
from jupyter_schedule.api.frequencies import timing_of
from jupyter_schedule.api.presenter import LAST_RUNS, Presenter, present_version
from jupyter_schedule.api.previewing import previewed
from jupyter_schedule.api.requests import BackfillSchedule, CreateSchedule, EditSchedule, Form, RollbackSchedule
from jupyter_schedule.api.responses import (
    BackfillResponse,
    BundleResponse,
    CalendarResponse,
    DeletedResponse,
    DifferenceResponse,
    LogResponse,
    NotebookStatus,
    PreviewResponse,
    RunDetails,
    RunFilesResponse,
    RunResponse,
    ScheduleResponse,
    StatusResponse,
    VersionResponse,
)
from jupyter_schedule.core import clock
from jupyter_schedule.core.bundles.packaging import build_bundle
from jupyter_schedule.core.bundles.stored import build_spec, check_parameters, receive_bundle
from jupyter_schedule.core.config import PUBLISHED, areas_in, store_in
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.descriptions import schedule_summary
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.machines.offers import choices
from jupyter_schedule.core.models import Run, RunStatus, Schedule, ScheduleState, Spec, Timing
from jupyter_schedule.core.object_keys import LIVE_NOTEBOOK, OUTPUT, REPORT
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.operations.channels import channels_in
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.operations.removal import check_there, on_deletion, public_name
from jupyter_schedule.core.operations.undelivered import given_up
from jupyter_schedule.core.operations.versions import roll_back
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import (
    LocalStorage,
    NoSuchObject,
    ObjectStorage,
    StorageAway,
    StorageUnusable,
    open_storage,
)
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import find_blocker, has_leader
from jupyter_schedule.core.timing.recurrence import check
from jupyter_schedule.core.timing.timezones import find_zone
from jupyter_schedule.core.user_service import installable, installed

#: runs that a list has, unless fewer are asked for
MOST_RUNS = 1000
FAILED = {RunStatus.FAILED, RunStatus.TIMED_OUT}
GOING = {RunStatus.LAUNCHING, RunStatus.RUNNING, RunStatus.PUBLISHING}
#: bytes of a file that goes through the server; S3 sends larger ones itself, by a link that lives for so many seconds
LARGEST_SENT = 100_000_000
LINKED = 300
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class OpenFile:
    """A file to be sent; whoever got it closes `stream`."""

    name: str
    size: int
    stream: IO[bytes]
    #: where a browser gets it by itself, for some minutes; None when it comes by way of here
    link: str | None = None


class Desk:
    """The requests of one person, in one folder that Jupyter serves."""

    def __init__(
        self,
        places: DataPaths,
        root: Path,
        *,
        address: str | None = None,
        embedded: bool = False,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """Opens the ledger, made when there is none.  Raises Refused when it can't be used.

        root: the folder that a form's paths are relative to.
        address: the path of the API on the server that asks, None without a server.
        embedded: whether the service that ticks ends when that server ends.
        """
        self.places = places
        self.root = root
        self.addresses = Addresses(address)
        self.embedded = embedded
        with guarded(places):
            self.store = open_store(store_in(places.folder) or places.store, now)
        areas = areas_in(places.folder)
        work = open_storage(areas.work or places.objects)
        channels = channels_in(places.folder)
        self.operations: Operations = Operations(self.store, work, now=now, areas=areas, channels=channels)

    def close(self) -> None:
        """Let go of the ledger."""
        self.store.close()

    def answers(self, reader: str = "") -> Presenter:
        """Answers for somebody who reads in that zone; a zone that isn't known counts as none."""
        zone: tzinfo | None = None
        if reader:
            try:
                zone = find_zone(reader)
            except Refused:
                zone = None
        return Presenter(self.operations, self.root, self.addresses, zone, self.operations.now())

    def status(self) -> StatusResponse:
        """Whether anybody ticks, and how it goes."""
        schedules = self.operations.schedules()
        recent = self.operations.recent_runs(schedules, LAST_RUNS)
        running = [run for run in self.operations.open_runs() if run.status in GOING]
        hindered = find_blocker(self.places.lock, self.store)
        return StatusResponse(
            version=__version__,
            ticking=has_leader(self.places.lock, self.store),
            hindrance=hindered and hindered.sentence,
            embedded=self.embedded,
            service_installable=installable(),
            service_installed=installed(),
            failing=sum(_is_failing(runs) for runs in recent.values()),
            running=len(running),
            undelivered=given_up(self.store, self.operations.owner, self.operations.now()),
            timezone_names=_zone_names(),
            workers=choices(self.operations.offers()),
        )

    # -- bundles

    def preview(self, form: Form, answers: Presenter, editing: str | None) -> PreviewResponse:
        """What would happen; keeps the bundle."""
        return previewed(form, answers, editing)

    def receive_bundle(self, digest: str, packed: Path) -> BundleResponse:
        """Keep a tarball that came over the wire, which is consumed; Refused when it isn't what its name says."""
        size = packed.stat().st_size
        entries = receive_bundle(self.operations.objects, packed, digest)
        return BundleResponse(bundle=digest, size=size, files=entries)

    # -- schedules

    def create(self, creation: CreateSchedule, answers: Presenter) -> ScheduleResponse:
        """Record a schedule, and run it once if that is asked for."""
        form = creation.form
        spec = self._spec(form, creation.bundle, once_only=creation.once_only)
        if creation.once_only:
            schedule, _ = self.operations.create_once_only(form.name, spec, public_confirmed=creation.public_confirmed)
            return answers.schedule(schedule)
        made = self.operations.create(
            form.name, spec, public_confirmed=creation.public_confirmed, rehearse=creation.rehearse
        )
        if creation.run_now and made.state is not ScheduleState.REHEARSING:
            self.operations.run_now(form.name)
        return answers.schedule(self.operations.schedule(form.name))

    def _spec(self, form: Form, bundle: str | None, *, once_only: bool) -> Spec:
        if once_only:
            # of the frequency only the zone counts: it says what day it is
            timing = Timing(cron="0 12 * * *", timezone=form.frequency.timezone)
            check(timing)
        else:
            timing = timing_of(form.frequency)
        # before the files are bundled, which may take a while
        self.operations.check_name(form.name, LocalStorage(self.root).url(PUBLISHED))
        request = request_of(form, timing, self.root)
        if bundle is None:
            return build_bundle(request, self.root, self.operations.objects).spec
        return build_spec(request, self.root, self.operations.objects, bundle)

    def edit(self, name: str, edit: EditSchedule, if_version: int, answers: Presenter) -> ScheduleResponse:
        """Merge a patch into the form that made the schedule."""
        schedule = self.operations.schedule(name)
        self.operations.check_version(schedule, if_version)
        before = form_of(schedule, self.root)
        after = patched(before, edit.form)
        if edit.rebundle:
            spec = rebundled(schedule, before, after, self.root, self.operations.objects)
        else:
            spec = self._edited(schedule, before, after)
        changed = self.operations.edit(name, spec, if_version=if_version, public_confirmed=edit.public_confirmed)
        return answers.schedule(changed)

    def _edited(self, schedule: Schedule, before: Form, after: Form) -> Spec:
        spec = edited(schedule.spec, before, after)
        if after.parameters == before.parameters:
            return spec
        request = request_of(after, spec.timing, self.root)
        given = check_parameters(spec, self.operations.objects, request.parameters, request.parameter_texts)
        return spec.model_copy(update={"parameters": given})

    def schedules(self, notebook: str | None, answers: Presenter) -> list[ScheduleResponse]:
        """All schedules by name, or those of a notebook."""
        return answers.schedules(self.operations.schedules() if notebook is None else self._schedules_of(notebook))

    def scheduled(self, notebook: str, answers: Presenter) -> NotebookStatus | None:
        """The first of a notebook's schedules that hasn't ended, None when there is none."""
        for schedule in self._schedules_of(notebook):
            if schedule.state is not ScheduleState.ENDED:
                runs = self.operations.recent_runs([schedule], LAST_RUNS).get(schedule.id, [])
                said = schedule_summary(schedule, answers.now, answers.reader)
                return NotebookStatus(name=schedule.name, summary=said, failing=_is_failing(runs))
        return None

    def _schedules_of(self, notebook: str) -> list[Schedule]:
        return [each for each in self.operations.schedules() if form_of(each, self.root).notebook == notebook]

    def delete(self, name: str) -> DeletedResponse:
        """Remove a schedule; what it published stays."""
        spec = self.operations.delete(name).spec
        area = open_storage(spec.publication_base)
        published = sum(1 for _ in area.list(PublicationKeys(name).data))
        address = self.addresses.stable(name, spec) if published else None
        said = on_deletion(address, public_name(name, spec))
        return DeletedResponse(name=name, published=published, publication_url=address, message=said)

    def roll_back(self, name: str, asked: RollbackSchedule, if_version: int, answers: Presenter) -> ScheduleResponse:
        """Record an older version as the newest."""
        says_so = asked.public_confirmed
        changed = roll_back(self.operations, name, asked.version, if_version=if_version, public_confirmed=says_so)
        return answers.schedule(changed)

    def versions(self, name: str) -> list[VersionResponse]:
        """Who recorded which version, the newest first."""
        return [present_version(version) for version in self.operations.versions(name)]

    def difference(self, name: str, before: int | None, after: int | None) -> DifferenceResponse:
        """Two versions beside each other; without `after`, one beside the notebook as it is now."""
        if after is None:
            return drift(self.operations, self.root, name, before)
        return version_difference(self.operations, self.root, name, before, after)

    # -- runs

    def backfill(self, name: str, asked: BackfillSchedule) -> BackfillResponse:
        """Run a schedule for times that have passed."""
        return backfilled(self.operations, name, asked)

    def days(self, name: str, first: str, last: str, answers: Presenter) -> CalendarResponse:
        """What became of a schedule's days, and how its backfills get on."""
        return calendar_of(answers, self.operations.schedule(name), first, last)

    def runs(self, name: str | None, before: str | None, limit: int, answers: Presenter) -> list[RunResponse]:
        """Runs of a schedule or of all, the newest occurrence first; those after the run `before`, if one is named."""
        found = self.operations.runs(name, before=before, limit=min(limit, MOST_RUNS))
        return [answers.run(run) for run in found]

    def run(self, run_id: str, answers: Presenter) -> RunDetails:
        """A run with what it left."""
        return answers.run_details(self.operations.run(run_id))

    def run_files(self, run_id: str, answers: Presenter) -> RunFilesResponse:
        """What a run left."""
        run = self.operations.run(run_id)
        return answers.files(run, self.operations.files.result(run))

    def log(self, run_id: str, first: int, answers: Presenter) -> LogResponse:
        """What a run printed.  Raises Refused `files_removed`."""
        run = self.operations.run(run_id)
        check_there(run)
        return answers.log(run, first)

    # -- files

    def open_run_file(self, run_id: str, path: str) -> OpenFile:
        """A file that a run left, or its notebook so far.  Raises Refused `no_such_file`, `files_removed`."""
        run = self.operations.run(run_id)
        check_there(run)
        if not path.startswith((OUTPUT, REPORT)) and path != LIVE_NOTEBOOK:
            raise _no_such_file()
        name = _notebook_name(self._spec_of(run)) if path == LIVE_NOTEBOOK else path.rpartition("/")[2]
        return _opened(name, self.operations.objects, self.operations.files.key(run, path))

    def open_published(self, name: str, path: str) -> OpenFile:
        """A file of a publication.  Raises Refused `no_such_file`."""
        area = self._publication_area(name)
        return _opened(path.rpartition("/")[2], area, f"{name}/{path}")

    def _publication_area(self, name: str) -> ObjectStorage:
        """Where the results of `name` are; those of a schedule that was deleted stay at their address."""
        try:
            names.check(name)
        except Refused:
            raise _no_such_file() from None
        if self.store.schedule_named(name) is not None:
            return open_storage(self.operations.schedule(name).spec.publication_base)
        return self.operations.areas.all_of(LocalStorage(self.root).url(PUBLISHED))[0]

    def _spec_of(self, run: Run) -> Spec:
        return self.store.version(run.schedule_id, run.version).spec


@contextmanager
def guarded(places: DataPaths) -> Iterator[None]:
    """A ledger that can't be used and a disk that is full are refusals too."""
    try:
        yield
    except DBAPIError as problem:
        if "full" in str(problem.orig):
            raise _disk_full() from None
        message = f"The ledger in {places.folder} can't be used: {problem.orig}."
        raise Refused("store_unusable", message) from None
    except (StorageUnusable, StorageAway) as problem:
        raise Refused("objects_unusable", str(problem)) from None
    except OSError as problem:
        if problem.errno in _FULL:
            raise _disk_full() from None
        raise


def _disk_full() -> Refused:
    return Refused("disk_full", "The disk is full: free some space and try again.")


def _no_such_file() -> Refused:
    return Refused("no_such_file", "There is no such file: nothing was published there, or it was removed.")


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


def _notebook_name(spec: Spec) -> str:
    return (spec.notebook or "").rpartition("/")[2]


def _is_failing(runs: list[Run]) -> bool:
    """Whether the last one that ran to its end failed; newer ones may still be going, or were skipped."""
    ended = [run for run in runs if run.status in FAILED | {RunStatus.SUCCEEDED}]
    return bool(ended) and ended[0].status in FAILED


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))
