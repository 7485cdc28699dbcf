"""The product with one of its defences taken out, so that it is seen what each of them is for.

A mutant is an edit of the product's own source: a function, a piece of its text that must be there, and what stands
there instead.  It is patched in for as long as a world lives.
"""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from jupyter_schedule.core.clock import LedgerClock
from jupyter_schedule.core.operations import backfill
from jupyter_schedule.core.store import schedules as sql_schedules
from jupyter_schedule.core.store import sqlite
from jupyter_schedule.core.store.runs import SqlRuns
from jupyter_schedule.core.store.schedules import SqlSchedules
from jupyter_schedule.core.timing import admission, planning
from jupyter_schedule.core.timing.admission import Admission
from scheduler_service import ad_hoc, decide, effects, ownership, tick, trusted_clock
from scheduler_service.effects import Effects
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.notifications.deliver import Deliverer
from scheduler_service.ownership import Ownership
from scheduler_service.publishing import publish
from scheduler_service.publishing.unpublish import Unpublisher
from scheduler_service.retention import prune, rules
from scheduler_service.worker import agent
from tests.simulation import people
from tests.simulation.deployment import Deployment
from tests.simulation.ledgers import Opens, in_memory, in_sqlite, without_unique


@dataclass(frozen=True)
class Edit:
    """A piece of a function's text, and what stands there in the mutant; `owner` is where others find the function."""

    owner: Any
    name: str
    old: str
    new: str

    @contextmanager
    def made(self) -> Iterator[None]:
        """The mutant is in the place of the function."""
        function = getattr(self.owner, self.name)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(self.old) == 1, f"{self.name} has no {self.old!r} to take out"
        scope: dict[str, Any] = {}
        exec(
            compile(source.replace(self.old, self.new), function.__code__.co_filename, "exec"),
            function.__globals__,
            scope,
        )
        with patch.object(self.owner, self.name, scope[self.name]):
            yield


@dataclass(frozen=True)
class Mutant:
    """What is taken out, what sees that, and a world in which it does; where worlds change, a later one may."""

    name: str
    edits: tuple[Edit, ...]
    #: the invariant that must tell it
    seen_by: str = ""
    seed: int = 0
    opens: Opens = in_memory

    def live(self, seed: int) -> Deployment:
        """What became of that world."""
        deployment = Deployment(seed, self.opens)

        def between() -> None:
            """Where a transaction is cut in two, others go on."""
            deployment.world.acting.pause()

        with ExitStack() as stack:
            for edit in self.edits:
                stack.enter_context(edit.made())
            stack.enter_context(patch.object(sql_schedules, "between", between, create=True))
            deployment.run()
        return deployment


_ROWS = "self._runs.insert(connection, [run for advance in same for run in advance.runs], actor)\n"
_LAUNCH = "handle = launcher.launch(attempt)"
_REPLANNED = (
    "handle = launcher.launch(attempt.model_copy(update={'parameters': self._plan_attempt("
    "held._replace(run=held.run.model_copy(update={'attempt': attempt.number - 1})), self._launcher(attempt))"
    ".parameters}))"
)
_OTHER_TOKEN = "(machines, request | {'ClientToken': f'{attempt.token}{self._now()}'}, mine)"
_NEWER = "if current is not None and parse_document(Latest, current, keys.latest).order > latest.order:"
_BOUNDLESS = (
    "coming(schedule.spec.model_copy(update={'policies': type(schedule.spec.policies)(), 'last_due': None}), now)"
)

