"""A run and its attempts, their statuses, and the transitions allowed between them."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from jupyter_schedule.core.models.base import LOCAL_OWNER, Model, UtcTime, publication_name


class Trigger(StrEnum):
    """The cause of a run."""

    #: its time came
    SCHEDULE = "schedule"
    #: a person asked for it
    MANUAL = "manual"
    #: a person asked for times that had passed
    BACKFILL = "backfill"
    #: a person asked for a run once more
    RETRY = "retry"
    #: it tries a schedule without touching what it published
    REHEARSAL = "rehearsal"


class RunStatus(StrEnum):
    """The stage that a run has reached.  Operations insert `due`; only the service's tick moves it on."""

    #: it waits for its turn
    DUE = "due"
    #: a worker is being started for it
    LAUNCHING = "launching"
    #: a worker is at work
    RUNNING = "running"
    #: the worker has ended, and its outputs are being published
    PUBLISHING = "publishing"
    #: it ended well, and what it wrote is published
    SUCCEEDED = "succeeded"
    #: it ended otherwise; its reason says how
    FAILED = "failed"
    #: it reached its time-out and was stopped
    TIMED_OUT = "timed_out"
    #: somebody asked for it to stop
    CANCELLED = "cancelled"
    #: it never started; its reason says why
    SKIPPED = "skipped"

    @property
    def terminal(self) -> bool:
        """True if a run in this status never changes again."""
        return not TRANSITIONS[self]


_AT_WORK = frozenset(
    {
        *(RunStatus.LAUNCHING, RunStatus.RUNNING, RunStatus.PUBLISHING),
        *(RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.CANCELLED),
    }
)
#: the statuses that a run may go to from each; a terminal status leads nowhere.  A further attempt leads back to
#: `launching`; from `due` straight to `publishing` goes a run that releases the outputs of another.  One that may start
#: and meets a cap before its first attempt is skipped.
TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = dict.fromkeys(RunStatus, frozenset[RunStatus]()) | {
    RunStatus.DUE: frozenset(
        {
            *(RunStatus.DUE, RunStatus.LAUNCHING, RunStatus.PUBLISHING),
            *(RunStatus.SKIPPED, RunStatus.CANCELLED, RunStatus.FAILED),
        }
    ),
    RunStatus.LAUNCHING: _AT_WORK | {RunStatus.SKIPPED},
    RunStatus.RUNNING: _AT_WORK,
    RunStatus.PUBLISHING: frozenset({RunStatus.PUBLISHING, RunStatus.SUCCEEDED, RunStatus.FAILED}),
}
OPEN_STATUSES = tuple(status for status in RunStatus if not status.terminal)
#: a worker is at work, or its outputs are being published
GOING_STATUSES = tuple(status for status in OPEN_STATUSES if status != RunStatus.DUE)


class Reason(StrEnum):
    """The reason for a run's end: a stable word for programs, beside one sentence for people."""

    #: it ended well
    OK = "ok"
    #: the output folder stayed empty, so there was nothing to publish
    EMPTY_OUTPUT = "empty_output"
    #: the analyst's command ended with another code than 0
    EXIT_CODE = "exit_code"
    #: a cell of the notebook raised
    CELL_FAILED = "cell_failed"
    #: the kernel ended in mid-run
    KERNEL_DIED = "kernel_died"
    #: the kernel couldn't be started, or never answered
    KERNEL_UNAVAILABLE = "kernel_unavailable"
    #: it needed more memory than it might have
    OUT_OF_MEMORY = "out_of_memory"
    #: it wrote more into its output folder than a run may where it ran
    OUTPUT_TOO_LARGE = "output_too_large"
    #: it reached its time-out
    TIME_LIMIT = "time_limit"
    #: the kernel, interpreter or folder frozen when it was scheduled isn't there any more
    ENVIRONMENT_GONE = "environment_gone"
    #: the bundle is missing or isn't what was recorded
    BUNDLE_UNUSABLE = "bundle_unusable"
    #: there was no space left where it ran
    DISK_FULL = "disk_full"
    #: the outputs couldn't be collected or published
    PUBLISHING = "publishing"
    #: the outputs don't keep the schedule's output contract
    CONTRACT = "contract"
    #: the packages or the Python that the analysis needs can't be had on its worker
    ENVIRONMENT = "environment"
    #: something in the outputs mustn't become public, or couldn't be checked
    DISCLOSURE = "disclosure"
    #: no worker could be started
    LAUNCH = "launch"
    #: an operator has to mend the settings or the account first
    CONFIG = "config"
    #: the machines that it may have weren't to be had
    NO_CAPACITY = "no_capacity"
    #: its worker disappeared, and so did those that followed
    LOST = "lost"
    #: a person stopped it
    BY_HAND = "by_hand"
    #: its schedule was deleted
    DELETED = "deleted"
    #: a newer run took its place while it waited
    SUPERSEDED = "superseded"
    #: an earlier run of its schedule was still going
    OVERLAP = "overlap"
    #: it couldn't start within the time that its schedule gives it
    TOO_LATE = "too_late"
    #: its schedule's runs have cost as much as they may in that month
    CAP = "cap"
    #: its time passed while no service was ticking
    MISSED = "missed"
    #: its time passed while the schedule was paused, or waited for its rehearsal
    PAUSED = "paused"
    #: its record in the ledger can't be read
    UNREADABLE = "unreadable"


