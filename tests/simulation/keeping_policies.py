"""What a schedule's policies promise, judged from rows and true times alone: nothing here asks what a tick decides."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from jupyter_schedule.core.models import (
    CatchUp,
    Outcome,
    Overlap,
    Reason,
    RunStatus,
    ScheduleState,
    Trigger,
)
from jupyter_schedule.core.timing import recurrence
from tests.simulation.history import History, Life, meeting
from tests.simulation.people import Backfilled

#: seconds that a tick and what it does may take in a calm world
TICK = 60
#: seconds that a service may go by what it saw
LOOK = 300
BAD = {RunStatus.FAILED, RunStatus.TIMED_OUT}
LONGEST_WAIT = 24 * 3600


def bounds_are_kept(seen: History) -> Iterator[str]:
    """Nothing is due before a schedule's start or after its end."""
    for life in seen.scheduled():
        run, policies = life.run, seen.spec(life.run).policies
        if policies.start and run.scheduled_for < policies.start:
            yield f"{run.key} was due before the start"
        if policies.end and (run.until or run.scheduled_for) > policies.end:
            yield f"{run.key} was due after the end"


def it_is_due_as_often_as_it_may_be(seen: History) -> Iterator[str]:
    """And no more often, however often it is edited in other ways."""
    counts: dict[tuple[str, int], int] = {}
    for life in seen.scheduled():
        first = seen.counted_from(life.run.schedule_id, life.run.version)
        if first.spec.policies.max_runs is not None:
            key = (life.run.schedule_id, first.version)
            counts[key] = counts.get(key, 0) + life.run.count
    for (schedule_id, number), count in counts.items():
        most = seen.version(schedule_id, number).spec.policies.max_runs
        if most is not None and count > most:
            yield f"{schedule_id} was due {count} times since version {number}"


def once_is_once(seen: History) -> Iterator[str]:
    """At its time."""
    met: set[tuple[str, str]] = set()
    for life in seen.scheduled():
        run, timing = life.run, seen.spec(life.run).timing
        if timing.once is not None:
            key = (run.schedule_id, run.key.split(":")[1])
            if run.scheduled_for != timing.once or run.count != 1 or key in met:
                yield f"{run.key} isn't the one time"
            met.add(key)


def a_failure_is_tried_again_as_often_and_as_late_as_asked(seen: History) -> Iterator[str]:
    """The wait doubles; a run has failed for good only when nothing is left to try."""
    executions = {(e.run, e.number): e for e in seen.cloud.executions}
    for run_id, attempts in seen.ledger.attempts_of.items():
        run = seen.ledger.runs_by_id[run_id]
        policies = seen.spec(run).policies
        failed = [attempt for attempt in attempts if attempt.outcome == Outcome.FINISHED]
        if run.release:
            continue
        for count, attempt in enumerate(failed):
            if attempt is attempts[-1]:
                continue
            execution = executions[run_id, attempt.number]
            if not execution.exit_code or count >= policies.retries:
                yield f"{run_id} was tried again after attempt {attempt.number}"
            wait = min(policies.retry_wait * 60 * 2**count, LONGEST_WAIT)
            waited = seen.ledger.recorded[run_id, attempt.number + 1] - (execution.end or 0)
            if not seen.seen.clocks_set and waited < wait - 1:
                yield f"{run_id} was tried again after {waited:.0f} s, not {wait}"
        if run.reason == Reason.EXIT_CODE and not run.cancelled_by and len(failed) != policies.retries + 1:
            yield f"{run_id} was given up after {len(failed)} failures"


def a_time_out_is_never_tried_again(seen: History) -> Iterator[str]:
    """Whatever the schedule asks for."""
    for run_id, attempts in seen.ledger.attempts_of.items():
        for before, after in pairwise(attempts):
            if before.outcome in {Outcome.TIMED_OUT, Outcome.CANCELLED}:
                yield f"{run_id}.{after.number} followed one that ended as {before.outcome}"


def a_start_deadline_is_kept(seen: History) -> Iterator[str]:
    """Who is skipped for it was too late, and in a calm world nobody starts who is."""
    for life in seen.lives.values():
        run, most = life.run, seen.spec(life.run).policies.start_deadline
        late = run.reason == Reason.TOO_LATE
        if most is None or run.trigger != Trigger.SCHEDULE:
            if late:
                yield f"{run.key} has no deadline"
            continue
        deadline = seen.seconds(run.scheduled_for) + most * 60
        if late and life.ended < deadline and not seen.seen.clocks_set:
            yield f"{run.key} was too late before its deadline"
        if seen.calm and life.began != float("inf") and life.began > deadline + TICK:
            yield f"{run.key} began {life.began - deadline:.0f} s too late"


def who_pauses_itself_had_failed_so_often(seen: History) -> Iterator[str]:
    """In a row, since it was changed last."""
    for stretch in seen.ledger.settled:
        before, after = stretch.before, stretch.after
        if before.paused is None and after.paused is not None and after.paused.by == "scheduler":
            if "monthly cap" in (after.paused.note or ""):
                continue
            most = before.spec.policies.pause_after
            count = _failures_in_a_row(seen, after.id, seen.seconds(before.changed_at), stretch.at)
            if most is None or (count < most and not seen.seen.clocks_set):
                yield f"{after.name} paused itself after {count} failures"


