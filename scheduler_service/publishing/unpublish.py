"""Take what was public and is private now out of the public storage, and lose nothing; what stayed there, by hand.

What is owed is a row of the ledger, written with the edit that made the schedule private.  First every complete run is
published again in the private area, then the public one is emptied, pointers first.  It is done when a look that began
when nobody was signed on to write there finds nothing; until then it is tried again, after pauses that grow.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import ScheduleState, Trigger, Withdrawal, publication_name
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.publication_keys import PublicationKeys, is_published
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectExists, ObjectStorage, open_storage
from jupyter_schedule.core.store.base import Store, walk_with_files
from scheduler_service.logfmt import logfmt
from scheduler_service.publishing.data_folder import read_index
from scheduler_service.publishing.fence import Fence, FencedStorage, PublisherFenced
from scheduler_service.publishing.manifest import Manifest, parse_document
from scheduler_service.publishing.publish import show_run

log = logging.getLogger(__name__)

#: seconds for which others leave a withdrawal to who claimed it; renewed before each step, halfway
LEASE = 60
#: the longest pause between two tries, in seconds; the first is one second
LONGEST_PAUSE = 600


class Unpublisher:
    """Does the withdrawals that the ledger owes."""

    def __init__(self, store: Store, open_objects: Callable[[str], ObjectStorage]) -> None:
        self._store = store
        self._open = open_objects

    def look(self, now: datetime) -> None:
        """Try each withdrawal that may be tried now; whatever fails stays owed."""
        while (owed := self._store.publications.claim(LEASE)) is not None:
            try:
                self._try(owed, now)
            except PublisherFenced:
                log.info(logfmt("withdrawal_fenced", schedule=owed.schedule))

    def _try(self, owed: Withdrawal, now: datetime) -> None:
        trouble = None
        try:
            remaining: int | None = self._withdraw(owed, now)
        except PublisherFenced:
            raise
        except (OSError, Refused) as problem:
            log.warning(logfmt("unpublish_failed", schedule=owed.schedule, message=problem))
            trouble, remaining = str(problem), self._count_if_possible(owed)
        except Exception as problem:
            log.exception(logfmt("unpublish_failed", schedule=owed.schedule))
            trouble, remaining = str(problem) or type(problem).__name__, self._count_if_possible(owed)
        if remaining == 0 and trouble is None and not owed.publishers:
            self._store.publications.mark_done(owed)
        else:
            pause = min(2.0 ** min(owed.tries - 1, 30), LONGEST_PAUSE)
            self._store.publications.put_off(owed, pause, remaining=remaining, trouble=trouble)

    def _withdraw(self, owed: Withdrawal, now: datetime) -> int:
        """Move what is there; how many objects are there then."""
        schedule = self._store.schedules.get(owed.schedule_id)
        if schedule is None:
            raise Refused("store_too_new", "The schedule was changed by a newer jupyter-schedule: upgrade the service.")
        anew = self._store.schedules.find(schedule.name, owner=schedule.owner)
        if schedule.state is ScheduleState.DELETED and anew is not None:
            return 0  # what stands under a name that was taken anew is the new schedule's
        if schedule.spec.publication_base == owed.area:
            raise Refused("bad_area", "Its private results go to the same area: see storage.private.")
        fence = Fence(lambda: self._store.publications.keep(owed, LEASE))
        public, private = self._open(owed.area), self._open(schedule.spec.publication_base)
        count = unpublish(schedule.publication_name, FencedStorage(public, fence), FencedStorage(private, fence), now)
        if count:
            log.info(logfmt("unpublished", schedule=schedule.name, objects=count))
        return count and _count_in(public, schedule.publication_name)

    def _count_if_possible(self, owed: Withdrawal) -> int | None:
        """The objects that are left; None when the area doesn't tell, which is the trouble that is told already."""
        try:
            return _count_in(self._open(owed.area), owed.publication_name)
        except (OSError, Refused):
            return None


def _count_in(area: ObjectStorage, name: str) -> int:
    return sum(1 for _ in area.list(f"{name}/"))


def unpublish_deleted(
    name: str,
    store: Store,
    storage: StorageConfig,
    private: ObjectStorage,
    now: datetime,
    *,
    owner: str,
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
    if store.schedules.find(name, owner=owner) is not None:
        message = f"“{name}” isn't deleted. Its results are withdrawn by themselves as soon as it is private."
        raise Refused("not_deleted", message)
    if store.publications.is_written(name, owner=owner) or store.runs.is_name_open(name, owner=owner):
        raise Refused("still_stopping", f"A run of “{name}” is still going: try again when it has ended.")
    publication = publication_name(owner, name)
    moved = unpublish(publication, open_area(storage.public), private, now)
    if not moved and not is_published(private, publication):
        with_files = (each for each in walk_with_files(store.schedules) if each.owner == owner)
        deleted = [each.name for each in with_files if each.state is ScheduleState.DELETED]
        close = get_close_matches(name, deleted, n=1)
        hint = f" Did you mean “{close[0]}”?" if close else ""
        raise Refused("nothing_public", f"Nothing of “{name}” is in the public area.{hint}")
    return moved


def unpublish(name: str, public: ObjectStorage, private: ObjectStorage, now: datetime) -> int:
    """Move the publication `name` from one area to the other; how many objects left the public one."""
    keys = PublicationKeys(name)
    there = [stored.key for stored in public.list(f"{name}/")]
    manifests = [key for key in there if _is_manifest(key, keys.runs)]
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


def _is_manifest(key: str, runs: str) -> bool:
    """`<runs><run>/manifest.json`; a run may have a file of that name further down."""
    return key.startswith(runs) and key.removeprefix(runs).partition("/")[2] == "manifest.json"


def _move_run(run: Manifest, public: ObjectStorage, private: ObjectStorage, now: datetime) -> None:
    keys = PublicationKeys(run.schedule)
    files = keys.run_files(run.folder)
    if private.size(keys.manifest(run.folder)) is None:
        try:
            private.for_each(
                run.files, lambda file: private.copy_from(public, files + file.path, files + file.path, file.sha256)
            )
        except NoSuchObject:
            # a manifest that was written late, after its files had left: whoever has the run publishes it privately
            return
        with suppress(ObjectExists):  # another got so far
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
