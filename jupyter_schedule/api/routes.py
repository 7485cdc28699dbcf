"""Every request of the API in one table: what serves it, what documents it, and what tests enumerate."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from jupyter_schedule.api.desk import Desk, guarded
from jupyter_schedule.api.forms import of_form, validated
from jupyter_schedule.api.presenter import Presenter, present_ad_hoc_worker
from jupyter_schedule.api.requests import (
    ApproveRun,
    BackfillSchedule,
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
from jupyter_schedule.core.errors import Refused

#: of a list of runs
OF_A_PAGE = {
    "limit": "how many at most; 100 without it",
    "before": "the id of the last run of a page, to get the next page; one that is shorter than `limit` is the last",
}


class ApiRequest(NamedTuple):
    """A request, taken apart."""

    desk: Desk
    answers: Presenter
    #: the variable parts of the path, by name
    parts: Mapping[str, str]
    query: Mapping[str, str]
    #: as the route's shape
    body: Any
    #: what an edit is based on
    version: int

    @property
    def name(self) -> str:
        """The schedule's name in the path."""
        return self.parts["name"]

    @property
    def run(self) -> str:
        """The run's id in the path."""
        return self.parts["id"]

    def number(self, name: str, otherwise: int) -> int:
        """A number of the query, 0 or more.  Raises Refused `invalid`."""
        text = self.query.get(name, str(otherwise))
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refused("invalid", f"{name} should be a number, 0 or more.", name)
        return int(text)


class ApiResponse(NamedTuple):
    """What goes back: a status of HTTP, and JSON."""

    status: int
    content: bytes


