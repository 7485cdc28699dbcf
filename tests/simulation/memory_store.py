"""The store in dictionaries: the contract's rules and nothing else, fast enough for thousands of simulated days.

The contract's own suite runs over it, beside the databases.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from jupyter_schedule.core.models import (
    Event,
    LauncherCatalog,
    Notification,
    Run,
    Schedule,
    ScheduleState,
    Version,
    utc,
)
from jupyter_schedule.core.store.base import EventsGone, NameTaken, ScheduleStore, Store
from jupyter_schedule.core.store.records import BundleUse, KeptFiles, ScheduleGlance
from tests.simulation.memory_ad_hoc import MemoryAdHoc
from tests.simulation.memory_outbox import MemoryOutbox
from tests.simulation.memory_publications import MemoryPublications
from tests.simulation.memory_runs import MemoryLeases, MemoryRuns
from tests.simulation.memory_tables import Tables


class MemoryStore(Store):
    """The parts over the same dictionaries."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.tables = Tables(now)
        outbox = MemoryOutbox(self.tables)
        publications = MemoryPublications(self.tables)
        runs = MemoryRuns(self.tables, outbox, publications)
        self.schedules = MemorySchedules(self.tables, runs, outbox, publications)
        self.runs = runs
        self.publications = publications
        self.leases = MemoryLeases(self.tables)
        self.outbox = outbox
        self.ad_hoc = MemoryAdHoc(self.tables)
        self._catalog: LauncherCatalog | None = None
        self._owner: str | None = None

    def events(self, since: int, limit: int = 1000) -> list[Event]:
        if since < self.tables.events_gone:
            raise EventsGone(since)
        return self.tables.events[since : since + limit]

    def prune_events(self, before: datetime, limit: int) -> int:
        first = self.tables.events_gone
        oldest = self.tables.events[first : min(first + limit, len(self.tables.events) - 1)]
        last = max((event.sequence for event in oldest if event.at < before), default=first)
        self.tables.events_gone = last
        return last - first

    def last_change(self) -> int:
        return len(self.tables.events)

    def wait_for_change(self, since: int, timeout: float, stopped: threading.Event | None = None) -> int:
        return self.last_change()

    def publish_catalog(self, catalog: LauncherCatalog, *, actor: str) -> None:
        if self._catalog != catalog:
            self._catalog = catalog
            self.tables.record(actor, "catalog_changed")

    def read_catalog(self) -> LauncherCatalog | None:
        return self._catalog

    def note_owner(self, database: str) -> None:
        self._owner = database

    def noted_owner(self) -> str | None:
        return self._owner

    def secret(self) -> bytes:
        return b"secret"

    def close(self) -> None:
        pass


