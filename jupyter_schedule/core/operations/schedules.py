"""The operations on schedules: make, look at, change, pause and delete them."""

import difflib
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

from jupyter_schedule.core import compute, expectations, rehearsals
from jupyter_schedule.core.bundles.record import no_such_bundle
from jupyter_schedule.core.config import PUBLISHED
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Pause,
    Run,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    Trigger,
    UnreadableSpec,
    Version,
    Visibility,
    publication_name,
    utc,
)
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations import names, publication_policy
from jupyter_schedule.core.operations.context import TRIES, OperationsContext
from jupyter_schedule.core.operations.overview import Order, Overview, Show, find_overview
from jupyter_schedule.core.publication_keys import is_published
from jupyter_schedule.core.storage.factory import FolderAddress, LocalStorage, ObjectStorage, parse_address
from jupyter_schedule.core.store.base import NameTaken
from jupyter_schedule.core.text import listed, quoted
from jupyter_schedule.core.timing import freshness, planning, recurrence

#: names on each side of a misspelled one among which the one that was meant is looked for
NEIGHBOURS = 500
#: names that are tried at once
CANDIDATES = 100
#: newest runs of a schedule that waits, among which its runs by hand are looked for
LOOKED_AT = 100


class ScheduleOperations:
    """The schedules of one person, who sees and changes nobody else's."""

    def __init__(self, context: OperationsContext) -> None:
        self._context = context

    def get(self, name: str) -> Schedule:
        """The schedule of this name, which can be used.  Raises Refused as `find`, and `schedule_broken`."""
        found = self.find(name)
        if isinstance(found.spec, UnreadableSpec):
            raise Refused("schedule_broken", found.spec.sentence)
        return found

    def find(self, name: str) -> Schedule:
        """The schedule of this name, also one that can only be looked at and deleted.

        Raises Refused `no_such_schedule`, also when it is another's.
        """
        found = self._find_own(name)
        if found is None:
            raise self._no_such_schedule(name)
        return found

    def list_page(self, *, after: str = "", limit: int = 100) -> list[Schedule]:
        """This person's schedules by name, from the first behind `after` on."""
        return self._context.store.schedules.list_page(owner=self._context.owner, after=after, limit=limit)

    def list_by_source(self, sources: Sequence[str]) -> list[Schedule]:
        """Those of this person's schedules that may be made from one of these sources, by name."""
        return self._context.store.schedules.list_by_source(sources, owner=self._context.owner)

    def find_overview(self, search: str, show: Show, order: Order, *, skip: int, limit: int) -> Overview:
        """A page of this person's schedules as a list shows them."""
        context = self._context
        return find_overview(context.store, context.owner, search, show, order, skip=skip, limit=limit)

    def count(self) -> int:
        """The number of this person's schedules."""
        return self._context.store.schedules.count(owner=self._context.owner)

    def list_versions(self, name: str) -> list[Version]:
        """The versions, one for each edit, the newest first."""
        return self._context.store.schedules.list_versions(self.find(name).id)

    def get_version(self, name: str, number: int) -> Version:
        """The version of that number.  Raises Refused `no_such_version`, `unreadable`."""
        for version in self.list_versions(name):
            if version.version == number and isinstance(version.spec, UnreadableSpec):
                raise Refused("unreadable", version.spec.sentence, "version")
            if version.version == number:
                return version
        message = f"“{name}” has no version {number}. `jupyter schedule versions {name}` lists them."
        raise Refused("no_such_version", message, "version")

    def create(
        self,
        name: str,
        spec: Spec,
        *,
        public_confirmed: bool = False,
        rehearse: bool | None = None,
        first_run: bool = False,
        continue_results: bool = False,
    ) -> Schedule:
        """Record a schedule; its first occurrence is the first after the call, or after a rehearsal that succeeded.

        What was run once only from the same notebook becomes the schedule of its name, with its runs.

        public_confirmed: the person has said that they checked what will be public.
        rehearse: whether it waits for a rehearsal, which is put into the ledger then; None: where runs cost money.
        first_run: it waits for its first run to succeed, which is put into the ledger then and publishes as all others
        do; of a public one that is a rehearsal.
        continue_results: go on with what a deleted schedule of this name published.
        """
        trial = self._find_trial(name, spec.source)
        if trial is not None:
            return self.edit(name, spec, if_version=trial.version, public_confirmed=public_confirmed, rehearse=rehearse)
        now, spec = utc(self._context.now()), self.with_storage(spec)
        self.check_name(name, spec.publication_base, continue_results=continue_results)
        self._check_coming(spec, now)
        self._check_runnable(spec)
        rehearses = rehearsals.must_wait(None, spec, ScheduleState.ACTIVE, self._context.offers(), rehearse)
        waits = rehearses or first_run
        schedule = self._create(name, self._confirmed(None, spec, public_confirmed), now, waits=waits)
        if waits:
            unseen = rehearses or spec.visibility == Visibility.PUBLIC
            self._context.add_run(planning.plan_rehearsal if unseen else planning.plan_manual_run, self.get(name))
        return schedule

    def create_once_only(
        self, name: str, spec: Spec, *, public_confirmed: bool = False, continue_results: bool = False
    ) -> tuple[Schedule, Run]:
        """Record a schedule that has ended as soon as it is made, and run it once by hand.

        One of that name that was made so from the same notebook is tried again.
        """
        now = utc(self._context.now())
        trial = self._find_trial(name, spec.source)
        once = trial.spec.timing if trial else Timing(once=now, timezone=spec.timing.timezone)
        spec = self.with_storage(spec.model_copy(update={"timing": once}))
        self._check_runnable(spec)
        if trial is not None:
            schedule = self._try_again(trial, self._confirmed(trial.spec, spec, public_confirmed))
        else:
            self.check_name(name, spec.publication_base, continue_results=continue_results)
            schedule = self._create(name, self._confirmed(None, spec, public_confirmed), now)
        plan = planning.plan_rehearsal if spec.visibility == Visibility.PUBLIC else planning.plan_manual_run
        return schedule, self._context.add_run(plan, self.get(name))

    @property
    def published(self) -> str:
        """The address of the results of new schedules that aren't public."""
        return self._context.storage.private or self._context.published or ""

    def with_storage(self, spec: Spec, known: str | None = None) -> Spec:
        """The same, publishing where its visibility goes here.

        known: where it has published up to now, None for a new one; a folder is kept, as people know it.
        """
        own = known if known is not None and _is_own_folder(known) else self._context.published
        if own is None:
            own = spec.publication_base if spec.root is None else LocalStorage(Path(spec.root)).url(PUBLISHED)
        return spec.model_copy(update={"publication_base": self._context.storage.base(spec.visibility, None, own)})

    def _find_trial(self, name: str, source: str | None) -> Schedule | None:
        """This person's schedule of that name that was run once only, from that notebook."""
        found = self._find_own(name)
        mine = found is not None and found.is_trial
        return found if found and mine and source is not None and found.spec.source == source else None

    def _try_again(self, trial: Schedule, spec: Spec) -> Schedule:
        def change(schedule: Schedule, now: datetime) -> Schedule:
            del now
            self.check_version(schedule, trial.version)
            recorded = self._context.sealed(schedule.id, spec)
            return schedule.model_copy(update={"spec": recorded, "version": schedule.version + 1})

        return self._change(trial.name, change, "schedule_changed")

    def check_name(
        self,
        name: str,
        publication_base: str | None = None,
        *,
        source: str | None = None,
        continue_results: bool = False,
    ) -> None:
        """The name can be taken, or Refused `bad_name`, `name_taken`, `name_reserved`.

        publication_base: where results are when no area is set; None is where those of new schedules go.
        source: what was run once only from this notebook keeps its name for it.
        continue_results: what a deleted schedule of this person published under it is no hindrance.
        """
        names.check(name)
        if self._find_trial(name, source) is not None:
            return
        owner = self._context.owner
        if self._find_own(name):
            raise self._name_taken(name)
        if self._context.store.runs.is_name_open(name, owner=owner):
            message = f"A run of the “{name}” that was deleted is still stopping. Try again in a moment."
            raise Refused("name_reserved", message, field="name")
        publications = self._context.store.publications
        owed = publications.list_owed(owner=owner)
        if publications.is_written(name, owner=owner) or any(each.schedule == name for each in owed):
            message = f"What the “{name}” that was deleted had made public is still being withdrawn. Try again later."
            raise Refused("name_reserved", message, field="name")
        area = self._find_results(name, publication_base)
        if area is not None and not continue_results:
            raise Refused(
                "name_reserved",
                f"“{name}” still has published results of a schedule that was deleted, at "
                f"{area.url(f'{publication_name(owner, name)}/')}. Continue with them, or choose another name.",
                field="name",
            )

    def can_continue(self, name: str) -> bool:
        """True when a new schedule of that name can go on with what a deleted one published."""
        return self._find_own(name) is None and self._find_results(name, None) is not None

    def _find_results(self, name: str, publication_base: str | None) -> ObjectStorage | None:
        """The area with published results of that name."""
        base = publication_base or self.published
        areas = self._context.storage.all_of(base) if base else []
        publication = publication_name(self._context.owner, name)
        return next((area for area in areas if is_published(area, publication)), None)

    def _find_own(self, name: str) -> Schedule | None:
        return self._context.store.schedules.find(name, owner=self._context.owner)

    def find_free_name(self, name: str) -> str:
        """The first of `name-2`, `name-3`, … that no schedule of this person has, and that has no results."""
        for first in count(2, CANDIDATES):
            candidates = [f"{name[: min(60, 62 - len(str(n)))]}-{n}" for n in range(first, first + CANDIDATES)]
            taken = self._context.store.schedules.find_taken(candidates, owner=self._context.owner)
            fit = (each for each in candidates if each not in taken and self._find_results(each, None) is None)
            if free := next(fit, None):
                return free
        raise AssertionError("numbers don't end")

    def _create(self, name: str, spec: Spec, now: datetime, *, waits: bool = False) -> Schedule:
        schedule_id = str(uuid4())
        schedule = planning.advance_cursor(
            Schedule(
                id=schedule_id,
                name=name,
                owner=self._context.owner,
                state=ScheduleState.REHEARSING if waits else ScheduleState.ACTIVE,
                version=1,
                timing_rev=1,
                spec=self._context.sealed(schedule_id, planning.count_runs(spec, now)),
                cursor=now,
                next_due=None,
                created_at=now,
                changed_at=now,
                changed_by=self._context.actor,
            ),
            now,
        )
        self._context.check(schedule)
        try:
            self._context.store.schedules.add(schedule)
        except NameTaken:
            raise self._name_taken(name) from None
        return schedule

    def edit(
        self,
        name: str,
        spec: Spec,
        *,
        if_version: int,
        public_confirmed: bool = False,
        rehearse: bool | None = None,
    ) -> Schedule:
        """Replace what a schedule does.  What the old version owed up to now is settled under the old version.

        rehearse: whether it waits for a rehearsal of that; None: as `rehearsals.must_wait` says.  One that waits
        already isn't rehearsed again unless what runs changes.
        Raises Refused `changed_elsewhere` when it is no longer at version `if_version`.
        """
        spec = self.with_storage(spec, spec.publication_base)
        self.check_edit(spec)
        rehearsed: Spec | None = None

        def change(schedule: Schedule, now: datetime) -> Schedule:
            nonlocal rehearsed
            self.check_version(schedule, if_version)
            self._check_coming(spec, now)
            rehearsed = schedule.spec if schedule.state == ScheduleState.REHEARSING else None
            state = ScheduleState.PAUSED if schedule.state == ScheduleState.PAUSED else ScheduleState.ACTIVE
            if rehearsals.must_wait(schedule.spec, spec, schedule.state, self._context.offers(), rehearse):
                state = ScheduleState.REHEARSING
            kept = self._confirmed(schedule.spec, spec, public_confirmed)
            recorded = self._context.sealed(schedule.id, planning.recount_runs(schedule.spec, kept, now))
            changes = {"spec": recorded, "version": schedule.version + 1, "state": state}
            if freshness.differs(spec, schedule.spec):
                changes |= {"silence_due": None}
            if spec.timing != schedule.spec.timing:
                # keys of a new timing can't meet old ones, so a cursor that a wrong clock put into the future goes back
                changes |= {"timing_rev": schedule.timing_rev + 1, "cursor": now}
            return schedule.model_copy(update=changes)

        changed = self._change(name, change, "schedule_changed")
        if changed.state == ScheduleState.REHEARSING:
            self._rehearse_anew(rehearsed, changed)
        return changed

    def roll_back(self, name: str, number: int, *, if_version: int, public_confirmed: bool = False) -> Schedule:
        """Record a new version that does what version `number` did; nothing of what lies between is lost.

        public_confirmed: the person has said that they checked what will be public.
        Raises Refused `no_such_version`, `current_version`, and what an edit raises: `changed_elsewhere` when the
        schedule is no longer at version `if_version`, `public_unconfirmed` when more would become public than is now.
        """
        self.check_version(self.get(name), if_version)
        version = self.get_version(name, number)
        if number == if_version:
            raise Refused("current_version", f"“{name}” does what version {number} says already.", "version")
        return self.edit(name, version.spec, if_version=if_version, public_confirmed=public_confirmed)

    def _rehearse_anew(self, rehearsed: Spec | None, schedule: Schedule) -> None:
        """Rehearse what a changed schedule does now, and stop what rehearses anything else.

        rehearsed: what its rehearsal was about up to now; None of one that didn't wait for any.
        """
        if rehearsed is not None and rehearsals.tells_of(rehearsed, schedule.spec):
            return
        for run in self._context.store.runs.list_open(schedule.id):
            if run.trigger is Trigger.REHEARSAL:
                self._context.store.runs.request_cancel(run.id, actor=self._context.actor)
        self.add_run_by_hand(self.get(schedule.name))

    def add_run_by_hand(self, schedule: Schedule) -> Run:
        """Put a run by hand into the ledger: a rehearsal where the schedule is public, or waits for one.

        One that waits for its first run gets another of that kind.
        """
        plan = planning.plan_run_by_hand
        if schedule.state is ScheduleState.REHEARSING and schedule.spec.visibility != Visibility.PUBLIC:
            known = self._context.store.runs.list_newest(schedule.id, limit=LOOKED_AT)
            by_hand = [run for run in known if run.trigger in rehearsals.BY_HAND]
            newest = max(by_hand, key=lambda run: run.created_at, default=None)
            if newest is not None and newest.trigger is not Trigger.REHEARSAL:
                plan = planning.plan_manual_run
        return self._context.add_run(plan, schedule)

    def check_version(self, schedule: Schedule, if_version: int) -> None:
        """The schedule is at that version, or Refused `changed_elsewhere`."""
        if schedule.version != if_version:
            raise Refused(
                "changed_elsewhere",
                f"“{schedule.name}” was changed by {schedule.changed_by} in the meantime. Look at it again, then edit.",
            )

    def check_edit(self, spec: Spec) -> None:
        """A schedule could do this, or Refused says why not."""
        self._check_coming(spec, utc(self._context.now()))
        self._check_runnable(spec)

    def pause(self, name: str, note: str | None = None) -> Schedule:
        """Keep occurrences from becoming runs, from now on; a run that is going goes on.  `note` says why.

        Who pauses what is paused already only changes the note; None leaves that, too.
        """

        def change(schedule: Schedule, now: datetime) -> Schedule:
            paused = schedule.paused or Pause(by=self._context.actor, at=now)
            if note is not None:
                paused = paused.model_copy(update={"note": note.strip()})
            return _to(ScheduleState.PAUSED, schedule).model_copy(update={"paused": paused})

        return self._change(name, change, "schedule_paused")

    def resume(self, name: str) -> Schedule:
        """Let occurrences become runs again, from now on; those that passed meanwhile are in the ledger as skipped."""
        return self._change(name, lambda schedule, _: _to(ScheduleState.ACTIVE, schedule), "schedule_resumed")

    def delete(self, name: str) -> Schedule:
        """Remove the schedule and stop its open runs.  Its published results stay, and keep its name reserved."""
        found = self.find(name)
        if isinstance(found.spec, UnreadableSpec):
            self._context.store.schedules.delete_unreadable(found.id, actor=self._context.actor)
            return found
        return self._change(name, lambda schedule, _: _to(ScheduleState.DELETED, schedule), "schedule_deleted")

    # -- how

    def _change(self, name: str, change: Callable[[Schedule, datetime], Schedule], kind: str) -> Schedule:
        """Settle what the schedule owes up to now, then change it, in one write; again when a tick got in between."""
        for _ in range(TRIES):
            before = self.get(name)
            now = utc(self._context.now())
            owed = planning.plan_runs(before, now, self._knows)
            stamped = {"changed_at": now, "changed_by": self._context.actor}
            after = planning.advance_cursor(change(owed.schedule, now).model_copy(update=stamped), now)
            self._context.check(after)
            if self._context.store.schedules.replace(before, after, owed.runs, actor=self._context.actor, kind=kind):
                return after
        raise Refused("busy", f"“{name}” is being changed all the time by others. Try again.")

    def _knows(self, run_id: str) -> bool:
        return self._context.store.runs.get(run_id) is not None

    def _confirmed(self, before: Spec | None, spec: Spec, says_so: bool) -> Spec:
        return publication_policy.confirmed(
            before, spec, by=self._context.actor, now=self._context.now(), says_so=says_so
        )

    def _check_coming(self, spec: Spec, now: datetime) -> None:
        """Something is due after `now`; what is recorded counts from the same instant, or a time could get lost."""
        recurrence.check(spec.timing)
        planning.check_bounds(spec)
        if recurrence.next_after(spec.timing, now) is not None:
            if planning.next_coming(spec, now) is None:
                message = "It is never due between now and that end. Choose a later end."
                raise Refused("bad_end", message, field="end")
        else:
            raise Refused("in_the_past", "That time has passed. Choose one that is still to come.", field="once")

    def _check_runnable(self, spec: Spec) -> None:
        compute.check(spec, self._context.offers())
        if spec.visibility == Visibility.PUBLIC and not self._context.storage.can_be_public:
            raise Refused(
                "no_public_area",
                "Nothing can be made public here: no public area is set up. Choose private, and share the folder.",
                field="visibility",
            )
        expectations.normalize(spec.expect)
        _check_channels(spec.notify.channels, self._context.channels)
        _check_variables(spec.env, self._context.variables)
        if self._context.objects.size(bundle_key(spec.bundle)) is None:
            raise no_such_bundle()
        if spec.visibility == Visibility.PUBLIC:
            publication_policy.check_code(spec, self._context.objects)

    def _no_such_schedule(self, name: str) -> Refused:
        beside = self._context.store.schedules.names_beside(name, owner=self._context.owner, limit=NEIGHBOURS)
        close = difflib.get_close_matches(name, beside, n=1)
        hint = f"Did you mean “{close[0]}”?" if close else "`jupyter schedule list` shows what there is."
        return Refused("no_such_schedule", f"There is no schedule “{name}”. {hint}")

    def _name_taken(self, name: str) -> Refused:
        free = self.find_free_name(name)
        return Refused("name_taken", f"“{name}” is taken. Try “{free}”.", field="name")


