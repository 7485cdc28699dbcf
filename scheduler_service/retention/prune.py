"""Files whose time is over are removed: found by one look at the ledger and at each list of objects, gone in an order
in which no reader ever takes a half for the whole.

1. the ledger notes that the files of a run go, and every door says so instead of leading to them
2. in the work storage: the result, what the service noted about the run, then files and logs
3. in publications: the manifest, then `runs.json` and the page for people, then the run's files; `data/` stays
4. the ledger notes that nothing is left

Each step may be repeated.  A pass that ended in the middle leaves runs that are marked and not finished, and the next
one goes on with them.
"""

import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jupyter_schedule.core.account import AccountKey, is_foreign_folder
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    DISCLOSURES,
    FOUND_IN_FILES,
    Run,
    Schedule,
    ScheduleState,
    UnreadableSpec,
    Visibility,
    disclosure_report_key,
    utc_text,
)
from jupyter_schedule.core.object_keys import BRIEFS, BUNDLES, WORKERS, brief_key
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import ObjectChanged, ObjectStorage, StoredObject
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import BundleUse
from scheduler_service.context import ACTOR
from scheduler_service.logfmt import logfmt
from scheduler_service.publishing.data_folder import read_index
from scheduler_service.publishing.manifest import Latest, PublishFailed, parse_document
from scheduler_service.publishing.publish import forget_runs, name_run_folder
from scheduler_service.retention.rules import (
    RetentionRule,
    find_expired,
    find_unused_bundles,
    may_have_expired,
    order_stages,
)
from scheduler_service.task import token_of

log = logging.getLogger(__name__)

#: what a publication area that is away, was taken out of the settings, or holds something else is answered by
UNUSABLE = (OSError, PublishFailed, Refused, ValueError)
#: runs whose files go together
BATCH = 50


#: events, and notifications, that go together, and how long they stay whatever the settings say
RECORDS = 1000
RECORDS_AT_LEAST = timedelta(days=7)
#: schedules that are looked at together
PAGE = 50
#: a run whose files go, and by the address of a publication area what goes of it there
FoundRun = tuple[Run, dict[str, tuple[StoredObject, ...]]]


