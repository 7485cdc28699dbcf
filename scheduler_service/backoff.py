"""Back-off after failures, and heartbeats as they were seen.  A restart forgets both, which costs some patience only.

Durations are seconds of this machine being awake: a laptop that slept, or a clock that jumped, hasn't waited.
"""

import random
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from jupyter_schedule.core import clock

LONGEST_BACK_OFF = 60
#: seconds between two looks that still count as silence: while a store is away nobody is heard
LONGEST_LOOK = 15.0


class RetriedTask(StrEnum):
    """The kinds of work that are tried again, each with a back-off of its own."""

    #: effects on a run
    EFFECT = "effect"
    #: looks at a run
    OBSERVE = "observe"
    #: what a schedule owes, reckoned and recorded
    PLAN = "plan"
    RECORD = "record"
    FRESHNESS = "freshness"
    #: cursors that a wrong clock put far ahead
    CURSORS = "cursors"
    #: what no attempt owns, ended by a launcher
    REAP = "reap"
    #: all ad-hoc workers, and one of them
    AD_HOC = "ad_hoc"
    AD_HOC_WORKER = "ad_hoc_worker"


#: tasks whose subject is a run
RUN_TASKS = (RetriedTask.EFFECT, RetriedTask.OBSERVE)


class BackoffKey(NamedTuple):
    """One task on one run, schedule, launcher or ad-hoc worker."""

    task: RetriedTask
    #: an id, or a launcher's name
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.task}:{self.subject}" if self.subject else str(self.task)


def effect_key(run_id: str) -> BackoffKey:
    """The key of effects on a run."""
    return BackoffKey(RetriedTask.EFFECT, run_id)


def observe_key(run_id: str) -> BackoffKey:
    """The key of looks at a run: one that fails says nothing about an effect, nor one that doesn't."""
    return BackoffKey(RetriedTask.OBSERVE, run_id)


class _Failing(NamedTuple):
    times: int
    since: float
    message: str


class Backoff:
    """The failures in a row of each key, and when it may be tried again; a success forgets its failures."""

    def __init__(self, awake: Callable[[], float] = clock.awake, chance: Callable[[], float] = random.random) -> None:
        """chance: from 0 to 1; those that failed together don't try together again."""
        self._awake = awake
        self._chance = chance
        self._failing: dict[BackoffKey, _Failing] = {}
        self._not_before: dict[BackoffKey, float] = {}

    def is_ready(self, key: BackoffKey) -> bool:
        """True when enough time has passed since the last failure or pause."""
        return self._awake() >= self._not_before.get(key, 0)

    def pause(self, key: BackoffKey, seconds: float) -> None:
        """Leave it alone for a while."""
        self._not_before[key] = self._awake() + seconds

    def failed(self, key: BackoffKey, problem: BaseException | None = None) -> None:
        """Try again after a pause that doubles with each failure in a row, up to a minute, a quarter less by chance."""
        before = self._failing.get(key)
        times, since = (before.times + 1, before.since) if before else (1, self._awake())
        self._failing[key] = _Failing(times, since, str(problem))
        self.pause(key, min(2.0 ** (times - 1), LONGEST_BACK_OFF) * (1 - self._chance() / 4))

    def succeeded(self, key: BackoffKey) -> None:
        """Forget its failures; a pause goes on."""
        self._failing.pop(key, None)

    def failure(self, key: BackoffKey) -> str | None:
        """The message of its last failure; None when its last try succeeded, or there was none."""
        failing = self._failing.get(key)
        return failing.message if failing else None

    def failing_for(self, key: BackoffKey) -> float:
        """The time for which it has done nothing but fail; 0 when its last try succeeded, or there was none."""
        failing = self._failing.get(key)
        return self._awake() - failing.since if failing else 0

    def keep_only(self, runs: Iterable[str]) -> None:
        """Forget all runs but these, which go."""
        kept = set(runs)
        for book in (self._failing, self._not_before):
            over = [key for key in list(book) if key.task in RUN_TASKS and key.subject not in kept]
            for key in over:
                book.pop(key, None)


class _Heard(NamedTuple):
    heartbeat: bytes | None
    silent: float
    at: float


class HeartbeatTracker:
    """By attempt, since when it is watched, and how long its heartbeat has been the same."""

    def __init__(self, awake: Callable[[], float] = clock.awake) -> None:
        self._awake = awake
        self._watched_since: dict[tuple[str, int], float] = {}
        self._heard: dict[tuple[str, int], _Heard] = {}

    def watched_for(self, run: str, attempt: int) -> float:
        """The time for which we have been watching an attempt."""
        return self._awake() - self._watched_since.setdefault((run, attempt), self._awake())

    def silent_for(self, run: str, attempt: int, heartbeat: bytes | None) -> float:
        """The time for which its heartbeat has been the same, as far as we could look."""
        now = self._awake()
        before = self._heard.get((run, attempt))
        silent = 0.0
        if before is not None and before.heartbeat == heartbeat:
            silent = before.silent + min(now - before.at, LONGEST_LOOK)
        self._heard[run, attempt] = _Heard(heartbeat, silent, now)
        return silent

    def restart(self, run: str, attempt: int) -> float:
        """Watch an attempt from now on: a worker in a queue isn't silent.  Returns how long it has been, which is 0."""
        self._watched_since.pop((run, attempt), None)
        self._heard.pop((run, attempt), None)
        return 0.0

    def keep_only(self, runs: Iterable[str]) -> None:
        """Forget the workers of all runs but these, which are open."""
        open_runs = set(runs)
        for book in (self._watched_since, self._heard):
            for worker in [worker for worker in list(book) if worker[0] not in open_runs]:
                book.pop(worker, None)
