"""What `--json` prints: names and order are a contract with programs, times are `YYYY-MM-DDTHH:MM:SSZ`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jupyter_schedule.core.descriptions import schedule_summary
from jupyter_schedule.core.models import Attempt, FileEntry, Run, Schedule, Version, utc_text
from jupyter_schedule.core.operations.removal import standing
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.timing.recurrence import Occurrence


def run_shape(run: Run, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """A run with its attempts; `count` and `until` only where the row is a stretch of skipped occurrences."""
    shape = {
        "run_id": run.id,
        "schedule": run.schedule,
        "scheduled_for": utc_text(run.scheduled_for),
        "trigger": run.trigger,
        "status": run.status,
        "reason": run.reason,
        "message": run.message,
        "attempts": [_attempt_shape(attempt) for attempt in attempts],
        "started_at": _time(run.started_at),
        "ended_at": _time(run.ended_at),
        "seconds": run.seconds,
        "machine_seconds": run.machine_seconds,
        "cost": None if run.cost is None else str(run.cost),
        "publication": _publication_shape(run),
        "pruned_at": _time(run.pruned_at),
    }
    if run.until is not None:
        shape |= {"count": run.count, "until": utc_text(run.until)}
    return shape


def ending_shape(run: Run) -> dict[str, Any]:
    """What `run --wait` answers."""
    return {
        "run_id": run.id,
        "schedule": run.schedule,
        "status": run.status,
        "reason": run.reason,
        "scheduled_for": utc_text(run.scheduled_for),
        "publication": _publication_shape(run),
    }


def schedule_shape(schedule: Schedule, now: datetime, last_run: dict[str, Any] | None) -> dict[str, Any]:
    """A schedule at its current version; `last_run` as `run_shape` gives it."""
    spec = schedule.spec.model_dump(mode="json", exclude={"root", "source", "files", "left_out"})
    timing, kernel = spec.pop("timing"), spec.pop("kernel")
    return {
        "name": schedule.name,
        "id": schedule.id,
        "state": schedule.state,
        "version": schedule.version,
        "summary": schedule_summary(schedule, now),
        **timing,
        "next_due": _time(schedule.next_due),
        "owner": schedule.owner,
        "created_at": utc_text(schedule.created_at),
        "changed_at": utc_text(schedule.changed_at),
        "changed_by": schedule.changed_by,
        **spec,
        "kernel": kernel and kernel["name"],
        "publication_url": publication_url(schedule),
        "last_run": last_run,
    }


def version_shape(version: Version) -> dict[str, Any]:
    """Who recorded a version, and when."""
    return {"version": version.version, "author": version.author, "created_at": utc_text(version.created_at)}


def occurrence_shape(occurrence: Occurrence) -> dict[str, str]:
    """An occurrence as an instant and as its zone's clocks show it; `note` where a clock change touches it."""
    note = {"note": occurrence.note} if occurrence.note else {}
    return {
        "scheduled_for": utc_text(occurrence.instant),
        "local": occurrence.local.isoformat(timespec="seconds"),
        **note,
    }


def file_shape(file: FileEntry, url: str) -> dict[str, Any]:
    """A file at its address."""
    return {"path": file.path, "size": file.size, "sha256": file.sha256, "url": url}


def publication_url(schedule: Schedule) -> str | None:
    """The stable address of a schedule's files; None when it publishes none."""
    spec = schedule.spec
    if spec.visibility == "none":
        return None
    return open_storage(spec.publication_base).url(PublicationKeys(schedule.name).data)


def _attempt_shape(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "detail": attempt.detail,
        "created_at": utc_text(attempt.created_at),
        "ended_at": _time(attempt.ended_at),
    }


def _publication_shape(run: Run) -> dict[str, Any] | None:
    found = standing(run)
    return found.model_dump(mode="json") if found else None


def _time(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None
