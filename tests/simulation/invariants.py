"""What must hold in every world: a function for each promise, which says how it was broken, or nothing."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Outcome, Overlap, Reason, Run, RunStatus, ScheduleState, Trigger, Visibility
from jupyter_schedule.core.object_keys import RESULT
from scheduler_service.decide import MAX_ATTEMPTS
from scheduler_service.task import UPLOAD_GRACE_SECONDS
from tests.simulation import keeping_policies, keeping_surroundings
from tests.simulation.deployment import Deployment
from tests.simulation.history import History, meeting, twice
from tests.simulation.region import OFFERS
from tests.simulation.worker import Execution

#: seconds that a tick may come late in a calm world, and that a service needs when its store is back
LATE = 40
BACK = 15
#: seconds for which nobody may have had a machine before a run is given up
NO_CAPACITY_FOR = 2 * 3600
#: seconds that a machine of its own may take to start
BOOT = 120


def p1_every_occurrence_is_in_the_ledger_exactly_once(seen: History) -> Iterator[str]:
    """Also P4, P5 and P6: what each version owed, told by its expression alone, is what the ledger has of it."""
    owed: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for stretch in seen.ledger.settled:
        schedule = stretch.before
        for occurrence in seen.owes(schedule.id, schedule.version, schedule.cursor, stretch.after.cursor):
            owed[schedule.id, schedule.timing_rev][occurrence.key] = 0
    for _, run in seen.ledger.rows:
        if run.trigger == Trigger.SCHEDULE:
            _, revision, key = run.key.split(":", 2)
            counts = owed[run.schedule_id, int(revision)]
            keys = sorted(counts)
            if key not in counts:
                yield f"{run.key} wasn't owed"
                continue
            for covered in keys[keys.index(key) :][: run.count]:
                counts[covered] += 1
    for (schedule_id, timing_revision), counts in owed.items():
        for key, count in counts.items():
            if count != 1:
                yield f"{schedule_id} cron:{timing_revision}:{key} is in the ledger {count} times"


def p1_no_key_is_in_the_ledger_twice(seen: History) -> Iterator[str]:
    """Whoever writes it, and however often."""
    yield from (f"{key} came twice" for key in twice((run.schedule_id, run.key) for _, run in seen.ledger.rows))


def p2_one_worker_executes_an_attempt(seen: History) -> Iterator[str]:
    """User code of an attempt starts once."""
    executions = seen.cloud.executions
    yield from (f"{key} was executed twice" for key in twice((e.run, e.number) for e in executions))


def p2_never_two_attempts_at_once(seen: History) -> Iterator[str]:
    """User code of a run never overlaps with itself."""
    yield from meeting(
        (e.run, e.start, _end(e.end), f"{e.run}.{e.number} on {e.worker}") for e in seen.cloud.executions
    )


def p2_an_attempt_is_launched_with_the_same_words(seen: History) -> Iterator[str]:
    """Token and parameters are frozen before the first launch."""
    words: dict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    for launch in seen.cloud.launches:
        words[launch.run, launch.number].add((launch.token, launch.words))
    yield from (f"{key} was launched in {len(each)} ways" for key, each in words.items() if len(each) > 1)


def p2_one_machine_is_had_for_an_attempt(seen: History) -> Iterator[str]:
    """Where a launcher knows a launch again by its token."""
    if seen.cloud.tokens:
        machines = ((machine.run, machine.number) for machine in seen.cloud.machines.values())
        yield from (f"{key} had two machines" for key in twice(machines))


def p2_the_row_comes_before_the_machine(seen: History) -> Iterator[str]:
    """Nothing is launched that the ledger doesn't know."""
    for launch in seen.cloud.launches:
        if launch.at < seen.ledger.recorded.get((launch.run, launch.number), float("inf")):
            yield f"{launch.run}.{launch.number} was launched before it was recorded"


def p2_who_lost_a_run_changes_nothing(seen: History) -> Iterator[str]:
    """Every write is its holder's."""
    yield from seen.ledger.stale


def p3_in_a_calm_world_a_run_is_in_the_ledger_when_it_is_due(seen: History) -> Iterator[str]:
    """Also P17: within a tick, or soon after the store is back."""
    if seen.calm:
        for at, run in seen.ledger.rows:
            due = seen.seconds(run.scheduled_for)
            ends = (trouble.end for trouble in seen.troubles if trouble.start - LATE <= due <= trouble.end)
            asked = run.trigger == Trigger.SCHEDULE and run.reason != Reason.PAUSED
            if asked and at > max(due + LATE, max(ends, default=0) + BACK):
                yield f"{run.key} came {at - due:.0f} s late"