class FileEntry(Model):
    """A file of a bundle, an output folder or a publication."""

    path: str
    size: int
    sha256: str


class PublishedFile(FileEntry):
    """A file at its address."""

    url: str


class Publication(Model):
    """The addresses of a run's outputs."""

    #: the stable address: the newest version of every file that the schedule ever published
    url: str
    #: this run's own files, at addresses that never change their content
    files: tuple[PublishedFile, ...] = ()


class Approval(Model):
    """A person's decision to publish the outputs of a run that were kept back."""

    #: the run that made them
    run_id: str
    by: str
    at: UtcTime
    #: the reason that makes them public although the disclosure check found something; None where its word counts
    reason: str | None = None
    #: pages that it found something in are published without hover data, once it finds nothing in those copies
    without_hover_data: bool = False


class Run(Model):
    """One execution of a schedule version for one occurrence; a skipped stretch is one row with `until` and `count`."""

    id: str
    schedule_id: str
    schedule: str
    #: whose schedule that is
    owner: str = LOCAL_OWNER
    version: int
    key: str
    trigger: Trigger
    scheduled_for: UtcTime
    #: the last occurrence of a skipped stretch
    until: UtcTime | None = None
    count: int = 1
    #: of a backfill: how many runs of its schedule's backfills may go at once, this one included
    parallel: int = 1
    data_interval_start: UtcTime
    data_interval_end: UtcTime
    status: RunStatus
    reason: Reason | None = None
    #: one sentence for a person
    message: str | None = None
    created_at: UtcTime
    started_at: UtcTime | None = None
    ended_at: UtcTime | None = None
    #: the command's duration
    seconds: float | None = None
    #: the person who asked for it to stop, None when nobody did
    cancelled_by: str | None = None
    #: the life of its machines that cost money, and the dollars that they cost; None of others
    machine_seconds: int | None = None
    cost: Decimal | None = None
    #: its place in the order in which runs came into the ledger
    queued: int = 0
    #: number of the current attempt, 0 before the first
    attempt: int = 0
    #: grows with every claim; an effect guarded by an older one is dropped
    fence: int = 0
    publication: Publication | None = None
    #: set in a run that executes nothing and publishes what another one made
    release: Approval | None = None
    #: the time at which its files began to go, as retention wants it; its row stays
    pruned_at: UtcTime | None = None

    @property
    def publication_name(self) -> str:
        """The folder of its schedule's results in an area."""
        return publication_name(self.owner, self.schedule)

    @property
    def origin(self) -> str:
        """The id of the run whose workers made its outputs."""
        return self.release.run_id if self.release else self.id


class Result(BaseModel):
    """The record that the agent wrote, once, when its attempt was over; keys that we don't know are left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `finished` (the command ended by itself), `timed_out`, `stopped` (from outside), `refused` (it never started)
    outcome: str
    exit_code: int | None = None
    reason: Reason
    sentence: str
    started_at: UtcTime
    ended_at: UtcTime
    seconds: float
    #: the output folder
    files: tuple[FileEntry, ...] = ()
    #: the executed notebook, its HTML, the log
    report: tuple[FileEntry, ...] = ()
    notes: tuple[str, ...] = ()
    #: paths in the bundle's folder that the run wrote outside the output folder
    elsewhere: tuple[str, ...] = ()
    #: the failure of a notebook: kind, cell, cells, line, name, message, as far as known
    failure: dict[str, Any] | None = None


class Outcome(StrEnum):
    """The end of an attempt; `lost` is an outcome of an attempt, never of a run."""

    FINISHED = "finished"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    #: the launcher said no before anything started
    REFUSED = "refused"
    #: no worker could be had that way then
    NO_CAPACITY = "no_capacity"


class Attempt(Model):
    """One worker's try at a run.  Its parameters are frozen in the row before anything is launched."""

    run_id: str
    number: int
    token: str
    launcher: str
    #: the machine that its worker can be seen from; None when that is anywhere
    place: str | None = None
    #: the agent's task, frozen
    parameters: dict[str, Any]
    #: the worker as the launcher knows it again after a restart; None until it answered
    handle: dict[str, Any] | None = None
    #: after this instant the service stops the worker itself
    deadline: UtcTime
    created_at: UtcTime
    ended_at: UtcTime | None = None
    outcome: Outcome | None = None
    detail: str | None = None

    @property
    def worker(self) -> str | None:
        """The part of the work area that its worker writes to; None while that isn't known."""
        known: str | None = (self.handle or {}).get("identity") or self.parameters.get("worker") or None
        return known


class Event(Model):
    """Something that happened to a schedule or a run, who did it, and when; the sequence number never decreases."""

    sequence: int
    at: UtcTime
    actor: str
    kind: str
    schedule_id: str | None = None
    run_id: str | None = None
