"""The requests of the API: what the form holds, and the body of everything that changes something.

Times are `YYYY-MM-DDTHH:MM:SSZ`, durations seconds unless a name says minutes, sizes bytes.

`?reader=ZONE` on any request names the zone in which the person reads; sentences say "your time" in it.
`GET /schedules?notebook=PATH` answers with that notebook's schedules only.
`POST /preview?schedule=NAME` previews an edit of that schedule, whose name is taken by itself.
"""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from jupyter_schedule.core.models import LineText, NameText, Paths, PathText, ScheduleOptions, UtcTime

#: a bundle's digest
DIGEST = r"^[0-9a-f]{64}$"
#: the drive by which JupyterLab names notebooks that several people edit at once
LIVE_DRIVE = "RTC:"


class WireModel(BaseModel):
    """A frozen value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Frequency(WireModel):
    """The times that the form asks for; only the fields that belong to `kind` are read."""

    kind: Literal["daily", "weekdays", "weekly", "monthly", "hourly", "once", "cron"] = "daily"
    #: a time of day as a person writes it; of `hourly` the minute
    at: NameText = "12:00"
    #: of `weekly`: Mon, Tue, Wed, Thu, Fri, Sat, Sun
    days: tuple[NameText, ...] = Field(default=(), max_length=100)
    #: of `monthly`: 1 to 31, or L for the last day
    day_of_month: NameText = "1"
    #: of `once`: YYYY-MM-DD
    date: NameText = ""
    cron: LineText = ""
    timezone: NameText = "UTC"


class Form(ScheduleOptions):
    """The content of the form: enough to preview, create or edit a schedule."""

    #: path of the notebook, relative to Jupyter's root
    notebook: PathText | None = None
    #: instead of a notebook: digest of a tarball that was uploaded, whose `command` is run
    tarball: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    name: NameText = ""
    frequency: Frequency = Field(default_factory=Frequency)
    #: values by name, typed or as the texts of input fields; a name left out keeps the notebook's value
    parameters: dict[str, Any] = Field(default_factory=dict)
    #: files and patterns relative to Jupyter's root, beside what the notebook is seen to use
    files: Paths = ()
    #: files that the notebook is seen to use and that stay out all the same
    left_out: Paths = ()
    #: None takes the folder that the notebook is seen to write to
    output_dir: PathText | None = None
    timeout_minutes: int = Field(default=120, ge=1, le=1440)
    kernel: NameText | None = None
    #: of a new schedule: go on with what a deleted one of this name published, and with its address
    continue_results: bool = False

    @field_validator("notebook")
    @classmethod
    def _without_drive(cls, path: str | None) -> str | None:
        """A notebook that several people edit at once is on disk, by the same path without its drive."""
        return path.removeprefix(LIVE_DRIVE) if path else path


class CreateSchedule(WireModel):
    """POST /schedules."""

    form: Form
    #: digest from a preview; None bundles the files as they are now
    bundle: str | None = Field(default=None, pattern=DIGEST)
    #: also run it once now
    run_now: bool = False
    #: let it wait for a rehearsal, which stands for the run now; None does so where runs cost money
    rehearse: bool | None = None
    #: run it once now, and let it wait until that run, or a later manual one, has succeeded
    first_run: bool = False
    #: run it once now and never by the clock: `form.frequency` is left aside
    once_only: bool = False
    #: the person checked what will be public; needed for a public schedule
    public_confirmed: bool = False


class EditSchedule(WireModel):
    """PATCH /schedules/{name}: a merge patch of the form; `If-Match` carries the version."""

    form: dict[str, Any]
    #: take the notebook and its files as they are now; otherwise the code stays as it was
    rebundle: bool = False
    #: with `rebundle`: the bundle that was made of them and sent, where the server has no files of who asks
    bundle: str | None = Field(default=None, pattern=DIGEST)
    #: let it wait for a rehearsal of what it does then; None does so where it moves to machines that cost money
    rehearse: bool | None = None
    #: the person checked what will be public; needed where more becomes public than before
    public_confirmed: bool = False


class CloneSchedule(WireModel):
    """POST /schedules/{name}/clone: another schedule that does the same, but for a merge patch of the form."""

    name: NameText
    form: dict[str, Any] = Field(default_factory=dict)
    #: take the notebook and its files as they are now; otherwise the code is that of the other one
    rebundle: bool = False
    #: with `rebundle`: the bundle that was made of them and sent, where the server has no files of who asks
    bundle: str | None = Field(default=None, pattern=DIGEST)
    #: also run it once now
    run_now: bool = False
    #: let it wait for a rehearsal; None does so where runs cost money
    rehearse: bool | None = None
    #: the person checked what will be public; needed for a public schedule
    public_confirmed: bool = False


class PauseSchedule(WireModel):
    """POST /schedules/{name}/pause: why, for whoever finds it paused; null leaves what was said before."""

    note: str | None = Field(default=None, max_length=500)


class RollbackSchedule(WireModel):
    """POST /schedules/{name}/rollback: the version that it goes back to; `If-Match` carries the one it is at."""

    version: int = Field(ge=1)
    #: the person checked what will be public; needed where more becomes public than is now
    public_confirmed: bool = False


class BackfillSchedule(WireModel):
    """POST /schedules/{name}/backfill: every time from `start` to `end`, both included, at which it was due.

    Instead of times, days of the schedule's zone: from the first to the last of them, both whole.
    """

    start: UtcTime | None = None
    end: UtcTime | None = None
    first_day: date | None = None
    last_day: date | None = None
    #: also what has succeeded
    again: bool = False
    #: how many of the runs may go at once
    parallel: int = 1
    #: that many runs are wanted, when they are 100 or more
    confirmed: bool = False
    #: only say what would be done
    dry_run: bool = False


class ApproveRun(WireModel):
    """POST /runs/{id}/approve: publish what was kept back."""

    #: why it may be public although the disclosure check found something; recorded with the person's name
    reason: str | None = Field(default=None, max_length=2000)
    #: publish pages that it found something in without hover data, where it finds nothing then
    without_hover_data: bool = False


class LaunchAdHocWorker(WireModel):
    """A request for an ad-hoc worker; by default at the first place that there is, for the longest time allowed."""

    launcher: NameText | None = None
    size: NameText | None = None
    hours: int | None = None
    #: an OpenSSH public key that it lets in
    ssh_key: str | None = Field(default=None, max_length=20_000)


class ExtendAdHocWorker(WireModel):
    """Hours from now; None is as many as are allowed."""

    hours: int | None = None
