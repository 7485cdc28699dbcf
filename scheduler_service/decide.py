"""The next step, decided from what is known: pure.  `tick` loads what these functions read and applies the answers.

Two questions: what becomes of a due run before it starts (`decide_waiting`), and what a run that goes needs
(`decide_attempt`).  Neither reads a clock, a store or an object.  Which due runs start is decided by
`core.timing.admission`, in the transaction that counts what goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

from jupyter_schedule.core.models import (
    GOING_STATUSES,
    Attempt,
    CatchUp,
    Outcome,
    Overlap,
    Policies,
    Reason,
    Result,
    Run,
    RunStatus,
    Spec,
    Trigger,
)
from jupyter_schedule.core.store.records import ScheduledRun
from jupyter_schedule.core.timing.run_queue import may_overlap
from scheduler_service.launchers.base import WorkerState
from scheduler_service.retries import missed_deadline, next_retry_at

#: of a schedule that has none
NO_POLICIES = Policies()
#: tries at a run whose workers were lost
MAX_ATTEMPTS = 3
#: how long a worker that nobody heard of may take before its attempt is launched again, with the same token
SILENT_LAUNCH = timedelta(seconds=20)
#: seconds of nothing but failure after which publishing is given up by the next try that fails
PUBLISHING_TIME = 15 * 60
#: seconds without a heartbeat after which a worker counts as hung
SILENCE = 180
#: how long after its first try a run may wait for a worker that nobody has
START_DEADLINE = timedelta(hours=2)
#: seconds until the next way to get a worker is tried, growing with every attempt up to the second; up to half of that
#: more or less, as the attempt's token has it
CAPACITY_PAUSE = (5, 60)
#: of a worker that nobody says anything of
SILENT_END = "The worker disappeared without a word"
#: seconds past its deadline that a worker which was asked to end may take to save what it has
LAST_WORDS = 60


class Gate(StrEnum):
    """The holder of an attempt's gate, which is taken once and for ever."""

    OPEN = "open"
    #: the worker: its user code may have started
    STARTED = "started"
    #: a service: its user code never starts
    REVOKED = "revoked"


@dataclass(frozen=True)
class Observation:
    """An open run's attempt and all that the outside says about it.

    If the worker is gone, `result` was read after that was seen: a worker writes its result before it goes.  If the
    gate is its worker's, `worker` is the state of that worker, not of another that lost the gate.
    """

    run: Run
    attempt: Attempt
    worker: WorkerState
    gate: Gate = Gate.OPEN
    result: Result | None = None
    #: when the first attempt was recorded, None if that is this one
    tried_since: datetime | None = None
    #: how many attempts before this one were lost
    lost_before: int = 0
    #: how many before this one ended by themselves, badly
    failed_before: int = 0
    policies: Policies = NO_POLICIES
    #: seconds without a heartbeat after which the worker counts as hung
    patience: float = SILENCE
    #: seconds awake: how long we have watched it, how long it has been silent, how long our effects on it have failed
    watched_for: float = 0
    silent_for: float = 0
    failing_for: float = 0

    @property
    def first_tried_at(self) -> datetime:
        """The time at which its first attempt was recorded: what waited for room before hasn't looked for a worker."""
        return self.tried_since or self.attempt.created_at

    def out_of_time(self, now: datetime, beyond: float = 0) -> bool:
        """True when the deadline has passed by the clock and while we were awake: a laptop that slept hasn't worked.

        beyond: so many seconds ago.
        """
        time_given = (self.attempt.deadline - self.attempt.created_at).total_seconds() + beyond
        return now >= self.attempt.deadline + timedelta(seconds=beyond) and self.watched_for >= time_given


@dataclass(frozen=True)
class Wait:
    """Nothing to do yet."""


@dataclass(frozen=True)
class Start:
    """Record a further attempt and launch it.

    lost, failed: the attempt it follows, to be closed first; with the result of one that failed by itself.
    outcome, why: of the lost one.
    """

    lost: Attempt | None = None
    outcome: Outcome = Outcome.LOST
    why: str | None = field(default=None, compare=False)
    failed: tuple[Attempt, Result] | None = None


