"""Every request of the API in one table: what serves it, what documents it, and what tests enumerate."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from jupyter_schedule import __version__
from jupyter_schedule.api import forms
from jupyter_schedule.api.calendars import backfill, calendar_of
from jupyter_schedule.api.context import ApiContext, guarded
from jupyter_schedule.api.differences import drift, version_difference
from jupyter_schedule.api.file_previews import preview_run_file
from jupyter_schedule.api.presenter import present_ad_hoc_worker, present_kernels, present_version
from jupyter_schedule.api.previewing import preview_form
from jupyter_schedule.api.requests import (
    LIVE_DRIVE,
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
    BundleResponse,
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
from jupyter_schedule.api.route import ApiRequest, ApiResponse, Page, Route
from jupyter_schedule.api.validation import check_request, validated
from jupyter_schedule.core.compute import choices
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule, ScheduleState, UnreadableSpec
from jupyter_schedule.core.operations.overview import Order, Show
from jupyter_schedule.core.operations.removal import AFTER_BROKEN, check_there, on_deletion, public_name
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.store.services import read_service_health
from jupyter_schedule.core.user_service import installable, installed

#: runs, or schedules, that a list has, unless fewer are asked for
MOST_RUNS = MOST_SCHEDULES = 1000
#: schedules that a page of an overview has
MOST_SHOWN = 50

#: of a list of runs
OF_A_PAGE = {
    "limit": f"how many at most, never more than {MOST_RUNS}; 100 without it",
    "before": "the id of the last run of a page, to get the next page; an empty one comes after the last",
}


def _status(request: ApiRequest) -> StatusResponse:
    operations, paths = request.operations, request.context.paths
    health = read_service_health(paths, operations.store)
    return StatusResponse(
        version=__version__,
        ticking=health.is_working,
        hindrance=health.sentence or (operations.ahead() if health.is_working else None),
        embedded=request.context.embedded,
        service_installable=not request.context.many and installable(),
        service_installed=not request.context.many and installed(),
        failing=operations.runs.count_failing(),
        running=operations.runs.count_going(),
        undelivered=operations.failed_notifications(),
        still_public=operations.still_public(),
        timezone_names=forms.zone_choices(),
        form_limits=forms.number_limits(),
        workers=choices(operations.offers()),
    )


def _schedules(request: ApiRequest) -> Page:
    schedules = request.operations.schedules
    after, limit = request.query.get("before", ""), min(request.number("limit", 100), MOST_SCHEDULES)
    if "notebook" in request.query:
        found = _schedules_of(request, request.query["notebook"])
        page = [schedule for schedule in found if schedule.name > after][:limit]
        return Page(request.presenter.schedules(page), len(found))
    return Page(request.presenter.schedules(schedules.list_page(after=after, limit=limit)), schedules.count())


def _overview(request: ApiRequest) -> OverviewResponse:
    show, order = request.choice("show", Show.ALL), request.choice("order", Order.ATTENTION)
    skip, limit = request.number("skip", 0), min(request.number("limit", MOST_SHOWN), MOST_SHOWN)
    search = request.query.get("search", "")
    found = request.operations.schedules.find_overview(search, show, order, skip=skip, limit=limit)
    return OverviewResponse(schedules=tuple(request.presenter.schedules(found.page)), found=found.found, **found.counts)


def _schedules_of(request: ApiRequest, notebook: str) -> list[Schedule]:
    root = request.context.root
    notebook = notebook.removeprefix(LIVE_DRIVE)
    found = request.operations.schedules.list_by_source(list(forms.sources_of(notebook, root)))
    return [each for each in found if forms.form_of(each, root).notebook == notebook]


def _create(request: ApiRequest) -> ScheduleResponse:
    operations, body = request.operations, request.body
    name, confirmed = body.form.name, body.public_confirmed
    spec = forms.spec_to_create(operations, request.context.root, body.form, body.bundle, once_only=body.once_only)
    if body.once_only:
        operations.schedules.create_once_only(
            name, spec, public_confirmed=confirmed, continue_results=body.form.continue_results
        )
    else:
        made = operations.schedules.create(
            name,
            spec,
            public_confirmed=confirmed,
            rehearse=body.rehearse,
            first_run=body.first_run,
            continue_results=body.form.continue_results,
        )
        if body.run_now and made.state is not ScheduleState.REHEARSING:
            operations.runs.run_now(name)
    return request.presenter.schedule(operations.schedules.get(name), f"Scheduled “{name}”.")


def _edit(request: ApiRequest) -> ScheduleResponse:
    operations, body, root = request.operations, request.body, request.context.root
    schedule = operations.schedules.get(request.name)
    operations.schedules.check_version(schedule, request.version)
    spec = forms.spec_to_edit(operations, root, schedule, body.form, rebundle=body.rebundle, bundle=body.bundle)
    changed = operations.schedules.edit(
        request.name,
        spec,
        if_version=request.version,
        public_confirmed=body.public_confirmed,
        rehearse=body.rehearse,
    )
    return request.presenter.schedule(changed, f"“{changed.name}” is at version {changed.version} now.")


def _clone(request: ApiRequest) -> ScheduleResponse:
    operations, body, root = request.operations, request.body, request.context.root
    schedule = operations.schedules.get(request.name)
    operations.schedules.check_name(body.name)
    spec = forms.spec_to_edit(operations, root, schedule, body.form, rebundle=body.rebundle, bundle=body.bundle)
    made = operations.schedules.create(body.name, spec, public_confirmed=body.public_confirmed, rehearse=body.rehearse)
    if body.run_now and made.state is not ScheduleState.REHEARSING:
        operations.runs.run_now(body.name)
    said = f"Scheduled “{body.name}”, which does what “{schedule.name}” does."
    return request.presenter.schedule(operations.schedules.get(body.name), said)


def _pause(request: ApiRequest) -> ScheduleResponse:
    paused = request.operations.schedules.pause(request.name, request.body.note if request.body else None)
    return request.presenter.schedule(paused, f"Paused “{paused.name}”. Nothing runs by itself until it is resumed.")


def _resume(request: ApiRequest) -> ScheduleResponse:
    resumed = request.operations.schedules.resume(request.name)
    return request.presenter.schedule(resumed, f"Resumed “{resumed.name}”.")


def _roll_back(request: ApiRequest) -> ScheduleResponse:
    version = request.body.version
    changed = request.operations.schedules.roll_back(
        request.name,
        version,
        if_version=request.version,
        public_confirmed=request.body.public_confirmed,
    )
    said = f"“{changed.name}” does what version {version} did; that is version {changed.version} now."
    return request.presenter.schedule(changed, said)


def _delete(request: ApiRequest) -> DeletedResponse:
    deleted = request.operations.schedules.delete(request.name)
    spec = deleted.spec
    if isinstance(spec, UnreadableSpec):
        return DeletedResponse(name=request.name, published=0, publication_url=None, message=AFTER_BROKEN)
    published = sum(1 for _ in open_storage(spec.publication_base).list(PublicationKeys(deleted.publication_name).data))
    address = request.context.addresses.stable(deleted.owner, request.name, spec) if published else None
    said = on_deletion(address, public_name(deleted))
    return DeletedResponse(name=request.name, published=published, publication_url=address, message=said)


def _difference(request: ApiRequest) -> DifferenceResponse:
    before, after = request.number("before", 0) or None, request.number("after", 0) or None
    if after is None:
        root = None if request.context.many else request.context.root
        return drift(request.operations, root, request.name, before)
    return version_difference(request.operations, request.context.root, request.name, before, after)


def _runs(request: ApiRequest) -> Page:
    name, before = request.parts.get("name"), request.query.get("before")
    found = request.operations.runs.list_newest(name, before=before, limit=min(request.number("limit", 100), MOST_RUNS))
    return Page(request.presenter.runs(found), request.operations.runs.count(name))


def _log(request: ApiRequest) -> LogResponse:
    run = request.operations.runs.get(request.run)
    check_there(run)
    return request.presenter.log(run, request.number("first", 0), whole=request.number("whole", 0) > 0)


def _run_files(request: ApiRequest) -> RunFilesResponse:
    run = request.operations.runs.get(request.run)
    return request.presenter.files(run, request.operations.files.result(run))


ROUTES = (
    Route("GET", "status", "Whether a service ticks, and how it goes.", StatusResponse, _status),
    Route(
        "POST",
        "preview",
        "What would happen; keeps the bundle and names it.",
        PreviewResponse,
        lambda request: preview_form(request.body, request.presenter, request.query),
        body=Form,
        query={
            "schedule": "the schedule that the form edits",
            "bundle": "the bundle that was made of the notebook elsewhere, and sent; empty where none could be made",
        },
    ),
    Route(
        "GET",
        "schedules",
        "All schedules by name.",
        list[ScheduleResponse],
        _schedules,
        query={
            "notebook": "only those of this notebook, a path relative to Jupyter's root",
            "limit": f"how many at most, never more than {MOST_SCHEDULES}; 100 without it",
            "before": "the name of the last of a page, to get the next page; an empty one comes after the last",
        },
        paged=True,
    ),
    Route(
        "POST",
        "schedules",
        "Record a schedule; with the same Idempotency-Key again, the same one.",
        ScheduleResponse,
        _create,
        body=CreateSchedule,
        status=201,
    ),
    Route(
        "GET",
        "overview",
        "A page of the schedules as a list shows them, and how many there are of each kind.",
        OverviewResponse,
        _overview,
        query={
            "search": "words, all of which are in the name or in the path of the notebook",
            "show": f"one of {', '.join(Show)}; all without it",
            "order": f"one of {', '.join(Order)}; {Order.ATTENTION} without it: those that fail, that run, the next",
            "skip": "how many come before the page",
            "limit": f"how many at most, never more than {MOST_SHOWN}, as without it",
        },
    ),
    Route(
        "GET",
        "scheduled",
        "What a notebook's button says; null for a notebook that isn't scheduled.",
        NotebookStatus | None,
        lambda request: request.presenter.notebook_status(_schedules_of(request, request.query.get("notebook", ""))),
        query={"notebook": "a path relative to Jupyter's root"},
    ),
    Route(
        "GET",
        "kernels",
        "The kernels that a notebook can run in, by name.",
        list[KernelResponse],
        lambda request: present_kernels(request.operations.host),
    ),
    Route(
        "GET",
        "news",
        "For a fresh JupyterLab: the schedules that have failed since it was last open, and still do.",
        NewsResponse,
        lambda request: request.presenter.news(request.query.get("since", "")),
        query={"since": "a time, `at` of the answer before; without it nothing has failed"},
    ),
    Route(
        "GET",
        "schedules/{name}",
        "A schedule at its current version, what it costs, and who changed it.",
        ScheduleDetails,
        lambda request: request.presenter.schedule_details(request.operations.schedules.find(request.name)),
    ),
    Route(
        "PATCH",
        "schedules/{name}",
        "Edit a schedule that still is at the version of If-Match.",
        ScheduleResponse,
        _edit,
        body=EditSchedule,
        needs_version=True,
    ),
    Route(
        "DELETE",
        "schedules/{name}",
        "Remove a schedule; its published results stay.",
        DeletedResponse,
        _delete,
    ),
    Route(
        "POST",
        "schedules/{name}/clone",
        "Record another schedule that does the same, but for what is said.",
        ScheduleResponse,
        _clone,
        body=CloneSchedule,
        status=201,
    ),
    Route(
        "POST",
        "schedules/{name}/pause",
        "Keep it from running by the clock.",
        ScheduleResponse,
        _pause,
        body=PauseSchedule | None,
    ),
    Route(
        "POST",
        "schedules/{name}/resume",
        "Let it run by the clock again.",
        ScheduleResponse,
        _resume,
    ),
    Route(
        "POST",
        "schedules/{name}/run",
        "Run it once now.",
        RunResponse,
        lambda request: request.presenter.run(request.operations.runs.run_now(request.name)),
        status=201,
    ),
    Route(
        "POST",
        "schedules/{name}/rehearse",
        "Run it once now without touching what it published; a schedule that waits for that starts by its success.",
        RunResponse,
        lambda request: request.presenter.run(request.operations.runs.rehearse(request.name)),
        status=201,
    ),
    Route(
        "POST",
        "schedules/{name}/backfill",
        "Run it for times that have passed; what has succeeded or waits is left as it is.",
        BackfillResponse,
        lambda request: backfill(request.operations, request.name, request.body),
        body=BackfillSchedule,
        status=201,
    ),
    Route(
        "DELETE",
        "schedules/{name}/backfill",
        "Start none of its backfills' runs that still wait.",
        BackfillCancelledResponse,
        lambda request: BackfillCancelledResponse(cancelled=request.operations.backfill.cancel(request.name)),
    ),
    Route(
        "GET",
        "schedules/{name}/days",
        "What became of the days on which it is due, and how its backfills get on.",
        CalendarResponse,
        lambda request: calendar_of(
            request.presenter,
            request.operations.schedules.get(request.name),
            request.query.get("first", ""),
            request.query.get("last", ""),
        ),
        query={
            "first": "the first day, YYYY-MM-DD",
            "last": "the last day, 62 days in all at most; without both the month up to today",
        },
    ),
    Route(
        "GET",
        "schedules/{name}/runs",
        "Its runs, the newest occurrence first.",
        list[RunResponse],
        _runs,
        query=OF_A_PAGE,
        paged=True,
    ),
    Route(
        "GET",
        "runs",
        "The runs of all schedules, the newest occurrence first.",
        list[RunResponse],
        _runs,
        query=OF_A_PAGE,
        paged=True,
    ),
    Route(
        "GET",
        "schedules/{name}/versions",
        "Who recorded which version, the newest first.",
        list[VersionResponse],
        lambda request: [present_version(each) for each in request.operations.schedules.list_versions(request.name)],
    ),
    Route(
        "GET",
        "schedules/{name}/difference",
        "How a version differs from another, or from the notebook as it is now.",
        DifferenceResponse,
        _difference,
        query={"before": "the older version; without it the current one", "after": "without it the notebook on disk"},
    ),
    Route(
        "POST",
        "schedules/{name}/rollback",
        "Let it do what an older version did, as a new version, if it still is at the one of If-Match.",
        ScheduleResponse,
        _roll_back,
        body=RollbackSchedule,
        needs_version=True,
    ),
    Route(
        "GET",
        "runs/{id}",
        "A run with what it left.",
        RunDetails,
        lambda request: request.presenter.run_details(request.operations.runs.get(request.run)),
    ),
    Route(
        "GET",
        "runs/{id}/log",
        "What it printed, from a piece on.",
        LogResponse,
        _log,
        query={
            "first": "the piece to begin with: `next` of the answer before",
            "whole": "1 for all that it printed, also what was too much to be had in pieces",
        },
    ),
    Route(
        "GET",
        "runs/{id}/files",
        "What it left, each file at its address.",
        RunFilesResponse,
        _run_files,
    ),
    Route(
        "GET",
        "runs/{id}/preview",
        "The beginning of a file that it left: a table, JSON or text.",
        FilePreview,
        lambda request: preview_run_file(request.context, request.run, request.query.get("file", "")),
        query={"file": "`output/…` or `report/…`"},
    ),
    Route(
        "POST",
        "runs/{id}/cancel",
        "Ask it to stop; what it has so far is kept.",
        RunResponse,
        lambda request: request.presenter.run(request.operations.runs.cancel(request.run)),
    ),
    Route(
        "POST",
        "runs/{id}/retry",
        "Run the same again: same version, same occurrence.",
        RunResponse,
        lambda request: request.presenter.run(request.operations.runs.retry(request.run)),
        status=201,
    ),
    Route(
        "POST",
        "runs/{id}/approve",
        "Publish what it made and what was kept back: a rehearsal, or what the disclosure check found something in.",
        RunResponse,
        lambda request: request.presenter.run(
            request.operations.publications.approve(
                request.run, request.body.reason, without_hover_data=request.body.without_hover_data
            )
        ),
        body=ApproveRun,
        status=201,
    ),
    Route(
        "GET",
        "ad-hoc-workers",
        "Your machines to develop on, the newest first.",
        list[AdHocWorkerResponse],
        lambda request: [present_ad_hoc_worker(each) for each in request.operations.ad_hoc.workers()],
    ),
    Route(
        "POST",
        "ad-hoc-workers",
        "Ask for a machine to develop on; with the same Idempotency-Key again, the same one.",
        AdHocWorkerResponse,
        lambda request: present_ad_hoc_worker(request.operations.ad_hoc.launch(**request.body.model_dump())),
        body=LaunchAdHocWorker,
        status=201,
    ),
    Route(
        "GET",
        "ad-hoc-workers/{id}",
        "One of them, with the commands that get into it once it is ready.",
        AdHocWorkerResponse,
        lambda request: present_ad_hoc_worker(request.operations.ad_hoc.worker(request.parts["id"])),
    ),
    Route(
        "POST",
        "ad-hoc-workers/{id}/extend",
        "Let it end later.",
        AdHocWorkerResponse,
        lambda request: present_ad_hoc_worker(
            request.operations.ad_hoc.extend(request.parts["id"], hours=request.body.hours)
        ),
        body=ExtendAdHocWorker,
    ),
    Route(
        "POST",
        "ad-hoc-workers/{id}/stop",
        "End it; nothing on it is kept.",
        AdHocWorkerResponse,
        lambda request: present_ad_hoc_worker(request.operations.ad_hoc.stop(request.parts["id"])),
    ),
    Route("GET", "openapi.json", "This document.", dict[str, Any]),
    Route("PUT", "bundles", "Keep a tarball; the answer names it by its digest.", BundleResponse, status=201),
    Route(
        "PUT", "bundles/{digest}", "Keep a tarball, named by the sha256 of its tar stream.", BundleResponse, status=201
    ),
    Route("GET", "bundles/{digest}", "A bundle that is kept, as a tarball.", None),
    Route(
        "GET",
        "runs/{id}/files/{path}",
        "A file that it left, in `output/` or `report/`, or `live/notebook`.",
        None,
        query={"download": "1 to save the file instead of looking at it"},
    ),
    Route("GET", "runs/{id}/archive", "All files that it left, as a zip file.", None),
    Route(
        "GET",
        "publications/{name}/{path}",
        "A published file, in `data/` or `runs/`; `index.html` is the page.",
        None,
        query={"download": "1 to save the file instead of looking at it"},
    ),
)


def answer(
    context: ApiContext, method: str, path: str, *, body: Any, query: Mapping[str, str], if_version: int | None
) -> ApiResponse:
    """Carry out a request.  `path` is below `/jupyter-schedule/`, each part quoted; `body` is JSON's plain value.

    Raises Refused with the code, sentence and field of the response; the code has its status of HTTP.
    """
    route, parts = find(method, path)
    if route.carry_out is None:
        raise Refused("no_such_route", "That is only had from a server.")
    if route.needs_version and if_version is None:
        raise Refused("version_needed", "Say in If-Match which version the change is based on.")
    check_request(parts, query, body)
    checked = validated(body, route.body_type) if route.body is not None else None
    try:
        with guarded(context.paths):
            presenter = context.presenter(query.get("reader", ""))
            found = route.carry_out(ApiRequest(context, presenter, parts, query, checked, if_version or 0))
    except Refused as refused:
        raise forms.of_form(refused) from None
    if isinstance(found, Page):
        return ApiResponse(route.status, route.answer_type.dump_json(found.items), found.total)
    return ApiResponse(route.status, route.answer_type.dump_json(found))


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """The route of a request, and the variable parts of its path, unquoted: a quoted slash is part of a name.

    Raises Refused `no_such_route`, `wrong_method`.
    """
    found = [(route, match.groupdict()) for route in ROUTES if (match := route.pattern.fullmatch(path))]
    if not found:
        raise Refused("no_such_route", "There is nothing at this address.")
    for route, parts in found:
        if route.method == method:
            return route, {name: unquote(part, errors="surrogateescape") for name, part in parts.items()}
    allowed = ", ".join(route.method for route, _ in found)
    raise Refused("wrong_method", f"{method} isn't possible at this address, only {allowed}.")
