"""What must hold in every world: a function for each promise, which says how it was broken, or nothing."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

from jupyter_schedule.core import occurrences
from jupyter_schedule.core.models import Outcome, Overlap, Run, RunStatus, Trigger
from scheduler_service.decide import MAX_ATTEMPTS
from tests.simulation.cloud import Execution
from tests.simulation.deployment import Deployment

#: seconds that a tick may come late in a calm world
LATE = 40


def p1_every_occurrence_is_in_the_ledger_exactly_once(seen: Deployment) -> Iterator[str]:
    """Also P4, P5 and P6: what each version owed, told by its expression alone, is what the ledger has of it."""
    owed: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for stretch in seen.ledger.settled:
        schedule = stretch.schedule
        for occurrence in occurrences.between(schedule.spec.timing, stretch.start, stretch.end):
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
    for (schedule_id, revision), counts in owed.items():
        for key, count in counts.items():
            if count != 1:
                yield f"{schedule_id} cron:{revision}:{key} is in the ledger {count} times"


def p1_no_key_is_in_the_ledger_twice(seen: Deployment) -> Iterator[str]:
    """Whoever writes it, and however often."""
    yield from (f"{key} came twice" for key in _twice((run.schedule_id, run.key) for _, run in seen.ledger.rows))


def p2_one_worker_executes_an_attempt(seen: Deployment) -> Iterator[str]:
    """User code of an attempt starts once."""
    yield from (f"{key} was executed twice" for key in _twice((e.run, e.number) for e in seen.cloud.executions))


def p2_never_two_attempts_at_once(seen: Deployment) -> Iterator[str]:
    """User code of a run never overlaps with itself."""
    yield from _overlaps(seen.cloud.executions, lambda execution: execution.run)


def p2_an_attempt_is_launched_with_the_same_words(seen: Deployment) -> Iterator[str]:
    """Token and parameters are frozen before the first launch."""
    words: dict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    for launch in seen.cloud.launches:
        words[launch.run, launch.number].add((launch.token, launch.parameters))
    yield from (f"{key} was launched in {len(each)} ways" for key, each in words.items() if len(each) > 1)


def p2_who_lost_a_run_changes_nothing(seen: Deployment) -> Iterator[str]:
    """Every write is its holder's."""
    yield from seen.ledger.stale


def p3_in_a_calm_world_a_run_is_in_the_ledger_when_it_is_due(seen: Deployment) -> Iterator[str]:
    """Within a tick."""
    for at, run in seen.ledger.rows:
        late = at - (run.scheduled_for - seen.world.now).total_seconds() - seen.world.time
        if seen.calm and run.trigger == Trigger.SCHEDULE and late > LATE:
            yield f"{run.key} came {late:.0f} s late"


def p6_what_has_finished_is_never_executed_again(seen: Deployment) -> Iterator[str]:
    """A run whose result exists is over."""
    ends = {e.run: e.end for e in seen.cloud.executions if _finished(seen, e) and e.end is not None}
    for execution in seen.cloud.executions:
        if execution.start > ends.get(execution.run, float("inf")):
            yield f"{execution.run} was executed again"


def p6_a_result_never_changes(seen: Deployment) -> Iterator[str]:
    """Whoever writes one again."""
    yield from seen.work.rewritten


def p7_two_runs_of_a_schedule_never_go_at_once(seen: Deployment) -> Iterator[str]:
    """Unless they may."""
    alone = [e for e in seen.cloud.executions if _spec_overlap(seen, e.run) != Overlap.ALLOW]
    yield from _overlaps(alone, lambda execution: execution.schedule)


def p15_a_clock_that_others_contradict_dispatches_nothing(seen: Deployment) -> Iterator[str]:
    """A service whose clock jumped ahead of the database's halts."""
    yield from (f"a clock that was minutes ahead was believed at {at:.0f}" for at, halted in seen.doubts if not halted)
    for at, run in seen.ledger.rows if seen.shared else ():
        early = (run.scheduled_for - seen.world.now).total_seconds() + seen.world.time - at
        if run.trigger == Trigger.SCHEDULE and early > 61:
            yield f"{run.key} came {early:.0f} s early"


def p17_when_all_is_well_again_everything_comes_to_its_end(seen: Deployment) -> Iterator[str]:
    """Also P18, P22: whatever was away or full, nothing stays behind."""
    if not seen.ended_well:
        yield from (f"{run.id} is {run.status} for ever" for run in seen.ledger.open_runs())