@dataclass(frozen=True)
class Relaunch:
    """Launch the recorded attempt again: its parameters and token are frozen, so at most one worker gets to start."""


@dataclass(frozen=True)
class TellQueued:
    """Say what the worker waits for, in its engine's words."""

    sentence: str


@dataclass(frozen=True)
class MarkRunning:
    """The worker has started user code."""


@dataclass(frozen=True)
class Publish:
    """Promote the outputs that the result lists."""

    result: Result
    #: it has failed for so long that the run fails with this try, if that fails too
    last: bool = False


@dataclass(frozen=True)
class Promote:
    """Go straight to publishing: the outputs are another run's."""


@dataclass(frozen=True)
class Stop:
    """Keep the attempt from starting, or end its worker if it has; `why` is recorded before that is done."""

    why: Outcome
    #: without time to save what it has
    at_once: bool = False


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


Decision = Wait | Start | Promote | Relaunch | TellQueued | MarkRunning | Publish | Stop | CancelOther | End


def decide_waiting(runs: Sequence[ScheduledRun], now: datetime) -> list[tuple[ScheduledRun, Decision]]:
    """The decisions on due runs beside the others of their schedules, in the order given; those that wait are left out.

    runs: all open ones of some schedules; backfills that merely wait needn't be among them.  `queue_one` keeps the
    newest of the scheduled runs that wait, unless the schedule catches up on all.  Nothing is skipped or stopped for a
    backfill.
    """
    going: dict[str, list[Run]] = {}
    newest: dict[str, Run] = {}
    for run, _, _ in runs:
        if run.status in GOING_STATUSES:
            going.setdefault(run.schedule_id, []).append(run)
        elif run.trigger == Trigger.SCHEDULE:
            # of equal times the one that came last; a clock that ran ahead may have recorded a later time before
            newest[run.schedule_id] = max(run, newest.get(run.schedule_id, run), key=lambda one: one.scheduled_for)
    decisions: list[tuple[ScheduledRun, Decision]] = []
    for each in runs:
        run, spec, _ = each
        if run.status != RunStatus.DUE:
            continue
        decision = _decide_one_waiting(run, spec, going.get(run.schedule_id, ()), newest.get(run.schedule_id))
        if isinstance(decision, Wait | CancelOther) and missed_deadline(spec.policies, run, now):
            decision = End(RunStatus.SKIPPED, Reason.TOO_LATE, _too_late(spec.policies))
        if not isinstance(decision, Wait):
            decisions.append((each, decision))
    return decisions


def _decide_one_waiting(run: Run, spec: Spec, beside: Sequence[Run], newest: Run | None) -> Decision:
    if run.cancelled_by or run.reason is Reason.UNREADABLE:
        return decide_unlaunched(run)
    if run.trigger != Trigger.SCHEDULE:
        return Promote() if run.release else Wait()
    if spec.overlap == Overlap.QUEUE_ONE and spec.catch_up != CatchUp.ALL and run is not newest:
        return End(
            RunStatus.SKIPPED, Reason.SUPERSEDED, "A newer time came due while it waited; that one runs instead."
        )
    if may_overlap(run, spec.overlap, beside) or beside[-1].trigger == Trigger.BACKFILL:
        return Wait()
    other = beside[-1]
    if spec.overlap == Overlap.SKIP:
        return End(RunStatus.SKIPPED, Reason.OVERLAP, "The run before it was still going.")
    stoppable = other.status != RunStatus.PUBLISHING and not other.cancelled_by
    if spec.overlap == Overlap.CANCEL_PREVIOUS and stoppable:
        return CancelOther(other)
    return Wait()


def _too_late(policies: Policies, waited_for: str | None = None) -> str:
    """waited_for: what its engine said last."""
    return f"It couldn't start within {policies.start_deadline} minutes of its time. {waited_for or ''}".strip()


def decide_unlaunched(run: Run) -> Decision:
    """The next step of a run that may start and has no attempt yet."""
    if run.cancelled_by:
        return End(RunStatus.CANCELLED, Reason.BY_HAND, f"Stopped by {run.cancelled_by} before it started.")
    if run.reason is Reason.UNREADABLE:
        return End(RunStatus.FAILED, run.reason, run.message or "")
    return Start()