class MemorySchedules(ScheduleStore):
    """Every method is one transaction: it runs from its beginning to its end before another one does."""

    def __init__(
        self, tables: Tables, runs: MemoryRuns, outbox: MemoryOutbox, publications: MemoryPublications
    ) -> None:
        self._tables = tables
        self._runs = runs
        self._outbox = outbox
        self._publications = publications

    def add(self, schedule: Schedule) -> None:
        if schedule.id in self._tables.schedules or self.find(schedule.name, owner=schedule.owner) is not None:
            raise NameTaken(schedule.name)
        self._tables.schedules[schedule.id] = schedule
        self._tables.versions[schedule.id] = [_version(schedule)]
        self._tables.record(schedule.changed_by, "schedule_created", schedule.id)

    def replace(
        self,
        before: Schedule,
        after: Schedule,
        runs: Sequence[Run] = (),
        *,
        actor: str,
        kind: str | None,
        notifications: Sequence[Notification] = (),
    ) -> bool:
        if not self._move(before, after):
            return False
        if after.state == ScheduleState.DELETED:
            self._runs.cancel_open(after.id, actor)
            runs = [run if run.status.terminal else run.model_copy(update={"cancelled_by": actor}) for run in runs]
        for run in runs:
            self._runs.add(run, actor=actor)
        if kind is not None:
            self._tables.record(actor, kind, after.id)
        self._outbox.put(notifications)
        return True

    def record_due_runs(self, advances: Sequence[Any], *, actor: str) -> set[str]:
        return {
            before.id for before, after, runs in advances if self.replace(before, after, runs, actor=actor, kind=None)
        }

    def get(self, schedule_id: str) -> Schedule | None:
        return self._tables.schedules.get(schedule_id)

    def find(self, name: str, *, owner: str) -> Schedule | None:
        return next((each for each in self._alive() if (each.owner, each.name) == (owner, name)), None)

    def list_page(self, *, owner: str | None = None, after: str = "", limit: int = 100) -> list[Schedule]:
        mine = (schedule for schedule in self._alive() if owner in {None, schedule.owner} and schedule.name > after)
        return list(islice(mine, limit))

    def list_by_id(self, schedule_ids: Sequence[str]) -> dict[str, Schedule]:
        known = self._tables.schedules
        return {schedule_id: known[schedule_id] for schedule_id in schedule_ids if schedule_id in known}

    def list_by_source(self, sources: Sequence[str], *, owner: str) -> list[Schedule]:
        return [each for each in self._alive() if each.owner == owner and each.spec.source in sources]

    def glance(self, *, owner: str) -> list[ScheduleGlance]:
        mine = (each for each in self._alive() if each.owner == owner)
        return [ScheduleGlance(each.id, each.name, each.spec.source, each.state, each.next_due) for each in mine]

    def count(self, *, owner: str) -> int:
        return sum(schedule.owner == owner for schedule in self._alive())

    def find_taken(self, names: Sequence[str], *, owner: str) -> set[str]:
        return {schedule.name for schedule in self._alive() if schedule.owner == owner} & set(names)

    def names_beside(self, name: str, *, owner: str, limit: int) -> list[str]:
        mine = [schedule.name for schedule in self._alive() if schedule.owner == owner]
        before, after = [each for each in mine if each <= name], [each for each in mine if each > name]
        return before[-limit:] + after[:limit]

    def publication_bases(self) -> set[str]:
        return {schedule.spec.publication_base for schedule in self._alive()}

    def list_due(self, now: datetime, limit: int) -> list[Schedule]:
        waiting = ((schedule.next_due, schedule) for schedule in self._tables.schedules.values())
        due = [(at, s.id, s) for at, s in waiting if at and at <= utc(now) and s.state == ScheduleState.ACTIVE]
        return [schedule for _, _, schedule in sorted(due, key=lambda each: each[:2])[:limit]]

    def list_ahead(self, moment: datetime, limit: int, *, owner: str | None = None) -> list[Schedule]:
        over = {ScheduleState.ENDED, ScheduleState.DELETED}
        mine = (s for s in self._tables.schedules.values() if owner in {None, s.owner})
        ahead = [s for s in mine if s.cursor > utc(moment) and s.state not in over]
        return sorted(ahead, key=lambda s: (-s.cursor.timestamp(), s.id))[:limit]

    def next_due(self) -> datetime | None:
        active = (s.next_due for s in self._tables.schedules.values() if s.state == ScheduleState.ACTIVE)
        return min((at for at in active if at), default=None)

    def list_freshness_due(self, now: datetime, limit: int) -> list[Schedule]:
        judged = (s for s in self._tables.schedules.values() if s.state in {ScheduleState.ACTIVE, ScheduleState.ENDED})
        due = sorted((s.silence_due, s.id, s) for s in judged if s.silence_due and s.silence_due <= utc(now))
        return [schedule for _, _, schedule in due[:limit]]

    def get_version(self, schedule_id: str, number: int) -> Version:
        for version in self.list_versions(schedule_id):
            if version.version == number:
                return version
        raise KeyError((schedule_id, number))

    def list_versions(self, schedule_id: str) -> list[Version]:
        return list(self._tables.versions.get(schedule_id, ()))

    def list_with_files(self, *, after: str = "", limit: int = 100) -> list[Schedule]:
        by_id = ((key, schedule) for key, schedule in sorted(self._tables.schedules.items()) if key > after)
        return list(islice((schedule for key, schedule in by_id if self._runs.list_with_files(key)), limit))

    def list_kept_files(self, *, after: str = "", limit: int = 100) -> list[KeptFiles]:
        return [self._kept(schedule) for schedule in self.list_with_files(after=after, limit=limit)]

    def list_bundle_uses(self, *, after: str = "", limit: int = 100) -> list[BundleUse]:
        page = [(key, versions) for key, versions in sorted(self._tables.versions.items()) if key > after][:limit]
        return [self._use(version) for _, versions in page for version in reversed(versions)]

    def _kept(self, schedule: Schedule) -> KeptFiles:
        runs = self._runs.list_with_files(schedule.id)
        ends = [run.ended_at for run in runs if run.ended_at is not None]
        return KeptFiles(
            schedule.id,
            len(ends),
            min(ends, default=None),
            any(run.pruned_at for run in runs),
            schedule.state == ScheduleState.DELETED,
            schedule.spec.policies.keep_runs,
            schedule.spec.policies.keep_days,
        )

    def _alive(self) -> list[Schedule]:
        """All but the deleted ones, by name."""
        alive = [each for each in self._tables.schedules.values() if each.state != ScheduleState.DELETED]
        return sorted(alive, key=lambda schedule: schedule.name)

    def _move(self, before: Schedule, after: Schedule) -> bool:
        """The schedule's half of `replace`."""
        now = self._tables.schedules.get(before.id)
        if now is None or _guarded(now) != _guarded(before):
            return False
        self._tables.schedules[after.id] = after
        if after.version > before.version:
            self._tables.versions[after.id].insert(0, _version(after))
            self._publications.follow(before, after)
        return True

    def _use(self, version: Version) -> BundleUse:
        schedule = self._tables.schedules[version.schedule_id]
        deleted = schedule.state == ScheduleState.DELETED
        runs = [*self._runs.list_open(), *self._runs.list_with_files(schedule.id)]
        return BundleUse(
            version.spec.bundle,
            schedule.id,
            version.version,
            version.created_at,
            current=not deleted and schedule.version == version.version,
            deleted=deleted,
            has_runs=any((run.schedule_id, run.version) == (schedule.id, version.version) for run in runs),
        )


def _guarded(schedule: Schedule) -> tuple[object, ...]:
    return schedule.version, schedule.state, schedule.cursor, schedule.silence_due


def _version(schedule: Schedule) -> Version:
    return Version(
        schedule_id=schedule.id,
        version=schedule.version,
        author=schedule.changed_by,
        created_at=schedule.changed_at,
        spec=schedule.spec,
    )
