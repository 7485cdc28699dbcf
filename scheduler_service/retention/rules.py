"""Find what goes when its time is over: pure.  `prune` loads what these functions read and removes what they answer.

Rows of the ledger and gates stay for ever; only files go.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from jupyter_schedule.core.models import Policies, Run, RunStatus, Trigger
from jupyter_schedule.core.object_keys import BUNDLES, KEPT, RESULT, WORKERS, bundle_of
from jupyter_schedule.core.storage.factory import StoredObject
from jupyter_schedule.core.store.records import BundleUse, KeptFiles

#: days for which an environment is kept at least, whatever the settings say: it costs an index to make it again
ENVIRONMENTS_AT_LEAST = 90
#: how long a bundle that no schedule has is kept for whoever looks at a preview
FOR_PREVIEWS = timedelta(days=1)
#: how long after its end the files of a deleted schedule's run stay: its worker may still be writing
AFTER_DELETION = timedelta(days=1)
#: slashes in `workers/<identity>/<token>/result`
_PLACE_OF_RESULT = 3


@dataclass(frozen=True)
class RetentionRule:
    """A rule of what stays: a number of newest runs, and every run that ended at most so many days ago."""

    runs: int
    days: int

    def as_asked(self, policies: Policies | KeptFiles) -> "RetentionRule":
        """The same with what a schedule says instead."""
        return RetentionRule(
            self.runs if policies.keep_runs is None else policies.keep_runs,
            self.days if policies.keep_days is None else policies.keep_days,
        )


def may_have_expired(kept: KeptFiles, keep: RetentionRule, now: datetime) -> bool:
    """True unless `find_expired` would find nothing, as far as that is known without the runs themselves."""
    if kept.begun:
        return True
    if kept.first_end is None:
        return False
    if kept.deleted:
        return now - kept.first_end >= AFTER_DELETION
    asked = keep.as_asked(kept)
    return kept.ended > asked.runs and now - kept.first_end >= timedelta(days=asked.days)


def find_expired(
    runs: Sequence[Run], keep: RetentionRule, now: datetime, *, named: Collection[str] = (), deleted: bool = False
) -> list[Run]:
    """Those of one schedule's runs whose files go, the oldest occurrence first.

    A run goes when it is neither among the newest by occurrence nor young by its end.  What always stays: runs that
    haven't ended; the latest good run, by occurrence and by end, with and without rehearsals; `named`, the ids that a
    publication's documents point at; and whatever is published by a run that stays.  Of a deleted schedule all goes
    that has ended, a day later.  What has begun to go, goes.

    runs: those with files.
    """
    ended = sorted((run for run in runs if run.status.terminal), key=_by_occurrence)
    if deleted:
        going = {run.id for run in ended if now - _end(run) >= AFTER_DELETION}
    else:
        staying = {run.id for run in ended[-keep.runs :]} | set(named) | _latest_good(ended)
        age = timedelta(days=keep.days)
        going = {run.id for run in ended if run.id not in staying and now - _end(run) >= age}
    going -= {run.release.run_id for run in runs if run.release and run.id not in going}
    return [run for run in ended if run.id in going or run.pruned_at is not None]


def find_unused_bundles(
    stored: Iterable[StoredObject], uses: Iterable[BundleUse], keep: RetentionRule, now: datetime
) -> list[StoredObject]:
    """Those of the bundles that nobody needs any more, each with its record: the two go together.

    Environments beside them go when they were made so long ago that it is time to make them anew.

    Needed is what a schedule does now or did until at most `keep.days` ago, which can be rolled back to, what runs with
    files were made from, and what was stored within a day, as somebody may be looking at its preview.

    uses: by schedule, and by version, as a store lists them.
    """
    needed = set(_needed(uses, timedelta(days=keep.days), now))
    found: list[StoredObject] = []
    environments: list[StoredObject] = []
    for each in stored:
        if each.key.startswith(BUNDLES):
            (environments if KEPT in each.key else found).append(each)
    young = {bundle_of(each.key) for each in found if now - each.modified < FOR_PREVIEWS}
    kept_for = max(keep.days, ENVIRONMENTS_AT_LEAST)
    old = [each for each in environments if (now - each.modified).days >= kept_for]
    return [each for each in found if bundle_of(each.key) not in needed | young] + old


def _needed(uses: Iterable[BundleUse], age: timedelta, now: datetime) -> Iterable[str]:
    for _, versions in groupby(uses, key=lambda use: use.schedule_id):
        of_one = list(versions)
        # one that nothing follows is the newest, of a schedule that lives or of one that was deleted
        replaced = [use.created_at for use in of_one[1:]] + [None]
        for use, at in zip(of_one, replaced, strict=True):
            young = not use.deleted and at is not None and now - at < age
            if use.current or use.has_runs or young:
                yield use.bundle


def order_stages(keys: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the stages in which what runs left in the work storage goes.

    First results, so that no half is taken for the whole; then what the service wrote about them; then files and logs.
    """
    results: list[str] = []
    about: list[str] = []
    rest: list[str] = []
    for key in keys:
        if not key.startswith(WORKERS):
            about.append(key)
        elif key.count("/") == _PLACE_OF_RESULT and key.endswith(f"/{RESULT}"):
            results.append(key)
        else:
            rest.append(key)
    return results, about, rest


def _latest_good(ended: Sequence[Run]) -> set[str]:
    good = [run for run in ended if run.status is RunStatus.SUCCEEDED]
    real = [run for run in good if run.trigger is not Trigger.REHEARSAL]
    return {max(some, key=by).id for some in (good, real) if some for by in (_by_occurrence, _by_end)}


def _by_occurrence(run: Run) -> tuple[datetime, datetime, int, str]:
    return run.scheduled_for, run.created_at, run.queued, run.id


def _by_end(run: Run) -> tuple[datetime, tuple[datetime, datetime, int, str]]:
    return _end(run), _by_occurrence(run)


def _end(run: Run) -> datetime:
    return run.ended_at or run.created_at
