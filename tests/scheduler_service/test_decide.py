"""The truth tables of what happens next."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from jupyter_schedule.core.models import (
    Approval,
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
from scheduler_service.decide import (
    MAX_ATTEMPTS,
    CancelOther,
    Decision,
    End,
    Gate,
    MarkRunning,
    Observation,
    Promote,
    Publish,
    Relaunch,
    Start,
    Stop,
    TellQueued,
    Wait,
    decide_attempt,
    decide_unlaunched,
    decide_waiting,
    give_up_publishing,
)
from scheduler_service.launchers.base import WorkerEnd, WorkerState
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def a_result(outcome: str = "finished", **changes: Any) -> Result:
    plain: dict[str, Any] = {
        "outcome": outcome,
        "exit_code": 0,
        "reason": Reason.OK,
        "sentence": "Succeeded in 6 s.",
        "started_at": NOON,
        "ended_at": NOON + 6 * SECOND,
        "seconds": 6.0,
    }
    return Result(**plain | changes)


def seen(
    *,
    status: RunStatus = RunStatus.RUNNING,
    worker: WorkerState = WorkerState.ALIVE,
    gate: Gate = Gate.STARTED,
    result: Result | None = None,
    cancelled_by: str | None = None,
    number: int = 1,
    without_worker_since: datetime | None = None,
    **heard: float,
) -> Observation:
    run = make_run(make_schedule(), status=status, attempt=number, cancelled_by=cancelled_by)
    left = {"outcome": Outcome.NO_CAPACITY, "ended_at": without_worker_since, "detail": "None left."}
    attempt = make_attempt(run, number, **(left if without_worker_since else {}))
    return Observation(run, attempt, worker, gate=gate, result=result, lost_before=number - 1, **heard)  # type: ignore[arg-type]


class TestAttempt:
    """One open run that has an attempt, ten seconds after noon; the attempt's deadline is at one."""

    @pytest.mark.parametrize(
        ("what", "expected"),
        [
            (seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN), Wait()),
            (seen(status=RunStatus.LAUNCHING), MarkRunning()),
            (seen(), Wait()),
            (seen(result=a_result()), Publish(a_result())),
            (seen(status=RunStatus.LAUNCHING, result=a_result()), Publish(a_result())),
            (seen(worker=WorkerState.GONE, result=a_result()), Publish(a_result())),
            (seen(status=RunStatus.PUBLISHING, result=a_result()), Publish(a_result())),
            (seen(cancelled_by="ann"), Stop(Outcome.CANCELLED)),
            (seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, cancelled_by="ann"), Stop(Outcome.CANCELLED)),
            (seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, worker=WorkerState.UNKNOWN), Wait()),
        ],
    )
    def test_an_ordinary_run_goes_its_way(self, what: Observation, expected: Decision) -> None:
        assert decide_attempt(what, NOON + 10 * SECOND) == expected

    def test_a_worker_in_a_queue_is_waited_for_however_long(self) -> None:
        queued = replace(WorkerState.QUEUED, waits_for="Queued by Slurm: Priority.")
        waiting = seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, worker=queued, silent_for=HOUR.total_seconds())
        for later in (10 * SECOND, 9 * HOUR, 2000 * HOUR):
            assert decide_attempt(waiting, NOON + later) == TellQueued("Queued by Slurm: Priority.")
        told = replace(waiting, run=waiting.run.model_copy(update={"message": "Queued by Slurm: Priority."}))
        assert decide_attempt(told, NOON + 2000 * HOUR) == Wait()
        assert decide_attempt(replace(told, worker=WorkerState.QUEUED), NOON) == Wait(), "its engine gives no reason"

    def test_a_worker_in_a_queue_is_stopped_for_a_person_and_where_it_has_begun_before(self) -> None:
        waiting = seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, worker=WorkerState.QUEUED, cancelled_by="ann")
        assert decide_attempt(waiting, NOON) == Stop(Outcome.CANCELLED, at_once=True)
        assert decide_attempt(seen(worker=WorkerState.QUEUED), NOON) == Stop(Outcome.LOST, at_once=True)

    def test_a_worker_in_a_queue_is_given_up_when_its_schedule_lets_it_wait_no_longer(self) -> None:
        waiting = seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, worker=WorkerState.QUEUED)
        waiting = replace(waiting, policies=Policies(start_deadline=30))
        late = waiting.run.scheduled_for + timedelta(minutes=30)
        assert decide_attempt(waiting, late) == Wait()
        assert decide_attempt(waiting, late + SECOND) == Stop(Outcome.TIMED_OUT, at_once=True)
        drained = waiting.run.model_copy(update={"message": "Queued by Slurm: ReqNodeNotAvail."})
        revoked = replace(waiting, run=drained, gate=Gate.REVOKED)
        assert decide_attempt(revoked, late + SECOND) == End(
            RunStatus.SKIPPED,
            Reason.TOO_LATE,
            "It couldn't start within 30 minutes of its time. Queued by Slurm: ReqNodeNotAvail.",
            Outcome.TIMED_OUT,
        )

    def test_a_launch_that_nobody_heard_of_is_repeated(self) -> None:
        silent = seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, worker=WorkerState.UNKNOWN)
        assert decide_attempt(silent, NOON + 19 * SECOND) == Wait()
        assert decide_attempt(silent, NOON + 20 * SECOND) == Relaunch()

    @pytest.mark.parametrize("number", range(1, MAX_ATTEMPTS))
    def test_a_lost_worker_is_followed_by_another(self, number: int) -> None:
        lost = seen(worker=WorkerState.GONE, number=number)
        assert decide_attempt(lost, NOON) == Start(lost=lost.attempt)

    @pytest.mark.promise("P20")
    def test_after_the_last_attempt_a_lost_worker_fails_the_run(self) -> None:
        decision = decide_attempt(seen(worker=WorkerState.GONE, number=MAX_ATTEMPTS), NOON)
        assert decision == End(
            RunStatus.FAILED,
            Reason.LOST,
            "The worker disappeared without a word, in each of 3 attempts.",
            Outcome.LOST,
        )

    @pytest.mark.promise("P37")
    def test_what_the_outside_says_of_a_workers_end_is_told(self) -> None:
        gone = replace(WorkerState.GONE, end=WorkerEnd("EC2 took its spot machine back (Server.X)."))
        first = decide_attempt(seen(worker=gone), NOON)
        assert isinstance(first, Start)
        assert first.why == "EC2 took its spot machine back (Server.X)."
        last = decide_attempt(seen(worker=gone, number=MAX_ATTEMPTS), NOON)
        assert isinstance(last, End)
        assert last.message == "EC2 took its spot machine back (Server.X). It was the last of 3 attempts."

    def test_what_another_worker_cannot_mend_is_not_tried_again(self) -> None:
        gone = replace(WorkerState.GONE, end=WorkerEnd("No right to the key.", is_final=True))
        for number in range(1, MAX_ATTEMPTS + 1):
            decision = decide_attempt(seen(worker=gone, gate=Gate.OPEN, number=number), NOON)
            assert decision == End(RunStatus.FAILED, Reason.CONFIG, "No right to the key.", Outcome.LOST)

    def test_a_machine_that_found_no_room_counts_as_none_and_is_followed_after_a_pause(self) -> None:
        gone = replace(WorkerState.GONE, end=WorkerEnd("No room.", is_shortage=True))
        shortage = seen(worker=gone, gate=Gate.OPEN)
        assert decide_attempt(shortage, NOON + 2 * SECOND) == Wait()
        again = decide_attempt(shortage, NOON + 8 * SECOND)
        assert again == Start(lost=shortage.attempt, outcome=Outcome.NO_CAPACITY)
        late = decide_attempt(shortage, NOON + timedelta(hours=2))
        assert isinstance(late, End)
        assert (late.reason, late.message) == (
            Reason.NO_CAPACITY,
            "No worker could be started for 2 hours. No room.",
        )

    def test_a_worker_that_the_service_ended_for_its_silence_is_said_to_be_that(self) -> None:
        hung = seen(worker=replace(WorkerState.GONE, end=WorkerEnd("Somebody ended its machine.")), number=3)
        ended = replace(hung, attempt=hung.attempt.model_copy(update={"outcome": Outcome.LOST}))
        decision = decide_attempt(ended, NOON)
        assert isinstance(decision, End)
        assert "gave no sign of life any more, so the service ended it" in decision.message

    @pytest.mark.promise("P19")
    def test_without_capacity_the_next_way_is_tried_after_a_pause_that_grows(self) -> None:
        first = seen(gate=Gate.REVOKED, without_worker_since=NOON)
        assert decide_attempt(first, NOON + 2 * SECOND) == Wait()
        assert decide_attempt(first, NOON + 8 * SECOND) == Start()
        many = seen(gate=Gate.REVOKED, without_worker_since=NOON, number=50)
        assert decide_attempt(many, NOON + 29 * SECOND) == Wait()
        assert decide_attempt(many, NOON + 90 * SECOND) == Start()

    def test_those_that_found_no_capacity_together_do_not_ask_together_again(self) -> None:
        first = seen(gate=Gate.REVOKED, without_worker_since=NOON)
        others = [
            replace(first, attempt=first.attempt.model_copy(update={"token": f"{number:040}"})) for number in range(40)
        ]
        starts = sum(decide_attempt(other, NOON + 5 * SECOND) == Start() for other in others)
        assert 5 < starts < 35

    def test_who_waited_for_room_has_two_hours_from_the_first_try_on(self) -> None:
        """Time in the queue says nothing about machines."""
        waiting = seen(gate=Gate.REVOKED, without_worker_since=NOON + 3 * HOUR)
        late = waiting.attempt.model_copy(update={"created_at": NOON + 3 * HOUR})
        waiting = replace(waiting, attempt=late)
        assert decide_attempt(waiting, NOON + 3 * HOUR + 90 * SECOND) == Start()
        again = replace(waiting, tried_since=NOON + 3 * HOUR)
        assert isinstance(decide_attempt(again, NOON + 5 * HOUR), End)

    @pytest.mark.promise("P19")
    def test_nobody_waits_for_capacity_longer_than_two_hours(self) -> None:
        waiting = seen(gate=Gate.REVOKED, without_worker_since=NOON)
        message = "No worker could be started for 2 hours. None left."
        expected = End(RunStatus.FAILED, Reason.NO_CAPACITY, message, Outcome.NO_CAPACITY)
        assert decide_attempt(waiting, NOON + timedelta(hours=2)) == expected

    def test_a_run_that_waits_for_capacity_can_be_cancelled(self) -> None:
        waiting = seen(gate=Gate.REVOKED, without_worker_since=NOON, cancelled_by="ann")
        message = "Stopped by ann before it started."
        expected = End(RunStatus.CANCELLED, Reason.BY_HAND, message, Outcome.NO_CAPACITY)
        assert decide_attempt(waiting, NOON) == expected

    def test_attempts_without_a_worker_are_not_counted_as_lost(self) -> None:
        lost = replace(seen(worker=WorkerState.GONE, number=MAX_ATTEMPTS + 5), lost_before=MAX_ATTEMPTS - 2)
        assert decide_attempt(lost, NOON) == Start(lost=lost.attempt)

    def test_a_machine_that_boots_may_be_silent_for_longer(self) -> None:
        booting = seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, silent_for=599, patience=600)
        assert decide_attempt(booting, NOON) == Wait()
        assert decide_attempt(replace(booting, silent_for=600), NOON) == Stop(Outcome.LOST, at_once=True)

    def test_a_worker_that_something_else_stopped_is_lost_too(self) -> None:
        stopped = seen(worker=WorkerState.GONE, result=a_result("stopped", exit_code=None))
        assert decide_attempt(stopped, NOON) == Start(lost=stopped.attempt)

    @pytest.mark.parametrize("result", [None, a_result("stopped", exit_code=None)])
    def test_a_worker_that_is_gone_as_somebody_wished_is_cancelled(self, result: Result | None) -> None:
        decision = decide_attempt(seen(worker=WorkerState.GONE, cancelled_by="ann", result=result), NOON)
        assert decision == End(RunStatus.CANCELLED, Reason.BY_HAND, "Stopped by ann.", Outcome.CANCELLED, result)

    def test_a_run_that_finished_before_the_wish_to_cancel_reached_it_has_succeeded(self) -> None:
        assert decide_attempt(seen(cancelled_by="ann", result=a_result()), NOON) == Publish(a_result())

    def test_after_its_deadline_a_worker_is_stopped_and_the_run_has_timed_out(self) -> None:
        assert decide_attempt(seen(watched_for=3600), NOON + HOUR) == Stop(Outcome.TIMED_OUT)
        decision = decide_attempt(seen(worker=WorkerState.GONE, watched_for=3600), NOON + HOUR)
        assert isinstance(decision, End)
        assert (decision.status, decision.reason) == (RunStatus.TIMED_OUT, Reason.TIME_LIMIT)

    def test_a_machine_that_slept_past_the_deadline_stops_nothing(self) -> None:
        assert decide_attempt(seen(watched_for=1), NOON + 3 * HOUR) == Wait()

    @pytest.mark.promise("P20")
    def test_a_worker_that_is_silent_for_three_minutes_is_hung(self) -> None:
        assert decide_attempt(seen(silent_for=179), NOON) == Wait()
        assert decide_attempt(seen(silent_for=180), NOON) == Stop(Outcome.LOST, at_once=True)

    def test_a_worker_that_was_asked_to_stop_may_save_what_it_has_as_long_as_it_is_heard(self) -> None:
        assert decide_attempt(seen(cancelled_by="ann", silent_for=179), NOON + 600 * SECOND) == Stop(Outcome.CANCELLED)
        hung = seen(cancelled_by="ann", silent_for=180)
        assert decide_attempt(hung, NOON + 600 * SECOND) == Stop(Outcome.CANCELLED, at_once=True)

    def test_a_minute_past_its_deadline_a_worker_is_ended_whatever_it_saves(self) -> None:
        late = NOON + HOUR + 60 * SECOND
        assert decide_attempt(seen(watched_for=3659), late) == Stop(Outcome.TIMED_OUT)
        assert decide_attempt(seen(watched_for=3660), late) == Stop(Outcome.TIMED_OUT, at_once=True)

    def test_what_a_dead_agent_left_behind_is_ended_before_another_attempt(self) -> None:
        assert decide_attempt(seen(worker=WorkerState.ORPHANED), NOON) == Stop(Outcome.LOST, at_once=True)

    def test_a_worker_that_was_ended_for_its_time_is_not_followed_by_another_after_a_restart(self) -> None:
        run = make_run(make_schedule(), status=RunStatus.RUNNING, attempt=1)
        ended = make_attempt(run, outcome=Outcome.TIMED_OUT)
        decision = decide_attempt(Observation(run, ended, WorkerState.GONE, gate=Gate.STARTED), NOON + HOUR)
        assert isinstance(decision, End)
        assert decision.status == RunStatus.TIMED_OUT

    def test_a_worker_that_cannot_be_asked_is_never_doubled_however_silent_it_is(self) -> None:
        silent = seen(worker=WorkerState.UNREACHABLE, silent_for=3000)
        assert decide_attempt(silent, NOON + HOUR - SECOND) == Wait()
        decision = decide_attempt(silent, NOON + HOUR)
        assert isinstance(decision, End)
        assert decision.status == RunStatus.TIMED_OUT

    def test_a_heartbeat_of_a_worker_that_cant_be_asked_contradicts_a_clock_that_says_its_time_is_over(self) -> None:
        beating = seen(worker=WorkerState.UNREACHABLE, silent_for=20)
        assert decide_attempt(beating, NOON + 24 * HOUR) == Wait()

    @pytest.mark.parametrize("worker", [WorkerState.ALIVE, WorkerState.UNKNOWN, WorkerState.UNREACHABLE])
    def test_an_attempt_whose_gate_a_service_has_taken_is_over_whatever_its_worker_does(
        self, worker: WorkerState
    ) -> None:
        revoked: dict[str, Any] = {"status": RunStatus.LAUNCHING, "gate": Gate.REVOKED, "worker": worker}
        lost = seen(**revoked)
        assert decide_attempt(lost, NOON) == Start(lost=lost.attempt)
        cancelled = decide_attempt(seen(**revoked, cancelled_by="ann"), NOON)
        assert isinstance(cancelled, End)
        assert (cancelled.status, cancelled.message) == (RunStatus.CANCELLED, "Stopped by ann before it started.")
        late = decide_attempt(seen(**revoked, watched_for=3600), NOON + HOUR)
        assert isinstance(late, End)
        assert late.status == RunStatus.TIMED_OUT

    def test_a_hung_worker_that_has_not_started_is_kept_from_it(self) -> None:
        hung = seen(status=RunStatus.LAUNCHING, gate=Gate.OPEN, silent_for=180)
        assert decide_attempt(hung, NOON) == Stop(Outcome.LOST, at_once=True)

    @pytest.mark.parametrize(
        ("result", "status", "reason"),
        [
            (a_result(exit_code=3, reason=Reason.EXIT_CODE), RunStatus.FAILED, Reason.EXIT_CODE),
            (a_result(exit_code=1, reason=Reason.CELL_FAILED), RunStatus.FAILED, Reason.CELL_FAILED),
            (a_result("timed_out", exit_code=None), RunStatus.TIMED_OUT, Reason.TIME_LIMIT),
            (
                a_result("refused", exit_code=None, reason=Reason.ENVIRONMENT_GONE),
                RunStatus.FAILED,
                Reason.ENVIRONMENT_GONE,
            ),
        ],
    )
    def test_a_result_that_is_no_success_ends_the_run_in_its_own_words(
        self, result: Result, status: RunStatus, reason: Reason
    ) -> None:
        decision = decide_attempt(seen(result=result), NOON)
        assert isinstance(decision, End)
        assert (decision.status, decision.reason, decision.message) == (status, reason, result.sentence)
        assert decision.result == result

    @pytest.mark.parametrize(("failing_for", "last"), [(0, False), (899, False), (900, True), (90_000, True)])
    def test_publishing_is_tried_however_long_it_fails_and_given_up_by_a_try_after_a_quarter_of_an_hour(
        self, failing_for: float, last: bool
    ) -> None:
        failing = seen(status=RunStatus.PUBLISHING, result=a_result(), failing_for=failing_for)
        assert decide_attempt(failing, NOON + HOUR) == Publish(a_result(), last=last)

    def test_what_kept_a_run_from_being_published_is_named(self) -> None:
        end = give_up_publishing(a_result(), OSError("No space left on /data"))
        assert (end.status, end.reason) == (RunStatus.FAILED, Reason.PUBLISHING)
        assert "for 15 minutes (No space left on /data)." in end.message

    @pytest.mark.parametrize("reason", [Reason.PUBLISHING, Reason.DISK_FULL])
    def test_outputs_that_were_not_collected_whole_are_not_published(self, reason: Reason) -> None:
        decision = decide_attempt(seen(result=a_result(reason=reason)), NOON)
        assert isinstance(decision, End)
        assert (decision.status, decision.reason) == (RunStatus.FAILED, reason)

    def test_outputs_that_vanished_before_they_were_published_fail_the_run(self) -> None:
        decision = decide_attempt(seen(status=RunStatus.PUBLISHING), NOON)
        assert isinstance(decision, End)
        assert (decision.status, decision.reason) == (RunStatus.FAILED, Reason.PUBLISHING)


