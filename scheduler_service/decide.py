"""What to do next, from what is known: pure.  `tick` loads what these functions read and applies what they answer.

Two questions: which of the runs that are due may start (`decide_due`), and what an open run's attempt needs
(`decide_attempt`).  Neither reads a clock, a store or an object.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_schedule.core.models import (
    Attempt,
    CatchUp,
    Outcome,
    Overlap,
    Reason,
    Result,
    Run,
    RunStatus,
    Spec,
    Trigger,
)
from scheduler_service.launchers.base import WorkerState

#: tries at a run whose workers were lost
MAX_ATTEMPTS = 3
#: how long a worker that nobody heard of may take before its attempt is launched again, with the same token
SILENT_LAUNCH = timedelta(seconds=20)
#: seconds of nothing but failure after which publishing is given up
PUBLISHING_TIME = 15 * 60
#: seconds without a heartbeat after which a worker counts as hung
SILENCE = 180


@dataclass(frozen=True)
class Seen:
    """An open run's attempt and what the outside says about it.  `result` was read after `worker`, never before."""

    run: Run
    attempt: Attempt
    worker: WorkerState
    #: whether the attempt's gate says that user code may have started
    started: bool = False
    result: Result | None = None
    #: seconds awake: how long we have watched it, how long it has been silent, how long our effects on it have failed
    watched_for: float = 0
    silent_for: float = 0
    failing_for: float = 0

    def out_of_time(self, now: datetime) -> bool:
        """Whether the deadline has passed by the clock and while we were awake: a laptop that slept hasn't worked."""
        time_given = (self.attempt.deadline - self.attempt.created_at).total_seconds()
        return now >= self.attempt.deadline and self.watched_for >= time_given


@dataclass(frozen=True)
class Wait:
    """Nothing to do yet."""


@dataclass(frozen=True)
class Start:
    """Record a further attempt and launch it.  `lost`: the attempt it follows, to be closed first."""

    lost: Attempt | None = None


@dataclass(frozen=True)
class Relaunch:
    """Launch the recorded attempt again: its parameters and token are frozen, so at most one worker gets to start."""


@dataclass(frozen=True)
class MarkRunning:
    """The worker has started user code."""


@dataclass(frozen=True)
class Publish:
    """Promote the outputs that the result lists."""

    result: Result


@dataclass(frozen=True)
class Stop:
    """Keep the attempt from starting, or end its worker if it has."""


@dataclass(frozen=True)
class CancelOther:
    """Ask the run that is still going to stop."""

    run: Run


@dataclass(frozen=True)
class End:
    """The run is over."""

    status: RunStatus
    reason: Reason
    message: str
    outcome: Outcome | None = None
    result: Result | None = None


Decision = Wait | Start | Relaunch | MarkRunning | Publish | Stop | CancelOther | End


def decide_due(
    due: Sequence[Run], going: Sequence[Run], spec_of: Callable[[Run], Spec], room: int
) -> list[tuple[Run, Decision]]:
    """Which of the `due` runs start, beside those that are `going`, when `room` more may go at once.

    Runs start in the order given.  Two runs of a schedule go at once only under `allow`.  `queue_one` keeps the newest
    of the scheduled runs that wait, unless the schedule catches up on all.
    """
    busy = {run.schedule_id: run for run in going}
    newest = {run.schedule_id: run.id for run in due if run.trigger == Trigger.SCHEDULE}
    decisions: list[tuple[Run, Decision]] = []
    for run in due:
        spec = spec_of(run)
        decision = _decide_one_due(run, spec, busy.get(run.schedule_id), newest.get(run.schedule_id), room)
        decisions.append((run, decision))
        if isinstance(decision, Start):
            room -= 1
            busy[run.schedule_id] = run
    return decisions


