"""The statements that every SQL database understands alike, and rows as they are written."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, bindparam, func, or_, select, update

from jupyter_schedule.core.models import OPEN_STATUSES, Run, Schedule, ScheduleState
from jupyter_schedule.core.store.migrations import HEAD
from jupyter_schedule.core.store.tables import attempts, events, prunings, runs, schedule_versions, schedules


def newest_first(of: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The order in which runs are listed."""
    return of.c.scheduled_for.desc(), of.c.created_at.desc(), of.c.id.desc()


#: made once, since an alias copies every column
_SIBLING = runs.alias("sibling")
LAST_CHANGE = select(func.max(events.c.sequence))
ALIVE = schedules.c.state != ScheduleState.DELETED
OPEN = runs.c.status.in_(OPEN_STATUSES)
#: what a newer version wrote may mean what we don't know, and is left to services of that version
UNDERSTOOD = schedule_versions.c.shape <= HEAD
UNDERSTOOD_RUN = (
    select(schedule_versions.c.shape)
    .where(schedule_versions.c.schedule_id == runs.c.schedule_id, schedule_versions.c.version == runs.c.version)
    .where(UNDERSTOOD)
    .exists()
)
SCHEDULES: Select[Any] = select(schedules, schedule_versions.c.spec).join(
    schedule_versions,
    and_(
        schedule_versions.c.schedule_id == schedules.c.id,
        schedule_versions.c.version == schedules.c.version,
        UNDERSTOOD,
    ),
)
RUNS: Select[Any] = select(
    *(column for column in runs.c if column.name not in {"holder", "lease_until"}),
    schedules.c.name.label("schedule"),
    prunings.c.pruned_at,
).select_from(
    runs.join(schedules, schedules.c.id == runs.c.schedule_id).outerjoin(prunings, prunings.c.run_id == runs.c.id)
)
_gone = prunings.alias("gone")
#: a run that began, or publishes what another made, and of whose files some may be left
WITH_FILES = and_(
    or_(runs.c.attempt > 0, runs.c.release.is_not(None)),
    ~select(_gone.c.run_id).where(_gone.c.run_id == runs.c.id, _gone.c.finished).exists(),
)
BUNDLE_USES: Select[Any] = (
    select(
        schedule_versions.c.spec["bundle"].as_string(),
        schedule_versions.c.schedule_id,
        schedule_versions.c.version,
        schedule_versions.c.created_at,
        and_(ALIVE, schedules.c.version == schedule_versions.c.version),
        ~ALIVE,
        select(runs.c.id)
        .where(runs.c.schedule_id == schedule_versions.c.schedule_id, runs.c.version == schedule_versions.c.version)
        .where(or_(OPEN, WITH_FILES))
        .exists(),
    )
    .join(schedules, schedules.c.id == schedule_versions.c.schedule_id)
    .order_by(schedule_versions.c.schedule_id, schedule_versions.c.version)
)
ADVANCE = (
    update(schedules)
    .where(schedules.c.id == bindparam("_id"))
    .values({name: bindparam(f"_{name}") for name in ("state", "cursor", "next_due", "silence_due")})
)


def update_runs(connection: Connection, condition: ColumnElement[bool], **values: Any) -> int:
    """Change all runs that meet a condition, locked in the order of their ids; how many there were."""
    locked = select(runs.c.id).where(condition).order_by(runs.c.id).with_for_update(key_share=True)
    return connection.execute(update(runs).where(runs.c.id.in_(locked.correlate(None))).values(values)).rowcount


def advanced_row(schedule: Schedule) -> dict[str, Any]:
    """The parameters of `ADVANCE`."""
    return {f"_{name}": getattr(schedule, name) for name in ("id", "state", "cursor", "next_due", "silence_due")}


def seen_elsewhere(place: str, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """The worker of its current attempt can be seen from another place only, and may still be there."""
    return (
        select(attempts.c.run_id)
        .where(attempts.c.run_id == runs.c.id, attempts.c.number == runs.c.attempt)
        .where(attempts.c.place != place, attempts.c.deadline >= now)
        .exists()
    )


def held_by_another(holder: str, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Another service may act on a run of the same schedule: what overlaps is decided by one service at a time."""
    return (
        select(_SIBLING.c.id)
        .where(_SIBLING.c.schedule_id == runs.c.schedule_id, _SIBLING.c.status.in_(OPEN_STATUSES))
        .where(_SIBLING.c.holder != holder, _SIBLING.c.lease_until >= now)
        .exists()
    )


def schedule_row(schedule: Schedule) -> dict[str, Any]:
    paused = schedule.paused.model_dump(mode="json") if schedule.paused else None
    return schedule.model_dump(exclude={"spec", "paused"}) | {"paused": paused}


def version_row(schedule: Schedule) -> dict[str, Any]:
    return {
        "schedule_id": schedule.id,
        "version": schedule.version,
        "author": schedule.changed_by,
        "created_at": schedule.changed_at,
        "spec": schedule.spec.model_dump(mode="json"),
        "shape": HEAD,
    }


def run_row(run: Run) -> dict[str, Any]:
    """The columns of a new run, without its place in the order."""
    release = run.release.model_dump(mode="json") if run.release else None
    return run.model_dump(exclude={"schedule", "release", "pruned_at"}) | {"release": release}


def kind_of(run: Run) -> str:
    """What the event of a new run is called."""
    return "run_released" if run.release else f"run_{run.status}"


def moving_columns(run: Run) -> dict[str, Any]:
    """The columns that a run's way through its statuses changes; who asked to cancel is written by `ask_to_cancel`."""
    moving = {"status", "reason", "message", "started_at", "ended_at", "seconds", "attempt", "machine_seconds", "cost"}
    publication = run.publication.model_dump(mode="json") if run.publication else None
    return run.model_dump(include=moving) | {"publication": publication}
