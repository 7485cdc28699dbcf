"""The documents that a publication consists of beside its files, and how they change while others change them too.

Readers may rely on every field; fields that we don't know are left aside.  Order among runs is total: by
`scheduled_for`, then by when the run was created, then by its id.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_schedule.core.models import Trigger, UtcTime, utc_text
from jupyter_schedule.core.publication_keys import run_folder
from jupyter_schedule.core.storage.factory import ObjectChanged, ObjectStorage, digest

#: every lost round means that another publisher got further, so this many are never needed
ROUNDS = 100


class PublishFailed(Exception):  # noqa: N818  (what happened to a run, not a fault of ours)
    """A run's outputs can't be published, and trying again won't help; the message is one sentence for a person."""


class PublicationDocument(BaseModel):
    """A frozen document that leaves unknown keys aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_bytes(self) -> bytes:
        """The document as it is stored: equal values give equal bytes."""
        return self.model_dump_json(indent=1).encode() + b"\n"


class RunDocument(PublicationDocument):
    """A document that belongs to one run."""

    run: str
    scheduled_for: UtcTime
    run_queued: int

    @property
    def order(self) -> tuple[datetime, int, str]:
        """The place of the run among others."""
        return self.scheduled_for, self.run_queued, self.run

    @property
    def folder(self) -> str:
        """The place of the run, relative to the publication's root."""
        return run_folder(utc_text(self.scheduled_for), self.run)


class ManifestFile(PublicationDocument):
    """A file of one run."""

    path: str
    size: int
    sha256: str
    #: of the content inside, when `content_encoding` says how it is packed
    content_type: str
    content_encoding: str | None = None


class Manifest(RunDocument):
    """Says that a run is complete, and what it consists of."""

    schedule: str
    version: int
    trigger: Trigger
    data_interval_start: UtcTime
    data_interval_end: UtcTime
    started_at: UtcTime
    ended_at: UtcTime
    published_at: UtcTime
    files: tuple[ManifestFile, ...]
    #: executed notebook and log, where the schedule publishes them
    report: tuple[ManifestFile, ...] = ()


class DataEntry(RunDocument):
    """The version of a file that belongs in data/."""

    size: int
    sha256: str


class DataIndex(PublicationDocument):
    """`data.json`: what belongs in data/."""

    schedule: str
    files: dict[str, DataEntry] = Field(default_factory=dict)
    #: runs that are putting their files in place, and since when
    unfinished: dict[str, UtcTime] = Field(default_factory=dict)


class RecentRun(RunDocument):
    """A complete run; its manifest is gone when its retention is over."""

    #: relative to `runs.json`
    manifest: str


class RecentRuns(PublicationDocument):
    """`runs.json`: the newest complete runs, newest first, without rehearsals."""

    schedule: str
    runs: tuple[RecentRun, ...] = ()

    def with_run(self, manifest: Manifest, limit: int) -> "RecentRuns":
        """The same with one more, and no more than `limit`."""
        run = RecentRun(
            run=manifest.run,
            scheduled_for=manifest.scheduled_for,
            run_queued=manifest.run_queued,
            manifest=f"{manifest.folder}/manifest.json",
        )
        runs = sorted({*self.runs, run}, key=lambda run: run.order, reverse=True)
        return RecentRuns(schedule=self.schedule, runs=tuple(runs[:limit]))

    def without(self, ids: Collection[str]) -> "RecentRuns":
        """The same without those runs."""
        return RecentRuns(schedule=self.schedule, runs=tuple(run for run in self.runs if run.run not in ids))


class LatestFile(PublicationDocument):
    """A file of the newest run."""

    path: str
    size: int
    sha256: str
    #: relative to `latest.json`; its content never changes
    href: str


class Latest(RunDocument):
    """`latest.json`: the newest complete run."""

    schedule: str
    #: relative to `latest.json`
    manifest: str
    manifest_url: str
    files: tuple[LatestFile, ...]

    @classmethod
    def of(cls, manifest: Manifest, url: str) -> "Latest":
        """The pointer to a complete run; `url` is the absolute address of its manifest."""
        return cls(
            run=manifest.run,
            schedule=manifest.schedule,
            scheduled_for=manifest.scheduled_for,
            run_queued=manifest.run_queued,
            manifest=f"{manifest.folder}/manifest.json",
            manifest_url=url,
            files=tuple(
                LatestFile(
                    path=file.path,
                    size=file.size,
                    sha256=file.sha256,
                    href=f"{manifest.folder}/files/{quote(file.path)}",
                )
                for file in manifest.files
            ),
        )


AnyDocument = TypeVar("AnyDocument", bound=PublicationDocument)


def parse_document(kind: type[AnyDocument], data: bytes, key: str) -> AnyDocument:
    """The document in `data`.  Raises PublishFailed when somebody else wrote something else there."""
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise PublishFailed(
            f"{key} in the publication isn't a document of this product any more: move it away and publish again.",
        ) from None


def update_document(area: ObjectStorage, key: str, change: Callable[[bytes | None], bytes | None]) -> None:
    """Replace an object by `change` of it, redone whenever another writer came between.

    `change` is given the content (None: there is no such object) and answers the new one, or None to leave it.
    It may read other objects: what it stores is never based on reads older than the content that it replaces.
    Raises ObjectChanged when others are always faster.
    """
    for _ in range(ROUNDS):
        current = area.get_or_none(key)
        changed = change(current)
        if changed is None or changed == current:
            return
        with suppress(ObjectChanged):
            area.put_if(key, changed, None if current is None else digest(current))
            return
    raise ObjectChanged(key)
