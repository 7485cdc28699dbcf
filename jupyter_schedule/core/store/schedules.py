"""Schedules and their versions in SQL: compare-and-set, one transaction a write, its events last."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, insert, or_, select, tuple_, union_all, update
from sqlalchemy.exc import IntegrityError

from jupyter_schedule.core.models import Notification, Run, Schedule, ScheduleState, Version
from jupyter_schedule.core.store.base import NameTaken, ScheduleStore
from jupyter_schedule.core.store.database import READABLE_SHAPE, Database
from jupyter_schedule.core.store.migrations import HEAD
from jupyter_schedule.core.store.outbox import SqlOutbox
from jupyter_schedule.core.store.publications import SqlPublications
from jupyter_schedule.core.store.records import BundleUse, KeptFiles, ScheduleAdvance, ScheduleGlance
from jupyter_schedule.core.store.rows import read_schedule, read_version
from jupyter_schedule.core.store.runs import CHUNK, IS_OPEN, SqlRuns
from jupyter_schedule.core.store.tables import (
    IS_ALIVE,
    LONGEST_SOURCE,
    prunings,
    run_files,
    runs,
    schedule_versions,
    schedules,
)

SCHEDULES: Select[Any] = select(
    *(column for column in schedules.c if column.name != "source"), schedule_versions.c.spec
).join(
    schedule_versions,
    and_(
        schedule_versions.c.schedule_id == schedules.c.id,
        schedule_versions.c.version == schedules.c.version,
        READABLE_SHAPE,
    ),
)
_OPEN_VERSIONS = select(runs.c.schedule_id, runs.c.version).where(IS_OPEN)
_VERSIONS_WITH_FILES = (
    select(runs.c.id)
    .join(run_files, run_files.c.run_id == runs.c.id)
    .where(run_files.c.schedule_id == schedule_versions.c.schedule_id, runs.c.version == schedule_versions.c.version)
)
BUNDLE_USES: Select[Any] = (
    select(
        schedule_versions.c.schedule_id,
        schedule_versions.c.version,
        schedule_versions.c.created_at,
        and_(IS_ALIVE, schedules.c.version == schedule_versions.c.version),
        ~IS_ALIVE,
        or_(
            tuple_(schedule_versions.c.schedule_id, schedule_versions.c.version).in_(_OPEN_VERSIONS),
            _VERSIONS_WITH_FILES.exists(),
        ),
    )
    .join(schedules, schedules.c.id == schedule_versions.c.schedule_id)
    .order_by(schedule_versions.c.schedule_id, schedule_versions.c.version)
)
SPEC = schedule_versions.c.spec
IS_CURRENT = and_(schedules.c.id == schedule_versions.c.schedule_id, schedules.c.version == schedule_versions.c.version)
#: of each schedule what tells whether files of it may go
KEPT_FILES: Select[Any] = (
    select(
        run_files.c.schedule_id,
        func.count(runs.c.ended_at),
        func.min(runs.c.ended_at, type_=runs.c.ended_at.type),
        func.count(prunings.c.run_id) > 0,
    )
    .join(runs, runs.c.id == run_files.c.run_id)
    .outerjoin(prunings, prunings.c.run_id == run_files.c.run_id)
    .group_by(run_files.c.schedule_id)
)
KEEPING: Select[Any] = select(schedules.c.id, ~IS_ALIVE, SPEC).join(schedule_versions, IS_CURRENT)
ADVANCE = (
    update(schedules)
    .where(schedules.c.id == bindparam("_id"))
    .values({name: bindparam(f"_{name}") for name in ("state", "cursor", "next_due", "silence_due")})
)


class SqlSchedules(ScheduleStore):
    """The rows of `schedules` and `schedule_versions`."""

    def __init__(self, database: Database, runs: SqlRuns, outbox: SqlOutbox, publications: SqlPublications) -> None:
        self._database = database
        self._runs = runs
        self._outbox = outbox
        self._publications = publications

    def add(self, schedule: Schedule) -> None:
        try:
            with self._database.engine.begin() as connection:
                connection.execute(insert(schedules).values(schedule_row(schedule)))
                connection.execute(insert(schedule_versions).values(version_row(schedule)))
                self._database.record(connection, schedule.changed_by, "schedule_created", schedule.id)
        except IntegrityError:
            raise NameTaken(schedule.name) from None

    def record_due_runs(self, advances: Sequence[ScheduleAdvance], *, actor: str) -> set[str]:
        if not advances:
            return set()
        wanted = {advance.before.id: advance for advance in advances}
        as_read = select(schedules.c.id, schedules.c.version, schedules.c.state, schedules.c.cursor)
        lock = as_read.where(schedules.c.id.in_(wanted)).order_by(schedules.c.id)
        with self._database.engine.begin() as connection:
            rows = connection.execute(lock.with_for_update(skip_locked=True, key_share=True)).all()
            found = [(wanted[row.id], row) for row in rows]
            same = [
                advance
                for advance, row in found
                if (row.version, row.state, row.cursor)
                == (advance.before.version, advance.before.state, advance.before.cursor)
            ]
            if same:
                connection.execute(ADVANCE, [_advance_row(advance.after) for advance in same])
                self._runs.insert(connection, [run for advance in same for run in advance.runs], actor)
        return {advance.before.id for advance in same}

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
        with self._database.engine.begin() as connection:
            moved = connection.execute(
                update(schedules)
                .where(
                    schedules.c.id == before.id,
                    schedules.c.version == before.version,
                    schedules.c.state == before.state,
                    schedules.c.cursor == before.cursor,
                    schedules.c.silence_due.is_not_distinct_from(before.silence_due),
                )
                .values(schedule_row(after))
            )
            if moved.rowcount == 0:
                return False
            if after.version > before.version:
                connection.execute(insert(schedule_versions).values(version_row(after)))
                self._publications.follow(connection, before, after)
            if after.state == ScheduleState.DELETED:
                self._runs.cancel_open(connection, after.id, actor)
                # what is due just now is accounted for, and doesn't start either
                runs = [run if run.status.terminal else run.model_copy(update={"cancelled_by": actor}) for run in runs]
            self._runs.insert(connection, runs, actor)
            if kind is not None:
                self._database.record(connection, actor, kind, after.id)
            self._outbox.put(connection, notifications)
        return True

    def delete_unreadable(self, schedule_id: str, *, actor: str) -> bool:
        gone = {"state": ScheduleState.DELETED, "next_due": None, "silence_due": None, "paused": None}
        stamped = gone | {"changed_at": self._database.now(), "changed_by": actor}
        with self._database.engine.begin() as connection:
            alive = update(schedules).where(schedules.c.id == schedule_id, IS_ALIVE)
            deleted = connection.execute(alive.values(stamped)).rowcount == 1
            if deleted:
                self._runs.cancel_open(connection, schedule_id, actor)
                self._database.record(connection, actor, "schedule_deleted", schedule_id)
        return deleted

    def get(self, schedule_id: str) -> Schedule | None:
        found = self._select(SCHEDULES.where(schedules.c.id == schedule_id))
        return found[0] if found else None

    def find(self, name: str, *, owner: str) -> Schedule | None:
        found = self._select(SCHEDULES.where(schedules.c.owner == owner, schedules.c.name == name, IS_ALIVE))
        return found[0] if found else None

    def list_page(self, *, owner: str | None = None, after: str = "", limit: int = 100) -> list[Schedule]:
        query = SCHEDULES.where(IS_ALIVE, schedules.c.name > after).order_by(schedules.c.name).limit(limit)
        return self._select(query if owner is None else query.where(schedules.c.owner == owner))

    def list_by_id(self, schedule_ids: Sequence[str]) -> dict[str, Schedule]:
        found: list[Schedule] = []
        for start in range(0, len(schedule_ids), CHUNK):
            found += self._select(SCHEDULES.where(schedules.c.id.in_(schedule_ids[start : start + CHUNK])))
        return {schedule.id: schedule for schedule in found}

    def list_by_source(self, sources: Sequence[str], *, owner: str) -> list[Schedule]:
        ends = [source[-LONGEST_SOURCE:] for source in sources]
        mine = select(schedules.c.id).where(schedules.c.owner == owner, IS_ALIVE)
        made_so = union_all(mine.where(schedules.c.source.in_(ends)), mine.where(schedules.c.source.is_(None)))
        found = self._select(SCHEDULES.where(schedules.c.id.in_(made_so)))
        return sorted(found, key=lambda schedule: schedule.name)

    def glance(self, *, owner: str) -> list[ScheduleGlance]:
        columns = (schedules.c.id, schedules.c.name, schedules.c.source, schedules.c.state, schedules.c.next_due)
        query = select(*columns).where(schedules.c.owner == owner, IS_ALIVE).order_by(schedules.c.name)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [ScheduleGlance(id_, name, source, ScheduleState(state), due) for id_, name, source, state, due in rows]

    def count(self, *, owner: str) -> int:
        query = select(func.count()).where(schedules.c.owner == owner, IS_ALIVE)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def find_taken(self, names: Sequence[str], *, owner: str) -> set[str]:
        mine = select(schedules.c.name).where(schedules.c.owner == owner, schedules.c.name.in_(names), IS_ALIVE)
        with self._database.read() as connection:
            return set(connection.scalars(mine))

    def names_beside(self, name: str, *, owner: str, limit: int) -> list[str]:
        mine = select(schedules.c.name).where(schedules.c.owner == owner, IS_ALIVE).limit(limit)
        before = mine.where(schedules.c.name <= name).order_by(schedules.c.name.desc())
        after = mine.where(schedules.c.name > name).order_by(schedules.c.name)
        with self._database.read() as connection:
            return [*reversed(connection.scalars(before).all()), *connection.scalars(after)]

    def publication_bases(self) -> set[str]:
        current = and_(
            schedules.c.id == schedule_versions.c.schedule_id, schedules.c.version == schedule_versions.c.version
        )
        base = self._database.text_in(SPEC, "publication_base")
        query = select(base).join_from(schedule_versions, schedules, current).where(IS_ALIVE).distinct()
        with self._database.read() as connection:
            return {found for found in connection.scalars(query) if found is not None}

    def list_due(self, now: datetime, limit: int) -> list[Schedule]:
        due = and_(schedules.c.state == ScheduleState.ACTIVE, schedules.c.next_due <= now)
        return self._select_readable(SCHEDULES.where(due).order_by(schedules.c.next_due, schedules.c.id), limit)

    def list_ahead(self, moment: datetime, limit: int, *, owner: str | None = None) -> list[Schedule]:
        over = (ScheduleState.ENDED, ScheduleState.DELETED)
        ahead = and_(schedules.c.cursor > moment, schedules.c.state.not_in(over))
        if owner is not None:
            ahead = and_(ahead, schedules.c.owner == owner)
        return self._select_readable(SCHEDULES.where(ahead).order_by(schedules.c.cursor.desc(), schedules.c.id), limit)

    def next_due(self) -> datetime | None:
        query = select(func.min(schedules.c.next_due)).where(schedules.c.state == ScheduleState.ACTIVE)
        with self._database.read() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found

    def list_freshness_due(self, now: datetime, limit: int) -> list[Schedule]:
        checked = schedules.c.state.in_((ScheduleState.ACTIVE, ScheduleState.ENDED))
        due = and_(checked, schedules.c.silence_due <= now)
        return self._select_readable(SCHEDULES.where(due).order_by(schedules.c.silence_due, schedules.c.id), limit)

    def get_version(self, schedule_id: str, number: int) -> Version:
        for version in self._select_versions(schedule_id, schedule_versions.c.version == number):
            return version
        raise KeyError((schedule_id, number))

    def list_versions(self, schedule_id: str) -> list[Version]:
        return self._select_versions(schedule_id)

    def list_with_files(self, *, after: str = "", limit: int = 100) -> list[Schedule]:
        return self._select(SCHEDULES.where(schedules.c.id.in_(_ids_with_files(after, limit))).order_by(schedules.c.id))

    def list_kept_files(self, *, after: str = "", limit: int = 100) -> list[KeptFiles]:
        with self._database.read() as connection:
            ids = connection.scalars(_ids_with_files(after, limit)).all()
            kept = connection.execute(KEPT_FILES.where(run_files.c.schedule_id.in_(ids))).all()
            of_schedules = connection.execute(KEEPING.where(schedules.c.id.in_(ids))).all()
        known = {row.id: row for row in of_schedules}
        return sorted(_kept(row, known[row[0]]) for row in kept)

    def list_bundle_uses(self, *, after: str = "", limit: int = 100) -> list[BundleUse]:
        page = select(schedules.c.id).where(schedules.c.id > after).order_by(schedules.c.id).limit(limit)
        uses = BUNDLE_USES.where(schedule_versions.c.schedule_id.in_(page))
        with self._database.read() as connection:
            rows = connection.execute(uses.add_columns(self._database.text_in(SPEC, "bundle"))).all()
        return [BundleUse(bundle or "", *use) for *use, bundle in rows]

    def _select(self, query: Select[Any]) -> list[Schedule]:
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [read_schedule(row) for row in rows]

    def _select_readable(self, query: Select[Any], limit: int) -> list[Schedule]:
        """The first ones that can be read, however many that can't are before them."""
        found: list[Schedule] = []
        for offset in count(0, limit):
            page = self._select(query.limit(limit).offset(offset))
            found += (schedule for schedule in page if schedule.state is not ScheduleState.BROKEN)
            if len(page) < limit or len(found) >= limit:
                break
        return found[:limit]

    def _select_versions(self, schedule_id: str, *conditions: Any) -> list[Version]:
        columns = (column for column in schedule_versions.c if column.name != "shape")
        query = select(*columns).where(READABLE_SHAPE, schedule_versions.c.schedule_id == schedule_id, *conditions)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(schedule_versions.c.version.desc())).mappings().all()
        return [read_version(row) for row in rows]


