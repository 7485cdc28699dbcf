"""The facts that the outside shows of an open run's attempt: its result, its gate, its heartbeat, its worker."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError

from jupyter_schedule.core.models import Attempt, Outcome, Reason, Result, Run, RunStatus
from jupyter_schedule.core.object_keys import HEARTBEAT, RESULT, gate_key, worker_prefix
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store
from scheduler_service.backoff import Backoff, HeartbeatTracker, effect_key
from scheduler_service.decide import SILENCE, Gate, Observation
from scheduler_service.launchers.base import Handle, Launcher, WorkerState
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

#: seconds between two looks at a run elsewhere
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 10.0


def seconds_between_looks(watched_seconds: float, *, is_local: bool) -> float:
    """The pause between two looks at an attempt that is watched for so long, bounded by what can be news.

    A look at a run elsewhere is two requests to the work area, so one that goes for long costs 0.2 a second.  Looks
    at a worker on this machine cost next to nothing.
    """
    return 0.0 if is_local else min(max(watched_seconds / 10, SHORTEST_PAUSE), LONGEST_PAUSE)


class Observer:
    """Asks the stores and the launchers, in an order in which no answer can be taken for another."""

    def __init__(
        self,
        store: Store,
        objects: ObjectStorage,
        launchers: Mapping[str, Launcher],
        *,
        backoff: Backoff,
        heartbeats: HeartbeatTracker,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._objects = objects
        self._launchers = launchers
        self._backoff = backoff
        self._heartbeats = heartbeats
        self._now = now

    def observe(self, run: Run) -> Observation:
        """The result first, as it ends everything; then gate, heartbeat and worker.

        A worker that is gone may have taken the gate and stored a result since they were looked at, so they are looked
        at again.
        """
        *before, attempt = self._store.runs.list_attempts(run.origin)
        seen = self._observe(run, attempt)
        lost = sum(earlier.outcome == Outcome.LOST for earlier in before)
        return replace(
            seen,
            tried_since=before[0].created_at if before else None,
            lost_before=lost,
            failed_before=sum(earlier.outcome == Outcome.FINISHED for earlier in before),
            watched_for=self._heartbeats.watched_for(run.id, seen.attempt.number),
            failing_for=self._backoff.failing_for(effect_key(run.id)),
        )

    def _observe(self, run: Run, attempt: Attempt) -> Observation:
        result = self._result(attempt)
        if result is not None or run.status == RunStatus.PUBLISHING:
            return Observation(run, attempt, WorkerState.GONE, Gate.STARTED, result)
        attempt, gate = self._gate(run, attempt)
        heartbeat = self._objects.get_or_none(self.prefix(attempt) + HEARTBEAT) if attempt.worker else None
        silent_for = self._heartbeats.silent_for(run.id, attempt.number, heartbeat)
        worker = self._poll(attempt)
        if worker == WorkerState.QUEUED:
            silent_for = self._heartbeats.restart(run.id, attempt.number)
        if worker in {WorkerState.GONE, WorkerState.ORPHANED}:
            polled = attempt
            attempt, gate = self._gate(run, attempt)
            if attempt.handle != polled.handle:
                worker = self._poll(attempt)
            result = self._result(attempt)
        patience = SILENCE if heartbeat else max(SILENCE, self._launchers[attempt.launcher].starts_within)
        return Observation(run, attempt, worker, gate, result, silent_for=silent_for, patience=patience)

    def started_by(self, attempt: Attempt) -> Handle | None:
        """The worker that has the attempt's gate, if one has."""
        gate = self._objects.get_or_none(gate_key(attempt.token))
        started_by: Handle | None = json.loads(gate).get("started_by") if gate else None
        return started_by

    def prefix(self, attempt: Attempt) -> str:
        """The place that the attempt's worker writes to.  Raises ValueError while no worker is known."""
        if attempt.worker is None:
            raise ValueError(f"attempt {attempt.number} of {attempt.run_id} has no worker yet")
        return worker_prefix(attempt.worker, attempt.token)

    def _gate(self, run: Run, attempt: Attempt) -> tuple[Attempt, Gate]:
        """The attempt and its gate; the gate's winner is the worker, also when we know another that lost it."""
        if run.status == RunStatus.RUNNING and attempt.handle is not None:
            return attempt, Gate.STARTED
        word = self._objects.get_or_none(gate_key(attempt.token))
        if word is None:
            return attempt, Gate.OPEN
        said = json.loads(word)
        if "revoked_by" in said:
            return attempt, Gate.REVOKED
        if attempt.handle != said["started_by"]:
            attempt = attempt.model_copy(update={"handle": said["started_by"]})
            self._store.runs.replace_attempt(run, attempt)
        return attempt, Gate.STARTED

    def _poll(self, attempt: Attempt) -> WorkerState:
        return self._launchers[attempt.launcher].poll(attempt)

    def _result(self, attempt: Attempt) -> Result | None:
        data = self._objects.get_or_none(self.prefix(attempt) + RESULT) if attempt.worker else None
        try:
            return None if data is None else Result.model_validate_json(data)
        except ValidationError as problem:
            log.exception(logfmt("result_unreadable", run=attempt.run_id))
            return Result(
                outcome="refused",
                reason=Reason.PUBLISHING,
                sentence="The worker's result can't be read. Was another version of jupyter-schedule at work?",
                started_at=attempt.created_at,
                ended_at=self._now(),
                seconds=0,
                notes=(str(problem),),
            )
