"""The service on a real ledger with a clock in hand: hours pass as they are told, workers do as they are told.

Everything happens in the calling thread, one tick after the other.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_schedule.core.models import (
    Attempt,
    ConcurrencyLimits,
    Reason,
    Run,
    Schedule,
    Spec,
    Timing,
    Visibility,
    utc_text,
)
from jupyter_schedule.core.object_keys import HEARTBEAT, OUTPUT, RESULT, bundle_key, gate_key, worker_prefix
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import ObjectStorage, digest, open_storage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from scheduler_service.context import ServiceContext
from scheduler_service.launchers.base import Handle, Launcher, WorkerEnd, WorkerState
from scheduler_service.tick import Ticker
from scheduler_service.trusted_clock import TrustedClock
from tests.factories import NOON, make_spec
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.memory_store import MemoryStore

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


class AtOnce(Executor):
    """Does what it is given before it comes back."""

    def submit(self, act: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(act(*arguments, **options))
        except Exception as problem:
            future.set_exception(problem)
        return future


class Hanging(Executor):
    """Whatever it is given never comes to its end; how often it is given something is noted."""

    def __init__(self, noted: list[str]) -> None:
        self._noted = noted

    def submit(self, act: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        del act, arguments, options
        self._noted.append("submitted")
        return Future()


@dataclass
class Workers(Launcher):
    """Workers that finish at once, unless they are told to go on; they start as soon as they are launched."""

    objects: MemoryObjects
    identity = "local"
    place = "here"
    #: whether a worker finishes when it is launched
    finishes: bool = True
    #: how often a launch still fails
    failing: int = 0
    #: what is going, by its token
    going: dict[str, Attempt] = field(default_factory=dict)
    launched: list[Attempt] = field(default_factory=list)
    #: how those that are gone came to their ends, by their tokens
    ends: dict[str, WorkerEnd] = field(default_factory=dict)
    most_at_once: int = 0
    asked: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {}

    def launch(self, attempt: Attempt) -> Handle:
        if self.failing:
            self.failing -= 1
            raise OSError("no worker can be launched now")
        self.launched.append(attempt)
        handle = {"worker": len(self.launched)}
        self.objects.put_once(gate_key(attempt.token), json.dumps({"started_by": handle}).encode())
        self.going[attempt.token] = attempt
        self.most_at_once = max(self.most_at_once, len(self.going))
        if self.finishes:
            self.finish(attempt.token)
        return handle

    def poll(self, attempt: Attempt) -> WorkerState:
        if attempt.handle is None:
            return WorkerState.UNKNOWN
        if attempt.token in self.going:
            return WorkerState.ALIVE
        return replace(WorkerState.GONE, end=self.ends.get(attempt.token))

    def explain_end(self, attempt: Attempt) -> WorkerEnd | None:
        return self.ends.get(attempt.token)

    def terminate(self, attempt: Attempt) -> None:
        self.asked.append(attempt.token)

    def kill(self, attempt: Attempt) -> None:
        self.going.pop(attempt.token, None)

    def close(self) -> None:
        pass

    # -- what tests tell them

    def beat(self, word: str) -> None:
        """Let all be heard."""
        for attempt in self.going.values():
            self.objects.put(_prefix(attempt) + HEARTBEAT, word.encode())

    def finish(self, token: str, *, exit_code: int = 0, files: dict[str, bytes] | None = None) -> None:
        """Come to an end, with a result, and with `files` in the output folder."""
        attempt = self.going.pop(token)
        for path, content in (files or {}).items():
            self.objects.put(f"{_prefix(attempt)}{OUTPUT}{path}", content)
        result = {
            "outcome": "finished",
            "exit_code": exit_code,
            "reason": Reason.OK if exit_code == 0 else Reason.EXIT_CODE,
            "sentence": f"It ended with code {exit_code}.",
            "started_at": utc_text(attempt.created_at),
            "ended_at": utc_text(attempt.created_at),
            "seconds": 1.0,
            "files": [
                {"path": path, "size": len(content), "sha256": digest(content)}
                for path, content in (files or {}).items()
            ],
        }
        self.objects.put_once(_prefix(attempt) + RESULT, json.dumps(result).encode())

    def crash(self) -> None:
        """Be gone, all of them, without a word."""
        self.going.clear()


class Play:
    """A deployment whose time is told."""

    def __init__(self, folder: Path, start: datetime = NOON, *, room: int = 4, in_memory: bool = False) -> None:
        """in_memory: the ledger is one in dictionaries, which is quicker than a file."""
        self.now = start
        #: seconds awake, and since the start of the machine
        self.awake = self.since_boot = 0.0
        #: bytes on the service's disk
        self.free = sys.maxsize
        self.store: Store = (
            MemoryStore(lambda: self.now)
            if in_memory
            else open_store(f"sqlite:///{folder}/ledger.sqlite3", lambda: self.now)
        )
        self.objects = MemoryObjects()
        self.objects.put(bundle_key("0" * 64), b"bundle")
        self.workers = Workers(self.objects)
        #: how services reach publications
        self.open_area: Callable[[str], ObjectStorage] = open_storage
        self.operations = Operations(self.store, self.objects, now=lambda: self.now, channels=("ops",))
        self._base = f"file://{folder}/published"
        self._room = room
        self._services = 0
        self.clock = self._new_clock()
        self.ticker = self.service()

    def schedule(self, name: str, cron: str | None = None, zone: str = "UTC", **changes: Any) -> Schedule:
        """A schedule that publishes nothing."""
        timing = Timing(cron=cron or "0 12 * * *", timezone=zone)
        return self.operations.schedules.create(name, self.spec(timing=timing, **changes))

    def spec(self, **changes: Any) -> Spec:
        """What such a schedule does."""
        return make_spec(**{"publication_base": self._base, "visibility": Visibility.NONE} | changes)

    def service(self) -> Ticker:
        """A service that has just started; any other is dead."""
        self.clock = self._new_clock()
        self._services += 1
        self.store.leases.register()
        return self.another_service()

    def another_service(self, objects: ObjectStorage | None = None, **changes: Any) -> Ticker:
        """A service beside those that there are; with another work area or context, as far as that is given."""
        self._services += 1
        area = objects or self.objects
        context = ServiceContext(
            store=self.store,
            objects=area,
            open_objects=self._open_area,
            work_area="memory:///",
            launchers={"local": self.workers},
            secret=b"secret",
            holder=f"service-{self._services}",
            host="here",
            concurrency=ConcurrencyLimits(total=self._room),
            clock=self.clock,
            awake=lambda: self.awake,
            free=lambda: self.free,
            pool=lambda _: AtOnce(),
        )
        return Ticker(replace(context, **changes))

    def _open_area(self, address: str) -> ObjectStorage:
        return self.open_area(address)

    def _new_clock(self) -> TrustedClock:
        def second() -> datetime | None:
            # looked up when it is asked: tests put another one there
            return self.store.clock()

        return TrustedClock(lambda: self.now, lambda: self.since_boot, second)

    def restart(self) -> None:
        """Kill the service and start another."""
        self.ticker = self.service()

    def settle(self, ticks: int = 6) -> None:
        """Tick until what can be done now is done."""
        for _ in range(ticks):
            self.ticker.tick()
            self.awake += 2
            self.since_boot += 2

    def until(self, end: datetime, *, step: timedelta = MINUTE, each: Callable[[], None] = lambda: None) -> None:
        """Let time pass, with a tick or a few at each step."""
        while self.now < end:
            self.pass_by(step)
            each()
            self.settle(3)

    def pass_by(self, time: timedelta) -> None:
        """Let time pass while the machine is awake and nobody ticks."""
        self.now += time
        self.awake += time.total_seconds()
        self.since_boot += time.total_seconds()

    def sleep(self, time: timedelta) -> None:
        """The machine sleeps."""
        self.now += time
        self.since_boot += time.total_seconds()

    def set_clock(self, now: datetime) -> None:
        """Somebody sets the clock."""
        self.now = now

    def runs(self, name: str) -> list[Run]:
        """In the order of their occurrences."""
        return self.operations.runs.list_newest(name, limit=10_000)[::-1]

    def fired(self, name: str) -> list[str]:
        """When the runs that were executed were due."""
        executed = {attempt.run_id for attempt in self.workers.launched}
        return [utc_text(run.scheduled_for) for run in self.runs(name) if run.id in executed]


def _prefix(attempt: Attempt) -> str:
    return worker_prefix(attempt.parameters["worker"], attempt.token)