def who_failed_so_often_pauses_itself(seen: History) -> Iterator[str]:
    """In a calm world, at once: no more failures in a row than the schedule bears."""
    if not seen.calm or seen.troubles:
        return
    for schedule_id, lives in seen.of_schedule.items():
        for life in lives:
            most = seen.spec(life.run).policies.pause_after
            current = _version_at(seen, schedule_id, life.ended)
            if life.run.status in BAD and most is not None and current == life.run.version:
                changed = _changed_before(seen, schedule_id, life.ended)
                count = _failures_in_a_row(seen, schedule_id, changed, life.ended)
                if count >= most and not _left_active(seen, schedule_id, life.ended):
                    yield f"{life.run.schedule} went on after {count} failures"


def who_is_skipped_met_another(seen: History) -> Iterator[str]:
    """A run of its schedule that was open, under `skip`; never a backfill."""
    for life in seen.lives.values():
        if life.run.reason == Reason.OVERLAP:
            others = (other for other in seen.of_schedule[life.run.schedule_id] if other is not life)
            met = any(
                other.came <= life.ended <= other.ended + LOOK and other.run.trigger != Trigger.BACKFILL
                for other in others
            )
            if seen.overlap(life.run) != Overlap.SKIP or life.run.trigger != Trigger.SCHEDULE or not met:
                yield f"{life.run.key} was skipped with nothing in its way"


def who_is_superseded_has_a_successor(seen: History) -> Iterator[str]:
    """One that came by the clock after it and was in the ledger by then, under `queue_one`."""
    for life in seen.lives.values():
        if life.run.reason == Reason.SUPERSEDED:
            later = any(
                other.run.trigger == Trigger.SCHEDULE
                and other.run.scheduled_for > life.run.scheduled_for
                and other.came <= life.ended
                for other in seen.of_schedule[life.run.schedule_id]
            )
            spec = seen.spec(life.run)
            if not later or (spec.overlap, spec.catch_up == CatchUp.ALL) != (Overlap.QUEUE_ONE, False):
                yield f"{life.run.key} was superseded by nothing"


def who_is_stopped_makes_way(seen: History) -> Iterator[str]:
    """To a run by the clock that may stop the one before; a backfill is never stopped for it."""
    for life in seen.lives.values():
        if life.run.cancelled_by == "scheduler":
            wanted = any(
                other is not life and other.came <= life.ended and other.ended >= life.came
                and other.run.trigger == Trigger.SCHEDULE and seen.overlap(other.run) == Overlap.CANCEL_PREVIOUS
                for other in seen.of_schedule[life.run.schedule_id]
            )  # fmt: skip
            if not wanted or life.run.trigger == Trigger.BACKFILL:
                yield f"{life.run.key} was stopped for nothing"


def a_backfill_is_whole(seen: History) -> Iterator[str]:
    """Who was told that a range is in the ledger finds each of its times succeeded, or open since they asked."""
    for asked in seen.seen.backfilled:
        known: dict[object, list[Life]] = {}
        for life in seen.of_schedule.get(asked.schedule, []):
            known.setdefault(life.run.scheduled_for, []).append(life)
        for instant in _due_then(seen, asked):
            rows = known.get(instant, [])
            if not any(
                life.came <= asked.at and (life.ended >= asked.began or life.run.status == RunStatus.SUCCEEDED)
                for life in rows
            ):
                yield f"{instant} isn't in the ledger that {asked.schedule} was told to be filled"


def _due_then(seen: History, asked: Backfilled) -> Iterator[datetime]:
    """The times of the range: by today's timing before the schedule was made, from then on by that of each version."""
    versions = [each for each in seen.ledger.versions_of[asked.schedule] if each.version <= asked.version]
    versions.sort(key=lambda version: version.version)
    timings = [(datetime.min.replace(tzinfo=UTC), versions[-1].spec.timing)]
    timings += [(each.created_at, each.spec.timing) for each in versions]
    for number, (since, timing) in enumerate(timings):
        until = timings[number + 1][0] if number + 1 < len(timings) else asked.end
        for occurrence in recurrence.between(timing, asked.start - timedelta(seconds=1), asked.end):
            if since < occurrence.instant <= until:
                yield occurrence.instant


def a_time_is_filled_by_one_at_once(seen: History) -> Iterator[str]:
    """However many people ask for it, and however often."""
    filling = (life for life in seen.lives.values() if life.run.trigger == Trigger.BACKFILL)
    yield from meeting(
        ((life.run.schedule_id, life.run.scheduled_for), life.came, life.ended, life.run.key) for life in filling
    )


def so_many_go_at_once(seen: History) -> Iterator[str]:
    """As there is room for, however many services there are."""
    for launcher in seen.seen.launchers:
        most = seen.seen.room_for(launcher)
        yield from (f"{count} runs went at once at {at:.0f}" for at, count in seen.at_work(launcher) if count > most)