def _decide_one_due(run: Run, spec: Spec, other: Run | None, newest: str | None, room: int) -> Decision:
    scheduled = run.trigger == Trigger.SCHEDULE
    if run.cancelled_by:
        return End(RunStatus.CANCELLED, Reason.BY_HAND, f"Stopped by {run.cancelled_by} before it started.")
    if scheduled and spec.overlap == Overlap.QUEUE_ONE and spec.catch_up != CatchUp.ALL and run.id != newest:
        return End(
            RunStatus.SKIPPED, Reason.SUPERSEDED, "A newer time came due while it waited; that one runs instead."
        )
    if other is None or spec.overlap == Overlap.ALLOW:
        return Start() if room > 0 else Wait()
    if scheduled and spec.overlap == Overlap.SKIP:
        return End(RunStatus.SKIPPED, Reason.OVERLAP, "The run before it was still going.")
    if scheduled and spec.overlap == Overlap.CANCEL_PREVIOUS and not other.cancelled_by:
        return CancelOther(other)
    return Wait()


def decide_attempt(seen: Seen, now: datetime) -> Decision:
    """What an open run that has an attempt needs: the result first, then the worker's state, then wishes and limits."""
    if seen.run.status == RunStatus.PUBLISHING:
        return _decide_publishing(seen)
    if seen.result is not None:
        return _decide_result(seen, seen.result, now)
    silent = seen.silent_for >= SILENCE
    if seen.worker == WorkerState.GONE or (seen.worker == WorkerState.UNREACHABLE and silent):
        return _decide_lost(seen, now, "The worker disappeared without a word")
    if seen.run.cancelled_by or seen.out_of_time(now) or (seen.worker == WorkerState.ALIVE and silent):
        return Stop()
    if seen.worker == WorkerState.UNKNOWN and now >= seen.attempt.created_at + SILENT_LAUNCH:
        return Relaunch()
    if seen.started and seen.run.status == RunStatus.LAUNCHING:
        return MarkRunning()
    return Wait()


def _decide_publishing(seen: Seen) -> Decision:
    if seen.result is None:
        message = "The run succeeded, but its outputs are gone, so nothing was published."
        return End(RunStatus.FAILED, Reason.PUBLISHING, message, Outcome.FINISHED)
    if seen.failing_for >= PUBLISHING_TIME:
        message = "The run succeeded; publishing didn't, for 15 minutes. Its files are kept with the run."
        return End(RunStatus.FAILED, Reason.PUBLISHING, message, Outcome.FINISHED, seen.result)
    return Publish(seen.result)


def _decide_result(seen: Seen, result: Result, now: datetime) -> Decision:
    whole = result.reason in {Reason.OK, Reason.EMPTY_OUTPUT}
    if result.outcome == "finished" and result.exit_code == 0 and whole:
        return Publish(result)
    if result.outcome == "timed_out":
        return End(RunStatus.TIMED_OUT, Reason.TIME_LIMIT, result.sentence, Outcome.TIMED_OUT, result)
    if result.outcome == "stopped":
        return _decide_lost(seen, now, "The worker was stopped from outside")
    return End(RunStatus.FAILED, result.reason, result.sentence, Outcome.FINISHED, result)


def _decide_lost(seen: Seen, now: datetime, cause: str) -> Decision:
    """A worker that is over without having finished: as it was wanted, out of time, or lost and tried again."""
    if seen.run.cancelled_by:
        message = f"Stopped by {seen.run.cancelled_by}."
        return End(RunStatus.CANCELLED, Reason.BY_HAND, message, Outcome.CANCELLED, seen.result)
    if seen.out_of_time(now):
        message = "Timed out: stopped by the scheduler, as the worker didn't stop by itself."
        return End(RunStatus.TIMED_OUT, Reason.TIME_LIMIT, message, Outcome.TIMED_OUT, seen.result)
    if seen.attempt.number < MAX_ATTEMPTS:
        return Start(lost=seen.attempt)
    message = f"{cause}, in each of {MAX_ATTEMPTS} attempts."
    return End(RunStatus.FAILED, Reason.LOST, message, Outcome.LOST, seen.result)
