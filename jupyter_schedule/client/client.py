"""The same requests as the panel's, from Python: at a running Jupyter server, or straight on the ledger without one."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from jupyter_schedule.api.requests import (
    ApproveRun,
    BackfillSchedule,
    CloneSchedule,
    CreateSchedule,
    EditSchedule,
    ExtendAdHocWorker,
    Form,
    LaunchAdHocWorker,
    PauseSchedule,
    RollbackSchedule,
)
from jupyter_schedule.api.responses import (
    AdHocWorkerResponse,
    BackfillCancelledResponse,
    BackfillResponse,
    CalendarResponse,
    DeletedResponse,
    DifferenceResponse,
    FilePreview,
    KernelResponse,
    LogResponse,
    NewsResponse,
    NotebookStatus,
    OverviewResponse,
    PreviewResponse,
    RunDetails,
    RunFilesResponse,
    RunResponse,
    ScheduleDetails,
    ScheduleResponse,
    StatusResponse,
    VersionResponse,
)
from jupyter_schedule.api.validation import as_refused
from jupyter_schedule.client.discovery import calling_notebook, kernel_id, own_server
from jupyter_schedule.client.http import HttpTransport
from jupyter_schedule.core.bundles import archive
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storable import check_storable

#: seconds between two looks at a run, the first and the longest: it doubles in between
FIRST_LOOK = 0.25
LONGEST_LOOK = 2.0
#: answers of a server that can't be asked
#: a run's id, or its beginning
_RUN_ID = re.compile(r"[0-9a-f-]{4,36}")
NO_SERVER = {"server_unreachable", "not_signed_in", "not_installed"}
T = TypeVar("T")
B = TypeVar("B", bound=BaseModel)


class Transport(Protocol):
    """The way that requests take to the API."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> Any:
        """The answer, as JSON's plain values.

        path: below `/jupyter-schedule/`, each part quoted.
        if_version: what an edit is based on, the `If-Match` of HTTP.
        Raises Refused with the code, sentence and field of the answer.
        """

    def ask_page(self, path: str, *, query: Mapping[str, str] | None = None) -> tuple[list[Any], int]:
        """Some of a list, and how many there are in all."""

    def upload_bundle(self, digest: str, packed: Path) -> None:
        """Keep a tarball, which stays where it is."""

    def download_bundle(self, digest: str, destination: Path) -> None:
        """Write a bundle that is kept to a file."""

    def close(self) -> None:
        """Let go of what was opened."""


