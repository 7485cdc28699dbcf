"""Copy another work storage to the one that the settings name now: schedules keep code and history."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from jupyter_schedule.core import clock
from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import GOING_STATUSES, ScheduleState
from jupyter_schedule.core.object_keys import BUNDLES, GATES, bundle_key
from jupyter_schedule.core.storage.factory import ObjectExists, ObjectStorage, StoredObject, open_work
from jupyter_schedule.core.store.base import Store, walk_schedules
from jupyter_schedule.core.text import quoted
from scheduler_service.admin.check import ledger_exists, open_to_look
from scheduler_service.launchers.plugins import CheckResult


@dataclass(frozen=True)
class StorageMigration:
    """From where to where objects are copied, as addresses."""

    source: str
    work: str


def plan_migration(storage: StorageConfig, places: DataPaths, source: str | None) -> StorageMigration:
    """Plan from `source`, else from the folder that is used without a setting, to the work storage of the settings.

    Raises Refused `nowhere_to_move`, `bad_area`.
    """
    work = storage.work or places.objects
    common = {"region": storage.region, "endpoint": storage.endpoint}
    try:
        former = places.objects if source is None else StorageConfig.model_validate({"work": source} | common).work
    except ValidationError:
        message = f"{quoted(source or '')} is no area: write file:///a/folder or s3://bucket/prefix."
        raise Refused("bad_area", message) from None
    if former is None or former == work:
        message = (
            f"{work} is the work area already. Set storage.work to the new one, or name the former: --from ADDRESS."
        )
        raise Refused("nowhere_to_move", message)
    return StorageMigration(former, work)


def check_idle(store: Store) -> None:
    """No run is going, or Refused `runs_going`: each goes on writing where it began."""
    going = sum(run.status in GOING_STATUSES for run in store.runs.list_open())
    if going:
        runs = "1 run is going and writes where it" if going == 1 else f"{going:,} runs are going and write where they"
        message = f"{runs} began. Take back the setting until that is over, then move."
        raise Refused("runs_going", message)


def list_missing(former: ObjectStorage, work: ObjectStorage) -> list[StoredObject]:
    """The objects of the former area that the new one hasn't.  What it has is newer, and stays."""
    there = {stored.key for stored in work.list()}
    return [stored for stored in former.list() if stored.key not in there]


def copy_objects(former: ObjectStorage, work: ObjectStorage, objects: list[StoredObject]) -> None:
    """Copy these; broken off, it is asked for once more.  The former area stays as it was."""

    def copy(stored: StoredObject) -> None:
        if not stored.key.startswith(GATES):
            work.copy_from(former, stored.key, stored.key)
            return
        # the bucket's own policy takes a gate in no other way, so that nobody writes one twice
        with suppress(ObjectExists):
            work.put_once(stored.key, former.get(stored.key))

    work.for_each(objects, copy)


def check_code(storage: StorageConfig, places: DataPaths) -> Iterator[CheckResult]:
    """Check that the work storage has the code of every schedule; nothing where there is no ledger yet."""
    if not ledger_exists(places):
        return
    work = open_work(storage.work or places.objects)
    try:
        with open_to_look(places, clock.now()) as (store, shape):
            if not shape:
                return
            there = {stored.key for stored in work.list(BUNDLES)}
            known = (each for each in walk_schedules(store.schedules) if each.state is not ScheduleState.BROKEN)
            names = [each.name for each in known if bundle_key(each.spec.bundle) not in there]
    except (OSError, Refused):
        return  # `check` tells
    if not names:
        yield CheckResult(True, "code: the work area has that of every schedule")
        return
    of = f"“{names[0]}”" if len(names) == 1 else f"{len(names):,} schedules, such as “{names[0]}”,"
    yield CheckResult(
        False,
        f"code: that of {of} isn't in the work area: NO. Bring it from the former one: "
        "python -m scheduler_service migrate-storage, or save with the code as it is now: "
        "jupyter schedule edit NAME --rebundle.",
    )
