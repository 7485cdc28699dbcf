"""What was public and is private now leaves the public area, and nothing of it is lost.

Derived from what the ledger and the area say, so that it can be repeated, and nobody has to remember that it is owed:
first every complete run is published again in the private area, then the public one is emptied, pointers first.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from jupyter_schedule.core.areas import Areas
from jupyter_schedule.core.models import Schedule, Trigger, Visibility
from jupyter_schedule.core.objects import NoSuchObject, ObjectExists, Objects
from jupyter_schedule.core.publications import PublicationKeys
from jupyter_schedule.core.store.base import Store
from scheduler_service.publication import Manifest, parsed
from scheduler_service.publish import show
from scheduler_service.stable_address import read_index

log = logging.getLogger(__name__)


class Withdrawals:
    """Looks after all schedules that were public once and aren't any more."""

    def __init__(self, store: Store, areas: Areas, open_objects: Callable[[str], Objects]) -> None:
        self._store = store
        self._areas = areas
        self._open = open_objects
        #: schedule and version whose results are known to be out of the public area
        self._done: set[tuple[str, int]] = set()

    def look(self, now: datetime) -> None:
        """Withdraw what is owed; whatever fails is owed the next time too."""
        if self._areas.public is None:
            return
        for schedule in self._store.schedules():
            owed = (schedule.id, schedule.version)
            if schedule.spec.visibility != Visibility.PUBLIC and owed not in self._done:
                # a run that began while it was public may still be publishing: then look again later
                going = any(run.schedule_id == schedule.id for run in self._store.open_runs())
                try:
                    self._withdraw(schedule, now)
                except Exception:
                    log.exception("action=withdraw_failed schedule=%s", schedule.name)
                else:
                    if not going:
                        self._done.add(owed)

    def _withdraw(self, schedule: Schedule, now: datetime) -> None:
        bases = {version.spec.publication_base for version in self._store.versions(schedule.id)
                 if version.spec.visibility == Visibility.PUBLIC}  # fmt: skip
        for base in bases:
            public, private = self._open(base), self._open(schedule.spec.publication_base)
            count = withdraw(schedule.name, public, private, now)
            if count:
                log.info("action=withdrawn schedule=%s objects=%d", schedule.name, count)


def withdraw(name: str, public: Objects, private: Objects, now: datetime) -> int:
    """Move the publication `name` from one area to the other; how many objects left the public one."""
    keys = PublicationKeys(name)
    there = [stored.key for stored in public.list(f"{name}/")]
    manifests = [
        key for key in there if key.endswith("/manifest.json") and key.count("/") == keys.manifest("r/x").count("/")
    ]
    runs = sorted((parsed(Manifest, public.get(key), key) for key in manifests), key=lambda run: run.order)
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


def _move_run(run: Manifest, public: Objects, private: Objects, now: datetime) -> None:
    keys = PublicationKeys(run.schedule)
    files = keys.run_files(run.folder)
    private.for_each(
        run.files, lambda file: private.copy_from(public, files + file.path, files + file.path, file.sha256)
    )
    with suppress(ObjectExists):  # an earlier try got so far
        private.put_once(keys.manifest(run.folder), run.to_bytes())
    if run.trigger is not Trigger.REHEARSAL:
        show(run, private, now)


def _keep_the_rest(name: str, public: Objects, private: Objects) -> None:
    """Files at the stable address whose runs went with their retention, unless there are newer ones."""
    keys = PublicationKeys(name)
    here = read_index(name, private).files

    def keep(path: str) -> None:
        with suppress(NoSuchObject):  # a claim that nobody put in place
            private.copy_from(public, keys.data + path, keys.data + path)

    private.for_each([path for path in read_index(name, public).files if path not in here], keep)