class Client:
    """One method a request; each raises Refused with a sentence that says what to do.

    root: the folder to which a form's paths are relative, None when it is on another machine.
    reader: the IANA zone in which sentences say "your time"; empty is the answering machine's.
    """

    def __init__(self, transport: Transport, *, root: Path | None = None, reader: str = "") -> None:
        self.transport = transport
        self.root = root
        self._query = {"reader": reader} if reader else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.transport.close()

    def __repr__(self) -> str:
        return f"Client({self.transport!r})"

    def status(self) -> StatusResponse:
        """The state of the service: whether it ticks, and how many runs go and fail."""
        return self._ask(StatusResponse, "GET", "status")

    # -- schedules

    def preview(self, form: Form, *, editing: str | None = None) -> PreviewResponse:
        """The preview of a schedule; it keeps the bundle, so that `create` needn't make it again.

        editing: the schedule that the form changes.
        """
        query = {"schedule": editing} if editing is not None else {}
        return self._ask(PreviewResponse, "POST", "preview", form, query=query)

    def create(
        self,
        form: Form,
        *,
        bundle: str | None = None,
        run_now: bool = False,
        once_only: bool = False,
        rehearse: bool | None = None,
        public_confirmed: bool = False,
    ) -> ScheduleResponse:
        """Record a schedule; `bundle` is a preview's, None takes the files as they are now.

        rehearse: whether it waits for a rehearsal; None does so where runs cost money.
        public_confirmed: somebody checked what will be public; needed for a public one.
        """
        creation = _said(
            CreateSchedule,
            form=form,
            bundle=bundle,
            run_now=run_now,
            once_only=once_only,
            rehearse=rehearse,
            public_confirmed=public_confirmed,
        )
        return self._ask(ScheduleResponse, "POST", "schedules", creation)

    def edit(
        self,
        name: str,
        changes: Mapping[str, Any],
        *,
        if_version: int,
        rebundle: bool = False,
        rehearse: bool | None = None,
        public_confirmed: bool = False,
    ) -> ScheduleResponse:
        """Merge `changes` into the form; Refused `changed_elsewhere` when it is no longer at version `if_version`.

        changes: fields of `Form` by name, None for what is taken back; `{"tarball": digest}` gives a schedule made
            from a tarball new code.  rebundle: take the notebook and its files as they are now.
        rehearse: whether it waits for a rehearsal of that; None does so where it moves to machines that cost money.
        """
        edit = _said(
            EditSchedule,
            form=dict(changes),
            rebundle=rebundle,
            rehearse=rehearse,
            public_confirmed=public_confirmed,
        )
        return self._ask(ScheduleResponse, "PATCH", _schedule(name), edit, if_version=if_version)

    def clone(
        self,
        name: str,
        new_name: str,
        changes: Mapping[str, Any] | None = None,
        *,
        rebundle: bool = False,
        run_now: bool = False,
        rehearse: bool | None = None,
        public_confirmed: bool = False,
    ) -> ScheduleResponse:
        """Record another schedule that does what this one does, but for `changes` of its form."""
        clone = _said(
            CloneSchedule,
            name=new_name,
            form=dict(changes or {}),
            rebundle=rebundle,
            run_now=run_now,
            rehearse=rehearse,
            public_confirmed=public_confirmed,
        )
        return self._ask(ScheduleResponse, "POST", _schedule(name, "clone"), clone)

    def upload_bundle(self, path: Path) -> str:
        """Send a tarball of this machine; the digest by which a form's `tarball` names it."""
        try:
            path.open("rb").close()
        except OSError as problem:
            message = f"{path.name} can't be read: {problem.strerror}."
            raise Refused("tarball_unreadable", message, "tarball") from None
        digest, _ = archive.inspect(path)
        self.transport.upload_bundle(digest, path)
        return digest

    def download_bundle(self, digest: str, destination: Path) -> None:
        """Write a bundle, such as a preview's, to a file of this machine."""
        self.transport.download_bundle(digest, destination)

    def schedules(
        self, notebook: str | None = None, *, before: str | None = None, limit: int = 100
    ) -> list[ScheduleResponse]:
        """Schedules by name, or those of a notebook, whose path is relative to the root.

        limit: how many at most; `before` is the name of a page's last one, to get the next page.
        """
        query = {"notebook": notebook, "before": before, "limit": str(limit)}
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask(list[ScheduleResponse], "GET", "schedules", query=given)

    def all_schedules(self, *, before: str | None = None, page: int = 1000) -> Iterator[ScheduleResponse]:
        """All schedules by name, or those behind `before`, asked for page by page."""
        while found := self.schedules(before=before, limit=page):
            # until there are none: a page may have fewer than were asked for, because no answer has too many
            yield from found
            before = found[-1].name

    def kernels(self) -> list[KernelResponse]:
        """The kernels that a notebook can run in, by name."""
        return self._ask(list[KernelResponse], "GET", "kernels")

    def news(self, since: datetime | None = None) -> NewsResponse:
        """The schedules that have failed since then and still do; without a time none."""
        query = {"since": since.isoformat()} if since else {}
        return self._ask(NewsResponse, "GET", "news", query=query)

    def overview(self, **query: str | int) -> OverviewResponse:
        """A page of the schedules as a list shows them; query: `search`, `show`, `order`, `skip`, `limit`."""
        given = {name: str(value) for name, value in query.items()}
        return self._ask(OverviewResponse, "GET", "overview", query=given)

    def scheduled(self, notebook: str) -> NotebookStatus | None:
        """The schedule of a notebook in a sentence, and whether it fails; None of one that isn't scheduled."""
        shape: Any = NotebookStatus | None
        found: NotebookStatus | None = self._ask(shape, "GET", "scheduled", query={"notebook": notebook})
        return found

    def schedule(self, name: str) -> ScheduleDetails:
        """The schedule of this name, what it costs, and who changed it."""
        return self._ask(ScheduleDetails, "GET", _schedule(name))

    def versions(self, name: str) -> list[VersionResponse]:
        """Its versions with their authors, the newest first."""
        return self._ask(list[VersionResponse], "GET", _schedule(name, "versions"))

    def difference(self, name: str, before: int | None = None, after: int | None = None) -> DifferenceResponse:
        """The difference of a version, None the current one, from another, or (None) from the notebook as it is now."""
        query = {key: str(number) for key, number in (("before", before), ("after", after)) if number is not None}
        return self._ask(DifferenceResponse, "GET", _schedule(name, "difference"), query=query)

    def roll_back(
        self, name: str, version: int, *, if_version: int, public_confirmed: bool = False
    ) -> ScheduleResponse:
        """Let it do what that version did; Refused `changed_elsewhere` when it is no longer at `if_version`.

        public_confirmed: somebody checked what will be public; needed where more becomes public than is now.
        """
        asked = _said(RollbackSchedule, version=version, public_confirmed=public_confirmed)
        return self._ask(ScheduleResponse, "POST", _schedule(name, "rollback"), asked, if_version=if_version)

    def pause(self, name: str, note: str | None = None) -> ScheduleResponse:
        """Keep it from running by the clock; `note` says why, None leaves what was said before."""
        return self._ask(ScheduleResponse, "POST", _schedule(name, "pause"), _said(PauseSchedule, note=note))

    def resume(self, name: str) -> ScheduleResponse:
        """Let it run by the clock again."""
        return self._ask(ScheduleResponse, "POST", _schedule(name, "resume"))

    def delete(self, name: str) -> DeletedResponse:
        """Remove it and stop its runs; its published results stay."""
        return self._ask(DeletedResponse, "DELETE", _schedule(name))

    # -- runs

    def run_now(self, name: str) -> RunResponse:
        """Run it once now, apart from the clock."""
        return self._ask(RunResponse, "POST", _schedule(name, "run"))

    def rehearse(self, name: str) -> RunResponse:
        """Run it once now without touching what it has published; one that waits for that starts when it succeeds."""
        return self._ask(RunResponse, "POST", _schedule(name, "rehearse"))

    def backfill(
        self,
        name: str,
        start: datetime | date,
        end: datetime | date,
        *,
        again: bool = False,
        confirmed: bool = False,
        parallel: int = 1,
        dry_run: bool = False,
    ) -> BackfillResponse:
        """Run it for every time from `start` to `end` at which it was due, `parallel` of them in parallel.

        start, end: two times, or two days of the schedule's zone, both whole.  again: also for those that succeeded.
        confirmed: that many are wanted, where they are 100 or more.  dry_run: only say what would be done.
        """
        times = isinstance(start, datetime), isinstance(end, datetime)
        if times[0] != times[1]:
            raise Refused("invalid", "Say either from which time to which, or from which day to which.", "start")
        span = {"start": start, "end": end} if times[0] else {"first_day": start, "last_day": end}
        rest = {"again": again, "confirmed": confirmed, "parallel": parallel, "dry_run": dry_run}
        asked = _said(BackfillSchedule, **span, **rest)
        return self._ask(BackfillResponse, "POST", _schedule(name, "backfill"), asked)

    def cancel_backfill(self, name: str) -> BackfillCancelledResponse:
        """Start none of its backfills' runs that still wait."""
        return self._ask(BackfillCancelledResponse, "DELETE", _schedule(name, "backfill"))

    def days(self, name: str, first: date | None = None, last: date | None = None) -> CalendarResponse:
        """The days from `first` to `last`, 62 at most, with their states; without both, of the month up to today."""
        query = {key: day.isoformat() for key, day in (("first", first), ("last", last)) if day is not None}
        return self._ask(CalendarResponse, "GET", _schedule(name, "days"), query=query)

    def runs(self, name: str | None = None, *, before: str | None = None, limit: int = 100) -> list[RunResponse]:
        """Runs of one schedule or of all, the newest first, page by page: `before` is the id of a page's last run."""
        path = "runs" if name is None else _schedule(name, "runs")
        query = {"limit": str(limit)} | ({"before": before} if before else {})
        return self._ask(list[RunResponse], "GET", path, query=query)

    def all_runs(self, name: str | None = None, *, page: int = 1000) -> Iterator[RunResponse]:
        """All runs of one schedule or of all, the newest first, asked for page by page."""
        before = None
        while found := self.runs(name, before=before, limit=page):
            # until there are none: a page may have fewer than were asked for, because no answer has too many
            yield from found
            before = found[-1].run_id

    def count_runs(self, name: str | None = None) -> int:
        """The number of runs of one schedule, or of all."""
        path = "runs" if name is None else _schedule(name, "runs")
        _, total = self.transport.ask_page(path, query={**self._query, "limit": "1"})
        return total

    def find_run(self, text: str, *, waiting: bool = False) -> RunResponse:
        """The run that `text` means: of a schedule's name its newest run that started, else the run with that id.

        waiting: a run that is still to start counts too.  Raises Refused `no_such_run`, `not_run_yet`.
        """
        try:
            runs = self.runs(text)
        except Refused as no_schedule:
            if no_schedule.code != "no_such_schedule":
                raise
            return self._run_by_id(text, no_schedule)
        started = [run for run in runs if run.attempts or (waiting and not run.status.terminal)]
        if not started:
            message = f"“{text}” has not run yet. Run it now:  jupyter schedule run {text} --wait"
            raise Refused("not_run_yet", message)
        return max(started, key=lambda run: (run.created_at, run.scheduled_for))

    def _run_by_id(self, text: str, no_schedule: Refused) -> RunResponse:
        try:
            return self.run(text)
        except Refused as no_run:
            if no_run.code != "no_such_run":
                raise
            raise (no_run if _RUN_ID.fullmatch(text) else no_schedule) from None

    def run(self, run_id: str) -> RunDetails:
        """A run with what it left."""
        return self._ask(RunDetails, "GET", _run(run_id))

    def run_files(self, run_id: str) -> RunFilesResponse:
        """The files that it left, each at its address."""
        return self._ask(RunFilesResponse, "GET", _run(run_id, "files"))

    def preview_file(self, run_id: str, path: str) -> FilePreview:
        """The beginning of a file that it left, `output/…` or `report/…`: a table, JSON or text."""
        return self._ask(FilePreview, "GET", _run(run_id, "preview"), query={"file": path})

    def cancel(self, run_id: str) -> RunResponse:
        """Ask it to stop; what it has so far is kept."""
        return self._ask(RunResponse, "POST", _run(run_id, "cancel"))

    def retry(self, run_id: str) -> RunResponse:
        """Run the same again, as a run of its own."""
        return self._ask(RunResponse, "POST", _run(run_id, "retry"))

    def approve(self, run_id: str, reason: str | None = None, *, without_hover_data: bool = False) -> RunResponse:
        """Publish what it made and what was kept back; `reason` overrides the disclosure check, and is recorded.

        without_hover_data: publish pages of charts without their hover data instead, if the check finds nothing then.
        """
        asked = _said(ApproveRun, reason=reason, without_hover_data=without_hover_data)
        return self._ask(RunResponse, "POST", _run(run_id, "approve"), asked)

    def log(self, run_id: str, first: int = 0, *, whole: bool = False) -> LogResponse:
        """Its log from piece `first` on; ask again with `next`.

        whole: all of it instead, also what was too much to be had in pieces.
        """
        query = {"first": str(first)} | ({"whole": "1"} if whole else {})
        return self._ask(LogResponse, "GET", _run(run_id, "log"), query=query)

    def wait(
        self, run_id: str, *, timeout: float | None = None, pause: Callable[[float], None] = time.sleep
    ) -> RunDetails:
        """The run when it has ended.  Raises Refused `nothing_ticks` when it can't start, `still_running` in time-out.

        timeout: seconds, None waits for as long as it takes.
        """
        for waited, look in _looks():
            run = self.run(run_id)
            if run.status.terminal:
                return run
            if run.status == "due" and look == LONGEST_LOOK and not self.status().ticking:
                raise Refused(
                    "nothing_ticks",
                    "Nothing is ticking, so the run waits. Open JupyterLab or start `python -m scheduler_service run`.",
                )
            if timeout is not None and waited >= timeout:
                raise Refused("still_running", f"After {timeout:g} s the run of “{run.schedule}” is {run.status}.")
            pause(look)
        raise AssertionError("looks never end")

    # -- ad-hoc workers

    def ad_hoc_workers(self) -> list[AdHocWorkerResponse]:
        """Your machines to develop on, the newest first."""
        return self._ask(list[AdHocWorkerResponse], "GET", "ad-hoc-workers")

    def ad_hoc_worker(self, worker_id: str) -> AdHocWorkerResponse:
        """One of them, with the commands that get into it once it is ready."""
        return self._ask(AdHocWorkerResponse, "GET", _ad_hoc(worker_id))

    def launch_ad_hoc(
        self,
        *,
        size: str | None = None,
        hours: int | None = None,
        ssh_key: str | None = None,
        launcher: str | None = None,
    ) -> AdHocWorkerResponse:
        """Ask for a machine to develop on, which lets the public key in; ask for it again until it is ready."""
        asked = _said(LaunchAdHocWorker, size=size, hours=hours, ssh_key=ssh_key, launcher=launcher)
        return self._ask(AdHocWorkerResponse, "POST", "ad-hoc-workers", asked)

    def extend_ad_hoc(self, worker_id: str, hours: int | None = None) -> AdHocWorkerResponse:
        """Let it end so many hours from now, or as late as may be."""
        return self._ask(
            AdHocWorkerResponse, "POST", _ad_hoc(worker_id, "extend"), _said(ExtendAdHocWorker, hours=hours)
        )

    def stop_ad_hoc(self, worker_id: str) -> AdHocWorkerResponse:
        """End it; nothing on it is kept."""
        return self._ask(AdHocWorkerResponse, "POST", _ad_hoc(worker_id, "stop"))

    # -- how

    def _ask(
        self,
        shape: type[T],
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        query: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> T:
        try:
            answer = self.transport.ask(
                method,
                path,
                body=body.model_dump(mode="json") if body else None,
                query={**self._query, **(query or {})},
                if_version=if_version,
            )
        except Refused as refused:
            if refused.code not in {"no_such_route", "wrong_method"}:
                raise
            raise _too_old() from None
        try:
            # A kernel may have an older release than the server: what it doesn't know is left aside.
            return TypeAdapter(shape).validate_python(answer, extra="ignore")
        except ValidationError:
            raise _too_old() from None


def connect(url: str | None = None, token: str = "", *, reader: str = "") -> Client:
    """A client of the server at `url`, else of the one that started this kernel, else straight on the ledger.

    The last also where that server can't be asked: the ledger is the same.
    """
    if url is not None:
        return Client(HttpTransport(url, token), reader=reader)
    server = own_server()
    if server is None:
        return _direct(Path.cwd(), reader)
    client = Client(HttpTransport(server.url, server.token, proxies=False), root=server.root, reader=reader)
    try:
        client.status()
    except Refused as problem:
        client.transport.close()
        if problem.code not in NO_SERVER:
            raise
        return _direct(server.root, reader)
    return client


def _direct(root: Path, reader: str) -> Client:
    # Its SQLAlchemy takes most of a second to load, which a cell beside a server needn't wait for.
    from jupyter_schedule.client.in_process import InProcessTransport  # noqa: PLC0415

    return Client(InProcessTransport(root), root=root, reader=reader)


def own_notebook(client: Client) -> str:
    """The notebook that this code runs in, relative to the client's root.  Raises Refused `which_notebook`."""
    known = (
        client.transport.session_path(kernel_id())
        if isinstance(client.transport, HttpTransport) and kernel_id()
        else None
    )
    path = calling_notebook()
    if known is not None:
        return known
    if path is not None and (client.root is None or (client.root / path).exists()):
        return relative_to_root(client, path)
    raise Refused(
        "which_notebook",
        'This isn\'t running in a notebook that can be found: say which one, as in schedule("report.ipynb").',
        "notebook",
    )


def relative_to_root(client: Client, path: str | os.PathLike[str]) -> str:
    """A path on this machine, relative to where the code runs, as the answering side names it.

    Raises Refused `outside_root`.
    """
    if client.root is None:
        return Path(path).as_posix()
    whole = Path(os.path.normpath(Path.cwd() / path))
    for root, candidate in ((client.root, whole), (client.root.resolve(), whole.resolve())):
        if candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    raise Refused(
        "outside_root", f"{whole} is outside {client.root}, the folder that schedules are made from.", "notebook"
    )


def _too_old() -> Refused:
    message = "The Jupyter server has an older jupyter-schedule, which can't do that. Update it there."
    return Refused("server_too_old", message)


def _said(shape: type[B], **values: Any) -> B:
    """The body of a request.  Raises Refused `invalid` with the field that is wrong."""
    try:
        return shape.model_validate(values)
    except ValidationError as problem:
        raise as_refused(problem) from None


def _schedule(name: str, *rest: str) -> str:
    check_storable({"name": name})
    return "/".join(["schedules", quote(name, safe=""), *rest])


def _run(run_id: str, *rest: str) -> str:
    check_storable({"id": run_id})
    return "/".join(["runs", quote(run_id, safe=""), *rest])


def _ad_hoc(worker_id: str, *rest: str) -> str:
    check_storable({"id": worker_id})
    return "/".join(["ad-hoc-workers", quote(worker_id, safe=""), *rest])


def _looks() -> Iterator[tuple[float, float]]:
    """Seconds waited so far and until the next look."""
    waited, look = 0.0, FIRST_LOOK
    while True:
        yield waited, look
        waited, look = waited + look, min(2 * look, LONGEST_LOOK)