def _kept(row: Sequence[Any], schedule: Sequence[Any]) -> KeptFiles:
    """A row of `KEPT_FILES` and one of `KEEPING` as one; what can't be read of a schedule is as if it said nothing."""
    schedule_id, ended, first_end, begun = row
    _, deleted, spec = schedule
    said = spec.get("policies") if isinstance(spec, dict) else None
    policies = said if isinstance(said, dict) else {}
    keep_runs, keep_days = policies.get("keep_runs"), policies.get("keep_days")
    return KeptFiles(schedule_id, ended, first_end, bool(begun), bool(deleted), keep_runs, keep_days)


def _ids_with_files(after: str, limit: int) -> Select[Any]:
    """The next ids of schedules of whose runs some have files."""
    kept = select(run_files.c.run_id).where(run_files.c.schedule_id == schedules.c.id).exists()
    return select(schedules.c.id).where(schedules.c.id > after, kept).order_by(schedules.c.id).limit(limit)


def _advance_row(schedule: Schedule) -> dict[str, Any]:
    """The parameters of `ADVANCE`."""
    return {f"_{name}": getattr(schedule, name) for name in ("id", "state", "cursor", "next_due", "silence_due")}


def schedule_row(schedule: Schedule) -> dict[str, Any]:
    paused = schedule.paused.model_dump(mode="json") if schedule.paused else None
    # of what has no source it is empty: null is what older code leaves
    source = (schedule.spec.source or "")[-LONGEST_SOURCE:]
    return schedule.model_dump(exclude={"spec", "paused"}) | {"paused": paused, "source": source}


def version_row(schedule: Schedule) -> dict[str, Any]:
    return {
        "schedule_id": schedule.id,
        "version": schedule.version,
        "author": schedule.changed_by,
        "created_at": schedule.changed_at,
        "spec": schedule.spec.model_dump(mode="json"),
        "shape": HEAD,
    }
