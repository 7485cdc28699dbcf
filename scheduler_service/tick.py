"""The tick: load what is known, let `decide` say what to do, apply it.

The only writer of a run's status after `due`.  No object store and no launcher is called inside a transaction, and
every write is guarded by the run's fence: an answer that comes too late changes nothing.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from jupyter_schedule.core import clock, ledger
from jupyter_schedule.core.areas import FOLDERS, Areas
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    GOING_STATUSES,
    Attempt,
    Outcome,
    Overlap,
    Reason,
    Result,
    Run,
    RunStatus,
    Schedule,
    Spec,
    utc,
)
from jupyter_schedule.core.objects import ObjectExists, Objects, open_objects
from jupyter_schedule.core.queue import in_line
from jupyter_schedule.core.store.base import Settlement, Store
from jupyter_schedule.core.workarea import gate_key
from scheduler_service.autopause import pause_after_failures
from scheduler_service.brief import GRACE, brief_for, token_of
from scheduler_service.clearance import WorkerFiles
from scheduler_service.clockwatch import Trust, judge
from scheduler_service.decide import (
    CancelOther,
    Decision,
    End,
    MarkRunning,
    Promote,
    Publish,
    Relaunch,
    Start,
    Stop,
    Wait,
    decide_attempt,
    decide_due,
)
from scheduler_service.disclosure import Limits
from scheduler_service.launchers.absent import Launchers
from scheduler_service.launchers.base import Launcher, LaunchRefused, NoCapacity
from scheduler_service.look import Lookout
from scheduler_service.memory import Memory, looking_at
from scheduler_service.outlet import Outlet

log = logging.getLogger(__name__)

#: seconds that a service may act on a run without renewing its lease
LEASE = 60
#: schedules brought up to date in one transaction
BATCH = 500
ACTOR = "scheduler"
#: seconds between two words to a worker that should end
INSISTENCE = 0.5
#: seconds between two looks for what no attempt owns
REAP_EVERY = 60


@dataclass(frozen=True)
class Surroundings:
    """What a ticker works with."""

    store: Store
    #: the work area
    objects: Objects
    work_area: str
    launchers: Mapping[str, Launcher]
    #: names the objects of attempts
    secret: bytes
    #: name of this service in leases
    holder: str
    #: what it can see workers from
    place: str
    #: runs that may go at once
    room: int
    lease: int = LEASE
    #: how publications are reached
    open_objects: Callable[[str], Objects] = open_objects
    areas: Areas = FOLDERS
    #: of the disclosure check
    limits: Limits = Limits()  # noqa: RUF009  (frozen)
    now: Callable[[], datetime] = clock.now
    #: seconds that nobody can set: without the machine's sleep, and with it
    awake: Callable[[], float] = clock.awake
    since_boot: Callable[[], float] = clock.since_boot
    #: makes what effects run in
    pool: Callable[[str], Executor] = lambda name: ThreadPoolExecutor(max_workers=4, thread_name_prefix=name)
    #: called when an effect is done, so that the next tick needn't be waited for
    wake: Callable[[], None] = lambda: None


class Ticker:
    """Applies decisions; each run has at most one effect under way, in a pool, so that a slow one delays no other."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store
        self._pool = around.pool("effect")
        # of their own, since they may take long: a store that hangs mustn't keep others from starting
        self._publishers = around.pool("publish")
        self._under_way: dict[str, Future[None]] = {}
        self._reaping: dict[str, Future[bool]] = {}
        self._memory = Memory(around.awake)
        self._trust = Trust()
        self._launchers = Launchers(around.launchers)
        self._look = Lookout(self._store, around.objects, self._launchers, self._memory, around.now)
        self._spec = lru_cache(maxsize=4096)(lambda schedule_id, number: self._store.version(schedule_id, number).spec)

    def tick(self) -> bool:
        """Do everything that can be done now; whether any run is open."""
        now = self._around.now()
        dispatches = self._believe_clock(now)
        if dispatches:
            self._bring_up_to_date(now)
        # before the runs are loaded: of an effect that ends in between, the run is left alone until the next tick
        self._under_way = {run_id: effect for run_id, effect in self._under_way.items() if not effect.done()}
        runs = self._store.claim(self._around.holder, self._around.lease, self._around.place)
        self._memory.keep_only(run.id for run in runs)
        for run in runs:
            # of its own, since a look that fails says nothing about an effect, nor one that doesn't
            looking = looking_at(run.id)
            if run.status not in GOING_STATUSES or not self._is_free(run) or not self._memory.may_try(looking):
                continue
            if self._attempt_to(looking, self._look_after, run, now, dispatches):
                self._memory.succeeded(looking)
        if dispatches:
            self._start_due(runs, now)
        self._reap()
        return bool(runs)

    @property
    def trust(self) -> Trust:
        """What is thought of the clock."""
        return self._trust

    def close(self) -> None:
        """Let effects under way finish; runs go on without us."""
        for pool in (self._pool, self._publishers):
            pool.shutdown(wait=True, cancel_futures=True)
        self._store.release(self._around.holder)

    # -- load

    def _believe_clock(self, now: datetime) -> bool:
        """Whether the clock tells the time; said once when that changes."""
        before = self._trust
        self._trust = judge(before, now, self._around.since_boot(), self._store.clock)
        if self._trust.halted and not before.halted:
            log.error(
                "action=clock_doubted ahead=%d This machine's clock jumped ahead of every other: nothing is started "
                "until they agree. Set it right.",
                self._trust.ahead,
            )
        elif before.halted and not self._trust.halted:
            log.warning("action=clock_believed The clocks agree again: runs are started.")
        return not self._trust.halted

    def _bring_up_to_date(self, now: datetime) -> None:
        """Write what has come due into the ledger, many schedules at once."""
        moved = True
        while moved:
            due = self._store.due_schedules(now, BATCH)
            settlements = [settlement for schedule in due if (settlement := self._owed(schedule, now))]
            moved = self._settle(settlements) and len(due) == BATCH

    def _owed(self, schedule: Schedule, now: datetime) -> Settlement | None:
        """What a schedule owes; None when that can't be told, now or as far as is known."""
        found: list[Settlement] = []

        def look() -> None:
            owed = ledger.owed(schedule, now)
            found.append(Settlement(schedule, owed.schedule, owed.runs))

        if self._memory.may_try(schedule.id):
            self._attempt_to(schedule.id, look)
        return found[0] if found else None

    def _settle(self, settlements: list[Settlement]) -> bool:
        """Record what schedules owe; whether any of them moved."""
        try:
            moved = self._store.settle(settlements, actor=ACTOR)
        except Refused:
            raise
        except Exception:
            # one of them can't be recorded: it mustn't keep the others from it
            log.exception("action=settle_failed schedules=%d", len(settlements))
            moved = set()
            for one in settlements:
                self._attempt_to(one.before.id, lambda one=one: moved.update(self._store.settle([one], actor=ACTOR)))
        rows = sum(len(one.runs) for one in settlements if one.before.id in moved)
        if moved:
            log.info("action=due schedules=%d rows=%d", len(moved), rows)
        return bool(moved)

    def _start_due(self, mine: Sequence[Run], now: datetime) -> None:
        """Decide over all open runs, as they stand in each other's way; apply what concerns ours."""
        if not any(run.status == RunStatus.DUE for run in mine):
            return
        held = {run.id for run in mine}
        runs = [*mine, *(run for run in self._store.open_runs() if run.id not in held)]
        due = [run for run in runs if run.status == RunStatus.DUE and self._is_free(run) and self._has_spec(run)]
        going = [run for run in runs if run.status in GOING_STATUSES or run.id in self._under_way]
        working = sum(run.status != RunStatus.PUBLISHING for run in going)
        for run, decision in decide_due(
            in_line(due, self._look.owner_of), going, self._spec_of, self._around.room - working, now
        ):
            if run.id in held:
                self._apply(run, None, decision)

    def _reap(self) -> None:
        """Now and then, let each launcher end what no attempt owns."""
        for name, launcher in self._launchers.items():
            reaping = self._reaping.get(name)
            if (reaping is None or reaping.done()) and self._memory.may_try(launcher_key := f"launcher {name}"):
                self._memory.pause(launcher_key, REAP_EVERY)
                self._reaping[name] = self._pool.submit(self._attempt_to, launcher_key, launcher.reap, self._attempt_of)

    def _attempt_of(self, run_id: str, number: int) -> Attempt | None:
        return next((attempt for attempt in self._store.attempts(run_id) if attempt.number == number), None)

    def _attempt_to(self, key: str, act: Callable[..., object], *arguments: object) -> bool:
        """Do what concerns one run or schedule; when it fails, that one waits and all others go on."""
        try:
            act(*arguments)
        except Exception as problem:
            self._memory.failed(key, problem)
            log.exception("action=failed of=%s", key)
            return False
        return True

    def _is_free(self, run: Run) -> bool:
        return run.id not in self._under_way and self._memory.may_try(run.id)

    def _has_spec(self, run: Run) -> bool:
        return self._attempt_to(run.id, self._spec_of, run)

    def _look_after(self, run: Run, now: datetime, dispatches: bool) -> None:
        seen = replace(self._look.see(run), policies=self._spec_of(run).policies)
        decision = decide_attempt(seen, now)
        if dispatches or not isinstance(decision, Start):
            self._apply(run, seen.attempt, decision)

    # -- apply

    def _apply(self, run: Run, attempt: Attempt | None, decision: Decision) -> None:
        match decision:
            case Wait():
                return
            case MarkRunning():
                self._move(run, status=RunStatus.RUNNING, started_at=self._around.now())
            case Promote():
                self._move(run, status=RunStatus.PUBLISHING)
            case CancelOther():
                self._store.ask_to_cancel(decision.run.id, actor=ACTOR)
            case End() if attempt is None:
                self._end(run, None, decision)
            case Publish():
                self._under_way[run.id] = self._publishers.submit(self._effect, run, attempt, decision)
            case _:
                self._under_way[run.id] = self._pool.submit(self._effect, run, attempt, decision)

    def _effect(self, run: Run, attempt: Attempt | None, decision: Decision) -> None:
        """An effect that reaches outside.  It failed: the run stays as it was, and a later tick tries again."""

        def act() -> None:
            match decision:
                case Start():
                    self._start(run, decision)
                case Relaunch() if attempt:
                    self._launch(run, attempt)
                case Publish() if attempt:
                    self._publish(run, attempt, decision.result)
                case Stop() if attempt:
                    self._memory.pause(run.id, INSISTENCE)
                    self._stop(run, attempt, decision)
                case End():
                    self._end(run, attempt, decision)

        if self._attempt_to(run.id, act):
            self._memory.succeeded(run.id)
            self._around.wake()

    def _start(self, run: Run, start: Start) -> None:
        if start.lost and not self._leave(run, start.lost, Outcome.LOST):
            return
        if start.failed:
            failed, result = start.failed
            if not self._leave(run, failed, Outcome.FINISHED, result.sentence, ended=True):
                return
        spec = self._spec_of(run)
        try:
            attempt = self._planned(run, spec, self._launchers[spec.launcher])
        except LaunchRefused as refusal:
            self._end(run, None, End(RunStatus.FAILED, refusal.reason, str(refusal)))
            return
        except Refused as refusal:
            self._end(run, None, End(RunStatus.FAILED, Reason.ENVIRONMENT_GONE, refusal.message))
            return
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": attempt.number})
        alone = spec.overlap != Overlap.ALLOW
        if self._store.add_attempt(attempt, run, launching, actor=ACTOR, alone=alone):
            log.info("action=launch run=%s schedule=%s attempt=%d", run.id, run.schedule, attempt.number)
            self._launch(launching, attempt)

    def _planned(self, run: Run, spec: Spec, launcher: Launcher) -> Attempt:
        """The next attempt with all that is frozen in it.

        Raises LaunchRefused, and Refused when what it needs, such as its zone, is gone.
        """
        number = run.attempt + 1
        token = token_of(self._around.secret, run.id, number)
        now = utc(self._around.now())
        deadline = now + timedelta(seconds=spec.timeout * 60 + GRACE)
        brief = brief_for(
            run,
            spec,
            number=number,
            token=token,
            worker=launcher.identity,
            work_area=self._around.work_area,
            launcher_environment=launcher.environment(),
        )
        return Attempt(
            run_id=run.id,
            number=number,
            token=token,
            launcher=spec.launcher,
            place=launcher.place,
            parameters=brief | launcher.plan(run, spec, number=number, token=token, deadline=deadline),
            deadline=deadline,
            created_at=now,
        )

    def _launch(self, run: Run, attempt: Attempt) -> None:
        if self._look.started_by(attempt) is not None:
            # a ledger from a backup may not know of a worker that has long begun
            return
        try:
            handle = self._launcher(attempt).launch(attempt)
        except LaunchRefused as refusal:
            self._end(run, attempt, End(RunStatus.FAILED, refusal.reason, str(refusal), Outcome.REFUSED))
            return
        except NoCapacity as shortage:
            self._leave(run, attempt, Outcome.NO_CAPACITY, str(shortage))
            return
        if self._look.started_by(attempt) is None:
            self._store.replace_attempt(run, attempt.model_copy(update={"handle": handle}))

    def _publish(self, run: Run, attempt: Attempt, result: Result) -> None:
        spec = self._spec_of(run)
        moved = self._move(
            run, status=RunStatus.PUBLISHING, started_at=run.started_at or result.started_at, seconds=result.seconds
        )
        if moved is None:
            return
        outlet = Outlet(self._around.open_objects, self._around.areas, self._around.now())
        files = WorkerFiles(self._around.objects, self._look.prefix(attempt), self._around.limits)
        end, publication = outlet.let_out(run, spec, self._store.schedule(run.schedule_id), result, files)
        self._end(moved.model_copy(update={"publication": publication}), attempt, end)

    def _stop(self, run: Run, attempt: Attempt, stop: Stop) -> None:
        """Take the gate; if the worker has it already, end the worker.  The next look tells what became of it."""
        if self._revoke(attempt):
            return
        # why is known to whoever comes after us, and nothing is done by one who isn't the holder any more
        if self._store.replace_attempt(run, attempt.model_copy(update={"outcome": stop.why})):
            launcher = self._launcher(attempt)
            (launcher.kill if stop.at_once else launcher.terminate)(attempt)

    def _end(self, run: Run, attempt: Attempt | None, end: End) -> None:
        result = end.result
        outcome = end.outcome or Outcome.FINISHED
        # the attempt of a run that is released was closed by that run
        own = attempt if attempt is not None and attempt.run_id == run.id else None
        if own is not None and not self._leave(run, own, outcome, end.message, ended=result is not None):
            return
        moved = self._move(
            run,
            status=end.status,
            reason=end.reason,
            message=end.message,
            started_at=run.started_at or (result.started_at if result else None),
            ended_at=self._around.now(),
            seconds=result.seconds if result else run.seconds,
        )
        if moved:
            log.info("action=end run=%s schedule=%s status=%s reason=%s", run.id, run.schedule, end.status, end.reason)
            pause_after_failures(self._store, moved, self._around.now())

    def _leave(
        self, run: Run, attempt: Attempt, outcome: Outcome, detail: str | None = None, *, ended: bool = False
    ) -> bool:
        """Close an attempt: whoever gives up on one takes its gate first, so that a late worker never starts.

        False when a worker has just won the gate that isn't the one we saw gone: then the attempt goes on.  False also
        when the run isn't ours any more.
        ended: its result says that it is over, so the gate doesn't matter.
        """
        if not ended and not self._revoke(attempt) and self._look.started_by(attempt) != attempt.handle:
            return False
        closed = {"outcome": outcome, "detail": detail, "ended_at": self._around.now()}
        if not self._store.replace_attempt(run, attempt.model_copy(update=closed)):
            return False
        self._launcher(attempt).discard(attempt)
        return True

    def _revoke(self, attempt: Attempt) -> bool:
        """Whether the gate is ours, so that user code of this attempt never starts."""
        key = gate_key(attempt.token)
        word = json.dumps({"revoked_by": self._around.holder}).encode()
        try:
            self._around.objects.put_once(key, word)
        except ObjectExists:
            return "revoked_by" in json.loads(self._around.objects.get(key))
        return True

    def _move(self, run: Run, **changes: object) -> Run | None:
        after = run.model_copy(update=changes)
        return after if self._store.replace_run(run, after, actor=ACTOR) else None

    # -- what belongs to a run

    def _spec_of(self, run: Run) -> Spec:
        return self._spec(run.schedule_id, run.version)

    def _launcher(self, attempt: Attempt) -> Launcher:
        return self._launchers[attempt.launcher]
