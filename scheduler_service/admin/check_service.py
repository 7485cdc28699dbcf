"""Whether the service that the settings describe can start runs, or what keeps it from that: a look."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import find_blocker, has_leader
from scheduler_service.admin.check import CheckResult, compare_clocks
from scheduler_service.admin.open_ledger import ledger_exists
from scheduler_service.tick import LEAST_FREE


def check_service(places: DataPaths, now: datetime) -> Iterator[CheckResult]:
    """The disk, the database if there is one, and the service itself.  `now` is this machine's time."""
    yield _disk(places.folder)
    if places.shared_store is None:
        yield _service(places, None)
        return
    try:
        store = open_store(places.shared_store, lambda: now, migrates=False)
        try:
            yield compare_clocks("ledger", "the database's", now, store.clock())
            yield _service(places, store)
        finally:
            store.close()
    except Refused as refusal:
        yield CheckResult(False, f"ledger: NO. {refusal.message}")


def _disk(folder: Path) -> CheckResult:
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    told = f"disk: {free // 1_000_000:,} MB are free in {there}"
    if free < LEAST_FREE:
        return CheckResult(False, f"{told}: NO. Nothing starts with less than {LEAST_FREE // 1_000_000} MB.")
    return CheckResult(True, told)


def _service(places: DataPaths, store: Store | None) -> CheckResult:
    hindered = find_blocker(places.lock, store)
    if hindered is not None:
        return CheckResult(False, f"service: NO. {hindered.sentence}")
    if has_leader(places.lock, store):
        return CheckResult(True, "service: one ticks")
    # whoever misspelt the folder sees it here
    unmade = store is None and not ledger_exists(places)
    return CheckResult(True, f"service: none ticks now{f', and {places.folder} has no ledger yet' if unmade else ''}")