def p6_what_has_finished_is_never_executed_again(seen: History) -> Iterator[str]:
    """A run that succeeded is over."""
    ends = {e.run: e.end for e in seen.cloud.executions if e.end is not None and _succeeded(seen, e)}
    for execution in seen.cloud.executions:
        if execution.start > ends.get(execution.run, float("inf")):
            yield f"{execution.run} was executed again"


def p6_a_result_never_changes(seen: History) -> Iterator[str]:
    """Whoever writes one again."""
    yield from seen.seen.work.rewritten


def p7_two_runs_of_a_schedule_never_go_at_once(seen: History) -> Iterator[str]:
    """Unless they may, as backfills do that were asked to go several at a time: no more of them than that."""
    together: dict[str, list[Execution]] = defaultdict(list)
    for e in sorted(seen.cloud.executions, key=lambda e: e.start):
        if seen.overlap(seen.ledger.runs_by_id[e.run]) != Overlap.ALLOW:
            going = [other for other in together[e.schedule] if _end(other.end) > e.start]
            together[e.schedule] = [*going, e]
            if going and not _may_go_beside(seen, together[e.schedule]):
                yield " and ".join(f"{one.run}.{one.number} on {one.worker}" for one in together[e.schedule])


def p14_a_clock_set_back_fires_nothing_twice(seen: History) -> Iterator[str]:
    """No instant of a timing comes to more than one row, whatever its key, and no cursor goes back."""
    instants = [
        (run.schedule_id, run.key.split(":")[1], run.scheduled_for, run.key.rpartition("/")[2])
        for _, run in seen.ledger.rows
        if run.trigger == Trigger.SCHEDULE
    ]
    yield from (f"{key} fired twice" for key in twice(instants))
    for stretch in seen.ledger.settled:
        if stretch.after.timing_rev == stretch.before.timing_rev and stretch.after.cursor < stretch.before.cursor:
            yield f"{stretch.before.name} went back from {stretch.before.cursor} to {stretch.after.cursor}"


def p15_a_clock_that_others_contradict_dispatches_nothing(seen: History) -> Iterator[str]:
    """A service whose clock jumped ahead of the database's halts."""
    doubts = seen.seen.doubts
    yield from (f"a clock that was minutes ahead was believed at {at:.0f}" for at, halted in doubts if not halted)
    for at, run in seen.ledger.rows if seen.seen.shared else ():
        early = seen.seconds(run.scheduled_for) - at
        if run.trigger == Trigger.SCHEDULE and early > 61:
            yield f"{run.key} came {early:.0f} s early"


def p16_every_door_shows_what_then_comes(seen: History) -> Iterator[str]:
    """The times that people see are those that the service waits for, and that are in the ledger afterwards."""
    for shown in seen.seen.shown:
        schedule = shown.schedule
        if schedule.cursor <= shown.now < (schedule.next_due or shown.now) and schedule.next_due != shown.times[0]:
            yield f"{schedule.name}: {shown.times[0]} was shown, the service waits for {schedule.next_due}"
        until = seen.as_it_is(schedule, shown.at)
        for instant in shown.times:
            if seen.seconds(instant) <= until and not _came(seen, schedule.id, instant):
                yield f"{schedule.name}: {instant} was shown and never came"


def p17_when_all_is_well_again_everything_comes_to_its_end(seen: History) -> Iterator[str]:
    """Also P18, P22: whatever was away or full, nothing stays behind."""
    if not seen.seen.ended_well:
        open_runs = (run for run in seen.ledger.runs_by_id.values() if not run.status.terminal)
        yield from (f"{run.id} is {run.status} for ever" for run in open_runs)
        yield from ("a schedule went on for ever" for _ in seen.seen.schedules_left)


def p19_without_capacity_the_next_way_is_tried(seen: History) -> Iterator[str]:
    """Each attempt asks for the machine that comes after the one before in the operator's order.

    The last one, after two that were lost, asks for one that nobody takes back.
    """
    asked = {(launch.run, launch.number): json.loads(launch.words) for launch in seen.cloud.launches}
    for (run_id, number), words in asked.items():
        if "InstanceType" in words:
            ways = OFFERS[seen.spec(seen.ledger.runs_by_id[run_id]).size or "small"]
            way = (words["InstanceType"], words["SubnetId"], "InstanceMarketOptions" in words)
            before = seen.ledger.attempts_of[run_id][: number - 1]
            if sum(attempt.outcome == Outcome.LOST for attempt in before) >= MAX_ATTEMPTS - 1:
                ways = [each for each in ways if not each[2]]
            if way != ways[(number - 1) % len(ways)]:
                yield f"{run_id}.{number} asked for {way}"


