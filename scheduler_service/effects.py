"""The effects of decisions outside: workers started and stopped, outputs published, runs ended.

An effect may fail, or come too late, at any of its steps: each writes to the ledger before it reaches outside, and
every write is guarded by the run's fence.
"""

import json
import logging
import os
from contextlib import suppress
from datetime import timedelta

from jupyter_schedule.core.account import is_foreign_folder
from jupyter_schedule.core.costs import HOURLY, actual_cost, end_of_machine
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Attempt,
    Notification,
    Outcome,
    Publisher,
    Reason,
    Result,
    Run,
    RunStatus,
    ScheduleState,
    Spec,
    UnreadableSpec,
    utc,
)
from jupyter_schedule.core.object_keys import LIVE_LOG, gate_key
from jupyter_schedule.core.storage.factory import ObjectExists
from jupyter_schedule.core.store.records import ScheduledRun
from scheduler_service.context import ACTOR, ServiceContext
from scheduler_service.decide import End, Start, Stop, give_up_publishing
from scheduler_service.launchers.base import Launcher, Launchers, LaunchRefused, NoCapacity
from scheduler_service.logfmt import logfmt
from scheduler_service.notifications.rules import needs_history, notifications_for
from scheduler_service.observe import Observer
from scheduler_service.publication_hold import PublicationStorage, WorkerFiles, publish_or_hold
from scheduler_service.publishing.fence import PublisherFence, PublisherFenced
from scheduler_service.quotas import budget_block, used_seconds
from scheduler_service.redaction import redact, secret_values
from scheduler_service.schedule_changes import RECENT_RUNS, activate_after_rehearsal, pause_after_failures, pause_at_cap
from scheduler_service.task import UPLOAD_GRACE_SECONDS, build_task, share_of, token_of
from scheduler_service.worker.task import freeze

log = logging.getLogger(__name__)

#: of a run that would have the rights of an account that didn't record it
FOREIGN = (
    "It was recorded by another account than the one that its service runs as, so nothing of it happens on that "
    "machine: let a service of your own run it, or choose machines and an area for results."
)


