"""What a ticker remembers of runs between two ticks.  A restart forgets it, and nothing is lost but some patience.

Durations are seconds of this machine being awake: a laptop that slept, or a clock that jumped, hasn't waited.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from jupyter_schedule.core import clock

LONGEST_BACK_OFF = 60
#: seconds between two looks that still count as silence: while a store is away nobody is heard
LONGEST_LOOK = 15.0


def looking_at(run_id: str) -> str:
    """The key of looks at a run, beside its id, which is the key of effects on it."""
    return f"look at {run_id}"


class _Heard(NamedTuple):
    heartbeat: bytes | None
    silent: float
    at: float


class Memory:
    """By id of a run or schedule: its failures and when to try again; by worker: since when we watch it."""

    def __init__(self, awake: Callable[[], float] = clock.awake) -> None:
        self._awake = awake
        self._failures: dict[str, int] = {}
        self._failing_since: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._watched_since: dict[tuple[str, int], float] = {}
        self._failure: dict[str, str] = {}
        self._heard: dict[tuple[str, int], _Heard] = {}

    def may_try(self, key: str) -> bool:
        """Whether enough time has passed since the last failure or pause."""
        return self._awake() >= self._not_before.get(key, 0)

    def pause(self, key: str, seconds: float) -> None:
        """Leave it alone for a while."""
        self._not_before[key] = self._awake() + seconds

    def failed(self, key: str, problem: BaseException | None = None) -> None:
        """Try again after a pause that doubles with every failure, up to a minute."""
        self._failure[key] = str(problem)
        self._failures[key] = self._failures.get(key, 0) + 1
        self._failing_since.setdefault(key, self._awake())
        self.pause(key, min(2.0 ** (self._failures[key] - 1), LONGEST_BACK_OFF))

    def succeeded(self, key: str) -> None:
        """Forget its failures."""
        self._failures.pop(key, None)
        self._failing_since.pop(key, None)
        self._failure.pop(key, None)

    def failure(self, key: str) -> str | None:
        """What its last try failed with."""
        return self._failure.get(key)

    def failing_for(self, key: str) -> float:
        """How long it has done nothing but fail; 0 when its last try succeeded, or there was none."""
        since = self._failing_since.get(key)
        return 0 if since is None else self._awake() - since

    def watched_for(self, run: str, attempt: int) -> float:
        """How long we have been watching an attempt."""
        return self._awake() - self._watched_since.setdefault((run, attempt), self._awake())

    def silent_for(self, run: str, attempt: int, heartbeat: bytes | None) -> float:
        """How long its heartbeat has been the same, as far as we could look."""
        now = self._awake()
        before = self._heard.get((run, attempt))
        silent = 0.0
        if before is not None and before.heartbeat == heartbeat:
            silent = before.silent + min(now - before.at, LONGEST_LOOK)
        self._heard[run, attempt] = _Heard(heartbeat, silent, now)
        return silent

    def keep_only(self, runs: Iterable[str]) -> None:
        """Forget the workers of all runs but these, which are open."""
        open_runs = set(runs)
        for worker in [worker for worker in self._watched_since if worker[0] not in open_runs]:
            self._watched_since.pop(worker)
            self._heard.pop(worker, None)
            for book in (self._failures, self._failing_since, self._failure, self._not_before):
                book.pop(worker[0], None)
                book.pop(looking_at(worker[0]), None)