def p19_a_run_is_given_up_after_two_hours_without_capacity(seen: History) -> Iterator[str]:
    """Not before, with a message, and after nothing but having found none."""
    for life in seen.lives.values():
        if life.run.reason == Reason.NO_CAPACITY:
            last = seen.ledger.attempts_of[life.run.id][-1]
            if last.outcome != Outcome.NO_CAPACITY or not life.run.message:
                yield f"{life.run.id} was given up after {last.outcome}"
            waited = life.ended - seen.seconds(life.run.created_at)
            if not seen.seen.clocks_set and waited < NO_CAPACITY_FOR - 1:
                yield f"{life.run.id} was given up after {waited:.0f} s"


def p20_an_attempt_is_followed_by_another_only_when_it_may(seen: History) -> Iterator[str]:
    """Lost ones at most three times, failed ones as the schedule asks, those without a machine; time-outs never."""
    for run_id, attempts in seen.ledger.attempts_of.items():
        if sum(attempt.outcome == Outcome.LOST for attempt in attempts) > MAX_ATTEMPTS:
            yield f"{run_id} was lost too often"
        for before, _ in pairwise(attempts):
            if before.outcome not in {Outcome.LOST, Outcome.FINISHED, Outcome.NO_CAPACITY}:
                yield f"{run_id} was tried again after {before.outcome}"


def p21_no_machine_outlives_its_time(seen: History) -> Iterator[str]:
    """Time-out and twenty minutes, even with every service dead."""
    for machine in seen.cloud.machines.values():
        end = machine.end if machine.end is not None else seen.seen.world.time
        most = seen.spec(seen.ledger.runs_by_id[machine.run]).timeout * 60 + UPLOAD_GRACE_SECONDS + BOOT
        if end - machine.start > most:
            yield f"{machine.name} lived for {end - machine.start:.0f} s"


def p22_a_full_disk_is_told_and_nothing_is_dispatched(seen: History) -> Iterator[str]:
    """Whoever writes gets a 507 and a sentence; the ledger stays as it is until there is room."""
    for at, problem in seen.seen.told:
        if not isinstance(problem, Refused) or problem.code != "disk_full":
            continue
        if not (seen.full_at(at) and problem.status == 507 and str(problem)):
            yield f"somebody was told of a full disk at {at:.0f}"
    if seen.ledger.fills_up_at_once:
        yield from _written_on_a_full_disk(seen)


def _written_on_a_full_disk(seen: History) -> Iterator[str]:
    for at, run in seen.ledger.rows:
        if seen.full_at(at):
            yield f"{run.key} came onto a full disk"
    for launch in seen.cloud.launches:
        if seen.full_at(seen.ledger.recorded.get((launch.run, launch.number), -1)):
            yield f"{launch.run}.{launch.number} was recorded on a full disk"


def p23_latest_never_goes_back_and_never_points_at_a_half(seen: History) -> Iterator[str]:
    """What a reader finds is complete."""
    for area in (seen.seen.area, seen.seen.public):
        yield from area.went_back
        yield from area.incomplete


def p23_data_has_the_newest_runs_files(seen: History) -> Iterator[str]:
    """When nobody publishes any more."""
    area = seen.seen.area
    for name, latest in area.latest.items():
        index = json.loads(area.content[f"{name}/data.json"])
        claim = index["files"]["out.csv"]
        if (claim["scheduled_for"], claim["run_queued"], claim["run"]) < latest:
            yield f"{name}/data/ is older than latest.json"
        content = area.content[f"{name}/data/out.csv"]
        if seen.seen.ended_well and not index["unfinished"] and content != f"{claim['run']}\n".encode():
            yield f"{name}/data/ isn't what its index says"


