"""The tick: load what is known, let `decide` say what to do, apply it.

With its effects the only writer of a run's status after `due`.  No object store and no launcher is called inside a
transaction, and every write is guarded by the run's fence: an answer that comes too late changes nothing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from itertools import count

from jupyter_schedule.core.ad_hoc_workers import at_work
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    GOING_STATUSES,
    Attempt,
    ConcurrencyLimits,
    Reason,
    Run,
    RunStatus,
    Schedule,
    Spec,
)
from jupyter_schedule.core.store.base import ScheduleAdvance
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.timing import planning
from jupyter_schedule.core.timing.run_queue import Capacity, fair_order
from scheduler_service.ad_hoc import AdHocPass
from scheduler_service.backoff import Backoff, BackoffKey, HeartbeatTracker, RetriedTask, effect_key, observe_key
from scheduler_service.context import ACTOR, ServiceContext
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
from scheduler_service.effects import Effects
from scheduler_service.launchers.base import Launcher, Launchers
from scheduler_service.logfmt import logfmt
from scheduler_service.notifications.rules import judge_freshness
from scheduler_service.observe import Observer
from scheduler_service.worker.task import OtherTaskVersion

log = logging.getLogger(__name__)

#: schedules brought up to date in one transaction
BATCH = 500
#: seconds between two words to a worker that should end
INSISTENCE = 0.5
#: seconds between two looks for what no attempt owns
REAP_EVERY = 60
#: bytes that have to be free for anything to be started: what is left to the ledger and to runs that go
LEAST_FREE = 100_000_000
#: the key of looks at ad-hoc workers, and the seconds between two of them
AD_HOC, AD_HOC_EVERY = BackoffKey(RetriedTask.AD_HOC), 2
#: a machine is at work for a run in these
WORKING = frozenset({RunStatus.LAUNCHING, RunStatus.RUNNING})
#: for runs that could be started otherwise
NO_STARTS = ConcurrencyLimits(total=0)


class Ticker:
    """Applies decisions; each run has at most one effect under way, in a pool, so that a slow one delays no other."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._store = context.store
        self._pool = context.pool("effect")
        # of each area's own, since they may take long: one that hangs mustn't keep others from starting, nor publishing
        self._publishers: dict[str, Executor] = {}
        self._under_way: dict[str, Future[None]] = {}
        self._reaping: dict[str, Future[bool]] = {}
        self._backoff = Backoff(context.awake)
        self._heartbeats = HeartbeatTracker(context.awake)
        #: by owner the number of the start that was theirs last
        self._served: dict[str, int] = {}
        self._starts = count(1)
        self._blocked_by: Blocker | None = None
        self._launchers = Launchers(context.launchers)
        self._observer = Observer(
            self._store,
            context.objects,
            self._launchers,
            backoff=self._backoff,
            heartbeats=self._heartbeats,
            now=context.now,
        )
        self._ad_hoc = AdHocPass(
            self._store,
            self._launchers,
            self._backoff,
            context.now,
            most=context.concurrency.per_launcher,
            machines_of_runs=self._machines_of_runs,
        )
        self._ad_hoc_look: Future[bool] | None = None
        self._spec = lru_cache(maxsize=4096)(
            lambda schedule_id, number: self._store.schedules.get_version(schedule_id, number).spec
        )
        self._effects = Effects(context, self._launchers, self._observer, self._spec_of)

    def tick(self) -> bool:
        """Do everything that can be done now; whether any run is open."""
        self._context.clock.assess()
        now = self._context.now()
        self._blocked_by = self._find_blocker()
        # a ledger that has room takes what comes due, also while nothing is started
        if not self._context.clock.stopped:
            self._record_due(now)
            self._check_freshness(now)
        # before the runs are loaded: of an effect that ends in between, the run is left alone until the next tick
        self._under_way = {run_id: effect for run_id, effect in self._under_way.items() if not effect.done()}
        runs = self._store.leases.claim(self._context.holder, self._context.lease, self._context.host)
        self._backoff.keep_only(run.id for run in runs)
        self._heartbeats.keep_only(run.id for run in runs)
        for run in runs:
            if run.status in GOING_STATUSES and self._is_free(run) and self._backoff.is_ready(observe_key(run.id)):
                self._attempt_to(observe_key(run.id), self._look_after, run, now)
        self._start_due(runs, now)
        self._look_after_ad_hoc()
        self._reap()
        return bool(runs)

    @property
    def blocker(self) -> Blocker | None:
        """The reason that kept the last tick from starting anything; None when it could."""
        return self._blocked_by

    def close(self) -> None:
        """Let effects under way finish; runs go on without us."""
        for pool in (self._pool, *self._publishers.values()):
            pool.shutdown(wait=True, cancel_futures=True)
        try:
            self._store.leases.release(self._context.holder)
        except Refused as refusal:
            # the ledger is away: our leases run out by themselves
            log.warning(logfmt("release_failed", message=refusal.message))

    # -- load

    def _find_blocker(self) -> Blocker | None:
        if self._context.clock.stopped:
            return Blocker.CLOCK
        return Blocker.DISK if self._context.free() < LEAST_FREE else None

    def _record_due(self, now: datetime) -> None:
        """Write what has come due into the ledger, many schedules at once."""
        moved = True
        while moved:
            due = self._store.schedules.list_due(now, BATCH)
            advances = [advance for schedule in due if (advance := self._plan(schedule, now))]
            moved = bool(advances) and self._record(advances) and len(due) == BATCH

    def _check_freshness(self, now: datetime) -> None:
        """Tell of schedules of which nothing was published by the time that their owners set."""
        for schedule in self._store.schedules.list_freshness_due(now, BATCH):
            key = BackoffKey(RetriedTask.FRESHNESS, schedule.id)
            if self._backoff.is_ready(key):
                judge = partial(judge_freshness, self._store, schedule, now, actor=ACTOR)
                self._attempt_to(key, judge)

    def _plan(self, schedule: Schedule, now: datetime) -> ScheduleAdvance | None:
        """The runs that a schedule owes; None when they can't be told, or couldn't be recorded a moment ago."""
        if not self._backoff.is_ready(_record_key(schedule)) or not self._backoff.is_ready(_plan_key(schedule)):
            return None
        found: list[ScheduleAdvance] = []

        def plan() -> None:
            planned = planning.plan_runs(schedule, now)
            found.append(ScheduleAdvance(schedule, planned.schedule, planned.runs))

        self._attempt_to(_plan_key(schedule), plan)
        return found[0] if found else None

    def _record(self, advances: list[ScheduleAdvance]) -> bool:
        """Record what schedules owe; True when any of them moved."""
        try:
            moved = self._store.schedules.record_due_runs(advances, actor=ACTOR)
        except Refused:
            raise
        except Exception:
            # one of them can't be recorded: it mustn't keep the others from it
            log.exception(logfmt("record_failed", schedules=len(advances)))
            moved = set()
            for one in advances:
                record = partial(self._record_one, one, moved)
                self._attempt_to(_record_key(one.before), record)
        else:
            for one in advances:
                self._backoff.succeeded(_record_key(one.before))
        rows = sum(len(one.runs) for one in advances if one.before.id in moved)
        if moved:
            log.info(logfmt("due", schedules=len(moved), rows=rows))
        return bool(moved)

    def _record_one(self, advance: ScheduleAdvance, moved: set[str]) -> None:
        moved.update(self._store.schedules.record_due_runs([advance], actor=ACTOR))

    def _start_due(self, mine: Sequence[Run], now: datetime) -> None:
        """Decide over all open runs, as they stand in each other's way; apply what concerns ours."""
        if not any(run.status == RunStatus.DUE for run in mine):
            return
        held = {run.id for run in mine}
        runs = [*mine, *(run for run in self._store.runs.list_open() if run.id not in held)]
        due = [run for run in runs if run.status == RunStatus.DUE and self._is_free(run) and self._has_spec(run)]
        going = [run for run in runs if run.status in GOING_STATUSES or run.id in self._under_way]
        working = [run for run in going if run.status != RunStatus.PUBLISHING]
        limits = NO_STARTS if self._blocked_by else self._context.concurrency
        taken = at_work(self._store.ad_hoc.list_live())
        capacity = Capacity(limits, self._observer.owner_of, self._launcher_of, working, taken)
        line = fair_order(due, self._observer.owner_of, working, self._served)
        for run, decision in decide_due(line, going, self._spec_of, capacity, now):
            if run.id not in held:
                continue
            if isinstance(decision, Start):
                self._served[self._observer.owner_of(run)] = next(self._starts)
            self._apply(run, None, decision)

    def _launcher_of(self, run: Run) -> str:
        try:
            return self._spec_of(run).launcher
        except KeyError:  # written by a newer version, whose services know
            return ""

    def _look_after_ad_hoc(self) -> None:
        """Now and then, let ad-hoc workers have what they need, apart from the runs."""
        is_free = self._ad_hoc_look is None or self._ad_hoc_look.done()
        if is_free and self._backoff.is_ready(AD_HOC) and self._store.ad_hoc.list_live():
            self._backoff.pause(AD_HOC, AD_HOC_EVERY)
            look = partial(self._ad_hoc.look, may_start=self._blocked_by is None)
            self._ad_hoc_look = self._pool.submit(self._attempt_to, AD_HOC, look)

    def _machines_of_runs(self) -> Counter[str]:
        """The number of runs at work, by launcher."""
        return Counter(self._launcher_of(run) for run in self._store.runs.list_open() if run.status in WORKING)

    def _reap(self) -> None:
        """Now and then, let each launcher end what no attempt owns."""
        for name, launcher in self._launchers.items():
            reaping, key = self._reaping.get(name), BackoffKey(RetriedTask.REAP, name)
            if (reaping is None or reaping.done()) and self._backoff.is_ready(key):
                self._backoff.pause(key, REAP_EVERY)
                self._reaping[name] = self._pool.submit(self._reap_of, key, launcher)

    def _reap_of(self, key: BackoffKey, launcher: Launcher) -> bool:
        return self._attempt_to(key, launcher.reap, self._store.runs.get_attempt, self._store.ad_hoc.get)

    def _attempt_to(self, key: BackoffKey, act: Callable[..., object], *arguments: object) -> bool:
        """Do what concerns one run or schedule; when it fails, that one waits and all others go on."""
        try:
            act(*arguments)
        except (OSError, OtherTaskVersion) as problem:
            # what is outside is away, says why, and stays so for a while; or it is for a service of another version
            if self._backoff.failure(key) != str(problem):
                log.warning(logfmt("failed", of=key, message=problem))
            self._backoff.failed(key, problem)
            return False
        except Exception as problem:
            self._backoff.failed(key, problem)
            log.exception(logfmt("failed", of=key))
            return False
        self._backoff.succeeded(key)
        return True

    def _is_free(self, run: Run) -> bool:
        return run.id not in self._under_way and self._backoff.is_ready(effect_key(run.id))

    def _has_spec(self, run: Run) -> bool:
        key = BackoffKey(RetriedTask.SPEC, run.id)
        return self._backoff.is_ready(key) and self._attempt_to(key, self._spec_of, run)

    def _look_after(self, run: Run, now: datetime) -> None:
        if run.reason is Reason.UNREADABLE:
            self._effects.end(run, None, End(RunStatus.FAILED, run.reason, run.message or ""))
            return
        seen = replace(self._observer.observe(run), policies=self._spec_of(run).policies)
        decision = decide_attempt(seen, now)
        if not (self._blocked_by and isinstance(decision, Start | Relaunch)):
            self._apply(run, seen.attempt, decision)

    # -- apply

    def _apply(self, run: Run, attempt: Attempt | None, decision: Decision) -> None:
        match decision:
            case Wait():
                return
            case MarkRunning():
                self._effects.move(run, status=RunStatus.RUNNING, started_at=self._context.now())
            case Promote():
                self._effects.move(run, status=RunStatus.PUBLISHING)
            case CancelOther():
                self._store.runs.request_cancel(decision.run.id, actor=ACTOR)
            case End() if attempt is None:
                self._effects.end(run, None, decision)
            case Publish():
                self._under_way[run.id] = self._publisher(run).submit(self._effect, run, attempt, decision)
            case _:
                self._under_way[run.id] = self._pool.submit(self._effect, run, attempt, decision)

    def _publisher(self, run: Run) -> Executor:
        area = self._spec_of(run).publication_base
        if area not in self._publishers:
            self._publishers[area] = self._context.pool("publish")
        return self._publishers[area]

    def _effect(self, run: Run, attempt: Attempt | None, decision: Decision) -> None:
        """An effect that reaches outside.  It failed: the run stays as it was, and a later tick tries again."""

        def act() -> None:
            match decision:
                case Start():
                    self._effects.start(run, decision)
                case Relaunch() if attempt:
                    self._effects.launch(run, attempt)
                case Publish() if attempt:
                    self._effects.publish(run, attempt, decision.result, last=decision.last)
                case Stop() if attempt:
                    self._backoff.pause(effect_key(run.id), INSISTENCE)
                    self._effects.stop(run, attempt, decision)
                case End():
                    self._effects.end(run, attempt, decision)

        if self._attempt_to(effect_key(run.id), act):
            self._context.wake()

    # -- what belongs to a run

    def _spec_of(self, run: Run) -> Spec:
        return self._spec(run.schedule_id, run.version)


def _plan_key(schedule: Schedule) -> BackoffKey:
    return BackoffKey(RetriedTask.PLAN, schedule.id)


def _record_key(schedule: Schedule) -> BackoffKey:
    return BackoffKey(RetriedTask.RECORD, schedule.id)