@dataclass(frozen=True)
class ExpiredRun:
    """A run whose files go, and what is found of them."""

    run: Run
    #: in the work storage
    work: tuple[StoredObject, ...] = ()
    #: by the address of a publication area
    published: dict[str, tuple[StoredObject, ...]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(each.size for each in self.work) + sum(
            each.size for some in self.published.values() for each in some
        )


@dataclass(frozen=True)
class PrunePlan:
    """Everything whose time is over."""

    runs: list[ExpiredRun]
    #: objects of the work storage that belong to no run: bundles, and what is remembered of files
    loose: list[StoredObject]
    #: a sentence for each schedule whose publication can't be looked at, and which is left alone
    troubles: list[str]

    def batches(self) -> Iterator[list[ExpiredRun]]:
        """The runs, as many as go together, each batch of one schedule."""
        by_schedule: dict[str, list[ExpiredRun]] = defaultdict(list)
        for going in self.runs:
            by_schedule[going.run.schedule_id].append(going)
        for some in by_schedule.values():
            for first in range(0, len(some), BATCH):
                yield some[first : first + BATCH]


class Pruner:
    """Finds what goes and removes it."""

    def __init__(
        self,
        store: Store,
        work: ObjectStorage,
        open_objects: Callable[[str], ObjectStorage],
        keep: RetentionRule,
        account: AccountKey | None = None,
    ) -> None:
        """Nothing is looked at yet.

        keep: what stays of a schedule that says nothing else.
        account: the one that we run as, where many share the ledger.
        """
        self._store = store
        self._work = work
        self._open = open_objects
        self._keep = keep
        self._account = account

    # -- finding

    def plan(self, now: datetime) -> PrunePlan:
        """Plan all that goes now; nothing is changed."""
        search = self.search(now)
        while search.step(most=sys.maxsize):
            pass
        return search.take()

    def search(self, now: datetime) -> "PruneSearch":
        """Begin to look for what goes now, a page of schedules at a time."""
        return PruneSearch(self, now)

    def look_at_page(self, after: str, now: datetime) -> tuple[list[FoundRun], list[str], str | None]:
        """Find what goes of the next schedules that have files: the runs, the troubles, and the place to go on from.

        Read is what may have something to do, and no other; None as a place is the end.
        """
        page = self._store.schedules.list_kept_files(after=after, limit=PAGE)
        wanted = [kept.schedule_id for kept in page if may_have_expired(kept, self._keep, now)]
        found: list[FoundRun] = []
        troubles: list[str] = []
        for schedule in self._store.schedules.list_by_id(wanted).values():
            try:
                runs = self._doomed(schedule, now)
                published = self._published(schedule, runs)
            except UNUSABLE as problem:
                troubles.append(f"{schedule.name}: its publication can't be looked at, so its runs stay. {problem}")
            else:
                found += [(run, published.get(run.id, {})) for run in runs]
        return found, troubles, page[-1].schedule_id if len(page) == PAGE else None

    def make_plan(self, found: Sequence[FoundRun], troubles: Sequence[str], loose_at: datetime | None) -> PrunePlan:
        """The plan for what was found, with what the work storage has of it: one list of that, however many runs go.

        loose_at: the time by which objects of no run go too; None leaves them.
        """
        staged = self._staged([run for run, _ in found])
        going = [ExpiredRun(run, tuple(staged.get(run.id, ())), published) for run, published in found]
        return PrunePlan(going, [] if loose_at is None else list(self._loose(loose_at)), list(troubles))

    def _doomed(self, schedule: Schedule, now: datetime) -> list[Run]:
        runs = self._store.runs.list_with_files(schedule.id)
        keep, deleted = self._keep.as_asked(schedule.spec.policies), _is_deleted(schedule)
        found = find_expired(runs, keep, now, deleted=deleted)
        if not found or deleted:
            return found
        named = {
            run_id for base in self._bases(schedule) for run_id in _named(schedule.publication_name, self._open(base))
        }
        return find_expired(runs, keep, now, named=named)

    def _bases(self, schedule: Schedule) -> set[str]:
        """The addresses of all areas that it ever published to.  Raises Refused for another account's folder."""
        specs = [version.spec for version in self._store.schedules.list_versions(schedule.id)]
        if any(isinstance(spec, UnreadableSpec) for spec in specs):
            raise ValueError("The record of one of its versions can't be read, so nobody knows where that published.")
        if any(is_foreign_folder(self._account, schedule.id, spec) for spec in specs):
            raise Refused("not_yours", "It is in a folder of another account, whose own service removes what is over.")
        return {spec.publication_base for spec in specs if spec.visibility is not Visibility.NONE}

    def _staged(self, runs: Sequence[Run]) -> dict[str, list[StoredObject]]:
        """By the id of a run, what the work storage has of it: names are made of its id, so one list tells all."""
        if not runs:
            return {}
        secret = self._store.secret()
        of_token = {token_of(secret, run.id, n): run.id for run in runs for n in range(1, run.attempt + 1)}
        of_key = {brief_key(token): run_id for token, run_id in of_token.items()}
        of_key |= {disclosure_report_key(run.id): run.id for run in runs}
        found: dict[str, list[StoredObject]] = defaultdict(list)
        for prefix in (WORKERS, BRIEFS, DISCLOSURES):
            for stored in self._work.list(prefix):
                parts = stored.key.split("/", 3)
                run_id = of_token.get(parts[2]) if prefix == WORKERS and len(parts) > 3 else of_key.get(stored.key)
                if run_id is not None:
                    found[run_id].append(stored)
        return found

    def _published(self, schedule: Schedule, runs: Sequence[Run]) -> dict[str, dict[str, tuple[StoredObject, ...]]]:
        """By the id of a run and the address of an area, what goes of it there; one list of each area."""
        if not runs or _is_deleted(schedule):
            return {}
        keys = PublicationKeys(schedule.publication_name)
        of_folder = {f"{schedule.publication_name}/{name_run_folder(run)}/": run.id for run in runs}
        found: dict[str, dict[str, list[StoredObject]]] = defaultdict(lambda: defaultdict(list))
        for base in self._bases(schedule):
            for stored in self._open(base).list(keys.runs):
                folder = f"{keys.runs}{stored.key.removeprefix(keys.runs).partition('/')[0]}/"
                if folder in of_folder:
                    found[of_folder[folder]][base].append(stored)
        return {run_id: {base: tuple(some) for base, some in areas.items()} for run_id, areas in found.items()}

    def _loose(self, now: datetime) -> Iterator[StoredObject]:
        # listed before the ledger is asked: what is put and recorded in between isn't in the list
        stored = list(self._work.list(BUNDLES))
        yield from find_unused_bundles(stored, self._bundle_uses(), self._keep, now)
        for each in self._work.list(FOUND_IN_FILES):
            if (now - each.modified).days >= self._keep.days:
                yield each

    def _bundle_uses(self) -> Iterator[BundleUse]:
        """Every version of every schedule, read page by page."""
        after = ""
        while page := self._store.schedules.list_bundle_uses(after=after, limit=PAGE):
            yield from page
            after = page[-1].schedule_id

    # -- removing

    def remove(self, batch: Sequence[ExpiredRun]) -> str | None:
        """Remove what is left of some runs of one schedule.  May be repeated.

        A sentence when a store of theirs doesn't let them go, which is no reason to leave those of other schedules.
        """
        try:
            self._remove(batch)
        except (*UNUSABLE, ObjectChanged) as problem:
            return f"{batch[0].run.schedule}: not all files of its runs could be removed. {problem}"
        return None

    def _remove(self, batch: Sequence[ExpiredRun]) -> None:
        # somebody may have decided since the look that it is to be published
        open_runs = self._store.runs.list_open(batch[0].run.schedule_id)
        wanted = {run.release.run_id for run in open_runs if run.release}
        batch = [going for going in batch if going.run.id not in wanted]
        ids = [going.run.id for going in batch]
        self._store.runs.mark_pruned(ids, actor=ACTOR)
        for keys in order_stages(stored.key for going in batch for stored in going.work):
            self._work.for_each(keys, self._work.delete)
        for base in sorted({base for going in batch for base in going.published}):
            self._unpublish(batch, base)
        self._store.runs.finish_pruning(ids, actor=ACTOR)
        log.info(logfmt("pruned", runs=len(batch)))

    def _unpublish(self, batch: Sequence[ExpiredRun], base: str) -> None:
        area, name = self._open(base), batch[0].run.publication_name
        keys = PublicationKeys(name)
        manifests = {keys.manifest(name_run_folder(going.run)) for going in batch}
        there = [stored.key for going in batch for stored in going.published.get(base, ())]
        area.for_each([key for key in there if key in manifests], area.delete)
        forget_runs(name, {going.run.id for going in batch}, area)
        area.for_each([key for key in there if key not in manifests], area.delete)

    def prune_records(self, now: datetime) -> bool:
        """Remove some events and notifications whose time is over; True when there may be more."""
        before = now - max(timedelta(days=self._keep.days), RECORDS_AT_LEAST)
        gone = self._store.prune_events(before, RECORDS), self._store.outbox.prune(before, RECORDS)
        return max(gone) == RECORDS

    def remove_loose(self, loose: Iterable[StoredObject]) -> None:
        """Remove objects that belong to no run.  May be repeated."""
        keys = [stored.key for stored in loose]
        self._work.for_each(keys, self._work.delete)
        if keys:
            log.info(logfmt("pruned_loose", objects=len(keys)))


class PruneSearch:
    """A search of all schedules that have files: it goes on where it was, a page at each step."""

    def __init__(self, pruning: Pruner, now: datetime) -> None:
        self._pruning = pruning
        self._now = now
        self._found: list[FoundRun] = []
        self._troubles: list[str] = []
        self._after: str | None = ""

    @property
    def over(self) -> bool:
        """True when every schedule was looked at."""
        return self._after is None

    def step(self, *, most: int) -> bool:
        """Look at one page; False when all were looked at, or `most` runs and more were found."""
        if self._after is not None:
            found, troubles, self._after = self._pruning.look_at_page(self._after, self._now)
            self._found += found
            self._troubles += troubles
        return not self.over and len(self._found) < most

    def take(self) -> PrunePlan:
        """The plan for what was found since this was asked last; in the end with the objects of no run."""
        found, self._found = self._found, []
        troubles, self._troubles = self._troubles, []
        return self._pruning.make_plan(found, troubles, self._now if self.over else None)


def describe_plan(plan: PrunePlan) -> Iterator[tuple[str, int]]:
    """Each thing that goes, in words, with its size."""
    for going in plan.runs:
        run = going.run
        yield f"{run.schedule}  run {run.id[:8]} of {utc_text(run.scheduled_for)}", going.size
    for stored in plan.loose:
        yield stored.key, stored.size


def _is_deleted(schedule: Schedule) -> bool:
    return schedule.state is ScheduleState.DELETED


def _named(name: str, area: ObjectStorage) -> Iterator[str]:
    """The runs that a publication's documents need: the newest, and those that are still putting files in place."""
    key = PublicationKeys(name).latest
    data = area.get_or_none(key)
    if data is not None:
        yield parse_document(Latest, data, key).run
    yield from read_index(name, area).unfinished
