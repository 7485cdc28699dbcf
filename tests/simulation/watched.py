"""The stores of a simulated world, watched: what became of every write, at which true time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import AdHocWorker, Attempt, Run, Schedule, Version
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import ScheduleAdvance
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.timing.admission import Admitter
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.ledgers import full_disk
from tests.simulation.world import World

CANCEL_ASKED = "run_cancel_asked"
#: by part, what changes the ledger and isn't watched
WRITES = {
    "schedules": frozenset[str](),
    "runs": frozenset({"request_cancel_all", "request_cancel", "finish_pruning", "mark_pruned"}),
    "leases": frozenset({"claim", "release", "admit"}),
    "outbox": frozenset({"claim", "mark_delivered", "mark_failed"}),
    "publications": frozenset({"sign_on", "sign_off", "claim", "keep", "mark_done", "put_off"}),
    "ad_hoc": frozenset[str](),
    "": frozenset({"publish_catalog", "note_owner"}),
}


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
        #: each schedule as it was recorded first, with the true time
        self.made: list[tuple[float, Schedule]] = []
        #: each row as it came in, with the true time
        self.rows: list[tuple[float, Run]] = []
        self.moves: list[Moved] = []
        #: the ad-hoc workers, likewise
        self.worker_moves: list[tuple[float, AdHocWorker]] = []
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
        self.schedules = WatchedSchedules(self, "schedules")
        self.runs = WatchedRuns(self, "runs")
        self.leases = WatchedLeases(self, "leases")
        self.outbox = WatchedPart(self, "outbox")
        self.publications = WatchedPart(self, "publications")
        self.ad_hoc = WatchedAdHoc(self, "ad_hoc")

    def __getattr__(self, method: str) -> Any:
        act = getattr(self.store, method)
        return self.writing(act) if method in WRITES[""] else act

    @property
    def fills_up_at_once(self) -> bool:
        """Whether a full disk takes nothing at all, not even what fits into the pages that there are."""
        return not isinstance(self.store, SqlStore)

    def clock(self) -> datetime | None:
        return self.second()

    def read(self) -> None:
        """Note how everything is now."""
        self.runs_by_id = {run.id: run for run in self.store.runs.list_newest(limit=1_000_000)}
        self.attempts_of = {run_id: self.store.runs.list_attempts(run_id) for run_id in self.runs_by_id}
        of_schedules = {run.schedule_id for run in self.runs_by_id.values()} | {one.before.id for one in self.settled}
        self.versions_of = {
            schedule_id: self.store.schedules.list_versions(schedule_id) for schedule_id in sorted(of_schedules)
        }

    # -- how

    def writing(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """The same, on a disk that may be full now."""
        if not self.world.is_away("disk"):
            return act
        if self.fills_up_at_once:
            raise Refused("disk_full", "The disk is full: free some space and try again.")

        assert isinstance(self.store, SqlStore)
        filling = partial(full_disk, self.store)

        def write(*arguments: Any, **options: Any) -> Any:
            with filling():
                return act(*arguments, **options)

        return write

    def fence_of(self, run: Run) -> int:
        found = self.store.runs.get(run.id)
        assert found
        return found.fence

    def note_rows(self, newest: int, actor: str) -> None:
        """The rows that came in, told by the events that came with them."""
        for event in self.store.events(newest):
            # those of a schedule that is deleted are asked to stop in the same transaction
            if event.kind == CANCEL_ASKED or event.run_id is None:
                continue
            if run := self.store.runs.get(event.run_id):
                self.rows.append((self.world.time, run))
                self._note(run, actor)

    def note_moves(self, newest: int, actor: str) -> None:
        """The runs that moved, told by the events that came with that."""
        for event in self.store.events(newest):
            if event.run_id is not None and (run := self.store.runs.get(event.run_id)):
                self._note(run, actor)

    def note_move(self, before: Run, held: int, actor: str) -> None:
        now = self.store.runs.get(before.id)
        assert now
        if before.fence != held:
            self.stale.append(f"{before.id} to {now.status}")
        self._note(now, actor)

    def _note(self, run: Run, actor: str) -> None:
        self.moves.append(Moved(self.world.time, run, actor))
        if run.status.terminal:
            self.ended.setdefault(run.id, run)


class WatchedPart:
    """A part of the store; what isn't watched is the part's own method."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._part: Any = getattr(ledger.store, name)
        self._writes = WRITES[name]

    def __getattr__(self, method: str) -> Any:
        act = getattr(self._part, method)
        return self._ledger.writing(act) if method in self._writes else act


