"""What decisions do outside: workers started and stopped, outputs published, runs ended.

An effect may fail, or come too late, at any of its steps: each writes to the ledger before it reaches outside, and
every write is guarded by the run's fence.
"""

import json
import logging
import os
from collections.abc import Callable
from datetime import timedelta

from jupyter_schedule.core.costs import spent
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Attempt,
    Notification,
    Outcome,
    Overlap,
    Reason,
    Result,
    Run,
    RunStatus,
    ScheduleState,
    Spec,
    utc,
)
from jupyter_schedule.core.object_keys import gate_key
from jupyter_schedule.core.storage.factory import ObjectExists
from scheduler_service import spending
from scheduler_service.auto_pause import AMONG, pause_after_failures
from scheduler_service.clearance import WorkerFiles
from scheduler_service.context import ACTOR, Surroundings
from scheduler_service.decide import End, Start, Stop
from scheduler_service.launchers.base import Launcher, LaunchRefused, NoCapacity
from scheduler_service.launchers.missing import Launchers
from scheduler_service.notifications.rules import looks_back, owed
from scheduler_service.observe import Lookout
from scheduler_service.publication_hold import Outlet
from scheduler_service.quotas import used_seconds
from scheduler_service.redaction import given, tellable
from scheduler_service.rehearsed import start_after_rehearsal
from scheduler_service.task import GRACE, brief_for, token_of

log = logging.getLogger(__name__)


