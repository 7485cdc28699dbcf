"""Any sequence of requests, ticks, workers' ends and clock changes leaves the ledger that a simple model foretells."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Attempt,
    CatchUp,
    ConcurrencyLimits,
    Overlap,
    Reason,
    Run,
    RunStatus,
    Schedule,
    Spec,
    Timing,
    Trigger,
    Visibility,
    utc_text,
)
from jupyter_schedule.core.object_keys import OUTPUT, RESULT, bundle_key, gate_key, worker_prefix
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectExists, ObjectStorage, digest
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.context import ServiceContext
from scheduler_service.launchers.base import Handle, Launcher, WorkerState
from scheduler_service.tick import Ticker
from scheduler_service.trusted_clock import TrustedClock
from tests.factories import NOON, make_spec
from tests.scheduler_service.stores import MemoryObjects

#: thousands of commits, none of which has to outlive anything
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
HOUR = timedelta(hours=1)
names = st.sampled_from(["a", "b"])
timings = st.one_of(
    st.sampled_from([1, 2, 3, 6, 24]).map(lambda hours: ("every", hours)),
    st.integers(-1, 30).map(lambda hours: ("once in", hours)),
)
policies = st.fixed_dictionaries(
    {
        "catch_up": st.sampled_from(CatchUp),
        "overlap": st.sampled_from(Overlap),
        "visibility": st.sampled_from([Visibility.PRIVATE, Visibility.NONE]),
    }
)


class Row(NamedTuple):
    """What the ledger should say of an occurrence, or of a skipped stretch."""

    timing_rev: int
    first: datetime
    last: datetime
    times: int
    #: `run`, `missed` or `paused`
    fate: str
    version: int


@dataclass
class Known:
    """A schedule as the model has it."""

    id: str
    spec: Spec
    cursor: datetime
    state: str = "active"
    timing_rev: int = 1
    versions: int = 1
    rows: list[Row] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    #: no row that comes later may run for this time or an earlier one
    not_before: datetime | None = None

    def settle(self, now: datetime) -> None:
        """Account for all that came due."""
        if self.state in {"ended", "deleted"}:
            return
        passed = occurrences(self.spec.timing, self.cursor, now)
        to_run = [] if self.state == "paused" else wanted(self.spec.catch_up, passed, now)
        skipped = passed[: len(passed) - len(to_run)]
        new = [Row(self.timing_rev, time, time, 1, "run", self.versions) for time in to_run]
        if skipped:
            fate = "paused" if self.state == "paused" else "missed"
            new.insert(0, Row(self.timing_rev, skipped[0], skipped[-1], len(skipped), fate, self.versions))
        assert all(row.fate != "run" or not self.not_before or row.first > self.not_before for row in new)
        self.rows += new
        self.move_on(now)

    def move_on(self, now: datetime) -> None:
        """Nothing up to now is owed any more."""
        self.cursor = max(self.cursor, now)
        once = self.spec.timing.once
        if self.state == "active" and once is not None and once <= self.cursor:
            self.state = "ended"


def occurrences(timing: Timing, after: datetime, until: datetime) -> list[datetime]:
    """Every full hour that the timing names, by looking at each."""
    if timing.once is not None:
        return [timing.once] if after < timing.once <= until else []
    assert timing.cron is not None
    step = int(timing.cron.split()[1].removeprefix("*/")) or 24
    hour = after.replace(minute=0, second=0) + HOUR
    found = []
    while hour <= until:
        found += [hour] if hour.hour % step == 0 else []
        hour += HOUR
    return found


def wanted(catch_up: CatchUp, passed: list[datetime], now: datetime) -> list[datetime]:
    if catch_up == CatchUp.ALL:
        return passed[-100:]
    window = timedelta(hours=24) if catch_up == CatchUp.LATEST else timedelta(seconds=60)
    return [time for time in passed[-1:] if now - time <= window]


class Workers(Launcher):
    """A launcher whose workers do what the test says."""

    place = "here"
    identity = "test"

    def __init__(self, objects: ObjectStorage) -> None:
        self.objects = objects
        self.attempts: dict[str, Attempt] = {}
        self.ended: set[str] = set()
        #: `<run>.<attempt>` of every worker that got to user code
        self.executions: list[str] = []

    def environment(self) -> Mapping[str, str]:
        return {}

    def launch(self, attempt: Attempt) -> Handle:
        self.attempts[attempt.token] = attempt
        return {"token": attempt.token}

    def poll(self, attempt: Attempt) -> WorkerState:
        return WorkerState.GONE if attempt.token in self.ended else WorkerState.ALIVE

    def terminate(self, attempt: Attempt) -> None:
        self.end(attempt, "stopped")

    def close(self) -> None: ...

    def begin(self, attempt: Attempt) -> None:
        """Its worker gets to user code if it wins the gate, and else is gone."""
        word = {"started_by": {"token": attempt.token}}
        try:
            self.objects.put_once(gate_key(attempt.token), json.dumps(word).encode())
        except ObjectExists:
            self.ended.add(attempt.token)
        else:
            self.executions.append(name_of(attempt))

    def end(self, attempt: Attempt, outcome: str, *, code: int | None = None, reason: Reason = Reason.BY_HAND) -> None:
        """Leave a result, with a file after a good end."""
        prefix = worker_prefix(self.identity, attempt.token)
        files = []
        if reason == Reason.OK:
            data = attempt.run_id.encode()
            self.objects.put(f"{prefix}{OUTPUT}a.csv", data)
            files = [{"path": "a.csv", "size": len(data), "sha256": digest(data)}]
        said = {"outcome": outcome, "exit_code": code, "reason": reason, "sentence": "It is over.", "files": files}
        times = {"started_at": utc_text(attempt.created_at), "ended_at": utc_text(attempt.created_at), "seconds": 0}
        self.objects.put_once(prefix + RESULT, json.dumps(said | times).encode())
        self.ended.add(attempt.token)


@cache
def empty_ledger() -> bytes:
    """A ledger in today's shape: making it anew takes longer than all that follows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.sqlite3")
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()


