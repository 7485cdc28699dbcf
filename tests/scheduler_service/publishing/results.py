"""Runs that are published as the tick does it, and what readers then find."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from jupyter_schedule.core.models import FileEntry, Publication, Reason, Result, Run
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import ObjectStorage
from scheduler_service.publishing.publish import publish
from tests.factories import NOON, make_run, make_schedule
from tests.scheduler_service.stores import MemoryObjects

DAY = timedelta(days=1)
KEYS = PublicationKeys("flights")


def due_on(day: int, **changes: Any) -> Run:
    """The run of the `day`th day, made when it was due."""
    due = NOON + day * DAY
    plain: dict[str, Any] = {"scheduled_for": due, "created_at": due}
    return make_run(make_schedule("flights"), f"cron:1:{day}/0", **plain | changes)


def entry(path: str, data: bytes) -> FileEntry:
    return FileEntry(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def result_of(files: dict[str, bytes]) -> Result:
    return Result(
        outcome="finished",
        exit_code=0,
        reason=Reason.OK,
        sentence="Succeeded in 6.1 s.",
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=6),
        seconds=6.1,
        files=tuple(entry(path, data) for path, data in files.items()),
    )


def publish_files(run: Run, files: dict[str, bytes], area: ObjectStorage, now: datetime | None = None) -> Publication:
    """What the tick does with a worker's outputs; when the run was due unless `now` is given."""
    work = MemoryObjects()
    work.content = {f"workers/w/{run.id}/output/{path}": data for path, data in files.items()}
    return publish(run, result_of(files), work, f"workers/w/{run.id}/", area, now or run.scheduled_for)


def document(area: ObjectStorage, key: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(area.get(key))
    return content


def data_of(area: ObjectStorage) -> dict[str, bytes]:
    return {stored.key.removeprefix(KEYS.data): area.get(stored.key) for stored in area.list(KEYS.data)}


def assert_readers_find_what_latest_points_at(area: ObjectStorage) -> str:
    """The reader's walk: latest.json, its manifest, its files, each with its digest; answers the run's time."""
    latest = document(area, KEYS.latest)
    manifest = document(area, f"flights/{latest['manifest']}")
    assert manifest["run"] == latest["run"]
    folder = latest["manifest"].removesuffix("manifest.json")
    for file in manifest["files"]:
        assert hashlib.sha256(area.get(f"flights/{folder}files/{file['path']}")).hexdigest() == file["sha256"]
    return str(latest["scheduled_for"])