class TestDue:
    """Runs of one schedule that are due, beside one that is going."""

    first = make_run(make_schedule(), "first", scheduled_for=NOON)
    second = make_run(make_schedule(), "second", scheduled_for=NOON + HOUR)
    going = make_run(make_schedule(), "going", status=RunStatus.RUNNING)
    other = make_run(make_schedule("other"), "other")

    @staticmethod
    def decided(due: list[Run], going: list[Run], spec: Spec) -> list[Decision]:
        open_runs = [ScheduledRun(run, spec, "ann") for run in (*going, *due)]
        told = {each.run.id: decision for each, decision in decide_waiting(open_runs, NOON)}
        return [told.get(run.id, Wait()) for run in due]

    @staticmethod
    def kinds(decisions: list[Decision]) -> list[str]:
        return [d.reason.value if isinstance(d, End) else type(d).__name__ for d in decisions]

    @pytest.mark.promise("P7")
    @pytest.mark.parametrize(
        ("overlap", "alone", "beside"),
        [
            (Overlap.QUEUE_ONE, ["superseded", "Wait"], ["superseded", "Wait"]),
            (Overlap.SKIP, ["Wait", "Wait"], ["overlap", "overlap"]),
            (Overlap.CANCEL_PREVIOUS, ["Wait", "Wait"], ["CancelOther", "CancelOther"]),
            (Overlap.ALLOW, ["Wait", "Wait"], ["Wait", "Wait"]),
        ],
    )
    def test_two_due_runs_alone_and_beside_one_that_is_going(
        self, overlap: Overlap, alone: list[str], beside: list[str]
    ) -> None:
        spec = make_spec(overlap=overlap)
        due = [self.first, self.second]
        assert self.kinds(self.decided(due, [], spec)) == alone
        assert self.kinds(self.decided(due, [self.going], spec)) == beside

    def test_the_newest_is_the_later_time_though_it_was_recorded_before(self) -> None:
        """By a clock that ran ahead: nothing is skipped for a time that is older."""
        assert self.kinds(self.decided([self.second, self.first], [], make_spec())) == ["Wait", "superseded"]

    def test_a_schedule_that_catches_up_on_all_runs_them_one_after_the_other(self) -> None:
        spec = make_spec(catch_up=CatchUp.ALL)
        assert self.kinds(self.decided([self.first, self.second], [], spec)) == ["Wait", "Wait"]

    @pytest.mark.parametrize("overlap", [Overlap.QUEUE_ONE, Overlap.SKIP, Overlap.CANCEL_PREVIOUS])
    def test_a_run_by_hand_waits_its_turn_and_stops_nothing(self, overlap: Overlap) -> None:
        by_hand = self.first.model_copy(update={"trigger": Trigger.MANUAL})
        spec = make_spec(overlap=overlap)
        assert self.decided([by_hand], [self.going], spec) == [Wait()]

    def test_a_run_by_hand_supersedes_nothing(self) -> None:
        by_hand = self.second.model_copy(update={"trigger": Trigger.MANUAL})
        assert self.kinds(self.decided([self.first, by_hand], [], make_spec())) == ["Wait", "Wait"]

    def test_a_run_that_is_being_published_is_not_asked_to_stop(self) -> None:
        publishing = self.going.model_copy(update={"status": RunStatus.PUBLISHING})
        assert self.decided([self.first], [publishing], make_spec(overlap=Overlap.CANCEL_PREVIOUS)) == [Wait()]

    def test_the_going_run_is_asked_to_stop_once(self) -> None:
        spec = make_spec(overlap=Overlap.CANCEL_PREVIOUS)
        asked = self.going.model_copy(update={"cancelled_by": "scheduler"})
        assert self.decided([self.first], [self.going], spec) == [CancelOther(self.going)]
        assert self.decided([self.first], [asked], spec) == [Wait()]

    def test_a_run_that_somebody_cancelled_before_it_started_never_starts(self) -> None:
        cancelled = self.first.model_copy(update={"cancelled_by": "ann"})
        assert self.decided([cancelled], [], make_spec()) == [
            End(RunStatus.CANCELLED, Reason.BY_HAND, "Stopped by ann before it started.")
        ]


