"""Try what the settings name: each storage with a small object, which is removed, each channel, the service itself.

Every line says what is right, or what is missing and how to mend it.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from jupyter_schedule.core import clock, costs
from jupyter_schedule.core.config import Channel, DeploymentConfig, StorageConfig, owner_of_requests
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.operations import removal
from jupyter_schedule.core.operations.operations import MOST_AHEAD
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import (
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    ObjectStorage,
    S3Storage,
    digest,
    open_storage,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.migrate import has_shape
from jupyter_schedule.core.store.services import read_service_health
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.timing import planning
from scheduler_service.anonymous_get import anonymous_get, server_time
from scheduler_service.launchers.plugins import CheckResult, load_plugin
from scheduler_service.notifications.channels import open_channel
from scheduler_service.notifications.message import build_trial
from scheduler_service.settings import Settings
from scheduler_service.tick import LEAST_FREE

#: seconds that the clocks may differ: S3 refuses at 15 minutes
MOST_SKEW = 60
#: parts of a name that no schedule can have
PROBE = ".check-"


def check_storage(storage: StorageConfig, now: datetime) -> Iterator[CheckResult]:
    """Try each area; nothing is left behind.  `now` is this machine's time."""
    for name in ("work", "private", "public"):
        address = getattr(storage, name)
        if address is None:
            yield CheckResult(True, f"{name}: not set; {_without(name)}")
            continue
        area = open_storage(address)
        where = area.address.plain if isinstance(area, S3Storage) else address.partition("?")[0]
        yield from _check_area(f"{name} ({where})", area, now, public=name == "public")
    if any(costs.costs_requests(address or "") for address in (storage.private, storage.public)):
        told = costs.publishing_text(storage.most_files)
        yield CheckResult(True, f"most_files: a run may publish {storage.most_files:,}; {told}")


def compare_clocks(name: str, whose: str, now: datetime, other: datetime | None) -> CheckResult:
    """Compare this machine's clock, which says `now`, with another; None when that doesn't tell the time."""
    if other is None:
        return CheckResult(True, f"{name}: this clock can't be compared with {whose}, which doesn't tell the time")
    skew = abs((now - other).total_seconds())
    if skew > MOST_SKEW:
        return CheckResult(False, f"{name}: this clock differs from {whose} by {skew:.0f} s: NO. Set it by NTP.")
    return CheckResult(True, f"{name}: the clocks agree")


def check_channels(channels: Mapping[str, Channel], to: str | None, now: datetime) -> Iterator[CheckResult]:
    """Look at each channel's address, and send a message to the one named `to`."""
    for name, channel in channels.items():
        try:
            carrier = open_channel(name, channel)
        except Refused as refusal:
            yield CheckResult(False, refusal.message)
            continue
        yield CheckResult(True, f"channel {name}: {channel.place} holds an address that Apprise knows")
        if name == to:
            trouble = carrier.send(build_trial(name, str(uuid4()), now))
            right = f"channel {name}: a message was taken"
            yield CheckResult(True, right) if trouble is None else CheckResult(False, f"{right}: NO. {trouble}")


def _without(name: str) -> str:
    match name:
        case "work":
            return "bundles and runs are kept in the folder"
        case "private":
            return "publications go to the folder published"
        case _:
            return "nothing can be made public"


def _check_area(name: str, area: ObjectStorage, now: datetime, *, public: bool) -> Iterator[CheckResult]:
    probe = f"{PROBE}{uuid4().hex}/probe.txt"
    try:
        written = _tried(f"{name}: an object can be written, once", lambda: _write_once(area, probe))
        yield written
        if not written.right:
            return
        yield _tried(f"{name}: an object is replaced only by who saw the newest", lambda: _compare_and_set(area, probe))
        yield _tried(f"{name}: objects can be listed and copied", lambda: _list_and_copy(area, probe))
        if isinstance(area, S3Storage):
            yield _tried(f"{name}: the bucket is in the region that is asked", lambda: _is_elsewhere(area))
            yield compare_clocks(name, "the server's", now, server_time(area))
            yield _anonymous(name, area, probe, public=public)
            if public:
                yield _no_public_list(name, area)
        elif public:
            yield _anonymous(name, area, probe, public=True)
    finally:
        for key in (probe, f"{probe}.copy.txt"):
            with suppress(OSError):
                area.delete(key)


