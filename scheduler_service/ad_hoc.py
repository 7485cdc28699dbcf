"""The ad-hoc workers: what each needs, decided in a pure function, and how it gets that, beside the runs.

| its row                   | its machine           | what is done                                               |
|---------------------------|-----------------------|------------------------------------------------------------|
| asked                     | -                     | frozen and launched; over when stopped, or too late        |
| launching, no machine yet | isn't shown           | asked for again by the same token; over when too late      |
| launching, no machine yet | is shown              | it is that one: the answer was lost                        |
| has a machine             | is over               | over                                                       |
| stopped, or past its end  | lives                 | ended, then over                                           |
| stopped, or past its end  | isn't shown           | ended again and again, until it is shown or is over        |
| has another end           | lives                 | told its new end                                           |
| launching                 | has begun to boot     | ready                                                      |

A launch that was stopped is finished first, so that it is known what there is to end: one that is abandoned may still
be carried out, by a service that was about to ask.

No lease: every step may be repeated and done by two services at once, since a launch is one machine by its token, and
every change of a row is a compare-and-set.  Whoever comes second changes nothing and looks again.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jupyter_schedule.core.ad_hoc_workers import at_work, ended
from jupyter_schedule.core.models import AdHocStatus, AdHocWorker, utc
from jupyter_schedule.core.store.base import Store
from scheduler_service.backoff import Backoff, BackoffKey, RetriedTask
from scheduler_service.context import ACTOR
from scheduler_service.launchers.ad_hoc import AdHocHost, AdHocMachine
from scheduler_service.launchers.base import Launcher, LaunchRefused, NoCapacity
from scheduler_service.logfmt import logfmt
from scheduler_service.quotas import used_seconds

log = logging.getLogger(__name__)

#: how long somebody waits for a machine
START_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True)
class KeepWaiting:
    """Nothing to do yet."""


@dataclass(frozen=True)
class LaunchMachine:
    """Freeze what is asked for in the row, then ask for it."""


@dataclass(frozen=True)
class AskAgain:
    """Ask again for what is frozen: the same token is the same machine."""


@dataclass(frozen=True)
class AdoptMachine:
    """That is its machine."""

    instance: str


@dataclass(frozen=True)
class MarkReady:
    """People can work on it."""

    address: str | None


@dataclass(frozen=True)
class ExtendDeadline:
    """Let the machine know that it ends later."""


@dataclass(frozen=True)
class InsistOnEnd:
    """End the machine, and see whether that has worked."""


@dataclass(frozen=True)
class EndWorker:
    """It is over, in a sentence; `at` is when its machine ended.  terminate: which is done before that is recorded."""

    status: AdHocStatus
    message: str
    at: datetime
    terminate: bool = False


AdHocDecision = (
    KeepWaiting | LaunchMachine | AskAgain | AdoptMachine | MarkReady | ExtendDeadline | InsistOnEnd | EndWorker
)


def decide_ad_hoc(worker: AdHocWorker, machine: AdHocMachine | None, now: datetime) -> AdHocDecision:
    """The next step for a live worker.  machine: None while none is shown."""
    if worker.instance is None:
        return _without_machine(worker, machine, now)
    if machine is not None and not machine.lives:
        return _found_over(worker, machine, now)
    if worker.stopped_by is not None:
        message = f"Stopped by {worker.stopped_by}."
        return InsistOnEnd() if machine is None else EndWorker(AdHocStatus.STOPPED, message, now, terminate=True)
    if now >= worker.deadline:
        return (
            InsistOnEnd()
            if machine is None
            else EndWorker(AdHocStatus.ENDED, "Its time was over.", now, terminate=True)
        )
    if machine is None:
        return KeepWaiting()
    if machine.deadline != worker.deadline:
        return ExtendDeadline()
    if worker.status is AdHocStatus.LAUNCHING and machine.runs:
        return MarkReady(machine.address)
    return KeepWaiting()


def _without_machine(worker: AdHocWorker, machine: AdHocMachine | None, now: datetime) -> AdHocDecision:
    if machine is not None:
        return AdoptMachine(machine.instance)
    if worker.status is AdHocStatus.ASKED and worker.stopped_by is not None:
        return EndWorker(AdHocStatus.STOPPED, "Stopped before it had a machine.", now)
    if now >= min(worker.created_at + START_WITHIN, worker.deadline):
        last = (worker.message or "The scheduler service was away, or started nothing").rstrip(".")
        return EndWorker(AdHocStatus.FAILED, f"No machine could be launched in time. {last}. Ask again.", now)
    return LaunchMachine() if worker.status is AdHocStatus.ASKED else AskAgain()


def _found_over(worker: AdHocWorker, machine: AdHocMachine, now: datetime) -> EndWorker:
    """Nobody saw when it ended: it counts up to its deadline, which no machine outlives, or up to now."""
    at = min(now, worker.deadline)
    if worker.stopped_by is not None:
        return EndWorker(AdHocStatus.STOPPED, f"Stopped by {worker.stopped_by}.", at)
    if now >= worker.deadline:
        return EndWorker(AdHocStatus.ENDED, "Its time was over.", at)
    if machine.ended_itself:
        return EndWorker(AdHocStatus.ENDED, "It was shut down from inside.", at)
    how = f" ({machine.ended_by})" if machine.ended_by else ""
    return EndWorker(AdHocStatus.ENDED, f"It was ended from outside{how}.", at)


class AdHocPass:
    """Looks after the workers whose launchers this service has."""

    def __init__(
        self,
        store: Store,
        launchers: Mapping[str, Launcher],
        backoff: Backoff,
        now: Callable[[], datetime],
        *,
        most: Mapping[str, int],
        machines_of_runs: Callable[[], Mapping[str, int]],
    ) -> None:
        """most: machines that may live at once, by launcher.  machines_of_runs: those that do, of runs, likewise."""
        self._store = store
        self._launchers = launchers
        self._backoff = backoff
        self._now = now
        self._most = most
        self._machines_of_runs = machines_of_runs

    def look(self, *, may_start: bool) -> None:
        """Do for each live worker what it needs; one that fails waits, and the others go on.

        may_start: whether anything new may be launched now.
        """
        for worker in self._store.ad_hoc.list_live():
            host = self._launchers[worker.launcher].ad_hoc
            key = BackoffKey(RetriedTask.AD_HOC_WORKER, worker.id)
            if host is None or not self._backoff.is_ready(key):
                continue
            try:
                self._look_after(worker, host, may_start)
            except Exception as problem:
                self._backoff.failed(key, problem)
                log.warning(logfmt("ad_hoc_failed", worker=worker.id, problem=problem))
                self._tell(worker, str(problem))
            else:
                self._backoff.succeeded(key)

    def _look_after(self, worker: AdHocWorker, host: AdHocHost, may_start: bool) -> None:
        decision = decide_ad_hoc(worker, host.see(worker), self._now())
        if not (isinstance(decision, LaunchMachine) and not may_start):
            self._apply(worker, host, decision)

    def _apply(self, worker: AdHocWorker, host: AdHocHost, decision: AdHocDecision) -> None:
        match decision:
            case KeepWaiting():
                return
            case LaunchMachine():
                self._begin(worker, host)
            case AskAgain():
                self._ask(worker, host)
            case AdoptMachine():
                self._move(worker, instance=decision.instance)
            case MarkReady():
                self._move(worker, status=AdHocStatus.READY, address=decision.address, message=None)
            case ExtendDeadline():
                host.extend(worker)
                self._forget_trouble(worker)
            case InsistOnEnd():
                host.terminate(worker)
            case EndWorker():
                self._end(worker, host, decision)

    def _begin(self, worker: AdHocWorker, host: AdHocHost) -> None:
        if refusal := self._refusal(worker):
            self._record_end(worker, AdHocStatus.FAILED, refusal, self._now())
        else:
            self._launch_by(worker, host, 0)

    def _launch_by(self, worker: AdHocWorker, host: AdHocHost, turn: int, last: str = "") -> None:
        """Freeze the `turn`th way to get its machine, and ask; `last` says why the one before had none."""
        try:
            planned = host.plan(worker, turn)
        except LaunchRefused as refusal:
            self._record_end(worker, AdHocStatus.FAILED, str(refusal), self._now())
            return
        if planned is None:
            message = f"No machine of the size {worker.size} can be had now. {last} Ask for another size, or later."
            self._record_end(worker, AdHocStatus.FAILED, message, self._now())
            return
        launching = self._move(
            worker,
            most=self._most.get(worker.launcher) if worker.status is AdHocStatus.ASKED else None,
            status=AdHocStatus.LAUNCHING,
            turn=turn,
            parameters=planned.parameters,
            hourly=planned.hourly,
            launched_at=utc(self._now()),
        )
        if launching is not None:
            self._ask(launching, host)

    def _ask(self, worker: AdHocWorker, host: AdHocHost) -> None:
        try:
            instance = host.launch(worker)
        except LaunchRefused as refusal:
            self._record_end(worker, AdHocStatus.FAILED, str(refusal), self._now())
        except NoCapacity as answer:
            if worker.stopped_by is not None:
                self._record_end(worker, AdHocStatus.STOPPED, "Stopped before it had a machine.", self._now())
            else:
                self._launch_by(worker, host, worker.turn + 1, str(answer))
        else:
            if instance is None:
                self._record_end(worker, AdHocStatus.ENDED, "It was ended from outside.", self._now())
            else:
                self._move(worker, instance=instance, message=None)

    def _refusal(self, worker: AdHocWorker) -> str | None:
        """The cap that forbids a further machine, as a sentence; None when none does."""
        most, now = self._most.get(worker.launcher), self._now()
        busy = self._machines_of_runs().get(worker.launcher, 0)
        busy += at_work(self._store.ad_hoc.list_live()).get(worker.launcher, 0)
        if most is not None and busy >= most:
            return (
                f"Not started: at most {most} machine{'s' * (most != 1)} may be at work at once (ec2.max_machines), "
                f"and {busy} {'is' if busy == 1 else 'are'}. Ask again when one has ended."
            )
        caps = self._launchers[worker.launcher].hours
        return caps.refusal(used_seconds(self._store, worker.launcher, now), worker.owner, now) if caps.any else None

    def _end(self, worker: AdHocWorker, host: AdHocHost, over: EndWorker) -> None:
        if over.terminate:
            host.terminate(worker)
        self._record_end(worker, over.status, over.message, over.at)

    def _record_end(self, worker: AdHocWorker, status: AdHocStatus, message: str, at: datetime) -> None:
        if self._store.ad_hoc.replace(worker, ended(worker, status, message, at), actor=ACTOR):
            log.info(logfmt("ad_hoc_over", worker=worker.id, status=status))

    def _move(self, worker: AdHocWorker, *, most: int | None = None, **changes: Any) -> AdHocWorker | None:
        """The worker after the change; None when somebody else changed it first, or took the last machine."""
        moved = self._store.ad_hoc.replace(worker, worker.model_copy(update=changes), actor=ACTOR, most=most)
        return self._store.ad_hoc.get(worker.id) if moved else None

    def _tell(self, worker: AdHocWorker, problem: str) -> None:
        """Let its owner know what it waits for; somebody else's change at the same moment is worth more."""
        now = self._store.ad_hoc.get(worker.id)
        if now is not None and now.status.live and now.message != problem:
            self._move(now, message=problem)

    def _forget_trouble(self, worker: AdHocWorker) -> None:
        if worker.message is not None:
            self._move(worker, message=None)
