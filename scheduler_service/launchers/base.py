"""The contract of a launcher: it starts, polls and ends workers, and knows them again after a restart."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from jupyter_schedule.core.models import Attempt, LauncherInfo, Reason, Run, Spec
from scheduler_service.launchers.ad_hoc import AdHocHost, FindAdHocWorker, find_no_worker
from scheduler_service.quotas import MachineHourQuota
from scheduler_service.worker.task import LaunchPlan

#: a worker as data, which survives a restart of the service
Handle = dict[str, Any]


@dataclass(frozen=True)
class WorkerEnd:
    """The end of a worker as the outside tells it."""

    #: for a person
    sentence: str
    #: None when nobody knows
    at: datetime | None = None
    #: another worker would end alike: somebody has to change the settings or the account first
    is_final: bool = False
    #: there was no room for it, so it counts as never had
    is_shortage: bool = False
    #: what it printed, where that is known and kept nowhere else
    log: str = ""


@dataclass(frozen=True)
class WorkerState:
    """The state of an attempt's worker, as far as its launcher knows."""

    name: str
    #: of one that is gone, if anybody says how it came to that; two are equal whatever is said
    end: WorkerEnd | None = field(default=None, compare=False)
    #: of one that is queued, a sentence: what its engine says that it waits for
    waits_for: str = field(default="", compare=False)

    #: nothing yet: the launch wasn't answered
    UNKNOWN: ClassVar["WorkerState"]
    #: an engine has it in its queue and hasn't started it; its time begins when it is started
    QUEUED: ClassVar["WorkerState"]
    ALIVE: ClassVar["WorkerState"]
    #: it is over, but something that it started lives
    ORPHANED: ClassVar["WorkerState"]
    #: it can't be asked now, or not from here
    UNREACHABLE: ClassVar["WorkerState"]
    #: it is over, with everything it started
    GONE: ClassVar["WorkerState"]

    def __str__(self) -> str:
        return self.name


for _name in ("unknown", "queued", "alive", "orphaned", "unreachable", "gone"):
    setattr(WorkerState, _name.upper(), WorkerState(_name))


class LaunchRefused(Exception):  # noqa: N818  (an answer: trying again won't help)
    """The launcher says no for good; the message is a sentence for a person."""

    def __init__(self, message: str, reason: Reason = Reason.LAUNCH) -> None:
        super().__init__(message)
        self.reason = reason


class NoCapacity(Exception):  # noqa: N818  (an answer: another attempt may find some)
    """No worker can be had this way now; the message is a sentence for a person."""


class Launcher(ABC):
    """Starts workers, each of which executes one attempt.

    | what the world holds            | `poll` answers | `terminate`  | `kill`            |
    |---------------------------------|----------------|--------------|-------------------|
    | the attempt has no handle yet   | `unknown`      | does nothing | does nothing      |
    | its worker waits in a queue     | `queued`       | unqueues it  | unqueues it       |
    | its worker lives                | `alive`        | asks it      | ends it           |
    | something that it started lives | `orphaned`     | does nothing | ends all of it    |
    | it can't be asked               | `unreachable`  | does nothing | does nothing      |
    | none lives, or ever will        | `gone`         | does nothing | does nothing      |
    """

    #: the part of the work storage that its workers write to: `workers/<identity>/`; empty when each has its own, which
    #: its handle tells as `identity`
    identity: str
    #: seconds that a worker may take from its launch to its first heartbeat
    starts_within: float = 0
    #: how long its machines may live in a month
    hours: MachineHourQuota = MachineHourQuota()
    #: where alone its workers can be polled and ended, None when that is anywhere
    place: str | None = None
    #: what has machines for ad-hoc workers, also for those that were allowed once; None of a launcher without machines
    ad_hoc: AdHocHost | None = None

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Variables that tell a run what this launcher's workers have ready for it, frozen with the attempt."""

    def describe(self, name: str) -> LauncherInfo:
        """Describe the choices that people have of it; `name` is what schedules call it."""
        return LauncherInfo(name=name)

    def plan(
        self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime, lost: int | None = None
    ) -> LaunchPlan:
        """Return the part that this launcher adds to an attempt's task, frozen with it.

        lost: how many attempts of the run were lost before, None where nobody counted.  Raises LaunchRefused, and
        OSError when it may be planned later.
        """
        del run, spec, number, token, deadline, lost
        return LaunchPlan()

    @abstractmethod
    def launch(self, attempt: Attempt) -> Handle:
        """Start a worker for the attempt.  May be repeated: the gate lets one of them start user code.

        Raises LaunchRefused when it never will, NoCapacity when another attempt may, OSError when this one may later.
        """

    @abstractmethod
    def poll(self, attempt: Attempt) -> WorkerState:
        """Return the state of the attempt's worker.  It changes nothing, and never blocks for long."""

    def explain_end(self, attempt: Attempt) -> WorkerEnd | None:
        """Tell how a worker that is gone came to its end, as often as it is asked; None where nobody says."""
        del attempt
        return None

    @abstractmethod
    def terminate(self, attempt: Attempt) -> None:
        """Ask the worker to end what it started, then itself when it has saved what it has.  May be repeated."""

    def kill(self, attempt: Attempt) -> None:
        """End the worker and everything it started, whatever is lost with it.  May be repeated."""
        self.terminate(attempt)

    def discard(self, attempt: Attempt) -> None:
        """Remove what the worker of an attempt that is over left where it was, unless it is still at that itself.

        One that still waits in a queue is taken out of it.
        """
        del attempt

    def reap(
        self, find_attempt: Callable[[str, int], Attempt | None], find_ad_hoc: FindAdHocWorker = find_no_worker
    ) -> None:
        """End what is ours and belongs to no attempt that still goes on and no live ad-hoc worker; called now and then.

        find_attempt: the attempt of a run by its number, None when the ledger has no such.  Both are asked after the
        look: an attempt, or an ad-hoc worker, is in the ledger before its machine exists.
        """
        del find_attempt, find_ad_hoc

    @abstractmethod
    def close(self) -> None:
        """Stop watching; workers go on."""


class MissingLauncher(Launcher):
    """Answers for workers that another service, or other settings of this one, may have started."""

    identity = ""

    def __init__(self, name: str) -> None:
        self._name = name

    def environment(self) -> Mapping[str, str]:
        return {}

    def plan(
        self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime, lost: int | None = None
    ) -> LaunchPlan:
        del run, spec, number, token, deadline, lost
        raise self._refusal()

    def launch(self, attempt: Attempt) -> Handle:
        del attempt
        raise self._refusal()

    def poll(self, attempt: Attempt) -> WorkerState:
        del attempt
        return WorkerState.UNREACHABLE

    def terminate(self, attempt: Attempt) -> None:
        """Nobody here can."""

    def close(self) -> None:
        """Nothing is open."""

    def _refusal(self) -> LaunchRefused:
        return LaunchRefused(f"This service has no launcher called {self._name}.")


class Launchers(dict[str, Launcher]):
    """Launchers by their names; for a name that isn't there answers one that is absent."""

    def __missing__(self, name: str) -> Launcher:
        return MissingLauncher(name)