def p20_a_lost_attempt_is_followed_by_another_at_most_three_times(seen: Deployment) -> Iterator[str]:
    """Time-outs never are."""
    for run_id, attempts in seen.ledger.attempts_of.items():
        if len(attempts) > MAX_ATTEMPTS:
            yield f"{run_id} had {len(attempts)} attempts"
        for before, _ in pairwise(attempts):
            if before.outcome != Outcome.LOST:
                yield f"{run_id} was tried again after {before.outcome}"


def p21_no_machine_outlives_its_time(seen: Deployment) -> Iterator[str]:
    """Even with every service dead."""
    for machine in seen.cloud.machines.values():
        end = machine.end if machine.end is not None else seen.world.time
        if end - machine.start > machine.life + 1:
            yield f"{machine.name} lived for {end - machine.start:.0f} s"


def p23_latest_never_goes_back_and_never_points_at_a_half(seen: Deployment) -> Iterator[str]:
    """What a reader finds is complete."""
    yield from seen.area.went_back
    yield from seen.area.incomplete


def p23_data_has_the_newest_runs_files(seen: Deployment) -> Iterator[str]:
    """When nobody publishes any more."""
    for name, latest in seen.area.latest.items():
        index = json.loads(seen.area.content[f"{name}/data.json"])
        claim = index["files"]["out.csv"]
        if (claim["scheduled_for"], claim["run_queued"], claim["run"]) < latest:
            yield f"{name}/data/ is older than latest.json"
        content = seen.area.content[f"{name}/data/out.csv"]
        if seen.ended_well and not index["unfinished"] and content != f"{claim['run']}\n".encode():
            yield f"{name}/data/ isn't what its index says"


def p26_every_end_says_why_and_is_final(seen: Deployment) -> Iterator[str]:
    """A row that has ended never changes."""
    yield from (f"{run_id} changed after its end" for run_id in seen.ledger.thawed)
    for run in seen.ledger.ended.values():
        if run.reason is None or not run.message or run.ended_at is None:
            yield f"{run.id} ended without a word"


def p26_success_means_that_it_was_executed(seen: Deployment) -> Iterator[str]:
    """Once, with its result."""
    for run in seen.ledger.ended.values():
        if run.status == RunStatus.SUCCEEDED and not any(e.run == run.id for e in seen.cloud.executions):
            yield f"{run.id} succeeded without being executed"


INVARIANTS = tuple(check for name, check in sorted(globals().items()) if name.startswith("p") and name[1].isdigit())


def broken(seen: Deployment) -> list[str]:
    """What doesn't hold, each with the name of its promise."""
    return [f"{check.__name__}: {how}" for check in INVARIANTS for how in check(seen)]


def wasted_machines(seen: Deployment) -> int:
    """Machines that nothing but impatience asked for: in a calm world each run needs one."""
    return len(seen.cloud.machines) - len({machine.run for machine in seen.cloud.machines.values()}) if seen.calm else 0


def stray_seconds(seen: Deployment) -> float:
    """How long machines lived that no attempt owned any more."""
    total = 0.0
    for machine in seen.cloud.machines.values():
        over = seen.ledger.over.get((machine.run, machine.number))
        if over is not None:
            total += max(0.0, (machine.end if machine.end is not None else seen.world.time) - over)
    return total


def _twice(keys: Iterable[object]) -> list[object]:
    counts: dict[object, int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    return [key for key, count in counts.items() if count > 1]


def _overlaps(executions: Iterable[Execution], group: object) -> Iterator[str]:
    together: dict[str, list[Execution]] = defaultdict(list)
    for execution in executions:
        together[group(execution)].append(execution)  # type: ignore[operator]
    for each in together.values():
        for one, other in combinations(each, 2):
            ends = [e.end if e.end is not None else float("inf") for e in (one, other)]
            if one.start < ends[1] and other.start < ends[0]:
                yield f"{one.run}.{one.number} on {one.worker} and {other.run}.{other.number} on {other.worker}"


def _finished(seen: Deployment, execution: Execution) -> bool:
    key = f"workers/cloud/{_token(seen, execution)}/result"
    return b'"outcome": "finished"' in seen.work.content.get(key, b"")


def _token(seen: Deployment, execution: Execution) -> str:
    return seen.cloud.machines[execution.worker].token


def _spec_overlap(seen: Deployment, run_id: str) -> Overlap:
    run: Run = seen.ledger.runs_by_id[run_id]
    return seen.ledger.version(run.schedule_id, run.version).spec.overlap