class WatchedSchedules(WatchedPart):
    """The schedules, and how far each was brought up to date at which time."""

    def add(self, schedule: Schedule) -> None:
        self._ledger.writing(self._part.add)(schedule)
        self._ledger.made.append((self._ledger.world.time, schedule))

    def replace(self, before: Schedule, after: Schedule, runs: Sequence[Run] = (), *, actor: str, **told: Any) -> bool:
        ledger = self._ledger
        newest = ledger.store.last_change()
        moved: bool = ledger.writing(self._part.replace)(before, after, runs, actor=actor, **told)
        if moved:
            ledger.settled.append(Stretch(ledger.world.time, before, after))
            ledger.note_rows(newest, actor)
        return moved

    def record_due_runs(self, advances: Sequence[ScheduleAdvance], *, actor: str) -> set[str]:
        if not advances:
            return set()
        ledger = self._ledger
        newest = ledger.store.last_change()
        moved: set[str] = ledger.writing(self._part.record_due_runs)(advances, actor=actor)
        ledger.settled += [
            Stretch(ledger.world.time, one.before, one.after) for one in advances if one.before.id in moved
        ]
        ledger.note_rows(newest, actor)
        return moved


class WatchedRuns(WatchedPart):
    """The runs, and who moved each at which time."""

    def add(self, run: Run, *, actor: str) -> None:
        self.add_all([run], actor=actor)

    def add_all(self, runs: Sequence[Run], *, actor: str) -> None:
        newest = self._ledger.store.last_change()
        self._ledger.writing(self._part.add_all)(runs, actor=actor)
        self._ledger.note_rows(newest, actor)

    def replace(self, before: Run, after: Run, *, actor: str, **told: Any) -> bool:
        held = self._ledger.fence_of(before)
        moved: bool = self._ledger.writing(self._part.replace)(before, after, actor=actor, **told)
        if moved:
            self._ledger.note_move(before, held, actor)
        return moved

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str) -> bool:
        ledger = self._ledger
        held = ledger.fence_of(before)
        moved: bool = ledger.writing(self._part.add_attempt)(attempt, before, after, actor=actor)
        if moved:
            ledger.recorded.setdefault((attempt.run_id, attempt.number), ledger.world.time)
            ledger.note_move(before, held, actor)
        return moved

    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        ledger = self._ledger
        held = ledger.fence_of(run)
        replaced: bool = ledger.writing(self._part.replace_attempt)(run, attempt)
        if replaced and attempt.ended_at is not None:
            ledger.over.setdefault((run.id, attempt.number), ledger.world.time)
        if replaced and run.fence != held:
            ledger.stale.append(f"{run.id} attempt {attempt.number}")
        return replaced


class WatchedLeases(WatchedPart):
    """The leases, and which runs were admitted at which time."""

    def admit(self, by: Admitter, *, actor: str) -> int:
        ledger = self._ledger
        newest = ledger.store.last_change()
        admitted: int = ledger.writing(self._part.admit)(by, actor=actor)
        ledger.note_moves(newest, actor)
        return admitted


class WatchedAdHoc(WatchedPart):
    """The ad-hoc workers, and what each was at which time."""

    def replace(self, before: AdHocWorker, after: AdHocWorker, *, actor: str, most: int | None = None) -> bool:
        moved: bool = self._ledger.writing(self._part.replace)(before, after, actor=actor, most=most)
        if moved:
            self._ledger.worker_moves.append((self._ledger.world.time, after))
        return moved


class WorkArea(MemoryObjects):
    """The work area, in which a result that is there never changes."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.rewritten: list[str] = []
        #: what was removed, and when
        self.deleted: list[tuple[float, str]] = []

    def delete(self, key: str) -> None:
        if key in self.content:
            self.deleted.append((self._world.time, key))
        super().delete(key)

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

    def delete(self, key: str) -> None:
        run = "/".join(key.split("/")[:3])
        if f"{run}/files/" in key and f"{run}/manifest.json" in self.content:
            self.incomplete.append(f"{run}/manifest.json lost {key}")
        super().delete(key)
        folder, _, name = key.rpartition("/")
        latest = self.content.get(f"{key.partition('/')[0]}/latest.json")
        if latest is not None and f"{key.partition('/')[0]}/{json.loads(latest)['manifest']}" == key:
            self.incomplete.append(f"latest.json lost {key}")
        if name == "latest.json":
            # withdrawn: what is made public later may be older
            self.latest.pop(folder, None)

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
