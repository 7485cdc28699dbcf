"""What goes over the wire: the API's requests and answers, from which OpenAPI and the TypeScript types are made.

Times are `YYYY-MM-DDTHH:MM:SSZ`, durations seconds unless a name says minutes, sizes bytes.

`?reader=ZONE` on any request names the zone in which the person reads; sentences say "your time" in it.
`GET /schedules?notebook=PATH` answers with that notebook's schedules only.
`POST /preview?schedule=NAME` previews an edit of that schedule, whose name is taken by itself.
A refusal's `field` is the name of a field of `Form` or `Frequency`.
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jupyter_schedule.core.costs import Estimate
from jupyter_schedule.core.models import (
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
    ScheduleOptions,
    ScheduleState,
    Timing,
    Trigger,
    UtcTime,
)
from jupyter_schedule.core.notebooks.parameters import Parameter


class Shape(BaseModel):
    """A frozen value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Frequency(Shape):
    """When, as the form asks for it; only the fields that belong to `kind` are read."""

    kind: Literal["daily", "weekdays", "weekly", "monthly", "hourly", "once", "cron"] = "daily"
    #: a time of day as a person writes it; of `hourly` the minute
    at: str = "12:00"
    #: of `weekly`: Mon, Tue, Wed, Thu, Fri, Sat, Sun
    days: tuple[str, ...] = ()
    #: of `monthly`: 1 to 31, or L for the last day
    day_of_month: str = "1"
    #: of `once`: YYYY-MM-DD
    date: str = ""
    cron: str = ""
    timezone: str = "UTC"


class Form(ScheduleOptions):
    """What the form holds: enough to preview, create or edit a schedule."""

    #: path of the notebook, relative to Jupyter's root
    notebook: str | None = None
    name: str = ""
    frequency: Frequency = Field(default_factory=Frequency)
    #: values by name, typed or as the texts of input fields; a name left out keeps the notebook's value
    parameters: dict[str, Any] = Field(default_factory=dict)
    #: files and patterns relative to Jupyter's root, beside what the notebook is seen to use
    files: tuple[str, ...] = ()
    #: files that the notebook is seen to use and that stay out all the same
    left_out: tuple[str, ...] = ()
    #: None takes the folder that the notebook is seen to write to
    output_dir: str | None = None
    timeout_minutes: int = Field(default=120, ge=1, le=1440)
    kernel: str | None = None


class Creation(Shape):
    """POST /schedules."""

    form: Form
    #: digest from a preview; None bundles the files as they are now
    bundle: str | None = None
    #: also run it once now
    run_now: bool = False
    #: let it wait for a rehearsal, which stands for the run now; None does so where runs cost money
    rehearse: bool | None = None
    #: run it once now and never by the clock: `form.frequency` is left aside
    once_only: bool = False
    #: the person checked what will be public; needed for a public schedule
    public_confirmed: bool = False


class Edit(Shape):
    """PATCH /schedules/{name}: a merge patch of the form; `If-Match` carries the version."""

    form: dict[str, Any]
    #: take the notebook and its files as they are now; otherwise the code stays as it was
    rebundle: bool = False
    #: the person checked what will be public; needed where more becomes public than before
    public_confirmed: bool = False


class Releasing(Shape):
    """POST /runs/{id}/release: publish what was kept back."""

    #: why it may be public although the disclosure check found something; recorded with the person's name
    reason: str | None = None


class Pausing(Shape):
    """POST /schedules/{name}/pause: why, for whoever finds it paused; null leaves what was said before."""

    note: str | None = None


class Rollback(Shape):
    """POST /schedules/{name}/rollback: the version that it goes back to; `If-Match` carries the one it is at."""

    version: int = Field(ge=1)
    #: the person checked what will be public; needed where more becomes public than is now
    public_confirmed: bool = False


class Problem(Shape):
    """Why a request was refused: a sentence that says what to do, and the form's field it belongs to."""

    code: str
    message: str
    field: str | None = None


class ProblemAnswer(Shape):
    """The body of every 4xx and 5xx."""

    error: Problem


class OccurrenceShape(Shape):
    """A time at which a schedule is due."""

    scheduled_for: UtcTime
    #: in the schedule's zone, with offset
    local: str
    note: str | None = None


class BundledFile(Shape):
    """A file of the code tarball and why it is in it, or why it isn't."""

    path: str
    size: int
    #: included, named (by the person), left_out, missing, outside, absolute, denied
    status: str
    #: such as `cell 3 reads it`
    why: str
    cell: int | None = None


