"""The responses of the API, from which, with its requests, OpenAPI and the TypeScript types are made.

Times are `YYYY-MM-DDTHH:MM:SSZ`, durations seconds unless a name says minutes, sizes bytes.  A refusal's `field` is
the name of a field of `Form` or `Frequency`.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field

from jupyter_schedule.api.requests import Form, WireModel
from jupyter_schedule.core.costs import Estimate
from jupyter_schedule.core.models import (
    AdHocStatus,
    Approval,
    ComputeChoice,
    Confirmation,
    DisclosureFinding,
    FailedNotification,
    Outcome,
    Pause,
    Publication,
    PublishedFile,
    Reason,
    RunStatus,
    ScheduleState,
    Timing,
    Trigger,
    UtcTime,
)
from jupyter_schedule.core.notebooks.parameters import Parameter
from jupyter_schedule.core.timing.calendar import DayState


class Problem(WireModel):
    """The reason for a refusal: a sentence that says what to do, and the form's field it belongs to."""

    code: str
    message: str
    field: str | None = None


class ProblemResponse(WireModel):
    """The body of every 4xx and 5xx."""

    error: Problem


class OccurrenceResponse(WireModel):
    """A time at which a schedule is due."""

    scheduled_for: UtcTime
    #: in the schedule's zone, with offset
    local: str
    note: str | None = None


class BundledFile(WireModel):
    """A file of the code tarball and why it is in it, or why it isn't."""

    path: str
    size: int
    #: included, named (by the person), left_out, missing, outside, absolute, denied
    status: str
    #: such as `cell 3 reads it`
    why: str
    cell: int | None = None


class FindingResponse(WireModel):
    """Something that was noticed before a run; never blocks."""

    #: ok, warning, stop-public
    level: str
    code: str
    message: str
    cell: int | None = None
    #: a path that mends it when it is added to the files
    fix: str | None = None