def decide_attempt(seen: Observation, now: datetime) -> Decision:
    """The next step of an open run's attempt: the result first, then the worker's state, then wishes and limits."""
    if seen.run.status == RunStatus.PUBLISHING:
        return _decide_publishing(seen)
    if seen.result is not None:
        return _decide_result(seen, seen.result, now)
    if seen.gate == Gate.REVOKED or seen.worker == WorkerState.GONE:
        return _decide_over(seen, now)
    if seen.worker == WorkerState.UNREACHABLE and seen.gate == Gate.STARTED:
        return _decide_unreachable(seen, now)
    if seen.worker == WorkerState.QUEUED:
        return _decide_queued(seen, now)
    if stop := _reason_to_stop(seen, now):
        return stop
    if seen.worker == WorkerState.UNKNOWN and now >= seen.attempt.created_at + SILENT_LAUNCH:
        return Relaunch()
    return _decide_started(seen)


def _decide_queued(seen: Observation, now: datetime) -> Decision:
    """It may wait as long as its schedule lets it; none of its time has passed."""
    if seen.run.cancelled_by:
        return Stop(Outcome.CANCELLED, at_once=True)
    if seen.gate == Gate.STARTED:
        # its engine lost the worker that had begun, and would begin once more
        return Stop(Outcome.LOST, at_once=True)
    if missed_deadline(seen.policies, seen.run, now):
        return Stop(Outcome.TIMED_OUT, at_once=True)
    sentence = seen.worker.waits_for
    return TellQueued(sentence) if sentence and sentence != seen.run.message else Wait()


def _decide_over(seen: Observation, now: datetime) -> Decision:
    """No worker is at it, and there is no result."""
    if seen.attempt.outcome == Outcome.NO_CAPACITY:
        return _decide_without_worker(seen, now)
    end = seen.worker.end
    if seen.attempt.outcome == Outcome.LOST:
        return _decide_lost(seen, now, "The worker gave no sign of life any more, so the service ended it")
    if end is not None and seen.worker == WorkerState.GONE:
        return _decide_lost(seen, now, end.sentence)
    began = seen.gate != Gate.REVOKED
    return _decide_lost(seen, now, SILENT_END if began else "No worker began in time")


def _decide_without_worker(seen: Observation, now: datetime) -> Decision:
    """Nobody had a worker that way: try the next way, until the run has waited too long."""
    if seen.run.cancelled_by:
        message = f"Stopped by {seen.run.cancelled_by} before it started."
        return End(RunStatus.CANCELLED, Reason.BY_HAND, message, Outcome.NO_CAPACITY)
    return _decide_shortage(seen, now, seen.attempt.ended_at or now, Start(), seen.attempt.detail)


def _decide_shortage(seen: Observation, now: datetime, since: datetime, start: Start, detail: str | None) -> Decision:
    """Start after a pause that grows, until the run has waited too long.

    since: when the last way turned out to have nothing.
    """
    if now >= seen.first_tried_at + START_DEADLINE:
        message = f"No worker could be started for 2 hours. {detail or ''}".strip()
        return End(RunStatus.FAILED, Reason.NO_CAPACITY, message, Outcome.NO_CAPACITY)
    shortest, longest = CAPACITY_PAUSE
    # those that found nothing together don't ask together again
    spread = 0.5 + crc32(seen.attempt.token.encode()) / 2**32
    pause = timedelta(seconds=min(shortest * seen.attempt.number, longest) * spread)
    return start if now >= since + pause else Wait()


def _decide_started(seen: Observation) -> Decision:
    started = seen.gate == Gate.STARTED and seen.run.status == RunStatus.LAUNCHING
    return MarkRunning() if started else Wait()


def _decide_unreachable(seen: Observation, now: datetime) -> Decision:
    """Nobody can tell whether it still works, however silent it is: only its own end of time is sure.

    A heartbeat after that contradicts the clock.
    """
    if now < seen.attempt.deadline or seen.silent_for < seen.patience:
        return _decide_started(seen)
    message = "Timed out: its worker is on a machine that can't be asked any more."
    return End(RunStatus.TIMED_OUT, Reason.TIME_LIMIT, message, Outcome.TIMED_OUT)


