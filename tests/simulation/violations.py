"""Records of a good world, spoilt so that an invariant which no mutant of one defence breaks is seen to fail.

By name of the invariant: a seed, and what is done to what was noted in its world.
"""

from collections.abc import Callable
from dataclasses import replace

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Outcome, RunStatus, ScheduleState, Timing, Trigger
from tests.simulation.deployment import Deployment
from tests.simulation.worker import Execution

#: a calm world, in which some runs succeed and are published
SEED = 4


def _good(seen: Deployment) -> Execution:
    """User code that came to a good end."""
    good = {run.id for run in seen.ledger.ended.values() if run.status == RunStatus.SUCCEEDED}
    return next(e for e in seen.cloud.executions if e.exit_code == 0 and e.run in good)


def _for_ever(seen: Deployment) -> None:
    run_id, run = next(iter(seen.ledger.runs_by_id.items()))
    seen.ledger.runs_by_id[run_id] = run.model_copy(update={"status": RunStatus.RUNNING})
    seen.ended_well = False


def _tried_after_a_time_out(seen: Deployment) -> None:
    attempts = next(attempts for attempts in seen.ledger.attempts_of.values() if attempts)
    first = attempts[0].model_copy(update={"outcome": Outcome.TIMED_OUT})
    attempts[:] = [first, first.model_copy(update={"number": 2})]


def _told_without_reason(seen: Deployment) -> None:
    seen.told.append((0.0, Refused("disk_full", "The disk is full.")))


def _older_data(seen: Deployment) -> None:
    name = next(iter(seen.area.latest))
    seen.area.latest[name] = ("9999-01-01T00:00:00Z", 0, "")


def _without_a_word(seen: Deployment) -> None:
    run = next(iter(seen.ledger.ended.values()))
    seen.ledger.ended[run.id] = seen.ledger.runs_by_id[run.id] = run.model_copy(update={"message": None})


def _nothing_executed(seen: Deployment) -> None:
    seen.cloud.executions.clear()


def _two_at_once(seen: Deployment) -> None:
    seen.cloud.executions.append(replace(_good(seen), number=9))


def _late(seen: Deployment) -> None:
    at, run = next((at, run) for at, run in seen.ledger.rows if run.status == RunStatus.DUE)
    seen.ledger.rows.append((at + 9999, run.model_copy(update={"trigger": Trigger.SCHEDULE})))


def _once_more(seen: Deployment) -> None:
    before = _good(seen)
    start = (before.end or 0) + 1
    seen.cloud.executions.append(replace(before, number=9, start=start, end=start + 1, prefix=""))


def _at_another_time(seen: Deployment) -> None:
    run = next(run for _, run in seen.ledger.rows if run.trigger == Trigger.SCHEDULE)
    once = Timing(once=run.data_interval_start)
    seen.ledger.versions_of[run.schedule_id] = [
        version.model_copy(update={"spec": version.spec.model_copy(update={"timing": once})})
        for version in seen.ledger.versions_of[run.schedule_id]
    ]


def _public_still(seen: Deployment) -> None:
    schedule = next(iter(seen.ledger.schedules.list_page()))
    seen.public.content[f"{schedule.name}/data/out.csv"] = b""


def _deleted_before(seen: Deployment) -> None:
    """All that moved once did so after its schedule was deleted."""
    stretch = seen.ledger.settled[0]
    after = stretch.after.model_copy(update={"state": ScheduleState.DELETED})
    seen.ledger.settled.append(replace(stretch, at=-1.0, after=after))


VIOLATIONS: dict[str, tuple[int, Callable[[Deployment], None]]] = {
    "p2_never_two_attempts_at_once": (SEED, _two_at_once),
    "p3_in_a_calm_world_a_run_is_in_the_ledger_when_it_is_due": (SEED, _late),
    "p6_what_has_finished_is_never_executed_again": (SEED, _once_more),
    "p17_when_all_is_well_again_everything_comes_to_its_end": (SEED, _for_ever),
    "p20_an_attempt_is_followed_by_another_only_when_it_may": (SEED, _tried_after_a_time_out),
    "p22_a_full_disk_is_told_and_nothing_is_dispatched": (SEED, _told_without_reason),
    "p23_data_has_the_newest_runs_files": (SEED, _older_data),
    "p26_every_end_says_why_and_is_final": (SEED, _without_a_word),
    "p26_success_means_that_it_was_executed": (SEED, _nothing_executed),
    "p33_what_was_withdrawn_is_public_no_more": (SEED, _public_still),
    "p34_nothing_of_a_deleted_schedule_starts": (SEED, _deleted_before),
    "no_service_meets_a_fault_of_its_own": (SEED, lambda seen: seen.faults_met.append(KeyError("name"))),
    "once_is_once": (SEED, _at_another_time),
    "a_time_out_is_never_tried_again": (SEED, _tried_after_a_time_out),
}
