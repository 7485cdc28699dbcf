"""The clock's loop: what comes due is recorded, due runs start, leases are renewed.  It needs the database alone.

All that asks an object store or a launcher is done in pools, one thing at a time for each run, so that a call that
hangs delays nothing but the run that it is for.  With its effects the only writer of a run's status after `due`: every
write is guarded by the run's fence, and an answer that comes too late changes nothing.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt, Reason, RunStatus, Schedule
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.store.records import ScheduleAdvance, ScheduledRun
from jupyter_schedule.core.timing import planning
from jupyter_schedule.core.timing.admission import Admitter
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
    TellQueued,
    Wait,
    decide_attempt,
    decide_unlaunched,
    decide_waiting,
)
from scheduler_service.effects import Effects
from scheduler_service.launchers.base import Launcher, Launchers
from scheduler_service.logfmt import logfmt
from scheduler_service.notifications.rules import judge_freshness
from scheduler_service.observe import Observer, seconds_between_looks
from scheduler_service.schedule_changes import take_back_cursors
from scheduler_service.worker.task import OtherTaskVersion

log = logging.getLogger(__name__)

#: schedules brought up to date in one transaction, and those whose due runs are decided together
BATCH = 500
#: seconds between two words to a worker that should end
INSISTENCE = 0.5
#: seconds between two looks for what no attempt owns
REAP_EVERY = 60
#: bytes that have to be free for anything to be started: what is left to the ledger and to runs that go
LEAST_FREE = 100_000_000
#: the key of looks for cursors that are far ahead, and the seconds between two of them
CURSORS, CURSORS_EVERY = BackoffKey(RetriedTask.CURSORS), 60
#: the key of looks at ad-hoc workers, and the seconds between two of them
AD_HOC, AD_HOC_EVERY = BackoffKey(RetriedTask.AD_HOC), 2
#: seconds for which a run that we can't help is left to others
LEAVE_FOR = 60


class Ticker:
    """Applies decisions; each run has at most one look or effect under way, in the pool of its launcher."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._store = context.store
        #: of each launcher its own, for starts and for looks, and of each publication area, since what hangs mustn't
        #: keep others from going on
        self._pools: dict[tuple[str, str], Executor] = {}
        #: by run, the look or effect under way, and the publisher, which a look starts
        self._under_way: dict[str, Future[None]] = {}
        self._publishing: dict[str, Future[None]] = {}
        self._reaping: dict[str, Future[bool]] = {}
        self._backoff = Backoff(context.awake, context.chance)
        self._heartbeats = HeartbeatTracker(context.awake)
        #: by run, when it is looked at next, and until when it is left to others: seconds awake
        self._next_look: dict[str, float] = {}
        self._left_until: dict[str, float] = {}
        #: the place in the order from which due runs are still to be decided, and those of which that failed
        self._undecided_since = 0
        self._undecided: set[str] = set()
        self._blocked_by: Blocker | None = None
        self._launchers = Launchers(context.launchers)
        self._by = Admitter(
            holder=context.holder,
            lease=context.lease,
            host=context.host,
            launchers=frozenset(context.launchers),
            local=frozenset(name for name, launcher in context.launchers.items() if launcher.place is not None),
            limits=context.concurrency,
            account=None if context.account is None else context.account.name,
        )
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
            machines_of_runs=self._store.runs.count_at_work,
        )
        self._ad_hoc_look: Future[bool] | None = None
        self._effects = Effects(context, self._launchers, self._observer)

    def tick(self) -> bool:
        """Do everything that can be done now; True when runs go."""
        self._context.clock.assess()
        now = self._context.now()
        self._blocked_by = self._find_blocker()
        # a ledger that has room takes what comes due, also while nothing is started
        if not self._context.clock.stopped:
            self._record_due(now)
            self._check_freshness(now)
            self._take_back_cursors(now)
        has_due = self._store.runs.has_due()
        self._undecided.clear()
        if has_due:
            self._decide_waiting(now)
        # before the runs are loaded: of an effect that ends in between, the run is left alone until the next tick
        for book in (self._under_way, self._publishing):
            _drop(book, [run_id for run_id, effect in list(book.items()) if effect.done()])
        if has_due and self._blocked_by is None:
            self._store.leases.admit(self._by, actor=ACTOR)
        held = self._store.leases.claim(self._by, self._runs_left_to_others())
        self._look_at(held)
        self._look_after_ad_hoc()
        self._reap()
        return bool(held)

    @property
    def blocker(self) -> Blocker | None:
        """The reason that kept the last tick from starting anything; None when it could."""
        return self._blocked_by

    def close(self) -> None:
        """Let effects under way finish; runs go on without us."""
        # a look that ends meanwhile may open the pool of a publication area
        while self._pools:
            _, pool = self._pools.popitem()
            pool.shutdown(wait=True, cancel_futures=True)
        try:
            self._store.leases.release(self._context.holder)
        except Refused as refusal:
            # the ledger is away: our leases run out by themselves
            log.warning(logfmt("release_failed", message=refusal.message))

    # -- the clock: the database only

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

    def _take_back_cursors(self, now: datetime) -> None:
        """Now and then, take back what a wrong clock put far ahead."""
        if self._backoff.is_ready(CURSORS):
            self._backoff.pause(CURSORS, CURSORS_EVERY)
            take_back_cursors(self._store, now, self._context.clock.steady_seconds)

    def _plan(self, schedule: Schedule, now: datetime) -> ScheduleAdvance | None:
        """The runs that a schedule owes; None when they can't be told, or couldn't be recorded a moment ago."""
        if not self._backoff.is_ready(_record_key(schedule)) or not self._backoff.is_ready(_plan_key(schedule)):
            return None
        found: list[ScheduleAdvance] = []

        def plan() -> None:
            planned = planning.plan_runs(schedule, now, lambda run_id: self._store.runs.get(run_id) is not None)
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

    def _decide_waiting(self, now: datetime) -> None:
        """Apply what is decided about due runs before they start.

        They are nobody's: of two services that decide the same, the second changes nothing.
        """
        more = True
        while more:
            undecided = self._store.runs.list_undecided(self._undecided_since, now, BATCH)
            failed = [
                each.run
                for each, decision in decide_waiting(undecided.runs, now)
                if not self._apply_to_waiting(each, decision)
            ]
            self._undecided |= {run.id for run in failed}
            self._undecided_since = min([undecided.next_since, *(run.queued for run in failed)])
            more = undecided.more and not failed

    def _apply_to_waiting(self, each: ScheduledRun, decision: Decision) -> bool:
        key = effect_key(each.run.id)
        return self._backoff.is_ready(key) and self._attempt_to(key, self._change_waiting, each, decision)

    def _change_waiting(self, each: ScheduledRun, decision: Decision) -> None:
        match decision:
            case Promote():
                self._effects.move(each.run, status=RunStatus.PUBLISHING)
            case CancelOther():
                self._store.runs.request_cancel(decision.run.id, actor=ACTOR)
            case End():
                self._effects.end(each, None, decision)

    # -- looks and effects: in pools

    def _runs_left_to_others(self) -> list[str]:
        now = self._context.awake()
        _drop(self._left_until, [run_id for run_id, until in list(self._left_until.items()) if until <= now])
        return list(self._left_until)

    def _look_at(self, held: list[ScheduledRun]) -> None:
        """Have each run that goes looked at whose time for that has come."""
        ids = {each.run.id for each in held}
        self._backoff.keep_only(ids | self._undecided)
        self._heartbeats.keep_only(ids)
        now = self._context.awake()
        _drop(self._next_look, [run_id for run_id in list(self._next_look) if run_id not in ids])
        for each in held:
            run = each.run
            # what somebody wants of it doesn't wait for the next look
            is_time = now >= self._next_look.get(run.id, 0) or run.cancelled_by is not None or run.attempt == 0
            if is_time and self._is_free(run.id):
                launcher = each.spec.launcher
                is_local = launcher in self._by.local
                watched_seconds = self._heartbeats.watched_for(run.id, run.attempt)
                self._next_look[run.id] = now + seconds_between_looks(watched_seconds, is_local=is_local)
                # a start doesn't wait behind looks at hundreds of others, which take as long as their store does
                task = "run" if run.attempt else "start"
                self._under_way[run.id] = self._pool(task, launcher).submit(self._look_after, each)

    def _look_after(self, held: ScheduledRun) -> None:
        """See how a run is and do what it needs.  What fails leaves it as it was, and a later look tries again."""
        decided: list[tuple[Attempt | None, Decision]] = []

        def observe() -> None:
            run = held.run
            if (run.attempt == 0 and run.release is None) or run.reason is Reason.UNREADABLE:
                decided.append((None, decide_unlaunched(run)))
            else:
                seen = replace(self._observer.observe(run), policies=held.spec.policies)
                decided.append((seen.attempt, decide_attempt(seen, self._context.now())))

        if not self._attempt_to(observe_key(held.run.id), self._do_or_leave, held, observe) or not decided:
            return
        ((attempt, decision),) = decided
        if isinstance(decision, Start | Relaunch) and self._blocked_by is not None:
            self._leave_to_others(held)
        elif isinstance(decision, Publish):
            pool = self._pool("publish", held.spec.publication_base)
            self._publishing[held.run.id] = pool.submit(self._effect, held, attempt, decision)
        elif not isinstance(decision, Wait):
            self._effect(held, attempt, decision)

    def _effect(self, held: ScheduledRun, attempt: Attempt | None, decision: Decision) -> None:
        act = partial(self._act, held, attempt, decision)
        if self._attempt_to(effect_key(held.run.id), self._do_or_leave, held, act):
            self._next_look.pop(held.run.id, None)
            self._context.wake()

    def _act(self, held: ScheduledRun, attempt: Attempt | None, decision: Decision) -> None:
        match decision:
            case TellQueued():
                self._effects.move(held.run, message=decision.sentence)
            case MarkRunning():
                started = {"status": RunStatus.RUNNING, "started_at": self._context.now(), "message": None}
                self._effects.move(held.run, **started)
            case Start():
                self._effects.start(held, decision)
            case Relaunch() if attempt:
                self._effects.launch(held, attempt)
            case Publish() if attempt:
                self._effects.publish(held, attempt, decision.result, last=decision.last)
            case Stop() if attempt:
                self._backoff.pause(effect_key(held.run.id), INSISTENCE)
                self._effects.stop(held.run, attempt, decision)
            case End():
                self._effects.end(held, attempt, decision)

    def _do_or_leave(self, held: ScheduledRun, act: Callable[[], None]) -> None:
        try:
            act()
        except OtherTaskVersion as problem:
            # a service of that version can
            log.warning(logfmt("left_to_others", run=held.run.id, message=problem))
            self._leave_to_others(held)

    def _leave_to_others(self, held: ScheduledRun) -> None:
        self._left_until[held.run.id] = self._context.awake() + LEAVE_FOR
        self._store.leases.release(self._context.holder, held.run.id)

    def _pool(self, task: str, subject: str) -> Executor:
        if (task, subject) not in self._pools:
            self._pools[task, subject] = self._context.pool(task)
        return self._pools[task, subject]

    def _is_free(self, run_id: str) -> bool:
        ready = self._backoff.is_ready(effect_key(run_id)) and self._backoff.is_ready(observe_key(run_id))
        return ready and run_id not in self._under_way and run_id not in self._publishing

    def _look_after_ad_hoc(self) -> None:
        """Now and then, let ad-hoc workers have what they need, apart from the runs."""
        is_free = self._ad_hoc_look is None or self._ad_hoc_look.done()
        if is_free and self._backoff.is_ready(AD_HOC) and self._store.ad_hoc.list_live():
            self._backoff.pause(AD_HOC, AD_HOC_EVERY)
            look = partial(self._ad_hoc.look, may_start=self._blocked_by is None)
            self._ad_hoc_look = self._pool("ad_hoc", "").submit(self._attempt_to, AD_HOC, look)

    def _reap(self) -> None:
        """Now and then, let each launcher end what no attempt owns."""
        for name, launcher in self._launchers.items():
            reaping, key = self._reaping.get(name), BackoffKey(RetriedTask.REAP, name)
            if (reaping is None or reaping.done()) and self._backoff.is_ready(key):
                self._backoff.pause(key, REAP_EVERY)
                self._reaping[name] = self._pool("reap", name).submit(self._reap_of, key, launcher)

    def _reap_of(self, key: BackoffKey, launcher: Launcher) -> bool:
        return self._attempt_to(key, launcher.reap, self._store.runs.get_attempt, self._store.ad_hoc.get)

    def _attempt_to(self, key: BackoffKey, act: Callable[..., object], *arguments: object) -> bool:
        """Do what concerns one run or schedule; when it fails, that one waits and all others go on."""
        try:
            act(*arguments)
        except (OSError, Refused) as problem:
            # what is outside is away, says why, and stays so for a while
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


def _drop(book: dict[str, Any], run_ids: Iterable[str]) -> None:
    """Forget these runs in a book that other threads write to as well."""
    for run_id in run_ids:
        book.pop(run_id, None)


def _plan_key(schedule: Schedule) -> BackoffKey:
    return BackoffKey(RetriedTask.PLAN, schedule.id)


def _record_key(schedule: Schedule) -> BackoffKey:
    return BackoffKey(RetriedTask.RECORD, schedule.id)