def _reason_to_stop(seen: Observation, now: datetime) -> Stop | None:
    if seen.out_of_time(now):
        return Stop(Outcome.TIMED_OUT, at_once=seen.out_of_time(now, LAST_WORDS))
    silent = seen.silent_for >= seen.patience
    if seen.run.cancelled_by:
        return Stop(Outcome.CANCELLED, at_once=silent)
    if seen.worker == WorkerState.ORPHANED or (silent and seen.worker != WorkerState.UNREACHABLE):
        return Stop(Outcome.LOST, at_once=True)
    return None


def _decide_publishing(seen: Observation) -> Decision:
    if seen.result is None:
        message = "The run succeeded, but its outputs are gone, so nothing was published."
        return End(RunStatus.FAILED, Reason.PUBLISHING, message, Outcome.FINISHED)
    # only a try tells whether the area is back, so none is given up without one
    return Publish(seen.result, last=seen.failing_for >= PUBLISHING_TIME)


def give_up_publishing(result: Result, problem: BaseException) -> End:
    """The end of a run whose last try to publish has failed."""
    cause = str(problem).rstrip(".")
    message = f"The run succeeded; publishing didn't, for 15 minutes ({cause}). Its files are kept with the run."
    return End(RunStatus.FAILED, Reason.PUBLISHING, message, Outcome.FINISHED, result)


def _decide_result(seen: Observation, result: Result, now: datetime) -> Decision:
    whole = result.reason in {Reason.OK, Reason.EMPTY_OUTPUT}
    if result.outcome == "finished" and result.exit_code == 0 and whole:
        return Publish(result)
    if result.outcome == "timed_out":
        return End(RunStatus.TIMED_OUT, Reason.TIME_LIMIT, result.sentence, Outcome.TIMED_OUT, result)
    if result.outcome == "stopped":
        return _decide_lost(seen, now, f"The worker was stopped from outside. {result.sentence}".strip())
    again = None if seen.run.cancelled_by else next_retry_at(seen.policies, result, seen.failed_before)
    if again is not None:
        return Start(failed=(seen.attempt, result)) if now >= again else Wait()
    return End(RunStatus.FAILED, result.reason, result.sentence, Outcome.FINISHED, result)


def _decide_lost(seen: Observation, now: datetime, cause: str) -> Decision:
    """A worker that is over without having finished: as it was wanted, out of time, or lost and tried again."""
    never_started = seen.gate == Gate.REVOKED
    if seen.run.cancelled_by:
        message = f"Stopped by {seen.run.cancelled_by}{' before it started' if never_started else ''}."
        return End(RunStatus.CANCELLED, Reason.BY_HAND, message, Outcome.CANCELLED, seen.result)
    if never_started and missed_deadline(seen.policies, seen.run, now):
        return End(RunStatus.SKIPPED, Reason.TOO_LATE, _too_late(seen.policies, seen.run.message), Outcome.TIMED_OUT)
    if seen.attempt.outcome == Outcome.TIMED_OUT or seen.out_of_time(now):
        message = "Timed out: stopped by the scheduler, as the worker didn't stop by itself."
        if never_started:
            message = "Timed out: no worker started in time."
        return End(RunStatus.TIMED_OUT, Reason.TIME_LIMIT, message, Outcome.TIMED_OUT, seen.result)
    end = seen.worker.end
    if end is not None and end.is_final:
        return End(RunStatus.FAILED, Reason.CONFIG, end.sentence, Outcome.LOST, seen.result)
    if seen.lost_before + 1 < MAX_ATTEMPTS:
        if end is not None and end.is_shortage:
            start = Start(lost=seen.attempt, outcome=Outcome.NO_CAPACITY, why=end.sentence)
            return _decide_shortage(seen, now, seen.attempt.created_at, start, end.sentence)
        return Start(lost=seen.attempt, why=cause)
    message = f"{cause}, in each of {MAX_ATTEMPTS} attempts."
    if cause.endswith("."):
        message = f"{cause} It was the last of {MAX_ATTEMPTS} attempts."
    return End(RunStatus.FAILED, Reason.LOST, message, Outcome.LOST, seen.result)
