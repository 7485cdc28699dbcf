"""The operations, one method each; the person's right to ask is checked here, so every client is guarded alike.

Operations insert `due` runs and note wishes; only the service's tick moves a run on.
"""

import difflib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from jupyter_schedule.core import clock, compute, expectations, rehearsals
from jupyter_schedule.core.bundles.record import no_such_bundle
from jupyter_schedule.core.config import FOLDERS, PUBLISHED, StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    EMBEDDED_CATALOG,
    LOCAL_OWNER,
    Approval,
    Attempt,
    FailedNotification,
    LauncherCatalog,
    Pause,
    Run,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    Trigger,
    Version,
    Visibility,
    utc,
)
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations import backfill, names, publication_policy
from jupyter_schedule.core.operations.ad_hoc import AdHocOperations
from jupyter_schedule.core.operations.names import SHORTEST_ID, WHOLE_ID
from jupyter_schedule.core.operations.run_files import RunFiles
from jupyter_schedule.core.publication_keys import is_published
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage
from jupyter_schedule.core.store.base import NameTaken, RunCursor, Store
from jupyter_schedule.core.text import listed, quoted
from jupyter_schedule.core.timing import freshness, planning, recurrence

#: how often a change is tried again when a tick got in between
TRIES = 20
#: characters of the note that says why a schedule is paused
LONGEST_NOTE = 500
#: notifications that were given up are shown for so long, and so many of them
LATELY = timedelta(days=7)
MOST_FAILED = 20