def p29_with_room_something_starts(seen: History) -> Iterator[str]:
    """In a calm world: while one waits that could start at once, there is no room for long."""
    if not seen.calm or seen.troubles:
        return
    for owner, waiting in _heads(seen):
        until = min(waiting.admitted, waiting.ended)
        launcher = seen.spec(waiting.run).launcher
        room, changes = seen.seen.room_for(launcher), list(seen.at_work(launcher))
        room_since = waiting.came if _count_at(changes, waiting.came) < room else None
        for at, count in [*((at, count) for at, count in changes if waiting.came < at < until), (until, 0)]:
            if room_since is not None and at - room_since > 2 * TICK:
                yield f"{waiting.run.key} of {owner} waited for {at - room_since:.0f} s with room"
                break
            room_since = (room_since if room_since is not None else at) if count < room else None


def owners_take_turns(seen: History) -> Iterator[str]:
    """In a calm world: while one waits who could start, no other starts again and again.

    What an owner has at work was their turn as well, so whoever has fewer may pass.
    """
    if not seen.calm or seen.troubles:
        return
    starts = sorted(
        (life for life in seen.lives.values() if life.admitted < float("inf")), key=lambda life: life.admitted
    )
    for owner, waiting in _heads(seen):
        since, until = waiting.came + TICK, min(waiting.admitted, waiting.ended)
        launcher = seen.spec(waiting.run).launcher
        there = [life for life in starts if seen.spec(life.run).launcher == launcher]
        for other in {seen.owner(life.run) for life in there} - {owner}:
            passed = [
                life
                for life in there
                if since < life.admitted < until
                and seen.owner(life.run) == other
                and seen.at_work_of(owner, life.admitted) <= seen.at_work_of(other, life.admitted)
            ]
            if len(passed) > 2:
                yield f"{other} started {len(passed)} runs while {waiting.run.key} of {owner} waited"
        for life in there:
            if life.run.trigger == Trigger.BACKFILL and since < life.admitted < until:
                yield f"{life.run.key} started before {waiting.run.key}"


INVARIANTS: tuple[Callable[[History], Iterator[str]], ...] = (
    bounds_are_kept,
    it_is_due_as_often_as_it_may_be,
    once_is_once,
    a_failure_is_tried_again_as_often_and_as_late_as_asked,
    a_time_out_is_never_tried_again,
    a_start_deadline_is_kept,
    who_pauses_itself_had_failed_so_often,
    who_failed_so_often_pauses_itself,
    who_is_skipped_met_another,
    who_is_superseded_has_a_successor,
    who_is_stopped_makes_way,
    a_backfill_is_whole,
    a_time_is_filled_by_one_at_once,
    so_many_go_at_once,
    p29_with_room_something_starts,
    owners_take_turns,
)


def _count_at(changes: list[tuple[float, int]], moment: float) -> int:
    """How many runs were at work at that time."""
    return next((count for at, count in reversed(changes) if at <= moment), 0)


def _heads(seen: History) -> Iterator[tuple[str, Life]]:
    """Runs that could start at once, from when they are the first of their owner's that wait."""
    last: dict[str, float] = {}
    every = sorted(seen.lives.values(), key=lambda life: life.run.queued)
    for life in every:
        skipped = life.ended == life.came
        if skipped or life.run.trigger == Trigger.BACKFILL:
            continue
        owner = seen.owner(life.run)
        if seen.overlap(life.run) == Overlap.ALLOW and life.came >= last.get(owner, 0):
            yield owner, life
        last[owner] = max(last.get(owner, 0), min(life.admitted, life.ended))


def _failures_in_a_row(seen: History, schedule_id: str, since: float, at: float) -> int:
    """How many of the runs by the clock that had ended by then, and after `since`, failed, the newest first."""
    ended = [
        life.run
        for life in seen.of_schedule[schedule_id]
        if life.run.trigger == Trigger.SCHEDULE and life.ended <= at and life.run.ended_at
        and seen.seconds(life.run.ended_at) >= since
    ]  # fmt: skip
    count = 0
    for run in sorted(ended, key=lambda run: (run.scheduled_for, run.created_at, run.id), reverse=True):
        if run.status == RunStatus.SUCCEEDED:
            break
        count += run.status in BAD
    return count


def _version_at(seen: History, schedule_id: str, at: float) -> int:
    return max(
        version.version for version in seen.ledger.versions_of[schedule_id] if seen.seconds(version.created_at) <= at
    )


def _changed_before(seen: History, schedule_id: str, at: float) -> float:
    before = [s.after.changed_at for s in seen.ledger.settled if s.after.id == schedule_id and s.at <= at]
    return seen.seconds(max(before)) if before else 0.0


def _left_active(seen: History, schedule_id: str, at: float) -> bool:
    """Whether it isn't active any more, or was changed, a tick later."""
    return any(
        stretch.after.state != ScheduleState.ACTIVE or stretch.at >= at - TICK
        for stretch in seen.ledger.settled
        if stretch.after.id == schedule_id and stretch.at <= at + TICK
        if (stretch.after.state, stretch.after.version) != (ScheduleState.ACTIVE, stretch.before.version)
    )