class Effects:
    """Carries out what was decided over one run, in whatever thread it is called."""

    def __init__(
        self,
        around: Surroundings,
        launchers: Launchers,
        look: Lookout,
        spec_of: Callable[[Run], Spec],
    ) -> None:
        self._around = around
        self._store = around.store
        self._launchers = launchers
        self._look = look
        self._spec_of = spec_of

    def start(self, run: Run, start: Start) -> None:
        """Plan the next attempt, record it with all that is frozen in it, and launch it."""
        if start.lost and not self._leave(run, start.lost, Outcome.LOST):
            return
        if start.failed:
            failed, result = start.failed
            if not self._leave(run, failed, Outcome.FINISHED, self._tellable(run, result.sentence), ended=True):
                return
        spec = self._spec_of(run)
        if refused := self._too_many_hours(run, spec):
            self.end(run, None, End(RunStatus.SKIPPED, Reason.CAP, refused))
            return
        if refused := spending.may_start(self._store, run, spec, self._around.now()):
            self.end(run, None, End(RunStatus.SKIPPED, Reason.CAP, refused))
            spending.pause_at_cap(self._store, run, self._around.now())
            return
        try:
            attempt = self._planned(run, spec, self._launchers[spec.launcher])
        except LaunchRefused as refusal:
            self.end(run, None, End(RunStatus.FAILED, refusal.reason, str(refusal)))
            return
        except Refused as refusal:
            self.end(run, None, End(RunStatus.FAILED, Reason.ENVIRONMENT_GONE, refusal.message))
            return
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": attempt.number})
        most = None if spec.overlap == Overlap.ALLOW else run.parallel
        if self._store.add_attempt(attempt, run, launching, actor=ACTOR, most=most):
            log.info("action=launch run=%s schedule=%s attempt=%d", run.id, run.schedule, attempt.number)
            self.launch(launching, attempt)

    def _too_many_hours(self, run: Run, spec: Spec) -> str | None:
        """Why a run may not start, since machines have lived for as long as they may this month; None when it may."""
        caps, now = self._launchers[spec.launcher].hours, self._around.now()
        if not caps.any or run.status is not RunStatus.DUE:
            return None
        return caps.refusal(used_seconds(self._store, now), self._look.owner_of(run), now)

    def _planned(self, run: Run, spec: Spec, launcher: Launcher) -> Attempt:
        """The next attempt with all that is frozen in it.

        Raises LaunchRefused, and Refused when what it needs, such as its zone, is gone.
        """
        number = run.attempt + 1
        token = token_of(self._around.secret, run.id, number)
        now = utc(self._around.now())
        deadline = now + timedelta(seconds=spec.timeout * 60 + GRACE)
        brief = brief_for(
            run,
            spec,
            number=number,
            token=token,
            worker=launcher.identity,
            work_area=self._around.work_area,
            launcher_environment=launcher.environment(),
        )
        return Attempt(
            run_id=run.id,
            number=number,
            token=token,
            launcher=spec.launcher,
            place=launcher.place,
            parameters=brief | launcher.plan(run, spec, number=number, token=token, deadline=deadline),
            deadline=deadline,
            created_at=now,
        )

    def launch(self, run: Run, attempt: Attempt) -> None:
        """Ask for the attempt's worker, once more with the same frozen parameters if it was asked for before."""
        if self._look.started_by(attempt) is not None:
            # a ledger from a backup may not know of a worker that has long begun
            return
        try:
            handle = self._launcher(attempt).launch(attempt)
        except LaunchRefused as refusal:
            self.end(run, attempt, End(RunStatus.FAILED, refusal.reason, str(refusal), Outcome.REFUSED))
            return
        except NoCapacity as shortage:
            self._leave(run, attempt, Outcome.NO_CAPACITY, self._tellable(run, str(shortage)))
            return
        if self._look.started_by(attempt) is None:
            self._store.replace_attempt(run, attempt.model_copy(update={"handle": handle}))

    def publish(self, run: Run, attempt: Attempt, result: Result) -> None:
        """Publish what a finished attempt left, and end the run."""
        spec = self._spec_of(run)
        moved = self.move(
            run,
            status=RunStatus.PUBLISHING,
            started_at=run.started_at or result.started_at,
            seconds=result.seconds,
            **self._spent(run),
        )
        if moved is None:
            return
        outlet = Outlet(self._around.open_objects, self._around.areas, self._around.now())
        files = WorkerFiles(self._around.objects, self._look.prefix(attempt), self._around.limits)
        end, publication = outlet.let_out(run, spec, self._store.schedule(run.schedule_id), result, files)
        self.end(moved.model_copy(update={"publication": publication}), attempt, end)

    def stop(self, run: Run, attempt: Attempt, stop: Stop) -> None:
        """Take the gate; if the worker has it already, end the worker.  The next look tells what became of it."""
        if self._revoke(attempt):
            return
        # why is known to whoever comes after us, and nothing is done by one who isn't the holder any more
        if self._store.replace_attempt(run, attempt.model_copy(update={"outcome": stop.why})):
            launcher = self._launcher(attempt)
            (launcher.kill if stop.at_once else launcher.terminate)(attempt)

    def end(self, run: Run, attempt: Attempt | None, end: End) -> None:
        """End the run, and its attempt if it has one."""
        result = end.result
        outcome = end.outcome or Outcome.FINISHED
        message = self._tellable(run, end.message)
        # the attempt of a run that is released was closed by that run
        own = attempt if attempt is not None and attempt.run_id == run.id else None
        if own is not None and not self._leave(run, own, outcome, message, ended=result is not None):
            return
        if end.status is RunStatus.SUCCEEDED:
            start_after_rehearsal(self._store, run, self._around.now())
        ended = run.model_copy(
            update={
                "status": end.status,
                "reason": end.reason,
                "message": message,
                "started_at": run.started_at or (result.started_at if result else None),
                "ended_at": utc(self._around.now()),
                "seconds": result.seconds if result else run.seconds,
                **self._spent(run),
            }
        )
        if self._store.replace_run(run, ended, actor=ACTOR, words=self._owed(ended)):
            log.info("action=end run=%s schedule=%s status=%s reason=%s", run.id, run.schedule, end.status, end.reason)
            pause_after_failures(self._store, ended, self._around.now())
            if ended.cost is not None:
                spending.pause_at_cap(self._store, ended, self._around.now())

    def _spent(self, run: Run) -> dict[str, object]:
        """What its machines have cost, told once: a worker has gone when publishing what it left begins."""
        if run.machine_seconds is not None or run.release is not None:
            return {}
        return spent(self._store.attempts(run.id), self._around.now()).model_dump()

    def _tellable(self, run: Run, sentence: str) -> str:
        """As it is recorded: every door shows it, and channels send it.  Workers and stores may have said anything."""
        return tellable(sentence, given(self._spec_of(run), os.environ))

    def _owed(self, ended: Run) -> list[Notification]:
        """What is told of the run, as the schedule's owner wants it now."""
        schedule = self._store.schedule(ended.schedule_id)
        if schedule is None or schedule.state == ScheduleState.DELETED:
            return []
        notify = schedule.spec.notify
        before = self._store.runs(schedule.id, limit=AMONG) if looks_back(notify, ended) else ()
        return owed(notify, ended, before)

    def _leave(
        self, run: Run, attempt: Attempt, outcome: Outcome, detail: str | None = None, *, ended: bool = False
    ) -> bool:
        """Close an attempt: whoever gives up on one takes its gate first, so that a late worker never starts.

        False when a worker has just won the gate that isn't the one we saw gone: then the attempt goes on.  False also
        when the run isn't ours any more.
        ended: its result says that it is over, so the gate doesn't matter.
        """
        if not ended and not self._revoke(attempt) and self._look.started_by(attempt) != attempt.handle:
            return False
        closed = {"outcome": outcome, "detail": detail, "ended_at": self._around.now()}
        if not self._store.replace_attempt(run, attempt.model_copy(update=closed)):
            return False
        self._launcher(attempt).discard(attempt)
        return True

    def _revoke(self, attempt: Attempt) -> bool:
        """Whether the gate is ours, so that user code of this attempt never starts."""
        key = gate_key(attempt.token)
        word = json.dumps({"revoked_by": self._around.holder}).encode()
        try:
            self._around.objects.put_once(key, word)
        except ObjectExists:
            return "revoked_by" in json.loads(self._around.objects.get(key))
        return True

    def move(self, run: Run, **changes: object) -> Run | None:
        """The run with these changes, recorded; None when it isn't ours any more."""
        after = run.model_copy(update=changes)
        return after if self._store.replace_run(run, after, actor=ACTOR) else None

    def _launcher(self, attempt: Attempt) -> Launcher:
        return self._launchers[attempt.launcher]
