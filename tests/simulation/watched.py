"""The stores of a simulated world, watched: what became of every write, at which true time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt, Notification, Run, Schedule, Version
from jupyter_schedule.core.store.base import ScheduleAdvance, Store
from jupyter_schedule.core.store.common import SqlStore
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.ledgers import full_disk
from tests.simulation.world import World

#: what changes the ledger and isn't watched
WRITES = frozenset(
    {
        "add_schedule",
        "publish_catalog",
        "ask_all_to_cancel",
        "ask_to_cancel",
        "claim",
        "claim_word",
        "finish_pruning",
        "mark_pruned",
        "release",
        "word_delivered",
        "word_failed",
    }
)


@dataclass(frozen=True)
class Stretch:
    """A schedule went from one state to another, and what it owed in between was settled."""

    at: float
    before: Schedule
    after: Schedule


@dataclass(frozen=True)
class Moved:
    """A run is as it is here since that time, by a write of `actor`."""

    at: float
    run: Run
    actor: str


class Ledger:
    """Any store, by its contract alone; what isn't watched is the store's own method."""

    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.store = store
        #: the time by a clock that isn't a service's own
        self.second: Callable[[], datetime | None] = lambda: None
        self.settled: list[Stretch] = []
        #: each row as it came in, with the true time
        self.rows: list[tuple[float, Run]] = []
        self.moves: list[Moved] = []
        #: runs and attempts that were changed by those who weren't the holders any more
        self.stale: list[str] = []
        self.ended: dict[str, Run] = {}
        #: run and attempt, and the true time at which it was recorded, and at which it was over
        self.recorded: dict[tuple[str, int], float] = {}
        self.over: dict[tuple[str, int], float] = {}
        # as it was when the world ended
        self.runs_by_id: dict[str, Run] = {}
        self.attempts_of: dict[str, list[Attempt]] = {}
        self.versions_of: dict[str, list[Version]] = {}

    def __getattr__(self, method: str) -> Any:
        act = getattr(self.store, method)
        return self._writing(act) if method in WRITES else act

    @property
    def fills_up_at_once(self) -> bool:
        """Whether a full disk takes nothing at all, not even what fits into the pages that there are."""
        return not isinstance(self.store, SqlStore)

    def clock(self) -> datetime | None:
        return self.second()

    def read(self) -> None:
        """Note how everything is now."""
        self.runs_by_id = {run.id: run for run in self.store.runs(limit=1_000_000)}
        self.attempts_of = {run_id: self.store.attempts(run_id) for run_id in self.runs_by_id}
        of_schedules = {run.schedule_id for run in self.runs_by_id.values()} | {one.before.id for one in self.settled}
        self.versions_of = {schedule_id: self.store.versions(schedule_id) for schedule_id in sorted(of_schedules)}

    # -- what is watched

    def replace_schedule(
        self, before: Schedule, after: Schedule, runs: Sequence[Run] = (), *, actor: str, **told: Any
    ) -> bool:
        newest = self.store.last_change()
        moved = self._writing(self.store.replace_schedule)(before, after, runs, actor=actor, **told)
        if moved:
            self.settled.append(Stretch(self.world.time, before, after))
            self._note_rows(newest, actor)
        return moved

    def settle(self, settlements: Sequence[ScheduleAdvance], *, actor: str) -> set[str]:
        if not settlements:
            return set()
        newest = self.store.last_change()
        moved = self._writing(self.store.settle)(settlements, actor=actor)
        self.settled += [
            Stretch(self.world.time, one.before, one.after) for one in settlements if one.before.id in moved
        ]
        self._note_rows(newest, actor)
        return moved

    def add_run(self, run: Run, *, actor: str) -> None:
        self.add_runs([run], actor=actor)

    def add_runs(self, runs: Sequence[Run], *, actor: str) -> None:
        newest = self.store.last_change()
        self._writing(self.store.add_runs)(runs, actor=actor)
        self._note_rows(newest, actor)

    def replace_run(self, before: Run, after: Run, *, actor: str, words: Sequence[Notification] = ()) -> bool:
        held = self._fence(before)
        moved = self._writing(self.store.replace_run)(before, after, actor=actor, words=words)
        if moved:
            self._note_move(before, held, actor)
        return moved

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str, most: int | None = None) -> bool:
        held = self._fence(before)
        moved = self._writing(self.store.add_attempt)(attempt, before, after, actor=actor, most=most)
        if moved:
            self.recorded.setdefault((attempt.run_id, attempt.number), self.world.time)
            self._note_move(before, held, actor)
        return moved

    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        held = self._fence(run)
        replaced = self._writing(self.store.replace_attempt)(run, attempt)
        if replaced and attempt.ended_at is not None:
            self.over.setdefault((run.id, attempt.number), self.world.time)
        if replaced and run.fence != held:
            self.stale.append(f"{run.id} attempt {attempt.number}")
        return replaced

    # -- how

    def _writing(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """The same, on a disk that may be full now."""
        if not self.world.is_away("disk"):
            return act
        if self.fills_up_at_once:
            raise Refused("disk_full", "The disk is full: free some space and try again.")

        def write(*arguments: Any, **options: Any) -> Any:
            with full_disk(self.store):
                return act(*arguments, **options)

        return write

    def _fence(self, run: Run) -> int:
        found = self.store.run(run.id)
        assert found
        return found.fence

    def _note_rows(self, newest: int, actor: str) -> None:
        """The rows that came in, told by the events that came with them."""
        for event in self.store.events(newest):
            if event.run_id is not None and (run := self.store.run(event.run_id)):
                self.rows.append((self.world.time, run))
                self._note(run, actor)

    def _note_move(self, before: Run, held: int, actor: str) -> None:
        now = self.store.run(before.id)
        assert now
        if before.fence != held:
            self.stale.append(f"{before.id} to {now.status}")
        self._note(now, actor)

    def _note(self, run: Run, actor: str) -> None:
        self.moves.append(Moved(self.world.time, run, actor))
        if run.status.terminal:
            self.ended.setdefault(run.id, run)


class WorkArea(MemoryObjects):
    """The work area, in which a result that is there never changes."""

    def __init__(self) -> None:
        super().__init__()
        self.rewritten: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        if key.endswith("/result") and self.content.get(key, data) != data:
            self.rewritten.append(key)
        super().put(key, data)


class PublicationArea(MemoryObjects):
    """The publications, as a reader sees them after every single write."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, tuple[str, int, str]] = {}
        self.went_back: list[str] = []
        self.incomplete: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        self._look(key)

    def put_once(self, key: str, data: bytes) -> None:
        super().put_once(key, data)
        self._look(key)

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        super().put_if(key, data, expected)
        self._look(key)

    def _look(self, key: str) -> None:
        folder, _, name = key.rpartition("/")
        if name == "manifest.json":
            files = json.loads(self.content[key])["files"]
            self._check(key, [(f"{folder}/files/{file['path']}", file["size"]) for file in files])
        elif name == "latest.json":
            said = json.loads(self.content[key])
            order = (said["scheduled_for"], said["run_queued"], said["run"])
            if order < self.latest.get(folder, ("", 0, "")):
                self.went_back.append(key)
            self.latest[folder] = order
            self._check(key, [(f"{folder}/{said['manifest']}", None)])

    def _check(self, key: str, needed: Sequence[tuple[str, int | None]]) -> None:
        for other, size in needed:
            content = self.content.get(other)
            if content is None or (size is not None and len(content) != size):
                self.incomplete.append(f"{key} without {other}")
