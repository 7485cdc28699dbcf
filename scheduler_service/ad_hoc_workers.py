"""A look after all ad-hoc workers, beside the runs: load → decide → apply.

No lease: every step may be repeated and done by two services at once, since a launch is one machine by its token, and
every change of a row is a compare-and-set.  Whoever comes second changes nothing and looks again.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jupyter_schedule.core.machines.ad_hoc import at_work, ended
from jupyter_schedule.core.models import AdHocStatus, AdHocWorker, utc
from jupyter_schedule.core.store.base import Store
from scheduler_service.ad_hoc_decide import Adopt, Ask, Decision, Extend, Insist, Launch, Over, Ready, Wait, decide
from scheduler_service.backoff import Memory
from scheduler_service.context import ACTOR
from scheduler_service.launchers.ad_hoc import AdHocHost
from scheduler_service.launchers.base import Launcher, LaunchRefused, NoCapacity
from scheduler_service.quotas import used_seconds

log = logging.getLogger(__name__)


class AdHocPass:
    """Looks after the workers whose launchers this service has."""

    def __init__(
        self,
        store: Store,
        launchers: Mapping[str, Launcher],
        memory: Memory,
        now: Callable[[], datetime],
        *,
        most: Mapping[str, int],
        machines_of_runs: Callable[[], Counter[str]],
    ) -> None:
        """most: machines that may live at once, by launcher.  machines_of_runs: those that do, of runs, likewise."""
        self._store = store
        self._launchers = launchers
        self._memory = memory
        self._now = now
        self._most = most
        self._machines_of_runs = machines_of_runs

    def look(self, *, may_start: bool) -> None:
        """Do for each live worker what it needs; one that fails waits, and the others go on.

        may_start: whether anything new may be launched now.
        """
        for worker in self._store.live_ad_hoc_workers():
            host = self._launchers[worker.launcher].ad_hoc
            key = f"ad-hoc {worker.id}"
            if host is None or not self._memory.may_try(key):
                continue
            try:
                self._look_after(worker, host, may_start)
            except Exception as problem:
                self._memory.failed(key, problem)
                log.warning("action=ad_hoc_failed worker=%s problem=%s", worker.id, problem)
                self._tell(worker, str(problem))
            else:
                self._memory.succeeded(key)

    def _look_after(self, worker: AdHocWorker, host: AdHocHost, may_start: bool) -> None:
        decision = decide(worker, host.see(worker), self._now())
        if not (isinstance(decision, Launch) and not may_start):
            self._apply(worker, host, decision)

    def _apply(self, worker: AdHocWorker, host: AdHocHost, decision: Decision) -> None:
        match decision:
            case Wait():
                return
            case Launch():
                self._begin(worker, host)
            case Ask():
                self._ask(worker, host)
            case Adopt():
                self._move(worker, instance=decision.instance)
            case Ready():
                self._move(worker, status=AdHocStatus.READY, address=decision.address, message=None)
            case Extend():
                host.extend(worker)
                self._forget_trouble(worker)
            case Insist():
                host.terminate(worker)
            case Over():
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
        busy = self._machines_of_runs()[worker.launcher]
        busy += at_work(self._store.live_ad_hoc_workers()).get(worker.launcher, 0)
        if most is not None and busy >= most:
            return (
                f"Not started: at most {most} machine{'s' * (most != 1)} may be at work at once (ec2.max_machines), "
                f"and {busy} {'is' if busy == 1 else 'are'}. Ask again when one has ended."
            )
        caps = self._launchers[worker.launcher].hours
        return caps.refusal(used_seconds(self._store, now), worker.owner, now) if caps.any else None

    def _end(self, worker: AdHocWorker, host: AdHocHost, over: Over) -> None:
        if over.terminate:
            host.terminate(worker)
        self._record_end(worker, over.status, over.message, over.at)

    def _record_end(self, worker: AdHocWorker, status: AdHocStatus, message: str, at: datetime) -> None:
        if self._store.replace_ad_hoc_worker(worker, ended(worker, status, message, at), actor=ACTOR):
            log.info("action=ad_hoc_over worker=%s status=%s", worker.id, status)

    def _move(self, worker: AdHocWorker, **changes: Any) -> AdHocWorker | None:
        """The worker after the change; None when somebody else changed it first."""
        moved = self._store.replace_ad_hoc_worker(worker, worker.model_copy(update=changes), actor=ACTOR)
        return self._store.ad_hoc_worker(worker.id) if moved else None

    def _tell(self, worker: AdHocWorker, problem: str) -> None:
        """Let its owner know what it waits for; somebody else's change at the same moment is worth more."""
        now = self._store.ad_hoc_worker(worker.id)
        if now is not None and now.status.live and now.message != problem:
            self._move(now, message=problem)

    def _forget_trouble(self, worker: AdHocWorker) -> None:
        if worker.message is not None:
            self._move(worker, message=None)