@dataclass(frozen=True)
class Route:
    """A request of the API."""

    method: str
    #: below `/jupyter-schedule/`, variable parts in braces; `{path}` may hold slashes
    path: str
    summary: str
    #: None for a file
    shape: Any
    #: None where a handler of its own carries it out
    carry_out: Callable[[ApiRequest], Any] | None = None
    body: Any = None
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    needs_version: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches whole paths."""
        named = re.sub(r"\{(\w+)\}", lambda part: f"(?P<{part[1]}>{'.+' if part[1] == 'path' else '[^/]+'})", self.path)
        return re.compile(named.replace("openapi.json", r"openapi\.json"), re.DOTALL)

    @cached_property
    def answer_type(self) -> TypeAdapter[Any]:
        """Writes answers."""
        return TypeAdapter(self.shape)

    @cached_property
    def body_type(self) -> TypeAdapter[Any]:
        """Checks bodies."""
        return TypeAdapter(self.body)


ROUTES = (
    Route(
        "GET", "status", "Whether a service ticks, and how it goes.", StatusResponse, lambda asked: asked.desk.status()
    ),
    Route(
        "POST",
        "preview",
        "What would happen; keeps the bundle and names it.",
        PreviewResponse,
        lambda asked: asked.desk.preview(asked.body, asked.answers, asked.query.get("schedule")),
        body=Form,
        query={"schedule": "the schedule that the form edits"},
    ),
    Route(
        "GET",
        "schedules",
        "All schedules by name.",
        list[ScheduleResponse],
        lambda asked: asked.desk.schedules(asked.query.get("notebook"), asked.answers),
        query={"notebook": "only those of this notebook, a path relative to Jupyter's root"},
    ),
    Route(
        "POST",
        "schedules",
        "Record a schedule; with the same Idempotency-Key again, the same one.",
        ScheduleResponse,
        lambda asked: asked.desk.create(asked.body, asked.answers),
        body=CreateSchedule,
        status=201,
    ),
    Route(
        "GET",
        "scheduled",
        "What a notebook's button says; null for a notebook that isn't scheduled.",
        NotebookStatus | None,
        lambda asked: asked.desk.scheduled(asked.query.get("notebook", ""), asked.answers),
        query={"notebook": "a path relative to Jupyter's root"},
    ),
    Route(
        "GET",
        "schedules/{name}",
        "A schedule at its current version.",
        ScheduleResponse,
        lambda asked: asked.answers.schedule(asked.desk.operations.schedule(asked.name)),
    ),
    Route(
        "PATCH",
        "schedules/{name}",
        "Edit a schedule that still is at the version of If-Match.",
        ScheduleResponse,
        lambda asked: asked.desk.edit(asked.name, asked.body, asked.version, asked.answers),
        body=EditSchedule,
        needs_version=True,
    ),
    Route(
        "DELETE",
        "schedules/{name}",
        "Remove a schedule; what it published stays.",
        DeletedResponse,
        lambda asked: asked.desk.delete(asked.name),
    ),
    Route(
        "POST",
        "schedules/{name}/pause",
        "Keep it from running by the clock.",
        ScheduleResponse,
        lambda asked: asked.answers.schedule(
            asked.desk.operations.pause(asked.name, asked.body.note if asked.body else None)
        ),
        body=PauseSchedule | None,
    ),
    Route(
        "POST",
        "schedules/{name}/resume",
        "Let it run by the clock again.",
        ScheduleResponse,
        lambda asked: asked.answers.schedule(asked.desk.operations.resume(asked.name)),
    ),
    Route(
        "POST",
        "schedules/{name}/run",
        "Run it once now.",
        RunResponse,
        lambda asked: asked.answers.run(asked.desk.operations.run_now(asked.name)),
        status=201,
    ),
    Route(
        "POST",
        "schedules/{name}/rehearse",
        "Run it once now without touching what it published; a schedule that waits for that starts by its success.",
        RunResponse,
        lambda asked: asked.answers.run(asked.desk.operations.rehearse(asked.name)),
        status=201,
    ),
    Route(
        "POST",
        "schedules/{name}/backfill",
        "Run it for times that have passed; what has succeeded or waits is left as it is.",
        BackfillResponse,
        lambda asked: asked.desk.backfill(asked.name, asked.body),
        body=BackfillSchedule,
        status=201,
    ),
    Route(
        "DELETE",
        "schedules/{name}/backfill",
        "Start none of its backfills' runs that still wait.",
        BackfillCancelledResponse,
        lambda asked: BackfillCancelledResponse(cancelled=asked.desk.operations.cancel_backfill(asked.name)),
    ),
    Route(
        "GET",
        "schedules/{name}/days",
        "What became of the days on which it is due, and how its backfills get on.",
        CalendarResponse,
        lambda asked: asked.desk.days(
            asked.name, asked.query.get("first", ""), asked.query.get("last", ""), asked.answers
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
        lambda asked: asked.desk.runs(asked.name, asked.query.get("before"), asked.number("limit", 100), asked.answers),
        query=OF_A_PAGE,
    ),
    Route(
        "GET",
        "runs",
        "The runs of all schedules, the newest occurrence first.",
        list[RunResponse],
        lambda asked: asked.desk.runs(None, asked.query.get("before"), asked.number("limit", 100), asked.answers),
        query=OF_A_PAGE,
    ),
    Route(
        "GET",
        "schedules/{name}/versions",
        "Who recorded which version, the newest first.",
        list[VersionResponse],
        lambda asked: asked.desk.versions(asked.name),
    ),
    Route(
        "GET",
        "schedules/{name}/difference",
        "How a version differs from another, or from the notebook as it is now.",
        DifferenceResponse,
        lambda asked: asked.desk.difference(
            asked.name, asked.number("before", 0) or None, asked.number("after", 0) or None
        ),
        query={"before": "the older version; without it the current one", "after": "without it the notebook on disk"},
    ),
    Route(
        "POST",
        "schedules/{name}/rollback",
        "Let it do what an older version did, as a new version, if it still is at the one of If-Match.",
        ScheduleResponse,
        lambda asked: asked.desk.roll_back(asked.name, asked.body, asked.version, asked.answers),
        body=RollbackSchedule,
        needs_version=True,
    ),
    Route(
        "GET",
        "runs/{id}",
        "A run with what it left.",
        RunDetails,
        lambda asked: asked.desk.run(asked.run, asked.answers),
    ),
    Route(
        "GET",
        "runs/{id}/log",
        "What it printed, from a piece on.",
        LogResponse,
        lambda asked: asked.desk.log(asked.run, asked.number("first", 0), asked.answers),
        query={"first": "the piece to begin with: `next` of the answer before"},
    ),
    Route(
        "GET",
        "runs/{id}/files",
        "What it left, each file at its address.",
        RunFilesResponse,
        lambda asked: asked.desk.run_files(asked.run, asked.answers),
    ),
    Route(
        "POST",
        "runs/{id}/cancel",
        "Ask it to stop; what it has so far is kept.",
        RunResponse,
        lambda asked: asked.answers.run(asked.desk.operations.cancel(asked.run)),
    ),
    Route(
        "POST",
        "runs/{id}/retry",
        "Run the same again: same version, same occurrence.",
        RunResponse,
        lambda asked: asked.answers.run(asked.desk.operations.retry(asked.run)),
        status=201,
    ),
    Route(
        "POST",
        "runs/{id}/approve",
        "Publish what it made and what was kept back: a rehearsal, or what the disclosure check found something in.",
        RunResponse,
        lambda asked: asked.answers.run(asked.desk.operations.approve(asked.run, asked.body.reason)),
        body=ApproveRun,
        status=201,
    ),
    Route(
        "GET",
        "ad-hoc-workers",
        "Your machines to develop on, the newest first.",
        list[AdHocWorkerResponse],
        lambda asked: [present_ad_hoc_worker(each) for each in asked.desk.operations.ad_hoc.workers()],
    ),
    Route(
        "POST",
        "ad-hoc-workers",
        "Ask for a machine to develop on; with the same Idempotency-Key again, the same one.",
        AdHocWorkerResponse,
        lambda asked: present_ad_hoc_worker(asked.desk.operations.ad_hoc.launch(**asked.body.model_dump())),
        body=LaunchAdHocWorker,
        status=201,
    ),
    Route(
        "GET",
        "ad-hoc-workers/{id}",
        "One of them, with the commands that get into it once it is ready.",
        AdHocWorkerResponse,
        lambda asked: present_ad_hoc_worker(asked.desk.operations.ad_hoc.worker(asked.parts["id"])),
    ),
    Route(
        "POST",
        "ad-hoc-workers/{id}/extend",
        "Let it end later.",
        AdHocWorkerResponse,
        lambda asked: present_ad_hoc_worker(
            asked.desk.operations.ad_hoc.extend(asked.parts["id"], hours=asked.body.hours)
        ),
        body=ExtendAdHocWorker,
    ),
    Route(
        "POST",
        "ad-hoc-workers/{id}/stop",
        "End it; nothing on it is kept.",
        AdHocWorkerResponse,
        lambda asked: present_ad_hoc_worker(asked.desk.operations.ad_hoc.stop(asked.parts["id"])),
    ),
    Route("GET", "openapi.json", "This document.", dict[str, Any]),
    Route(
        "PUT", "bundles/{digest}", "Keep a tarball, named by the sha256 of its tar stream.", BundleResponse, status=201
    ),
    Route(
        "GET",
        "runs/{id}/files/{path}",
        "A file that it left, in `output/` or `report/`, or `live/notebook`.",
        None,
        query={"download": "1 to save the file instead of looking at it"},
    ),
    Route(
        "GET",
        "publications/{name}/{path}",
        "A published file, in `data/` or `runs/`; `index.html` is the page.",
        None,
        query={"download": "1 to save the file instead of looking at it"},
    ),
)


def answer(
    desk: Desk, method: str, path: str, *, body: Any, query: Mapping[str, str], if_version: int | None
) -> ApiResponse:
    """Carry out a request.  `path` is below `/jupyter-schedule/`, unquoted; `body` is JSON's plain value.

    Raises Refused with the code, sentence and field of the answer; `statuses.status_of` gives its status.
    """
    route, parts = find(method, path)
    if route.carry_out is None:
        raise Refused("no_such_route", "That is only had from a server.")
    if route.needs_version and if_version is None:
        raise Refused("version_needed", "Say in If-Match which version the change is based on.")
    checked = validated(body, route.body_type) if route.body is not None else None
    try:
        with guarded(desk.places):
            answers = desk.answers(query.get("reader", ""))
            answered = route.carry_out(ApiRequest(desk, answers, parts, query, checked, if_version or 0))
    except Refused as refused:
        raise of_form(refused) from None
    return ApiResponse(route.status, route.answer_type.dump_json(answered))


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """The route of a request, and the variable parts of its path.  Raises Refused `no_such_route`, `wrong_method`."""
    found = [(route, match.groupdict()) for route in ROUTES if (match := route.pattern.fullmatch(path))]
    if not found:
        raise Refused("no_such_route", "There is nothing at this address.")
    for route, parts in found:
        if route.method == method:
            return route, parts
    allowed = ", ".join(route.method for route, _ in found)
    raise Refused("wrong_method", f"{method} isn't possible at this address, only {allowed}.")