class FindingShape(Shape):
    """Something that was noticed before a run; never blocks."""

    #: ok, warning, stop-public
    level: str
    code: str
    message: str
    cell: int | None = None
    #: a path that mends it when it is added to the files
    fix: str | None = None


class PreviewShape(Shape):
    """POST /preview: what would happen.  `problems` by field; with any, nothing was bundled and `bundle` is None."""

    problems: tuple[Problem, ...] = ()
    bundle: str | None = None
    size: int = 0
    files: tuple[BundledFile, ...] = ()
    findings: tuple[FindingShape, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    #: names among them that every run fills by itself
    filled: tuple[str, ...] = ()
    suggested_name: str = ""
    output_dir: str = "output"
    python_version: str | None = None
    #: where the requirements come from, and what they are
    requirements_source: str | None = None
    requirements: tuple[str, ...] = ()
    summary: str = ""
    destination: str = ""
    next: tuple[OccurrenceShape, ...] = ()
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


class AttemptShape(Shape):
    """One worker's try."""

    number: int
    outcome: Outcome | None
    detail: str | None
    created_at: UtcTime
    ended_at: UtcTime | None


class Failure(Shape):
    """Where a notebook failed."""

    kind: str
    cell: int | None = None
    cells: int | None = None
    line: int | None = None
    #: source of the failing cell, and its traceback without escape codes
    source: str | None = None
    traceback: str | None = None


class RunShape(Shape):
    """A run.  `count` and `until` only where the row is a stretch of skipped occurrences."""

    run_id: str
    schedule: str
    version: int
    scheduled_for: UtcTime
    trigger: Trigger
    status: RunStatus
    reason: Reason | None
    message: str | None
    attempts: tuple[AttemptShape, ...] = ()
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
    #: that its files were removed, in words, when they were
    removed: str | None = None


class RunDetails(RunShape):
    """GET /runs/{id}: a run with what it left."""

    #: the output folder, with addresses on this server
    outputs: tuple[PublishedFile, ...] = ()
    #: executed notebook, its HTML, log
    report: tuple[PublishedFile, ...] = ()
    notes: tuple[str, ...] = ()
    #: written outside the output folder, so not published
    elsewhere: tuple[str, ...] = ()
    failure: Failure | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    bundle: str = ""
    #: seconds that a successful run of this schedule usually takes
    usual_seconds: float | None = None
    #: what the disclosure check found, and how many findings aren't listed
    findings: tuple[DisclosureFinding, ...] = ()
    more_findings: int = 0
    #: whether its results wait for a person to publish them
    releasable: bool = False


class RunFiles(Shape):
    """GET /runs/{id}/files: what a run left, each file at its address."""

    outputs: tuple[PublishedFile, ...] = ()
    report: tuple[PublishedFile, ...] = ()


class LogShape(Shape):
    """GET /runs/{id}/log?first=N: what was printed from piece N on; ask again with `next`."""

    text: str
    next: int
    ended: bool


class ScheduleShape(Shape):
    """A schedule at its current version."""

    name: str
    id: str
    state: ScheduleState
    version: int
    owner: str
    #: the sentence
    summary: str
    timing: Timing
    form: Form
    next_due: UtcTime | None
    next: tuple[OccurrenceShape, ...] = ()
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
    last_runs: tuple[RunShape, ...] = ()


class Scheduled(Shape):
    """GET /scheduled?notebook=PATH: what the button of a notebook says, in a few hundred bytes."""

    name: str
    #: the sentence
    summary: str
    #: whether the last run that ended otherwise than skipped or stopped has failed
    failing: bool


class VersionShape(Shape):
    """Who recorded a version, and when."""

    version: int
    author: str
    created_at: UtcTime
    bundle: str


class Bundled(Shape):
    """PUT /bundles/{digest}: a tarball that was received, and is what its name says."""

    bundle: str
    size: int
    files: int


class Deleted(Shape):
    """DELETE /schedules/{name}: what went, and what stays."""

    name: str
    #: published files that stay at their address
    published: int
    publication_url: str | None
    #: the same in words, and what goes with the files of its runs
    message: str = ""


class Status(Shape):
    """GET /status."""

    version: str
    #: whether a service ticks for this server's store, and what keeps it from starting anything, as a sentence
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
    timezone_names: tuple[str, ...] = ()
    #: where schedules can run
    workers: tuple[ComputeChoice, ...] = ()