def _tried(right: str, attempt: Callable[[], str | None]) -> CheckResult:
    try:
        wrong = attempt()
    except (OSError, Refused) as problem:
        wrong = str(problem)
    except (NoSuchObject, ObjectExists, ObjectChanged):
        wrong = "the server doesn't keep what it just took: use one that is consistent, as S3 is."
    return CheckResult(True, right) if wrong is None else CheckResult(False, f"{right}: NO. {wrong}")


def _write_once(area: ObjectStorage, key: str) -> str | None:
    area.put_once(key, b"1")
    with suppress(ObjectExists):
        area.put_once(key, b"2")
        return "The server lets two win: it must know If-None-Match, as S3, MinIO and SeaweedFS do."
    return None


def _compare_and_set(area: ObjectStorage, key: str) -> str | None:
    area.put_if(key, b"2", digest(b"1"))
    with suppress(ObjectChanged):
        area.put_if(key, b"3", digest(b"1"))
        return "The server lets an old writer win: it must know If-Match."
    return None


def _list_and_copy(area: ObjectStorage, key: str) -> str | None:
    copy = f"{key}.copy.txt"
    area.copy_from(area, key, copy, digest(b"2"))
    listed = {stored.key for stored in area.list(key)}
    return None if listed == {key, copy} else "The list lacks what was just written."


def _is_elsewhere(area: S3Storage) -> str | None:
    """boto3 finds its way to another region, which nothing else does, and at some cost."""
    asked, found = s3_clients.client(area.address).meta.region_name, area.region()
    return None if found == asked else f"It is in {found}, and {asked} is asked: set region to {found}."


def _anonymous(name: str, area: ObjectStorage, probe: str, *, public: bool) -> CheckResult:
    if public or not isinstance(area, S3Storage):
        status, _ = anonymous_get(area.url(probe))
        right = f"{name}: everybody can read at {area.url('')}"
        mend = "Let the web server show that folder at public_base, and read what the service writes there."
        if isinstance(area, S3Storage):
            mend = (
                "Allow s3:GetObject to everybody in the bucket's policy, or see that public_base leads to the prefix."
            )
        return (
            CheckResult(True, right)
            if status == 200
            else CheckResult(False, f"{right}: NO ({status or 'no answer'}). {mend}")
        )
    status, _ = anonymous_get(s3_clients.web_address(area.address, area.address.prefix + probe))
    right = f"{name}: nobody reads without credentials"
    mend = "Block public access to the bucket, and take everybody out of its policy."
    return CheckResult(True, right) if status != 200 else CheckResult(False, f"{right}: NO. {mend}")


def _no_public_list(name: str, area: S3Storage) -> CheckResult:
    status, _ = anonymous_get(s3_clients.web_address(area.address, "") + "?list-type=2&max-keys=1")
    right = f"{name}: nobody can list it without credentials"
    mend = "Take s3:ListBucket for everybody out of the bucket's policy: names alone can tell too much."
    return CheckResult(True, right) if status != 200 else CheckResult(False, f"{right}: NO. {mend}")


def check_service(places: DataPaths, now: datetime) -> Iterator[CheckResult]:
    """The disk, the database if there is one, and the service itself.  `now` is this machine's time."""
    yield _disk(places.folder)
    if not ledger_exists(places):
        yield _service(places, None, now)
        return
    try:
        with open_to_look(places, now) as (store, shape):
            other = store.clock()
            if places.shared_store is not None:
                yield compare_clocks("ledger", "the database's", now, other)
            if shape:
                yield _service(places, store, other or now)
            else:
                what = "the database is empty" if shape is None else "it was written by an older version"
                yield CheckResult(True, f"ledger: {what}; a service brings it to today's shape when it starts")
    except Refused as refusal:
        yield CheckResult(False, f"ledger: NO. {refusal.message}")


