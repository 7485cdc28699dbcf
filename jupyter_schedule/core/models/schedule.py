"""A schedule: its versions, when it is due, and the policies that bound its runs."""

import hashlib
import json
import re
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, model_validator

from jupyter_schedule.core.models.base import Dollars, Lines, Model, NameText, UtcTime, publication_name
from jupyter_schedule.core.models.notification import Notify

NAME_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")


class Timing(Model):
    """The times of a schedule: a five-field cron expression in a zone, or once.  Checked by `recurrence.check`."""

    cron: str | None = None
    #: the only occurrence of a schedule that runs once
    once: UtcTime | None = None
    #: an IANA zone name; of a `once`, the zone in which people read it
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _either_cron_or_once(self) -> Self:
        if (self.cron is None) == (self.once is None):
            raise ValueError("a timing is either a cron expression or a single time")
        return self


class Visibility(StrEnum):
    """The people who can read a schedule's publication."""

    PRIVATE = "private"
    PUBLIC = "public"
    #: outputs are kept with the run, nothing is published
    NONE = "none"


class Overlap(StrEnum):
    """The rule for a run that comes due while the last one is still going."""

    QUEUE_ONE = "queue_one"
    SKIP = "skip"
    CANCEL_PREVIOUS = "cancel_previous"
    ALLOW = "allow"


class CatchUp(StrEnum):
    """The rule for occurrences that passed while no service was ticking."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


class ScheduleState(StrEnum):
    """The state of a schedule: it decides whether occurrences still become runs."""

    #: its occurrences become runs
    ACTIVE = "active"
    #: they don't, until it is resumed
    PAUSED = "paused"
    #: they do as soon as a rehearsal has succeeded
    REHEARSING = "rehearsing"
    #: no occurrence is left
    ENDED = "ended"
    #: somebody removed it; its published results stay
    DELETED = "deleted"
    #: its record can't be read; never recorded
    BROKEN = "broken"


class Kernel(Model):
    """A kernel as frozen when a schedule was made: its command is absolute, so it means the same for the service."""

    name: str
    display_name: str
    #: as its kernelspec spells it
    language: str = "python"
    argv: tuple[str, ...]
    #: of one that was found; in a record the values are elsewhere
    env: dict[str, str] = Field(default_factory=dict)
    #: the names of its variables, and the object of the work area that has their values
    env_names: tuple[str, ...] = ()
    env_object: str | None = None
    #: of its kernelspec, such as the provisioner that starts it
    metadata: dict[str, Any] = Field(default_factory=dict)
    #: `signal`, or `message`
    interrupt_mode: str = "signal"
    #: the Python that has the provisioner which starts it; None where it is a process like any other
    provisioned_by: str | None = None


class EnvironmentSource(StrEnum):
    """The source of a run's Python packages."""

    #: the notebook's own kernel environment, as it is on this machine
    KERNEL = "kernel"
    #: one built from the bundle's pinned requirements
    FRESH = "fresh"


class Policies(Model):
    """Bounds on a schedule's runs, and what happens after failures; where there is no value, nothing does."""

    #: the first and the last time at which it may be due
    start: UtcTime | None = None
    end: UtcTime | None = None
    #: the number of times that it is due in all, counted from the time that this was saved
    max_runs: int | None = Field(default=None, ge=1, le=10_000)
    #: further attempts after the code has failed; a time-out is never tried again
    retries: int = Field(default=0, ge=0, le=10)
    #: minutes before the first of them, and twice as long before each that follows
    retry_wait: int = Field(default=5, ge=0, le=1440)
    #: minutes after its time within which a run has to start; later it is skipped
    start_deadline: int | None = Field(default=None, ge=1, le=10_080)
    #: failures of runs by the clock in a row after which the schedule is paused
    pause_after: int | None = Field(default=None, ge=1, le=100)
    #: dollars that its runs of a month in UTC may cost; then it is paused
    monthly_cap: Dollars | None = Field(default=None, gt=0, le=1_000_000, decimal_places=2)
    #: its newest runs whose files are kept, and the days for which those of every run are; None is as the service says
    keep_runs: int | None = Field(default=None, ge=1, le=10_000)
    keep_days: int | None = Field(default=None, ge=0, le=3650)


#: fields of a spec that decide what is in its files
LOOKED_AT = {"bundle", "command", "parameters", "files", "output_dir", "notebook", "previous", "env", "data_role"}


class Confirmation(Model):
    """The record that a person checked what will be public: their name, the time, and what they checked."""

    by: str
    at: UtcTime
    #: digest of what decides what is in the files; None of one from before that was kept, which counts no more
    digest: str | None = None


class Seal(Model):
    """The proof that an account recorded a version: its name, and a code over the version; see `account`."""

    account: str
    code: str