class PreviewResponse(WireModel):
    """POST /preview: what would happen.  `problems` by field; with any, nothing was bundled and `bundle` is None."""

    problems: tuple[Problem, ...] = ()
    bundle: str | None = None
    size: int = 0
    files: tuple[BundledFile, ...] = ()
    findings: tuple[FindingResponse, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    #: names among them that every run fills by itself
    filled: tuple[str, ...] = ()
    suggested_name: str = ""
    #: the notebook's own name, when a schedule that was deleted left results under it: `continue_results` goes on
    name_with_results: str | None = None
    output_dir: str = "output"
    python_version: str | None = None
    #: where the requirements come from, and what they are
    requirements_source: str | None = None
    requirements: tuple[str, ...] = ()
    summary: str = ""
    destination: str = ""
    next: tuple[OccurrenceResponse, ...] = ()
    #: whether a public area is set up
    can_be_public: bool = False
    #: names of the channels that can be picked
    channels: tuple[str, ...] = ()
    #: where it can run
    workers: tuple[ComputeChoice, ...] = ()
    #: what its machines will cost; None where that is nothing, or nobody knows the price
    estimate: Estimate | None = None
    #: what publishing costs each time, in a sentence; empty where files cost nothing
    publishing_cost: str = ""


class AttemptResponse(WireModel):
    """One worker's try."""

    number: int
    outcome: Outcome | None
    detail: str | None
    created_at: UtcTime
    ended_at: UtcTime | None


class FailureResponse(WireModel):
    """The place at which a notebook failed, and the error."""

    kind: str
    cell: int | None = None
    cells: int | None = None
    line: int | None = None
    #: source of the failing cell, and its traceback without escape codes
    source: str | None = None
    traceback: str | None = None


class RunResponse(WireModel):
    """A run.  `count` and `until` only where the row is a stretch of skipped occurrences."""

    run_id: str
    schedule: str
    version: int
    scheduled_for: UtcTime
    trigger: Trigger
    status: RunStatus
    reason: Reason | None
    message: str | None
    attempts: tuple[AttemptResponse, ...] = ()
    count: int = 1
    until: UtcTime | None = None
    created_at: UtcTime
    started_at: UtcTime | None
    ended_at: UtcTime | None
    #: how long the command took
    seconds: float | None
    #: how long its machines lived that cost money, and what they cost in dollars
    machine_seconds: int | None = None
    cost: Decimal | None = None
    cancelled_by: str | None
    #: its place among the runs that wait, 1 for the next
    place: int | None = None
    #: what holds it up instead, in words
    held: str | None = None
    #: cells done and in all, while it runs
    progress: tuple[int, int] | None = None
    publication: Publication | None = None
    #: of a run that publishes what another one made: who said so, when and why
    release: Approval | None = None
    #: that its files were removed, in words, and when they were
    removed: str | None = None
    pruned_at: UtcTime | None = None


class RunDetails(RunResponse):
    """GET /runs/{id}: a run with what it left."""

    #: the output folder, with addresses on this server
    outputs: tuple[PublishedFile, ...] = ()
    #: executed notebook, its HTML, log
    report: tuple[PublishedFile, ...] = ()
    #: all of them in one file, None without a server or without files
    archive: str | None = None
    notes: tuple[str, ...] = ()
    #: written outside the output folder, so not published
    elsewhere: tuple[str, ...] = ()
    failure: FailureResponse | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    bundle: str = ""
    #: it was run once only, and nothing was scheduled of it yet
    trial: bool = False
    #: seconds that a successful run of this schedule usually takes
    usual_seconds: float | None = None
    #: what the disclosure check found, and how many findings aren't listed
    findings: tuple[DisclosureFinding, ...] = ()
    more_findings: int = 0
    #: nothing is found in its pages of charts without their hover data
    only_hover_data: bool = False
    #: whether its results wait for a person to publish them
    releasable: bool = False


class RunFilesResponse(WireModel):
    """GET /runs/{id}/files: what a run left, each file at its address."""

    outputs: tuple[PublishedFile, ...] = ()
    report: tuple[PublishedFile, ...] = ()


class FilePreview(WireModel):
    """GET /runs/{id}/preview?file=output/…: the beginning of a file that a run left."""

    #: table, json, text
    kind: str
    #: of a table, cells as texts; long ones are cut
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    #: how many rows and columns there are in all; None where that isn't known without reading all
    all_rows: int | None = None
    all_columns: int = 0
    #: of JSON and of a text
    text: str = ""
    #: True when nothing was left out
    whole: bool = True


class LogResponse(WireModel):
    """GET /runs/{id}/log?first=N: what was printed from piece N on; ask again with `next`."""

    text: str
    next: int
    ended: bool


class ScheduleResponse(WireModel):
    """A schedule at its current version."""

    name: str
    id: str
    state: ScheduleState
    version: int
    owner: str
    #: what it does, in a sentence; and the same with what was just done to it
    summary: str
    message: str = ""
    timing: Timing
    form: Form
    next_due: UtcTime | None
    next: tuple[OccurrenceResponse, ...] = ()
    destination: str
    #: the stable address, None when nothing is published
    publication_url: str | None
    #: of a public one: who checked what will be public, and when
    public_confirmed: Confirmation | None = None
    created_at: UtcTime
    changed_at: UtcTime
    changed_by: str
    #: who paused it, when, and why
    paused: Pause | None = None
    bundle: str
    #: what goes and what stays when it is deleted
    on_delete: str = ""
    #: the newest runs, newest first
    last_runs: tuple[RunResponse, ...] = ()


class OverviewResponse(WireModel):
    """GET /overview: a page of those that were asked for, and how many schedules there are of each kind."""

    schedules: tuple[ScheduleResponse, ...]
    #: those that were asked for, on all pages
    found: int
    all: int
    failing: int
    running: int
    paused: int


class VersionResponse(WireModel):
    """A version, with its author and its time."""

    version: int
    author: str
    created_at: UtcTime
    bundle: str
    #: when it was due
    timing: Timing


class ScheduleDetails(ScheduleResponse):
    """GET /schedules/{name}: a schedule with what it costs, and who changed it."""

    #: bytes of its bundle, None when that is missing
    bundle_size: int | None = None
    #: path of the notebook in the bundle, None for a tarball with a command
    bundled_notebook: str | None = None
    #: where it runs as the service offers that, None when it isn't offered any more
    compute: ComputeChoice | None = None
    #: what its machines will cost, and have cost in this month, in dollars
    estimate: Estimate | None = None
    cost_this_month: Decimal | None = None
    #: what publishing costs each time, in a sentence; empty where files cost nothing
    publishing_cost: str = ""
    #: notifications about it that were given up of late, the newest first
    undelivered: tuple[FailedNotification, ...] = ()
    #: a sentence for each area in which everybody may still read what is private now
    still_public: tuple[str, ...] = ()
    versions: tuple[VersionResponse, ...] = ()
    #: when the last of `policies.max_runs` is due
    last_due: UtcTime | None = None
    #: the folder that it was made in, on the machine that answers; its paths are relative to that
    root: str | None = None


class NotebookStatus(WireModel):
    """GET /scheduled?notebook=PATH: what the button of a notebook says, in a few hundred bytes."""

    name: str
    #: the sentence
    summary: str
    #: whether the last run that ended otherwise than skipped or stopped has failed
    failing: bool


class KernelResponse(WireModel):
    """A kernel that a notebook can run in."""

    name: str
    display_name: str
    language: str


class NewsResponse(WireModel):
    """GET /news?since=TIME: what a fresh JupyterLab says, in at most 200 bytes."""

    #: now; what comes after it is asked for the next time
    at: UtcTime
    #: schedules that have failed since then and still do
    failed: int = 0
    #: the one that failed last, and its run
    schedule: str | None = None
    run_id: str | None = None


class BundleResponse(WireModel):
    """PUT /bundles, PUT /bundles/{digest}: a tarball that was received and is kept, by the sha256 of its tar stream."""

    bundle: str
    size: int
    files: int


class DeletedResponse(WireModel):
    """DELETE /schedules/{name}: what went, and what stays."""

    name: str
    #: published files that stay at their address
    published: int
    publication_url: str | None
    #: the same in words, and what goes with the files of its runs
    message: str = ""


class NumberLimits(WireModel):
    """The least and the most that a number of the form may be; None where there is no such limit."""

    least: float | None = None
    most: float | None = None


class StatusResponse(WireModel):
    """GET /status."""

    version: str
    #: some service has finished a tick of late for this server's store
    #: what keeps it from starting anything, since when one that is there has finished no tick, or which schedules a
    #: wrong clock put far ahead, as a sentence
    ticking: bool
    hindrance: str | None = None
    #: whether it ends when this server ends
    embedded: bool
    #: whether `jupyter schedule service install` can keep one going here, and did
    service_installable: bool
    service_installed: bool
    #: schedules whose last run ended badly, and runs that are going
    failing: int = 0
    running: int = 0
    #: words that were given up of late, the newest first
    undelivered: tuple[FailedNotification, ...] = ()
    #: a sentence for each schedule that is private now and that everybody may still read
    still_public: tuple[str, ...] = ()
    timezone_names: tuple[str, ...] = ()
    #: what a form holds in which nothing was said, and what its numbers may be: `timeout_minutes`, `policies.retries`
    form_defaults: Form = Field(default_factory=Form)
    form_limits: dict[str, NumberLimits] = Field(default_factory=dict)
    #: where schedules can run
    workers: tuple[ComputeChoice, ...] = ()


class BackfillResponse(WireModel):
    """The runs that a backfill put into the ledger, or would, and those that it left as they were."""

    runs: int
    succeeded: int
    waiting: int
    #: when the first and the last of the runs were due, None of none
    first: UtcTime | None = None
    last: UtcTime | None = None
    #: whether so many have to be confirmed
    confirm: bool = False


class BackfillCancelledResponse(WireModel):
    """DELETE /schedules/{name}/backfill: how many runs don't start any more."""

    cancelled: int


class DayResponse(WireModel):
    """A day of the schedule's zone on which it is, was or would have been due."""

    day: date
    state: DayState
    #: how many of its times are in which state
    counts: dict[DayState, int]
    #: the data that its runs are about
    data_start: UtcTime
    data_end: UtcTime
    #: the newest run that has the day's state
    run_id: str | None = None


class CalendarResponse(WireModel):
    """GET /schedules/{name}/days?first=YYYY-MM-DD&last=YYYY-MM-DD: the days on which it is due; others are left out."""

    timezone: str
    #: the day that it is there now
    today: date
    days: tuple[DayResponse, ...]
    #: of the backfills that are under way: runs that wait, that go, and all of them
    waiting: int = 0
    going: int = 0
    asked: int = 0


class VersionDetails(VersionResponse):
    """A version with the form that makes it."""

    form: Form


class LineResponse(WireModel):
    """A line of a cell: same, added, removed, or gap for so many that are the same."""

    kind: str
    text: str


class CellResponse(WireModel):
    """A cell that was added, removed or changed."""

    kind: str
    #: code, markdown, raw
    type: str
    #: among the code cells; None of text
    number: int | None
    lines: tuple[LineResponse, ...]
    #: tags before and after, where they differ
    tags: tuple[str, str] | None = None


class FileChange(WireModel):
    """A file of the bundle that was added, removed or changed."""

    path: str
    kind: str


class DifferenceState(StrEnum):
    """The result of comparing the code."""

    SAME = "same"
    DIFFERS = "differs"
    #: the notebook isn't on disk any more
    GONE = "gone"
    #: one of the two can't be read; `message` says why
    UNREADABLE = "unreadable"
    #: there is no notebook here to compare with
    NONE = "none"


class DifferenceResponse(WireModel):
    """GET /schedules/{name}/difference: a version beside another, or beside the notebook on disk."""

    state: DifferenceState
    message: str | None = None
    before: VersionDetails
    #: None is the notebook on disk
    after: VersionDetails | None = None
    #: the notebook's cells, without outputs, and how many more differ
    cells: tuple[CellResponse, ...] = ()
    more: int = 0
    #: names of the kernels before and after, where they differ
    kernels: tuple[str, str] | None = None
    #: the bundle's other files, of two versions
    files: tuple[FileChange, ...] = ()


class AdHocWorkerResponse(WireModel):
    """A machine to develop on."""

    worker_id: str
    owner: str
    launcher: str
    size: str
    hardware: str
    #: dollars for an hour; None where no price is known
    hourly: Decimal | None
    status: AdHocStatus
    #: why it ended, or what it waits for
    message: str | None
    created_at: UtcTime
    #: when it ends by itself
    ends_at: UtcTime
    #: as its launcher calls it
    instance: str | None
    address: str | None
    #: commands that get into it; empty while it isn't ready
    connect: tuple[str, ...]
    #: who asked for its end
    stopped_by: str | None
    ended_at: UtcTime | None
    #: how long its machine lived, and what it cost in dollars
    machine_seconds: int | None
    cost: Decimal | None
