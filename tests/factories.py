"""Values for tests: complete, valid, and changed only where a test says so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.models import (
    LOCAL_OWNER,
    AdHocWorker,
    Attempt,
    ConcurrencyLimits,
    Confirmation,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    Trigger,
    Visibility,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.timing.admission import Admitter
from scheduler_service.worker.task import WorkerTask

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_SPACE = UUID("00000000-0000-4000-8000-000000000000")


class PublicFolders(StorageConfig):
    """A public area in whatever folder a schedule names."""

    @property
    def can_be_public(self) -> bool:
        return True


def make_spec(**changes: Any) -> Spec:
    """Daily at noon UTC."""
    plain: dict[str, Any] = {
        "timing": Timing(cron="0 12 * * *"),
        "bundle": "0" * 64,
        "publication_base": "/published",
    }
    return Spec(**plain | changes)


def public_spec(**changes: Any) -> Spec:
    """Public, as somebody confirmed."""
    spec = make_spec(visibility=Visibility.PUBLIC, **changes)
    given = Confirmation(by="ann", at=NOON, digest=spec.digest_looked_at(report=spec.publish_report))
    return spec.model_copy(update={"public_confirmed": given})


def make_schedule(name: str = "daily", *, spec: Spec | None = None, **changes: Any) -> Schedule:
    """Active, made a day before noon, next due at noon."""
    plain: dict[str, Any] = {
        "id": str(uuid5(_SPACE, name)),
        "name": name,
        "owner": LOCAL_OWNER,
        "state": ScheduleState.ACTIVE,
        "version": 1,
        "timing_rev": 1,
        "spec": spec or make_spec(),
        "cursor": NOON - timedelta(days=1),
        "next_due": NOON,
        "created_at": NOON - timedelta(days=1),
        "changed_at": NOON - timedelta(days=1),
        "changed_by": LOCAL_OWNER,
    }
    return Schedule(**plain | changes)


def make_run(schedule: Schedule, key: str = "cron:1:2026-11-24T12:00/0", **changes: Any) -> Run:
    """Due at noon, not yet started."""
    plain: dict[str, Any] = {
        "id": str(uuid5(UUID(schedule.id), key)),
        "schedule_id": schedule.id,
        "schedule": schedule.name,
        "owner": schedule.owner,
        "version": schedule.version,
        "key": key,
        "trigger": Trigger.SCHEDULE,
        "scheduled_for": NOON,
        "data_interval_start": NOON - timedelta(days=1),
        "data_interval_end": NOON,
        "status": RunStatus.DUE,
        "created_at": NOON,
    }
    return Run(**plain | changes)


def make_task(**changes: Any) -> WorkerTask:
    """A command's, that may take an hour."""
    plain: dict[str, Any] = {
        "run_id": "r1",
        "attempt": 1,
        "token": "t",
        "worker": "local",
        "objects": "file:///work",
        "bundle": "0",
        "command": "true",
        "timeout_seconds": 3600,
    }
    return WorkerTask(**plain | changes)


def make_attempt(run: Run, number: int = 1, **changes: Any) -> Attempt:
    """Recorded at noon, with an hour to live."""
    plain: dict[str, Any] = {
        "run_id": run.id,
        "number": number,
        "token": f"{run.id}.{number}",
        "launcher": "local",
        "parameters": {},
        "deadline": NOON + timedelta(hours=1),
        "created_at": NOON,
    }
    return Attempt(**plain | changes)


def make_ad_hoc(name: str = "one", **changes: Any) -> AdHocWorker:
    """A small one, asked for at noon for 24 hours."""
    plain: dict[str, Any] = {
        "id": str(uuid5(_SPACE, f"ad-hoc {name}")),
        "owner": LOCAL_OWNER,
        "launcher": "ec2",
        "size": "small",
        "hardware": "2 cores, 4 GB",
        "created_at": NOON,
        "deadline": NOON + timedelta(hours=24),
    }
    return AdHocWorker(**plain | changes)


def make_admitter(holder: str = "one", **changes: Any) -> Admitter:
    """A service with the launcher of this machine and room for a hundred runs."""
    told: dict[str, Any] = {
        "holder": holder,
        "lease": 30,
        "host": "here",
        "launchers": frozenset({"local"}),
        "local": frozenset({"local"}),
        "limits": ConcurrencyLimits(total=100),
    }
    return Admitter(**(told | changes))


def take_runs(store: Store, holder: str = "one", **changes: Any) -> list[Run]:
    """The runs that a service holds after it has let start what may."""
    by = make_admitter(holder, **changes)
    store.leases.admit(by, actor=holder)
    return [held.run for held in store.leases.claim(by)]