def check_owner(config: DeploymentConfig, places: DataPaths) -> Iterator[CheckResult]:
    """Tell whose requests come through the folder, where many share the ledger: a service alone needs no owner."""
    if places.shared_store is None:
        return
    try:
        yield CheckResult(True, f"owner: requests here are those of {owner_of_requests(config, places)}")
    except Refused as refusal:
        yield CheckResult(True, f"owner: not set, so nobody can ask for anything here. {refusal.message}")


def check_launchers(settings: Settings, now: datetime) -> Iterator[CheckResult]:
    """Try what each launcher's table names, in the launcher's own way."""
    for sentence in settings.broken_launchers.values():
        yield CheckResult(False, sentence)
    for name, own in settings.launchers.items():
        yield from load_plugin(name).check(own, settings.places.folder, now)


def _disk(folder: Path) -> CheckResult:
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    told = f"disk: {free // 1_000_000:,} MB are free in {there}"
    if free < LEAST_FREE:
        return CheckResult(False, f"{told}: NO. Nothing starts with less than {LEAST_FREE // 1_000_000} MB.")
    return CheckResult(True, told)


def _service(places: DataPaths, store: Store | None, now: datetime) -> CheckResult:
    health = read_service_health(places, store)
    if health.sentence is not None:
        return CheckResult(False, f"service: NO. {health.sentence}")
    ahead = () if store is None else store.schedules.list_ahead(now + planning.FAR_AHEAD, MOST_AHEAD)
    if silent := planning.describe_ahead(ahead):
        return CheckResult(False, f"service: NO. {silent}")
    if health.is_working:
        return CheckResult(True, "service: one ticks")
    # whoever misspelt the folder sees it here
    unmade = store is None and not ledger_exists(places)
    return CheckResult(True, f"service: none ticks now{f', and {places.folder} has no ledger yet' if unmade else ''}")


def ledger_exists(places: DataPaths) -> bool:
    """True when the ledger is there; of a database that many share only asking it tells, so it counts as there."""
    return places.shared_store is not None or places.ledger.exists()


def check_withdrawals(places: DataPaths) -> Iterator[CheckResult]:
    """Check that what is private now has left the public areas; nothing where there is no ledger yet."""
    if not ledger_exists(places):
        return
    try:
        with open_to_look(places, clock.now()) as (store, shape):
            if not shape:
                return
            owed = store.publications.list_owed()
    except Refused:
        return  # `check_service` tells
    for each in owed:
        # what was looked at and found empty is waited for, and nothing that anybody has to mend
        yield CheckResult(each.is_clean, f"withdrawals: {'' if each.is_clean else 'NO. '}{removal.still_public(each)}")
    if not owed:
        yield CheckResult(True, "withdrawals: nothing that is private now is public still")


@contextmanager
def open_to_look(places: DataPaths, now: datetime) -> Iterator[tuple[Store, bool | None]]:
    """The ledger that is there, as it is, and its shape as `has_shape` tells it.  Raises Refused."""
    store = open_store(places.store, lambda: now, migrates=False)
    try:
        yield store, has_shape(store.database.engine) if isinstance(store, SqlStore) else True
    finally:
        store.close()


@contextmanager
def open_existing_ledger(places: DataPaths) -> Iterator[Store]:
    """The ledger that is there.  Raises Refused `no_ledger` instead of making one where somebody misspelt a folder.

    A new one would know no run, and have a new secret, by which it takes nothing for its own.
    """
    if not ledger_exists(places):
        raise Refused("no_ledger", f"There is no ledger in {places.folder}: name the service's own with --folder.")
    store = open_store(places.store, clock.now)
    try:
        yield store
    finally:
        store.close()