def p33_what_was_withdrawn_is_public_no_more(seen: History) -> Iterator[str]:
    """When all is well again nothing can be read by everybody of a schedule that was public once and isn't now."""
    if not seen.seen.ended_well:
        return
    for schedule_id, versions in seen.ledger.versions_of.items():
        schedule = seen.ledger.schedules.get(schedule_id)
        newest = max(versions, key=lambda version: version.version)
        left = [key for key in seen.seen.public.content if key.startswith(f"{schedule.name}/")]
        if newest.spec.visibility != Visibility.PUBLIC and left:
            yield f"{schedule.name} is private, and {left[0]} is public"


def p34_nothing_of_a_deleted_schedule_starts(seen: History) -> Iterator[str]:
    """Nor is an open row of it recorded that nobody wants to stop."""
    deleted = {s.after.id: s.at for s in seen.ledger.settled if s.after.state == ScheduleState.DELETED}
    for move in seen.ledger.moves:
        if move.at > deleted.get(move.run.schedule_id, float("inf")):
            if move.run.status == RunStatus.LAUNCHING and move.run.attempt == 0:
                yield f"{move.run.key} started"
            if move.run.status == RunStatus.DUE and move.run.cancelled_by is None:
                yield f"{move.run.key} waits"


def p26_every_end_says_why_and_is_final(seen: History) -> Iterator[str]:
    """A row that has ended never changes."""
    for run in seen.ledger.ended.values():
        now = seen.ledger.runs_by_id[run.id]
        # that its files went changes nothing of how it ended
        if run.model_copy(update={"pruned_at": now.pruned_at}) != now:
            yield f"{run.id} changed after its end"
        if run.reason is None or not run.message or run.ended_at is None:
            yield f"{run.id} ended without a word"


def p26_success_means_that_it_was_executed(seen: History) -> Iterator[str]:
    """To a good end."""
    good = {e.run for e in seen.cloud.executions if e.exit_code == 0}
    for run in seen.ledger.ended.values():
        if run.status == RunStatus.SUCCEEDED and run.id not in good:
            yield f"{run.id} succeeded without being executed"


Invariant = Callable[[History], Iterator[str]]


def no_service_meets_a_fault_of_its_own(seen: History) -> Iterator[str]:
    """Whatever the world does to it."""
    yield from sorted({f"{type(problem).__name__}: {problem}" for problem in seen.seen.faults_met})


INVARIANTS: tuple[Invariant, ...] = (
    no_service_meets_a_fault_of_its_own,
    *(check for name, check in sorted(globals().items()) if name.startswith("p") and name[1].isdigit()),
    *keeping_policies.INVARIANTS,
    *keeping_surroundings.INVARIANTS,
)


def broken(seen: Deployment) -> list[str]:
    """What doesn't hold, each with the name of its promise."""
    history = History(seen)
    return [f"{check.__name__}: {how}" for check in INVARIANTS for how in check(history)]


def wasted_machines(seen: Deployment) -> int:
    """Attempts that nothing but impatience gave up: in a calm world none is lost."""
    every = (attempt for attempts in seen.ledger.attempts_of.values() for attempt in attempts)
    return sum(attempt.outcome == Outcome.LOST for attempt in every) if seen.calm else 0


def stray_seconds(seen: Deployment) -> float:
    """How long machines lived that no attempt owned any more."""
    total = 0.0
    for machine in seen.cloud.machines.values():
        over = seen.ledger.over.get((machine.run, machine.number))
        if over is not None:
            total += max(0.0, (machine.end if machine.end is not None else seen.world.time) - over)
    return total


def _succeeded(seen: History, execution: Execution) -> bool:
    """Whether the result of that is there, and good."""
    data = seen.seen.work.content.get(f"{execution.prefix}{RESULT}")
    result = json.loads(data) if data else {}
    return (result.get("outcome"), result.get("exit_code")) == ("finished", 0)


def _came(seen: History, schedule_id: str, instant: object) -> bool:
    return any(_covers(run, instant) for _, run in seen.ledger.rows if run.schedule_id == schedule_id)


def _covers(run: Run, instant: object) -> bool:
    return run.trigger == Trigger.SCHEDULE and bool(run.scheduled_for <= instant <= (run.until or run.scheduled_for))  # type: ignore[operator]


def _may_go_beside(seen: History, executions: list[Execution]) -> bool:
    runs = {e.run: seen.ledger.runs_by_id[e.run] for e in executions}
    backfills = all(run.trigger == Trigger.BACKFILL for run in runs.values())
    return backfills and len(executions) == len(runs) <= max(run.parallel for run in runs.values())


def _end(end: float | None) -> float:
    return float("inf") if end is None else end