class LedgerMachine(RuleBasedStateMachine):
    """People, a service that ticks now and then, workers, and the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        (self.folder / "ledger.sqlite3").write_bytes(empty_ledger())
        self.time = NOON - HOUR / 2
        self.objects = MemoryObjects()
        self.objects.put(bundle_key("0" * 64), b"")
        self.area = LocalStorage(self.folder / "published")
        self.store = open_store(f"sqlite:///{self.folder}/ledger.sqlite3", self.now)
        self.mine = Operations(self.store, self.objects, now=self.now)
        self.workers = Workers(self.objects)
        self.known: dict[str, Known] = {}
        self.deleted: list[Known] = []
        self.ended: dict[str, Run] = {}
        self.published: set[str] = set()

    def now(self) -> datetime:
        return self.time

    # -- people

    @rule(name=names, timing=timings, policy=policies)
    def create(self, name: str, timing: tuple[str, int], policy: dict[str, Any]) -> None:
        spec = self.spec(timing, policy)
        still_open = any(run.schedule == name for run in self.store.runs.list_open())
        reserved = "name_reserved" if still_open or name in self.published else None
        refusal = "name_taken" if name in self.known else reserved or self.refusal_of(spec)
        made = self.ask(lambda: self.mine.schedules.create(name, spec), refusal)
        if made:
            self.known[name] = Known(made.id, spec, self.time)

    @rule(name=names, timing=timings, policy=policies, stale=st.booleans())
    def edit(self, name: str, timing: tuple[str, int], policy: dict[str, Any], stale: bool) -> None:
        spec = self.spec(timing, policy)
        known = self.known.get(name)
        version = (known.versions if known else 1) - stale
        refusal = self.refusal_of(spec) or ("no_such_schedule" if not known else "changed_elsewhere" if stale else None)
        if self.ask(lambda: self.mine.schedules.edit(name, spec, if_version=version), refusal) and known:
            known.settle(self.time)
            if known.state == "ended":
                known.state = "active"
            if known.spec.timing != spec.timing:
                known.timing_rev += 1
                known.cursor = known.not_before = self.time
            known.spec = spec
            known.versions += 1
            known.move_on(self.time)

    @rule(name=names)
    def pause(self, name: str) -> None:
        if self.changes_state(name, self.mine.schedules.pause):
            self.known[name].state = "paused"

    @rule(name=names)
    def resume(self, name: str) -> None:
        if self.changes_state(name, self.mine.schedules.resume):
            known = self.known[name]
            known.state, known.not_before = "active", max(self.time, known.not_before or self.time)
            known.move_on(self.time)

    def changes_state(self, name: str, ask: Callable[[str], Schedule]) -> bool:
        """Whether it was done; what was owed is settled before, and what has ended has to be edited."""
        known = self.known.get(name)
        settled = deepcopy(known)
        if settled:
            settled.settle(self.time)
        refusal = "no_such_schedule" if not settled else "schedule_ended" if settled.state == "ended" else None
        if self.ask(lambda: ask(name), refusal) is None or not settled:
            return False
        self.known[name] = settled
        return True

    @rule(name=names)
    def delete(self, name: str) -> None:
        known = self.known.get(name)
        if self.ask(lambda: self.mine.schedules.delete(name), None if known else "no_such_schedule") and known:
            known.settle(self.time)
            known.state = "deleted"
            self.deleted.append(self.known.pop(name))

    @rule(name=names)
    def run_now(self, name: str) -> None:
        known = self.known.get(name)
        run = self.ask(lambda: self.mine.runs.run_now(name), None if known else "no_such_schedule")
        if run and known:
            known.others.add(run.id)

    @rule(which=st.integers(0, 20))
    def retry(self, which: int) -> None:
        runs = self.mine.runs.list_newest(limit=200)
        if runs:
            run = runs[which % len(runs)]
            again = self.ask(lambda: self.mine.runs.retry(run.id), None if run.status.terminal else "run_not_ended")
            if again:
                assert (again.version, again.scheduled_for) == (run.version, run.scheduled_for)
                self.known[run.schedule].others.add(again.id)

    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        runs = self.mine.runs.list_newest(limit=200)
        if runs:
            run = runs[which % len(runs)]
            self.ask(lambda: self.mine.runs.cancel(run.id), "run_ended" if run.status.terminal else None)

    # -- the world

    @rule(minutes=st.sampled_from([1, 20, 60, 61, 200, 24 * 60, 6 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.time += timedelta(minutes=minutes)

    @rule(minutes=st.sampled_from([10, 90]))
    def clock_is_set_back(self, minutes: int) -> None:
        self.time -= timedelta(minutes=minutes)

    @rule()
    def tick(self) -> None:
        """A service starts, ticks once, lets its effects finish, and stops."""
        ticker = Ticker(
            ServiceContext(
                store=self.store,
                objects=self.objects,
                work_area="file:///work-area",
                launchers={"local": self.workers},
                secret=b"secret",
                holder="test",
                host="here",
                concurrency=ConcurrencyLimits(total=2),
                clock=TrustedClock(self.now, lambda: 0.0, lambda: None),
            )
        )
        ticker.tick()
        ticker.close()
        for known in self.known.values():
            if known.state == "active" and occurrences(known.spec.timing, known.cursor, self.time):
                known.settle(self.time)
        self.published |= {run.schedule for run in self.mine.runs.list_newest(limit=1000) if run.publication}

    @rule(which=st.integers(0, 5))
    def worker_begins(self, which: int) -> None:
        waiting = self.alive(begun=False)
        if waiting:
            self.workers.begin(waiting[which % len(waiting)])

    @rule(which=st.integers(0, 5), how=st.sampled_from(["well", "badly", "silently"]))
    def worker_ends(self, which: int, how: str) -> None:
        going = self.alive(begun=True)
        if not going:
            return
        attempt = going[which % len(going)]
        if how == "silently":
            self.workers.ended.add(attempt.token)
        elif how == "badly":
            self.workers.end(attempt, "finished", code=1, reason=Reason.EXIT_CODE)
        else:
            self.workers.end(attempt, "finished", code=0, reason=Reason.OK)

    def alive(self, *, begun: bool) -> list[Attempt]:
        workers = self.workers
        alive = [attempt for token, attempt in workers.attempts.items() if token not in workers.ended]
        return [attempt for attempt in alive if (name_of(attempt) in workers.executions) == begun]

    # -- what always holds

    @invariant()
    def the_ledger_is_exact(self) -> None:
        for known in [*self.known.values(), *self.deleted]:
            runs = self.store.runs.list_newest(known.id, limit=10_000)
            scheduled = [row_of(run) for run in runs if run.trigger == Trigger.SCHEDULE]
            assert sorted(scheduled) == sorted(known.rows)
            assert {run.id for run in runs if run.trigger != Trigger.SCHEDULE} == known.others

    @invariant()
    def every_edit_is_a_version_and_every_state_is_known(self) -> None:
        for name, known in self.known.items():
            schedule = self.mine.schedules.get(name)
            assert (schedule.state, schedule.version, schedule.spec) == (known.state, known.versions, known.spec)
            assert [version.version for version in self.mine.schedules.list_versions(name)] == [
                *range(known.versions, 0, -1)
            ]

    @invariant()
    def what_has_ended_says_why_and_never_changes(self) -> None:
        now = {run.id: run for run in self.store.runs.list_newest(limit=10_000) if run.status.terminal}
        assert {run_id: now.get(run_id) for run_id in self.ended} == self.ended
        assert all(run.reason and run.message and run.ended_at for run in now.values())
        self.ended = now

    @invariant()
    def nothing_is_executed_twice_or_beside_another_of_its_schedule(self) -> None:
        assert len(set(self.workers.executions)) == len(self.workers.executions)
        going = [run for run in self.store.runs.list_open() if run.status in {RunStatus.LAUNCHING, RunStatus.RUNNING}]
        assert len(going) <= 2
        for known in [*self.known.values(), *self.deleted]:
            policies = {version.spec.overlap for version in self.store.schedules.list_versions(known.id)}
            assert Overlap.ALLOW in policies or sum(run.schedule_id == known.id for run in going) <= 1

    def teardown(self) -> None:
        """Left alone with workers that do their work, every run comes to its end."""
        for _ in range(500):
            if not self.store.runs.list_open():
                break
            self.tick()
            for attempt in self.alive(begun=False):
                self.workers.begin(attempt)
            for attempt in self.alive(begun=True):
                self.workers.end(attempt, "finished", code=0, reason=Reason.OK)
        assert self.store.runs.list_open() == []
        self.the_ledger_is_exact()
        self.what_has_ended_says_why_and_never_changes()
        self.store.close()
        shutil.rmtree(self.folder)

    # -- how

    def spec(self, timing: tuple[str, int], policy: dict[str, Any]) -> Spec:
        kind, hours = timing
        every = "0 0 * * *" if hours == 24 else f"0 */{hours} * * *"
        when = Timing(cron=every) if kind == "every" else Timing(once=self.time + hours * HOUR)
        return make_spec(timing=when, publication_base=self.area.url("").rstrip("/"), **policy)

    def refusal_of(self, spec: Spec) -> str | None:
        return "in_the_past" if spec.timing.once and spec.timing.once <= self.time else None

    def ask(self, request: Callable[[], Any], refusal: str | None) -> Any:
        """The answer, or None when it was refused as foretold."""
        if refusal is None:
            return request()
        with pytest.raises(Refused) as refused:
            request()
        assert refused.value.code == refusal
        return None


def name_of(attempt: Attempt) -> str:
    return f"{attempt.run_id}.{attempt.number}"


def row_of(run: Run) -> Row:
    fate = {Reason.MISSED: "missed", Reason.PAUSED: "paused"}.get(run.reason, "run") if run.reason else "run"
    timing_rev = int(run.key.split(":")[1])
    return Row(timing_rev, run.scheduled_for, run.until or run.scheduled_for, run.count, fate, run.version)


PLAIN = settings(stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(PLAIN, max_examples=15)


@pytest.mark.proof("simulation")
class TestLedgerLonger(LedgerMachine.TestCase):  # type: ignore[misc,valid-type]  # Hypothesis makes it when it is asked
    """The same many times over."""

    settings = settings(PLAIN, max_examples=80)
