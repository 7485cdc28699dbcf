"""Take what was public and is private now out of the public storage, and lose nothing; what stayed there, by hand.

Derived from what the ledger and the area say, so that it can be repeated, and nobody has to remember that it is owed:
first every complete run is published again in the private area, then the public one is emptied, pointers first.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from difflib import get_close_matches

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule, ScheduleState, Trigger, Visibility
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.publication_keys import PublicationKeys, is_published
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectExists, ObjectStorage, open_storage
from jupyter_schedule.core.store.base import Store, walk_schedules
from scheduler_service.logfmt import logfmt
from scheduler_service.publishing.data_folder import read_index
from scheduler_service.publishing.manifest import Manifest, parse_document
from scheduler_service.publishing.publish import show_run

log = logging.getLogger(__name__)

#: between two looks for deleted schedules, whose files stay a day at least
DELETED_EVERY = timedelta(minutes=10)


class Unpublisher:
    """Looks after all schedules that were public once and aren't any more, also those that were deleted since."""

    def __init__(self, store: Store, storage: StorageConfig, open_objects: Callable[[str], ObjectStorage]) -> None:
        self._store = store
        self._storage = storage
        self._open = open_objects
        #: schedule and version whose results are known to be out of the public area
        self._done: set[tuple[str, int]] = set()
        self._deleted: list[Schedule] = []
        self._look_for_deleted_at: datetime | None = None

    def look(self, now: datetime) -> None:
        """Unpublish what is owed; whatever fails is owed the next time too."""
        if self._storage.public is None:
            return
        schedules = list(walk_schedules(self._store.schedules))
        names_in_use = {schedule.name for schedule in schedules}
        # what stands under a name that was taken anew is its new owner's
        deleted = (schedule for schedule in self._deleted_ones(now) if schedule.name not in names_in_use)
        private = (each for each in (*schedules, *deleted) if each.spec.visibility != Visibility.PUBLIC)
        owed = [schedule for schedule in private if (schedule.id, schedule.version) not in self._done]
        # a run that began while its schedule was public may still be publishing: then look again later
        going = {run.schedule_id for run in self._store.runs.list_open()} if owed else set()
        for schedule in owed:
            try:
                self._unpublish(schedule, now)
            except Exception:
                log.exception(logfmt("unpublish_failed", schedule=schedule.name))
            else:
                if schedule.id not in going:
                    self._done.add((schedule.id, schedule.version))

    def _deleted_ones(self, now: datetime) -> list[Schedule]:
        """Those that left files; who was made private and deleted at once may still stand in the public area."""
        if self._look_for_deleted_at is None or now >= self._look_for_deleted_at:
            self._look_for_deleted_at = now + DELETED_EVERY
            found = self._store.schedules.list_with_files()
            self._deleted = [schedule for schedule in found if schedule.state is ScheduleState.DELETED]
        return self._deleted

    def _unpublish(self, schedule: Schedule, now: datetime) -> None:
        bases = {version.spec.publication_base for version in self._store.schedules.list_versions(schedule.id)
                 if version.spec.visibility == Visibility.PUBLIC}  # fmt: skip
        for base in bases:
            public, private = self._open(base), self._open(schedule.spec.publication_base)
            count = unpublish(schedule.name, public, private, now)
            if count:
                log.info(logfmt("unpublished", schedule=schedule.name, objects=count))


def unpublish_deleted(
    name: str,
    store: Store,
    storage: StorageConfig,
    private: ObjectStorage,
    now: datetime,
    *,
    open_area: Callable[[str], ObjectStorage] = open_storage,
) -> int:
    """Move what a schedule that was deleted left in the public area; how many objects, 0 when it had gone before.

    Raises Refused, also when nothing ever was there under that name.
    """
    if storage.public is None:
        raise Refused(
            "no_public_area", "No public area is set, so nothing is public: see storage.public in the settings."
        )
    names.check(name)
    if store.schedules.find(name) is not None:
        message = f"“{name}” isn't deleted. Its results are withdrawn by themselves as soon as it is private."
        raise Refused("not_deleted", message)
    if any(run.schedule == name for run in store.runs.list_open()):
        raise Refused("still_stopping", f"A run of “{name}” is still going: try again when it has ended.")
    moved = unpublish(name, open_area(storage.public), private, now)
    if not moved and not is_published(private, name):
        deleted = [each.name for each in store.schedules.list_with_files() if each.state is ScheduleState.DELETED]
        close = get_close_matches(name, deleted, n=1)
        hint = f" Did you mean “{close[0]}”?" if close else ""
        raise Refused("nothing_public", f"Nothing of “{name}” is in the public area.{hint}")
    return moved


def unpublish(name: str, public: ObjectStorage, private: ObjectStorage, now: datetime) -> int:
    """Move the publication `name` from one area to the other; how many objects left the public one."""
    keys = PublicationKeys(name)
    there = [stored.key for stored in public.list(f"{name}/")]
    manifests = [key for key in there if _is_manifest(key)]
    runs = sorted((parse_document(Manifest, public.get(key), key) for key in manifests), key=lambda run: run.order)
    for run in runs:
        _move_run(run, public, private, now)
    _keep_the_rest(name, public, private)
    # what says that something is there goes first, so that whoever comes after a crash doesn't look for it
    pointers = [key for key in (keys.latest, keys.page, keys.recent, keys.data_index) if key in there] + manifests
    for key in pointers:
        public.delete(key)
    public.for_each([key for key in there if key not in pointers], public.delete)
    return len(there)


def _is_manifest(key: str) -> bool:
    """`<name>/runs/<run>/manifest.json`; a run may have a file of that name further down."""
    parts = key.split("/")
    return len(parts) == 4 and parts[1] == "runs" and parts[3] == "manifest.json"


def _move_run(run: Manifest, public: ObjectStorage, private: ObjectStorage, now: datetime) -> None:
    keys = PublicationKeys(run.schedule)
    files = keys.run_files(run.folder)
    private.for_each(
        run.files, lambda file: private.copy_from(public, files + file.path, files + file.path, file.sha256)
    )
    with suppress(ObjectExists):  # an earlier try got so far
        private.put_once(keys.manifest(run.folder), run.to_bytes())
    if run.trigger is not Trigger.REHEARSAL:
        show_run(run, private, now)


def _keep_the_rest(name: str, public: ObjectStorage, private: ObjectStorage) -> None:
    """Files at the stable address whose runs went with their retention, unless there are newer ones."""
    keys = PublicationKeys(name)
    here = read_index(name, private).files

    def keep(path: str) -> None:
        with suppress(NoSuchObject):  # a claim that nobody put in place
            private.copy_from(public, keys.data + path, keys.data + path)

    private.for_each([path for path in read_index(name, public).files if path not in here], keep)