MUTANTS = (
    # -- the ledger
    Mutant(
        "no UNIQUE",
        (
            Edit(SqlRuns, "insert", '.on_conflict_do_nothing(index_elements=["schedule_id", "key"])', ""),
            Edit(sqlite, "_prepare", "foreign_keys=ON", "foreign_keys=OFF"),
        ),
        "p1_no_key_is_in_the_ledger_twice",
        opens=without_unique,
        seed=46,
    ),
    Mutant(
        "cursor before row",
        (
            Edit(
                SqlSchedules,
                "record_due_runs",
                "            " + _ROWS,
                "    between()\n    with self._database.engine.begin() as connection:\n        " + _ROWS,
            ),
        ),
        "p1_every_occurrence_is_in_the_ledger_exactly_once",
        opens=in_sqlite,
        seed=5,
    ),
    Mutant(
        "no fence",
        (
            Edit(SqlRuns, "_move", "    runs.c.fence == before.fence,\n", ""),
            Edit(SqlRuns, "replace_attempt", ", runs.c.fence == run.fence", ""),
        ),
        "p2_who_lost_a_run_changes_nothing",
        opens=in_sqlite,
    ),
    Mutant(
        "a cursor that goes back",
        (Edit(planning, "advance_cursor", "max(utc(now), schedule.cursor)", "utc(now)"),),
        "p14_a_clock_set_back_fires_nothing_twice",
        seed=14,
    ),
    Mutant(
        "a clock that is believed",
        (Edit(trusted_clock, "assess", "if abs(ahead) <= TOLERANCE", "if True"),),
        "p15_a_clock_that_others_contradict_dispatches_nothing",
        seed=23,
    ),
    Mutant(
        "a backfill that knows no number",
        (Edit(admission, "may_overlap", "backfills < run.parallel and ", ""),),
        "p7_two_runs_of_a_schedule_never_go_at_once",
        seed=5,
    ),
    Mutant(
        "a door of its own mind",
        (Edit(people, "upcoming", "coming(schedule.spec, now)", _BOUNDLESS),),
        "p16_every_door_shows_what_then_comes",
        seed=22,
    ),
    # -- attempts
    Mutant(
        "no gate",
        (Edit(agent, "take_gate", "return False", "return True"),),
        "p2_one_worker_executes_an_attempt",
    ),
    Mutant(
        "a token per call",
        (Edit(Ec2Launcher, "launch", "(machines, request, mine)", _OTHER_TOKEN),),
        "p2_one_machine_is_had_for_an_attempt",
        seed=35,
    ),
    Mutant(
        "unfrozen parameters",
        (Edit(Effects, "launch", _LAUNCH, _REPLANNED),),
        "p2_an_attempt_is_launched_with_the_same_words",
        seed=5,
    ),
    Mutant(
        "machine before row",
        (
            Edit(
                Effects,
                "start",
                "    if self._store.runs.add_attempt(",
                "    self._launcher(attempt).launch(attempt)\n    if self._store.runs.add_attempt(",
            ),
        ),
        "p2_the_row_comes_before_the_machine",
    ),
    Mutant(
        "overwritable result",
        (Edit(agent.AttemptStorage, "put_result", "put_once", "put"),),
        "p6_a_result_never_changes",
    ),
    Mutant(
        "no self-shutdown",
        (
            Edit(effects, "build_task", "        lifetime_seconds=spec.timeout * 60 + UPLOAD_GRACE_SECONDS,\n", ""),
            Edit(Ec2Launcher, "plan", '"power_off_after": int((deadline - self._now()).total_seconds()),', ""),
        ),
        "p21_no_machine_outlives_its_time",
        seed=17,
    ),
    Mutant(
        "one offer only",
        (Edit(Ec2Launcher, "plan", "turn = number - 1", "turn = 0"),),
        "p19_without_capacity_the_next_way_is_tried",
        seed=5,
    ),
    Mutant(
        "impatience with a market",
        (Edit(decide, "_decide_shortage", "START_DEADLINE:", "START_DEADLINE / 4:"),),
        "p19_a_run_is_given_up_after_two_hours_without_capacity",
        seed=10,
    ),
    Mutant(
        "blind latest",
        (Edit(publish, "_move_latest", _NEWER, "if False:"),),
        "p23_latest_never_goes_back_and_never_points_at_a_half",
        seed=1,
    ),
    # -- policies
    Mutant(
        "no end",
        (Edit(planning, "last_instant", "(spec.policies.end, spec.last_due)", "(None,)"),),
        "it_is_due_as_often_as_it_may_be",
    ),
    Mutant(
        "no start",
        (Edit(planning, "coming", "if start is not None and start > moment:", "if False:"),),
        "bounds_are_kept",
        seed=2,
    ),
    Mutant(
        "one attempt too many",
        (Edit(decide, "next_retry_at", "failed_before >= policies.retries", "failed_before > policies.retries"),),
        "a_failure_is_tried_again_as_often_and_as_late_as_asked",
    ),
    Mutant(
        "no back-off",
        (Edit(decide, "next_retry_at", " * 2 ** min(failed_before, 10)", ""),),
        "a_failure_is_tried_again_as_often_and_as_late_as_asked",
        seed=35,
    ),
    Mutant(
        "a deadline at once",
        (Edit(decide, "missed_deadline", "minutes=policies.start_deadline", "minutes=0"),),
        "a_start_deadline_is_kept",
    ),
    Mutant(
        "a hasty pause",
        (Edit(effects, "pause_after_failures", "schedule.changed_at) < most", "schedule.changed_at) < most - 1"),),
        "who_pauses_itself_had_failed_so_often",
        seed=3,
    ),
    Mutant(
        "no pause",
        (Edit(effects, "pause_after_failures", "schedule.changed_at) < most", "schedule.changed_at) < most + 9"),),
        "who_failed_so_often_pauses_itself",
        seed=96,
    ),
    Mutant(
        "overlap that isn't looked at",
        (
            Edit(admission, "may_overlap", "not beside or overlap == Overlap.ALLOW", "True"),
            Edit(decide, "may_overlap", "not beside or overlap == Overlap.ALLOW", "True"),
        ),
        "p7_two_runs_of_a_schedule_never_go_at_once",
    ),
    Mutant(
        "skipped for a backfill",
        (Edit(decide, "_decide_one_waiting", " or beside[-1].trigger == Trigger.BACKFILL", ""),),
        "who_is_skipped_met_another",
        seed=9,
    ),
    Mutant(
        "stopped for nothing",
        (Edit(decide, "_decide_one_waiting", "spec.overlap == Overlap.CANCEL_PREVIOUS and", ""),),
        "who_is_stopped_makes_way",
    ),
    Mutant(
        "superseded by nothing",
        (Edit(decide, "_decide_one_waiting", " and run is not newest", ""),),
        "who_is_superseded_has_a_successor",
        seed=1,
    ),
    Mutant(
        "no room kept",
        (Edit(Admission, "admit", "self._count(GoingRun(*admitted))", "pass"),),
        "so_many_go_at_once",
        seed=1,
    ),
    Mutant(
        "limits of one's own",
        (Edit(Admission, "__init__", "for run in going:", "for run in ():"),),
        "so_many_go_at_once",
        seed=1,
    ),
    Mutant(
        "what others hold takes the turns",
        (
            Edit(
                Admission,
                "next_owner",
                "most is None or self._of_owner[turns.owner] < most",
                "not self._of_owner[turns.owner]",
            ),
        ),
        "p29_with_room_something_starts",
        seed=7,
    ),
    Mutant(
        "no turns",
        (
            Edit(
                Admission,
                "_place",
                "self._of_owner[turns.owner], turns.served, turns.waiting_since",
                "0, 0, turns.waiting_since",
            ),
        ),
        "owners_take_turns",
        seed=109,
    ),
    Mutant(
        "looks on the clock's way",
        (
            Edit(
                tick.Ticker,
                "_look_at",
                "self._pool(task, launcher).submit(self._look_after, each)",
                "Future(); self._look_after(each); self._under_way[run.id].set_result(None)",
            ),
        ),
        "p3_in_a_calm_world_a_run_is_in_the_ledger_when_it_is_due",
        seed=87,
    ),
    Mutant(
        "a withdrawal that forgets",
        (Edit(Unpublisher, "_try", "remaining == 0 and trouble is None and not owed.publishers", "True"),),
        "p33_what_was_withdrawn_is_public_no_more",
        seed=46,
    ),
    # -- what is beside runs
    Mutant(
        "retention that counts only",
        (Edit(prune, "find_expired", " | _latest_good(ended)", ""),),
        "p25_the_latest_good_run_keeps_its_files",
        seed=14,
    ),
    Mutant(
        "retention that doesn't ask readers",
        (Edit(prune, "find_expired", "set(named) | ", ""), Edit(rules, "_latest_good", "if some", "if some and False")),
        "p23_latest_never_goes_back_and_never_points_at_a_half",
        seed=14,
    ),
    Mutant(
        "a word that counts as sent",
        (Edit(Deliverer, "deliver", "if trouble is None:", "if True:"),),
        "every_word_arrives_or_is_accounted_for",
        seed=14,
    ),
    Mutant(
        "a word after the end",
        (Edit(Effects, "end", "notifications=notifications, ", ""),),
        "every_bad_end_is_told",
        seed=14,
    ),
    Mutant(
        "a cap on what goes",
        (Edit(Effects, "_quota_block", "held.run.attempt > 0", "False"),),
        "p30_a_cap_ends_nothing_that_goes",
        seed=94,
    ),
    Mutant(
        "no cap on what starts",
        (Edit(Effects, "_quota_block", "not quota.any or held.run.attempt > 0", "True"),),
        "p30_nothing_starts_above_a_cap",
        seed=285,
    ),
    Mutant(
        "machine-hours of the last attempt",
        (
            Edit(
                Effects,
                "_costs_of",
                "self._store.runs.list_attempts(run.id), ",
                "self._store.runs.list_attempts(run.id)[-1:], ",
            ),
        ),
        "p39_machine_hours_are_counted_once",
        seed=17,
    ),
    Mutant(
        "a machine's end is when it is seen",
        (
            Edit(
                effects,
                "end_of_machine",
                "known = [now, attempt.deadline, *([] if told is None else [told])]",
                "return now",
            ),
        ),
        "p39_money_ends_with_the_machine",
        seed=169,
    ),
    Mutant(
        "a stop that ends no machine",
        (Edit(ad_hoc, "decide_ad_hoc", "STOPPED, message, now, terminate=True", "STOPPED, message, now"),),
        "p21_an_ad_hoc_worker_ends_in_time",
        seed=443,
    ),
    Mutant(
        "a copy that is believed",
        (Edit(ownership, "compare", "return Blocker.COPY", "return None"),),
        "p38_a_copy_starts_nothing_and_ends_nothing",
        seed=14,
    ),
    Mutant(
        "a copy that doesn't wait to see",
        (Edit(Ownership, "__init__", "Blocker.UNSEEN", "None"),),
        "p38_a_copy_starts_nothing_and_ends_nothing",
        seed=14,
    ),
    Mutant(
        "the clock of who asks",
        (Edit(LedgerClock, "__call__", "if told is None:", "if True:"),),
        "p15_requests_are_taken_by_the_ledgers_time",
        seed=17,
    ),
    Mutant(
        "one key for all zones",
        (Edit(planning, "plan_backfill_run", "{schedule.timing_rev}:", ""),),
        "a_backfill_is_whole",
        seed=9,
    ),
    Mutant(
        "filled twice",
        (Edit(backfill, "plan", "if any(not run.status.terminal for run in before):", "if False:"),),
        "a_time_is_filled_by_one_at_once",
    ),
)
#: what they cost is all that tells them
EAGER_LOST = Mutant(
    "eager lost",
    (Edit(decide, "_reason_to_stop", "silent = seen.silent_for >= seen.patience", "silent = seen.silent_for > 20"),),
)
NO_REAPER = Mutant("no reaper", (Edit(tick.Ticker, "_reap", "self._launchers.items()", "()"),))
