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
from scheduler_service.admin.check import Finding, compared
from scheduler_service.admin.open_ledger import is_made
from scheduler_service.tick import LEAST_FREE


def check_service(places: DataPaths, now: datetime) -> Iterator[Finding]:
    """The disk, the database if there is one, and the service itself.  `now` is this machine's time."""
    yield _disk(places.folder)
    if places.shared_store is None:
        yield _service(places, None)
        return
    try:
        store = open_store(places.shared_store, lambda: now, migrates=False)
        try:
            yield compared("ledger", "the database's", now, store.clock())
            yield _service(places, store)
        finally:
            store.close()
    except Refused as refusal:
        yield Finding(False, f"ledger: NO. {refusal.message}")


def _disk(folder: Path) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    told = f"disk: {free // 1_000_000:,} MB are free in {there}"
    if free < LEAST_FREE:
        return Finding(False, f"{told}: NO. Nothing starts with less than {LEAST_FREE // 1_000_000} MB.")
    return Finding(True, told)


def _service(places: DataPaths, store: Store | None) -> Finding:
    hindered = find_blocker(places.lock, store)
    if hindered is not None:
        return Finding(False, f"service: NO. {hindered.sentence}")
    if has_leader(places.lock, store):
        return Finding(True, "service: one ticks")
    # whoever misspelt the folder sees it here
    unmade = store is None and not is_made(places)
    return Finding(True, f"service: none ticks now{f', and {places.folder} has no ledger yet' if unmade else ''}")