class Effects:
    """Carries out what was decided over one run, in whatever thread it is called."""

    def __init__(
        self,
        context: ServiceContext,
        launchers: Launchers,
        observer: Observer,
    ) -> None:
        self._context = context
        self._store = context.store
        self._launchers = launchers
        self._observer = observer
        self._account = context.account

    def start(self, held: ScheduledRun, start: Start) -> None:
        """Plan the next attempt, record it with all that is frozen in it, and launch it."""
        run, spec, _ = held
        if not self._close_before(held, start):
            return
        if run.reason is Reason.UNREADABLE or isinstance(spec, UnreadableSpec):
            unreadable = spec.sentence if isinstance(spec, UnreadableSpec) else run.message
            self.end(held, None, End(RunStatus.FAILED, Reason.UNREADABLE, unreadable or ""))
            return
        if refused := self._quota_block(held):
            self.end(held, None, End(RunStatus.SKIPPED, Reason.CAP, refused))
            return
        if refused := budget_block(self._store, run, spec, self._context.now()):
            self.end(held, None, End(RunStatus.SKIPPED, Reason.CAP, refused))
            pause_at_cap(self._store, run, self._context.now())
            return
        try:
            attempt = self._plan_attempt(held, self._launchers[spec.launcher])
        except LaunchRefused as refusal:
            self.end(held, None, End(RunStatus.FAILED, refusal.reason, str(refusal)))
            return
        except Refused as refusal:
            self.end(held, None, End(RunStatus.FAILED, Reason.ENVIRONMENT_GONE, refusal.message))
            return
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": attempt.number})
        if self._store.runs.add_attempt(attempt, run, launching, actor=ACTOR):
            log.info(logfmt("launch", run=run.id, schedule=run.schedule, attempt=attempt.number))
            self.launch(held._replace(run=launching), attempt)

    def _close_before(self, held: ScheduledRun, start: Start) -> bool:
        """Close the attempt that is followed by another; False when it goes on, or the run isn't ours any more."""
        if start.lost:
            why = None if start.why is None else self._redact(held.spec, start.why)
            return self._close_attempt(held, start.lost, start.outcome, why)
        if start.failed:
            failed, result = start.failed
            return self._close_attempt(held, failed, Outcome.FINISHED, self._redact(held.spec, result.sentence), result)
        return True

    def _quota_block(self, held: ScheduledRun) -> str | None:
        """The sentence that says that this month's machine-hours are used up; None while they aren't."""
        launcher, now = held.spec.launcher, self._context.now()
        quota = self._launchers[launcher].hours
        if not quota.any or held.run.attempt > 0:
            return None
        return quota.refusal(used_seconds(self._store, launcher, now), held.owner, now)

    def _plan_attempt(self, held: ScheduledRun, launcher: Launcher) -> Attempt:
        """The next attempt with all that is frozen in it.

        Raises LaunchRefused, and Refused when what it needs, such as its zone, is gone.
        """
        run, spec = held.run, held.spec
        foreign = self._account is not None and not self._account.has_sealed(run.schedule_id, spec)
        if (foreign and launcher.place is not None) or is_foreign_folder(self._account, run.schedule_id, spec):
            raise LaunchRefused(FOREIGN)
        number = run.attempt + 1
        token = token_of(self._context.secret, run.id, number)
        now = utc(self._context.now())
        deadline = now + timedelta(seconds=spec.timeout * 60 + UPLOAD_GRACE_SECONDS)
        task = build_task(
            run,
            spec,
            number=number,
            token=token,
            worker=launcher.identity,
            work_area=self._context.work_area,
            launcher_environment=launcher.environment(),
            share=share_of(self._context.secret, held.owner),
        )
        lost = sum(before.outcome is Outcome.LOST for before in self._store.runs.list_attempts(run.id))
        plan = launcher.plan(run, spec, number=number, token=token, deadline=deadline, lost=lost)
        parameters = freeze(task, plan)
        if self._account is not None:
            parameters |= {"signature": self._account.sign(parameters)}
        return Attempt(
            run_id=run.id,
            number=number,
            token=token,
            launcher=spec.launcher,
            place=launcher.place,
            parameters=parameters,
            deadline=deadline,
            created_at=now,
        )

    def launch(self, held: ScheduledRun, attempt: Attempt) -> None:
        """Ask for the attempt's worker, once more with the same frozen parameters if it was asked for before."""
        if self._observer.started_by(attempt) is not None:
            # a ledger from a backup may not know of a worker that has long begun
            return
        launcher = self._launcher(attempt)
        try:
            if launcher.place is not None and not self._is_signed(attempt):
                raise LaunchRefused(FOREIGN)
            handle = launcher.launch(attempt)
        except LaunchRefused as refusal:
            self.end(held, attempt, End(RunStatus.FAILED, refusal.reason, str(refusal), Outcome.REFUSED))
            return
        except NoCapacity as shortage:
            self._close_attempt(held, attempt, Outcome.NO_CAPACITY, self._redact(held.spec, str(shortage)))
            return
        # who has the gate is the worker; one that is quick has ended before anybody observes it
        worker = self._observer.started_by(attempt) or handle
        self._store.runs.replace_attempt(held.run, attempt.model_copy(update={"handle": worker}))

    def _is_signed(self, attempt: Attempt) -> bool:
        """True when what is frozen in the attempt was frozen by this account, or the ledger is this account's alone."""
        if self._account is None:
            return True
        frozen = {key: value for key, value in attempt.parameters.items() if key != "signature"}
        return self._account.has_signed(frozen, attempt.parameters.get("signature"))

    def publish(self, held: ScheduledRun, attempt: Attempt, result: Result, *, last: bool = False) -> None:
        """Publish what a finished attempt left, and end the run; also when it is the `last` try and fails."""
        run, spec, _ = held
        moved = self.move(
            run,
            status=RunStatus.PUBLISHING,
            started_at=run.started_at or result.started_at,
            seconds=result.seconds,
            **self._costs_of(run, attempt, result),
        )
        if moved is None:
            return
        storage = PublicationStorage(self._context.open_objects, self._context.storage, self._context.now())
        files = WorkerFiles(self._context.objects, self._observer.prefix(attempt), self._context.limits)
        schedule = self._store.schedules.get(run.schedule_id)
        if schedule is None:  # who can read it now isn't known to us
            raise OSError("The schedule was changed by a newer jupyter-schedule: upgrade this one.")
        with PublisherFence(self._store.publications, moved, schedule) as fence:
            try:
                end, publication = publish_or_hold(run, spec, schedule, result, fence, files=files, storage=storage)
            except PublisherFenced:
                log.info(logfmt("publisher_fenced", run=run.id, schedule=run.schedule))
                return
            except Refused:
                raise
            except Exception as problem:
                if not last:
                    raise
                log.warning(logfmt("publishing_given_up", run=run.id, message=problem))
                end, publication = give_up_publishing(result, problem), None
            published = moved.model_copy(update={"publication": publication})
            self.end(held._replace(run=published), attempt, end, fence.publisher)

    def stop(self, run: Run, attempt: Attempt, stop: Stop) -> None:
        """Take the gate; if the worker has it already, end the worker.  The next look tells what became of it."""
        if self._revoke(attempt):
            return
        # why is known to whoever comes after us, and nothing is done by one who isn't the holder any more
        if self._store.runs.replace_attempt(run, attempt.model_copy(update={"outcome": stop.why})):
            launcher = self._launcher(attempt)
            (launcher.kill if stop.at_once else launcher.terminate)(attempt)

    def end(self, held: ScheduledRun, attempt: Attempt | None, end: End, publisher: Publisher | None = None) -> None:
        """End the run, and its attempt if it has one.

        publisher: of what was published; the run goes on when its schedule isn't as private any more as it was then.
        """
        run, result = held.run, end.result
        outcome = end.outcome or Outcome.FINISHED
        message = self._redact(held.spec, end.message)
        # the attempt of a run that is released was closed by that run
        own = attempt if attempt is not None and attempt.run_id == run.id else None
        if own is not None and not self._close_attempt(held, own, outcome, message, result):
            return
        if end.status is RunStatus.SUCCEEDED:
            activate_after_rehearsal(self._store, run, self._context.now())
        ended = run.model_copy(
            update={
                "status": end.status,
                "reason": end.reason,
                "message": message,
                "started_at": run.started_at or (result.started_at if result else None),
                "ended_at": utc(self._context.now()),
                "seconds": result.seconds if result else run.seconds,
                **self._costs_of(run),
            }
        )
        notifications = self._notifications_for(ended)
        if self._store.runs.replace(run, ended, actor=ACTOR, notifications=notifications, publisher=publisher):
            log.info(logfmt("end", run=run.id, schedule=run.schedule, status=end.status, reason=end.reason))
            pause_after_failures(self._store, ended, self._context.now())
            if ended.cost is not None:
                pause_at_cap(self._store, ended, self._context.now())

    def _costs_of(self, run: Run, attempt: Attempt | None = None, result: Result | None = None) -> dict[str, object]:
        """The cost of its machines, reckoned once: a worker has gone when publishing what it left begins.

        attempt: the one that isn't closed yet, if any, with its result.
        """
        if run.machine_seconds is not None or run.release is not None:
            return {}
        attempts, now = self._store.runs.list_attempts(run.id), self._context.now()
        if attempt is not None:
            # to the second, as it is recorded
            ended = attempt.model_copy(update={"ended_at": utc(end_of_machine(attempt, now, result))})
            attempts = [ended if each.number == attempt.number else each for each in attempts]
        return actual_cost(attempts, now).model_dump()

    def _redact(self, spec: Spec, sentence: str) -> str:
        """As it is recorded: every door shows it, and channels send it.  Workers and stores may have said anything."""
        return redact(sentence, secret_values(spec, os.environ))

    def _notifications_for(self, ended: Run) -> list[Notification]:
        """The notifications about the run that the schedule's owner wants now."""
        schedule = self._store.schedules.get(ended.schedule_id)
        if schedule is None or schedule.state == ScheduleState.DELETED:
            return []
        notify = schedule.spec.notify
        before = self._store.runs.list_newest(schedule.id, limit=RECENT_RUNS) if needs_history(notify, ended) else ()
        return notifications_for(notify, ended, before)

    def _close_attempt(
        self,
        held: ScheduledRun,
        attempt: Attempt,
        outcome: Outcome,
        detail: str | None = None,
        result: Result | None = None,
    ) -> bool:
        """Close an attempt: whoever gives up on one takes its gate first, so that a late worker never starts.

        False when a worker has just won the gate that isn't the one we saw gone: then the attempt goes on.  False also
        when the run isn't ours any more.
        result: says that it is over, so the gate doesn't matter.
        """
        if result is None and not self._revoke(attempt) and self._observer.started_by(attempt) != attempt.handle:
            return False
        launcher = self._launcher(attempt)
        told = launcher.explain_end(attempt) if result is None else None
        now = self._context.now()
        ended_at = (
            end_of_machine(attempt, now, result, told.at if told else None) if HOURLY in attempt.parameters else now
        )
        closed = {"outcome": outcome, "detail": detail, "ended_at": utc(ended_at)}
        if not self._store.runs.replace_attempt(held.run, attempt.model_copy(update=closed)):
            return False
        if told is not None and told.log:
            self._keep_last_words(held.spec, attempt, told.log)
        launcher.discard(attempt)
        return True

    def _keep_last_words(self, spec: Spec, attempt: Attempt, log_text: str) -> None:
        """Let what a machine printed be its run's log, unless its agent has begun one."""
        if attempt.worker is None:
            return
        key = f"{self._observer.prefix(attempt)}{LIVE_LOG}0"
        with suppress(ObjectExists):
            self._context.objects.put_once(key, f"{self._redact(spec, log_text)}\n".encode())

    def _revoke(self, attempt: Attempt) -> bool:
        """Take the gate; True when it is ours, so that user code of this attempt never starts."""
        key = gate_key(attempt.token)
        word = json.dumps({"revoked_by": self._context.holder}).encode()
        try:
            self._context.objects.put_once(key, word)
        except ObjectExists:
            return "revoked_by" in json.loads(self._context.objects.get(key))
        return True

    def move(self, run: Run, **changes: object) -> Run | None:
        """The run with these changes, recorded; None when it isn't ours any more."""
        after = run.model_copy(update=changes)
        return after if self._store.runs.replace(run, after, actor=ACTOR) else None

    def _launcher(self, attempt: Attempt) -> Launcher:
        return self._launchers[attempt.launcher]
