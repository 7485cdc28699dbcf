"""The health of the services, as every client says it: they count as working by their last finished tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import utc_text
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.leader_lock import Blocker, is_held, read_blocker
from jupyter_schedule.core.store.records import ServiceRecord


@dataclass(frozen=True)
class ServiceHealth:
    """Some service works or none does, and what there is to say about it."""

    is_working: bool
    #: what keeps the services from starting anything, or the one that is there from ticking; None when all is well
    sentence: str | None = None
    blocker: Blocker | None = None


def read_service_health(paths: DataPaths, store: Store | None) -> ServiceHealth:
    """The health of the services of a ledger; store: the ledger, None where nobody has made it."""
    services = store.services.list_all() if store is not None else []
    if paths.shared_store is not None:
        return _judge(services)
    lock = paths.lock if is_held(paths.lock) else None
    # who had the lock that nobody has now is dead, however lately it ticked
    return _judge([each for each in services if lock is not None or not each.has_lock], lock)


def _judge(services: Sequence[ServiceRecord], lock: Path | None = None) -> ServiceHealth:
    """lock: of a ledger in a file, the file that somebody has locked, for whom the ledger may have no room."""
    working = [service for service in services if service.is_working]
    words = [service.blocker for service in working]
    blocker = next((Blocker(word) for word in words if word in set(Blocker)), None)
    if lock is not None and not working:
        blocker = read_blocker(lock)
    if blocker is not None:
        return ServiceHealth(True, blocker.sentence, blocker)
    if working:
        return ServiceHealth(True)
    ticked = [service.ticked_at for service in services if service.ticked_at is not None]
    if not ticked:
        return ServiceHealth(False)
    since = utc_text(max(ticked))
    return ServiceHealth(
        False,
        f"The scheduler service has finished no tick since {since}: it is stopped or hangs, and nothing starts. "
        "See its log, or end it and start another.",
    )