def _to(state: ScheduleState, schedule: Schedule) -> Schedule:
    if schedule.state == ScheduleState.ENDED and state != ScheduleState.DELETED:
        message = f"“{schedule.name}” has ended: no more runs are due. Edit its timing to start it again."
        raise Refused("schedule_ended", message)
    return schedule.model_copy(update={"state": state, "paused": None})


def _check_channels(picked: tuple[str, ...], known: tuple[str, ...]) -> None:
    missing = next((name for name in picked if name not in known), None)
    if missing is None:
        return
    there = f"Pick of {listed(known)}." if known else "Nobody has set up any here: ask whoever runs the service."
    raise Refused("no_such_channel", f"There is no channel {quoted(missing)}. {there}", "notify")


def _check_variables(picked: tuple[str, ...], known: tuple[str, ...] | None) -> None:
    missing = next((name for name in picked if known is not None and name not in known), None)
    if missing is None:
        return
    there = f"Pick of {listed(known)}." if known else "Runs here get none: ask whoever runs the service."
    raise Refused("no_such_variable", f"Runs here can't have the variable {quoted(missing)}. {there}", "env")


def _is_own_folder(address: str) -> bool:
    """True of a folder that nobody but people with an account on its machine can read."""
    parsed = parse_address(address)
    return isinstance(parsed, FolderAddress) and parsed.public is None