def test_a_release_goes_straight_to_publishing_however_late_and_busy() -> None:
    """It executes nothing, so it needs no room and no turn."""
    schedule = make_schedule(spec=make_spec(policies=Policies(start_deadline=1), overlap=Overlap.SKIP))
    decision = Approval(run_id="before", by="ann", at=NOON)
    release = make_run(schedule, "release:before:1", trigger=Trigger.RETRY, release=decision)
    other = make_run(schedule, status=RunStatus.RUNNING)
    given = [ScheduledRun(run, schedule.spec, "ann") for run in (other, release)]
    assert decide_waiting(given, NOON + 24 * HOUR) == [(given[1], Promote())]


def test_a_run_that_cannot_be_read_ends_instead_of_waiting() -> None:
    schedule = make_schedule()
    run = make_run(schedule, trigger=Trigger.MANUAL, reason=Reason.UNREADABLE, message="It can't be read.")
    ((_, decision),) = decide_waiting([ScheduledRun(run, schedule.spec, "ann")], NOON)
    assert decision == End(RunStatus.FAILED, Reason.UNREADABLE, "It can't be read.")


@pytest.mark.parametrize(("cancelled_by", "expected"), [(None, Start), ("ann", End)])
def test_a_run_that_may_start_has_its_first_attempt_unless_somebody_stopped_it(
    cancelled_by: str | None, expected: type[Decision]
) -> None:
    run = make_run(make_schedule(), status=RunStatus.LAUNCHING, cancelled_by=cancelled_by)
    assert isinstance(decide_unlaunched(run), expected)