class Operations:
    """The requests of one person, who sees and changes only what they own."""

    def __init__(
        self,
        store: Store,
        objects: ObjectStorage,
        *,
        owner: str = LOCAL_OWNER,
        now: Callable[[], datetime] = clock.now,
        storage: StorageConfig = FOLDERS,
        channels: tuple[str, ...] = (),
        published: str | None = None,
    ) -> None:
        """`channels`: the names of those that an operator set up.

        published: where results of new schedules go that no setting sends elsewhere; None is what their specs say.
        """
        self.store = store
        self.objects = objects
        self.owner = owner
        self.now = now
        self.storage = storage
        self.channels = channels
        self._published = published

    # -- what there is

    @property
    def files(self) -> RunFiles:
        """The files that runs left."""
        return RunFiles(self.store, self.objects)

    def schedule(self, name: str) -> Schedule:
        """The schedule of this name.  Raises Refused `no_such_schedule`, also when it is another's."""
        found = self.store.schedules.find(name)
        if found is None or found.owner != self.owner:
            raise self._no_such_schedule(name)
        return found

    def schedules(self) -> list[Schedule]:
        """All of this person's schedules, by name."""
        return [schedule for schedule in self.store.schedules.list_all() if schedule.owner == self.owner]

    def versions(self, name: str) -> list[Version]:
        """The versions, one for each edit, the newest first."""
        return self.store.schedules.list_versions(self.schedule(name).id)

    def version(self, name: str, number: int) -> Version:
        """The version of that number.  Raises Refused `no_such_version`."""
        for version in self.versions(name):
            if version.version == number:
                return version
        message = f"“{name}” has no version {number}. `jupyter schedule versions {name}` lists them."
        raise Refused("no_such_version", message, "version")

    def run(self, run_id: str) -> Run:
        """The run with this id, or the only one of theirs whose id starts so.  Raises Refused `no_such_run`."""
        found = self.store.runs.get(run_id)
        if found is None and SHORTEST_ID <= len(run_id) < WHOLE_ID:
            alike = [
                run for run in self.store.runs.list_newest(owner=self.owner, limit=10_000) if run.id.startswith(run_id)
            ]
            found = alike[0] if len(alike) == 1 else None
        schedule = self.store.schedules.get(found.schedule_id) if found else None
        if found is None or schedule is None or schedule.owner != self.owner:
            raise Refused("no_such_run", f"There is no run “{run_id}”. `jupyter schedule runs` lists them.")
        return found

    def runs(self, name: str | None = None, *, before: str | None = None, limit: int = 100) -> list[Run]:
        """Runs of one schedule or of all, the newest occurrence first.

        before: the id of the last run of a page, to get the page that comes after it.
        """
        schedule_id = None if name is None else self.schedule(name).id
        place = None if before is None else RunCursor.of(self.run(before))
        owner = self.owner if name is None else None
        return self.store.runs.list_newest(schedule_id, owner=owner, before=place, limit=limit)

    def count_runs(self, name: str | None = None) -> int:
        """The number of runs of one schedule, or of all."""
        return self.store.runs.count(None if name is None else self.schedule(name).id, owner=self.owner)

    def last_runs(self) -> dict[str, Run]:
        """The newest run of each schedule, by schedule id."""
        return self.store.runs.last_of_each([schedule.id for schedule in self.schedules()])

    def recent_runs(self, schedules: Sequence[Schedule], per_schedule: int) -> dict[str, list[Run]]:
        """The newest runs of each schedule that has any, the newest first, by schedule id."""
        return self.store.runs.newest_of_each([schedule.id for schedule in schedules], per_schedule)

    def open_runs(self) -> list[Run]:
        """This person's runs that haven't ended."""
        mine = {schedule.id for schedule in self.schedules()}
        return [run for run in self.store.runs.list_open() if run.schedule_id in mine]

    def attempts(self, run: Run) -> list[Attempt]:
        """The attempts of a run, in order."""
        return self.store.runs.list_attempts(run.origin)

    def attempts_of(self, runs: Sequence[Run]) -> dict[str, list[Attempt]]:
        """The attempts of runs, in order, by the id of the run whose workers made its outputs."""
        return self.store.runs.attempts_of_each([run.origin for run in runs if run.attempt or run.release])

    def failed_notifications(self) -> tuple[FailedNotification, ...]:
        """Notifications about this person's schedules that were given up of late, the newest first."""
        found = self.store.outbox.list_failed(self.now() - LATELY, owner=self.owner)
        return tuple(notification for notification in found if notification.given_up)[:MOST_FAILED]

    # -- schedules

    def create(
        self, name: str, spec: Spec, *, public_confirmed: bool = False, rehearse: bool | None = None
    ) -> Schedule:
        """Record a schedule; its first occurrence is the first after the call, or after a rehearsal that succeeded.

        public_confirmed: the person has said that they checked what will be public.
        rehearse: whether it waits for a rehearsal, which is put into the ledger then; None: where runs cost money.
        """
        now, spec = utc(self.now()), self.with_storage(spec)
        self.check_name(name, spec.publication_base)
        self._check_coming(spec, now)
        self._check_runnable(spec)
        waits = rehearsals.must_wait(None, spec, ScheduleState.ACTIVE, self.offers(), rehearse)
        schedule = self._create(name, self._confirmed(None, spec, public_confirmed), now, waits=waits)
        if waits:
            self.rehearse(name)
        return schedule

    def create_once_only(self, name: str, spec: Spec, *, public_confirmed: bool = False) -> tuple[Schedule, Run]:
        """Record a schedule that has ended as soon as it is made, and run it once by hand."""
        now = utc(self.now())
        once = Timing(once=now, timezone=spec.timing.timezone)
        spec = self.with_storage(spec.model_copy(update={"timing": once}))
        self.check_name(name, spec.publication_base)
        self._check_runnable(spec)
        schedule = self._create(name, self._confirmed(None, spec, public_confirmed), now)
        return schedule, self.run_now(name)

    @property
    def published(self) -> str:
        """The address of the results of new schedules that aren't public."""
        return self.storage.private or self._published or ""

    def with_storage(self, spec: Spec, known: str | None = None) -> Spec:
        """The same, publishing where its visibility goes here.

        known: where it has published up to now, None for a new one; a folder is kept, as people know it.
        """
        own = known if known is not None and known.startswith("file:") else self._published
        if own is None:
            own = spec.publication_base if spec.root is None else LocalStorage(Path(spec.root)).url(PUBLISHED)
        return spec.model_copy(update={"publication_base": self.storage.base(spec.visibility, None, own)})

    def check_name(self, name: str, publication_base: str | None = None) -> None:
        """The name can be taken, or Refused `bad_name`, `name_taken`, `name_reserved`.

        publication_base: where results are when no area is set; None is where those of new schedules go.
        """
        names.check(name)
        if self.store.schedules.find(name):
            raise self._name_taken(name)
        if any(run.schedule == name for run in self.store.runs.list_open()):
            message = f"A run of the “{name}” that was deleted is still stopping. Try again in a moment."
            raise Refused("name_reserved", message, field="name")
        area = next(
            (area for area in self.storage.all_of(publication_base or self.published) if is_published(area, name)), None
        )
        if area is not None:
            raise Refused(
                "name_reserved",
                f"“{name}” still has published results of a schedule that was deleted. "
                f"Choose another name, or remove all that is at {area.url(f'{name}/')} first.",
                field="name",
            )

    def _create(self, name: str, spec: Spec, now: datetime, *, waits: bool = False) -> Schedule:
        spec = planning.count_runs(spec, now)
        schedule = planning.advance_cursor(
            Schedule(
                id=str(uuid4()),
                name=name,
                owner=self.owner,
                state=ScheduleState.REHEARSING if waits else ScheduleState.ACTIVE,
                version=1,
                timing_rev=1,
                spec=spec,
                cursor=now,
                next_due=None,
                created_at=now,
                changed_at=now,
                changed_by=self.owner,
            ),
            now,
        )
        try:
            self.store.schedules.add(schedule)
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
            if rehearsals.must_wait(schedule.spec, spec, schedule.state, self.offers(), rehearse):
                state = ScheduleState.REHEARSING
            kept = self._confirmed(schedule.spec, spec, public_confirmed)
            recorded = planning.recount_runs(schedule.spec, kept, now)
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
        self.check_version(self.schedule(name), if_version)
        version = self.version(name, number)
        if number == if_version:
            raise Refused("current_version", f"“{name}” does what version {number} says already.", "version")
        return self.edit(name, version.spec, if_version=if_version, public_confirmed=public_confirmed)

    def _rehearse_anew(self, rehearsed: Spec | None, schedule: Schedule) -> None:
        """Rehearse what a changed schedule does now, and stop what rehearses anything else.

        rehearsed: what its rehearsal was about up to now; None of one that didn't wait for any.
        """
        if rehearsed is not None and rehearsals.tells_of(rehearsed, schedule.spec):
            return
        for run in self.store.runs.list_open():
            if run.schedule_id == schedule.id and run.trigger is Trigger.REHEARSAL:
                self.store.runs.request_cancel(run.id, actor=self.owner)
        self.rehearse(schedule.name)

    def check_version(self, schedule: Schedule, if_version: int) -> None:
        """The schedule is at that version, or Refused `changed_elsewhere`."""
        if schedule.version != if_version:
            raise Refused(
                "changed_elsewhere",
                f"“{schedule.name}” was changed by {schedule.changed_by} in the meantime. Look at it again, then edit.",
            )

    def check_edit(self, spec: Spec) -> None:
        """A schedule could do this, or Refused says why not."""
        self._check_coming(spec, utc(self.now()))
        self._check_runnable(spec)

    def pause(self, name: str, note: str | None = None) -> Schedule:
        """Keep occurrences from becoming runs, from now on; a run that is going goes on.  `note` says why.

        Who pauses what is paused already only changes the note; None leaves that, too.
        """
        if len(note or "") > LONGEST_NOTE:
            raise Refused("note_too_long", f"Say why in at most {LONGEST_NOTE} characters.", field="note")

        def change(schedule: Schedule, now: datetime) -> Schedule:
            paused = schedule.paused or Pause(by=self.owner, at=now)
            if note is not None:
                paused = paused.model_copy(update={"note": note.strip()})
            return _to(ScheduleState.PAUSED, schedule).model_copy(update={"paused": paused})

        return self._change(name, change, "schedule_paused")

    def resume(self, name: str) -> Schedule:
        """Let occurrences become runs again, from now on; those that passed meanwhile are in the ledger as skipped."""
        return self._change(name, lambda schedule, _: _to(ScheduleState.ACTIVE, schedule), "schedule_resumed")

    def delete(self, name: str) -> Schedule:
        """Remove the schedule and stop its open runs.  Its published results stay, and keep its name reserved."""
        deleted = self._change(name, lambda schedule, _: _to(ScheduleState.DELETED, schedule), "schedule_deleted")
        for run in self.store.runs.list_open():
            if run.schedule_id == deleted.id:
                self.store.runs.request_cancel(run.id, actor=self.owner)
        return deleted

    # -- runs

    def run_now(self, name: str) -> Run:
        """Put a run by hand into the ledger; it starts as soon as the service sees it and nothing is in its way.

        Where the schedule is public it is a rehearsal: its results are private until a person has looked.  So it is
        where the schedule waits for one.
        """
        schedule = self.schedule(name)
        unseen = schedule.spec.visibility == Visibility.PUBLIC or schedule.state == ScheduleState.REHEARSING
        return self._by_hand(schedule, rehearse=unseen)

    def rehearse(self, name: str) -> Run:
        """Put a rehearsal into the ledger: all that a run does, but that nobody's results are replaced."""
        return self._by_hand(self.schedule(name), rehearse=True)

    def _by_hand(self, schedule: Schedule, *, rehearse: bool) -> Run:
        make = planning.plan_rehearsal if rehearse else planning.plan_manual_run
        run = make(schedule, utc(self.now()))
        self.store.runs.add(run, actor=self.owner)
        return self.run(run.id)

    def plan_backfill(
        self, name: str, start: datetime, end: datetime, *, again: bool = False, parallel: int = 1
    ) -> backfill.BackfillPlan:
        """The plan of a `backfill`; nothing is put into the ledger."""
        now = utc(self.now())
        return backfill.ask(self.store, self.schedule(name), start, end, now, again=again, parallel=parallel)

    def backfill(
        self,
        name: str,
        start: datetime,
        end: datetime,
        *,
        again: bool = False,
        confirmed: bool = False,
        parallel: int = 1,
    ) -> backfill.BackfillPlan:
        """Put runs for times that have passed into the ledger, as `backfill.ask` plans them."""
        plan = self.plan_backfill(name, start, end, again=again, parallel=parallel)
        backfill.check_confirmed(plan.runs, confirmed=confirmed)
        for some in backfill.batches(plan.runs):
            self.store.runs.add_all(some, actor=self.owner)
        return plan

    def cancel_backfill(self, name: str) -> int:
        """Let no waiting run of the schedule's backfills start, and say how many those were; what goes, goes on."""
        schedule = self.schedule(name)
        left = [run for run in self.store.runs.list_open() if run.schedule_id == schedule.id and backfill.is_left(run)]
        some_ids = ([run.id for run in some] for some in backfill.batches(left))
        return sum(self.store.runs.request_cancel_all(ids, actor=self.owner) for ids in some_ids)

    def retry(self, run_id: str) -> Run:
        """Put a run into the ledger that does what an ended one did: same version, same occurrence, same data.

        Raises Refused `run_not_ended`, `code_removed`.
        """
        run = self.run(run_id)
        if not run.status.terminal:
            raise Refused("run_not_ended", "That run hasn't ended yet. Stop it first, or wait.")
        self.schedule(run.schedule)
        if (
            self.objects.size(bundle_key(self.store.schedules.get_version(run.schedule_id, run.version).spec.bundle))
            is None
        ):
            message = f"The code of version {run.version} isn't kept any more. Run the schedule as it is now instead."
            raise Refused("code_removed", message)
        count = 1
        while self.store.runs.get((again := planning.plan_retry(run, count, utc(self.now()))).id) is not None:
            count += 1
        self.store.runs.add(again, actor=self.owner)
        return self.run(again.id)

    def approve(self, run_id: str, reason: str | None = None) -> Run:
        """Put a run into the ledger that publishes what an ended one made: a rehearsal, or one that was held back.

        reason: why it may be public although the disclosure check found something; recorded with the person's name.
        Raises Refused `run_not_ended`, `nothing_to_publish`, `not_public`, `reason_needed`.
        """
        run = self.run(run_id)
        publication_policy.check_releasable(run, self.schedule(run.schedule).spec, reason)
        now = utc(self.now())
        decision = Approval(run_id=run.origin, by=self.owner, at=now, reason=(reason or "").strip() or None)
        count = 1
        while self.store.runs.get((made := planning.plan_release(run, decision, count)).id) is not None:
            count += 1
        self.store.runs.add(made, actor=self.owner)
        return self.run(made.id)

    def cancel(self, run_id: str) -> Run:
        """Ask a run to stop; what it has so far is kept."""
        run = self.run(run_id)
        if run.status.terminal:
            raise Refused("run_ended", f"That run has ended already: {run.status.replace('_', ' ')}.")
        self.store.runs.request_cancel(run.id, actor=self.owner)
        return self.run(run_id)

    @property
    def ad_hoc(self) -> AdHocOperations:
        """Machines to develop on."""
        return AdHocOperations(self.store, self.owner, self.now)

    # -- how

    def _change(self, name: str, change: Callable[[Schedule, datetime], Schedule], kind: str) -> Schedule:
        """Settle what the schedule owes up to now, then change it, in one write; again when a tick got in between."""
        for _ in range(TRIES):
            before = self.schedule(name)
            now = utc(self.now())
            owed = planning.plan_runs(before, now)
            stamped = {"changed_at": now, "changed_by": self.owner}
            after = planning.advance_cursor(change(owed.schedule, now).model_copy(update=stamped), now)
            if self.store.schedules.replace(before, after, owed.runs, actor=self.owner, kind=kind):
                return after
        raise Refused("busy", f"“{name}” is being changed all the time by others. Try again.")

    def _confirmed(self, before: Spec | None, spec: Spec, says_so: bool) -> Spec:
        return publication_policy.confirmed(before, spec, by=self.owner, now=self.now(), says_so=says_so)

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

    def offers(self) -> LauncherCatalog:
        """The launchers that runs can take place on."""
        return self.store.read_catalog() or EMBEDDED_CATALOG

    def _check_runnable(self, spec: Spec) -> None:
        compute.check(spec, self.offers())
        if spec.visibility == Visibility.PUBLIC and not self.storage.can_be_public:
            raise Refused(
                "no_public_area",
                "Nothing can be made public here: no public area is set up. Choose private, and share the folder.",
                field="visibility",
            )
        expectations.normalize(spec.expect)
        _check_channels(spec.notify.channels, self.channels)
        if self.objects.size(bundle_key(spec.bundle)) is None:
            raise no_such_bundle()
        if spec.visibility == Visibility.PUBLIC:
            publication_policy.check_code(spec, self.objects)

    def _no_such_schedule(self, name: str) -> Refused:
        close = difflib.get_close_matches(name, [schedule.name for schedule in self.schedules()], n=1)
        hint = f"Did you mean “{close[0]}”?" if close else "`jupyter schedule list` shows what there is."
        return Refused("no_such_schedule", f"There is no schedule “{name}”. {hint}")

    def _name_taken(self, name: str) -> Refused:
        taken = {schedule.name for schedule in self.store.schedules.list_all()}
        free = next(f"{name[:60]}-{n}" for n in range(2, len(taken) + 3) if f"{name[:60]}-{n}" not in taken)
        return Refused("name_taken", f"“{name}” is taken. Try “{free}”.", field="name")


def _to(state: ScheduleState, schedule: Schedule) -> Schedule:
    if schedule.state == ScheduleState.ENDED and state != ScheduleState.DELETED:
        message = f"“{schedule.name}” has ended: no time is left. Edit its timing to start it again."
        raise Refused("schedule_ended", message)
    return schedule.model_copy(update={"state": state, "paused": None})


def _check_channels(picked: tuple[str, ...], known: tuple[str, ...]) -> None:
    missing = next((name for name in picked if name not in known), None)
    if missing is None:
        return
    there = f"Pick of {listed(known)}." if known else "Nobody has set up any here: ask whoever runs the service."
    raise Refused("no_such_channel", f"There is no channel {quoted(missing)}. {there}", "notify")