class ScheduleOptions(Model):
    """The options that a form, a request to bundle and a recorded schedule share, in the same words."""

    #: the Bash command that the worker starts; the default runs the notebook
    command: str = Field(default="./run.sh", max_length=20_000)
    visibility: Visibility = Visibility.PRIVATE
    #: executed notebook and log are published with the outputs
    publish_report: bool = False
    #: the report's page shows what cells print and draw, and none of their code
    hide_code: bool = False
    #: glob patterns; files of its own publication that a run finds in PREVIOUS_DIR
    previous: Lines = ()
    #: the output contract, a line for each pattern: `flights*.csv rows>=1000 newest(date)<=2d`
    expect: Lines = ()
    #: names of variables that a run takes over from the service's environment
    env: Lines = ()
    environment: EnvironmentSource = EnvironmentSource.KERNEL
    overlap: Overlap = Overlap.QUEUE_ONE
    catch_up: CatchUp = CatchUp.LATEST
    policies: Policies = Policies()
    #: the events that people are told of, and the channels
    notify: Notify = Notify()
    #: the place that it runs at: a launcher of the service, and one of its sizes; None leaves the size to the launcher
    launcher: NameText = "local"
    size: NameText | None = None
    #: the role for data that its runs have, by a name that the operator gave
    data_role: NameText | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The same values, by their names."""
        return {name: getattr(self, name) for name in ScheduleOptions.model_fields}


class Spec(ScheduleOptions):
    """Everything of a schedule that an edit can change; a version of a schedule freezes one."""

    timing: Timing
    #: digest of the bundle in the objects' work area
    bundle: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: path of the notebook in the bundle, None for a tarball with a command
    notebook: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    #: relative to the notebook's folder, or to the root of a tarball
    output_dir: str = "output"
    #: minutes that the command may take
    timeout: int = Field(default=120, ge=1, le=1440)
    #: of a public schedule; `operations` writes it
    public_confirmed: Confirmation | None = None
    #: the place of its publications: the address of an object store, such as `file:///home/ann/published`
    publication_base: str
    kernel: Kernel | None = None
    #: the time at which the last of `policies.max_runs` is due
    last_due: UtcTime | None = None
    #: the folder that it was made in, absolute; None where that was no folder of this machine
    root: str | None = None
    #: the source of the bundle, relative to that folder: the notebook, …
    source: str | None = None
    #: … the names and patterns that a person added, and the files that a person left out
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    #: of the account that recorded it, where many share the ledger
    seal: Seal | None = None

    def digest_looked_at(self, *, report: bool) -> str:
        """The sha256 of what decides what is in the files that become public, with the report or without."""
        looked_at = self.model_dump(mode="json", include=LOOKED_AT) | {"report": report}
        return hashlib.sha256(json.dumps(looked_at, sort_keys=True).encode()).hexdigest()

    @property
    def is_confirmed(self) -> bool:
        """True when somebody confirmed that what this makes may be public; who saw more has seen less."""
        given = self.public_confirmed
        covering = {self.digest_looked_at(report=True), self.digest_looked_at(report=self.publish_report)}
        return given is not None and given.digest in covering


class UnreadableSpec(Spec):
    """The stand-in for a spec that can't be read: nothing runs by it, and nothing is published."""

    #: the reason, and what can be done
    sentence: str


class Pause(Model):
    """The pause of a schedule: its author, its start and its reason."""

    by: str
    at: UtcTime
    note: str = Field(default="", max_length=500)


class Schedule(Model):
    """The schedule that the analyst recorded, at its current version."""

    id: str
    name: str
    owner: str
    state: ScheduleState
    version: int
    #: grows when cron or zone change, so that a new timing's occurrences are never taken for the old one's
    timing_rev: int
    spec: Spec
    #: every occurrence up to this instant, included, is in the ledger
    cursor: UtcTime
    #: the first occurrence after the cursor; None when none will come or the schedule is paused
    next_due: UtcTime | None
    #: the deadline at which it is judged next whether anything was published, see `freshness`
    silence_due: UtcTime | None = None
    created_at: UtcTime
    changed_at: UtcTime
    changed_by: str
    #: of a paused one
    paused: Pause | None = None

    @property
    def publication_name(self) -> str:
        """The folder of its results in an area."""
        return publication_name(self.owner, self.name)

    @property
    def is_trial(self) -> bool:
        """True of what was run once only: its one time had passed when it was made."""
        once = self.spec.timing.once
        return once is not None and once <= self.created_at


class Version(Model):
    """The state that one edit of a schedule froze."""

    schedule_id: str
    version: int
    author: str
    created_at: UtcTime
    spec: Spec
