"""What a person can ask for, one method each; who may ask is checked here, so every door is guarded alike.

Operations insert `due` runs and note wishes; only the service's tick moves a run on.
"""

import difflib
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_schedule.core import backfill, clock, contract, ledger, occurrences, policies, publicity
from jupyter_schedule.core.areas import FOLDERS, Areas
from jupyter_schedule.core.consent import Release
from jupyter_schedule.core.disclosures import Checked, checked_key
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    LOCAL_OWNER,
    NAME_PATTERN,
    Attempt,
    Pause,
    Result,
    Run,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    Version,
    Visibility,
    utc,
)
from jupyter_schedule.core.objects import Objects
from jupyter_schedule.core.publications import is_published
from jupyter_schedule.core.store.base import NameTaken, Place, Store
from jupyter_schedule.core.workarea import HEARTBEAT, LIVE_LOG, LOG, RESULT, bundle_key, worker_prefix

#: how often a change is tried again when a tick got in between
TRIES = 20
#: characters of the note that says why a schedule is paused
LONGEST_NOTE = 500


class Operations:
    """The requests of one person, who sees and changes only what they own."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        *,
        owner: str = LOCAL_OWNER,
        now: Callable[[], datetime] = clock.now,
        areas: Areas = FOLDERS,
    ) -> None:
        self.store = store
        self.objects = objects
        self.owner = owner
        self.now = now
        self.areas = areas

    # -- schedules

    def create(self, name: str, spec: Spec, *, public_confirmed: bool = False) -> Schedule:
        """Record a schedule; its first occurrence is the first after now.

        public_confirmed: the person has said that they checked what will be public.
        """
        spec = self.placed(spec)
        self.check(name, spec)
        return self._create(name, self._confirmed(None, spec, public_confirmed))

    def create_once_only(self, name: str, spec: Spec, *, public_confirmed: bool = False) -> tuple[Schedule, Run]:
        """Record a schedule that has ended as soon as it is made, and run it once by hand."""
        once = Timing(once=utc(self.now()), timezone=spec.timing.timezone)
        spec = self.placed(spec.model_copy(update={"timing": once}))
        self.check_name(name, spec.publication_base)
        self._check_runnable(spec)
        schedule = self._create(name, self._confirmed(None, spec, public_confirmed))
        return schedule, self.run_now(name)

    def check(self, name: str, spec: Spec) -> None:
        """A schedule could be made of these, or Refused says why not."""
        self.check_name(name, spec.publication_base)
        self._check_coming(spec)
        self._check_runnable(spec)

    def placed(self, spec: Spec) -> Spec:
        """The same, publishing to the area that its visibility has here."""
        root = None if spec.root is None else Path(spec.root)
        base = self.areas.base(spec.visibility, root, spec.publication_base)
        return spec.model_copy(update={"publication_base": base})

    def check_name(self, name: str, publication_base: str) -> None:
        """The name can be taken, or Refused `bad_name`, `name_taken`, `name_reserved`.

        publication_base: where results are when no area is set.
        """
        check_name(name)
        if self.store.schedule_named(name):
            raise self._name_taken(name)
        if any(run.schedule == name for run in self.store.open_runs()):
            message = f"A run of the “{name}” that was deleted is still stopping. Try again in a moment."
            raise Refused("name_reserved", message, field="name")
        if any(is_published(area, name) for area in self.areas.all_of(publication_base)):
            raise Refused(
                "name_reserved",
                f"“{name}” still has published results of a schedule that was deleted. "
                "Choose another name, or remove those results first.",
                field="name",
            )

    def _create(self, name: str, spec: Spec) -> Schedule:
        now = utc(self.now())
        spec = policies.counted(spec, now)
        schedule = ledger.advanced(
            Schedule(
                id=str(uuid4()),
                name=name,
                owner=self.owner,
                state=ScheduleState.ACTIVE,
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
            self.store.add_schedule(schedule)
        except NameTaken:
            raise self._name_taken(name) from None
        return schedule

    def edit(self, name: str, spec: Spec, *, if_version: int, public_confirmed: bool = False) -> Schedule:
        """Replace what a schedule does.  What the old version owed up to now is settled under the old version.

        Raises Refused `changed_elsewhere` when it is no longer at version `if_version`.
        """
        spec = self.placed(spec)
        self.check_edit(spec)

        def change(schedule: Schedule) -> Schedule:
            self.check_version(schedule, if_version)
            state = ScheduleState.ACTIVE if schedule.state == ScheduleState.ENDED else schedule.state
            kept = self._confirmed(schedule.spec, spec, public_confirmed)
            recorded = policies.recounted(schedule.spec, kept, utc(self.now()))
            changes = {"spec": recorded, "version": schedule.version + 1, "state": state}
            if spec.timing != schedule.spec.timing:
                # keys of a new timing can't meet old ones, so a cursor that a wrong clock put into the future goes back
                changes |= {"timing_rev": schedule.timing_rev + 1, "cursor": utc(self.now())}
            return schedule.model_copy(update=changes)

        return self._change(name, change, "schedule_changed")

    def check_version(self, schedule: Schedule, if_version: int) -> None:
        """The schedule is at that version, or Refused `changed_elsewhere`."""
        if schedule.version != if_version:
            raise Refused(
                "changed_elsewhere",
                f"“{schedule.name}” was changed by {schedule.changed_by} in the meantime. Look at it again, then edit.",
            )

    def check_edit(self, spec: Spec) -> None:
        """A schedule could do this, or Refused says why not."""
        self._check_coming(spec)
        self._check_runnable(spec)

    def pause(self, name: str, note: str = "") -> Schedule:
        """Keep occurrences from becoming runs, from now on; a run that is going goes on.  `note` says why.

        Who pauses what is paused already only changes the note.
        """
        now = utc(self.now())
        if len(note) > LONGEST_NOTE:
            raise Refused("note_too_long", f"Say why in at most {LONGEST_NOTE} characters.", field="note")

        def change(schedule: Schedule) -> Schedule:
            paused = Pause(by=self.owner, at=now, note=note.strip())
            return _to(ScheduleState.PAUSED)(schedule).model_copy(update={"paused": paused})

        return self._change(name, change, "schedule_paused")

    def resume(self, name: str) -> Schedule:
        """Let occurrences become runs again, from now on; those that passed meanwhile are in the ledger as skipped."""
        return self._change(name, _to(ScheduleState.ACTIVE), "schedule_resumed")

    def delete(self, name: str) -> Schedule:
        """Remove the schedule and stop its open runs.  Its published results stay, and keep its name reserved."""
        deleted = self._change(name, _to(ScheduleState.DELETED), "schedule_deleted")
        for run in self.store.open_runs():
            if run.schedule_id == deleted.id:
                self.store.ask_to_cancel(run.id, actor=self.owner)
        return deleted

    def schedule(self, name: str) -> Schedule:
        """The schedule of this name.  Raises Refused `no_such_schedule`, also when it is another's."""
        found = self.store.schedule_named(name)
        if found is None or found.owner != self.owner:
            raise self._no_such_schedule(name)
        return found

    def schedules(self) -> list[Schedule]:
        """All of this person's schedules, by name."""
        return [schedule for schedule in self.store.schedules() if schedule.owner == self.owner]

    def versions(self, name: str) -> list[Version]:
        """What each edit froze, the newest first."""
        return self.store.versions(self.schedule(name).id)

    # -- runs

    def run_now(self, name: str) -> Run:
        """Put a run by hand into the ledger; it starts as soon as the service sees it and nothing is in its way.

        Where the schedule is public it is a rehearsal: its results are private until a person has looked.
        """
        schedule = self.schedule(name)
        make = ledger.rehearsal if schedule.spec.visibility == Visibility.PUBLIC else ledger.manual_run
        run = make(schedule, utc(self.now()))
        self.store.add_run(run, actor=self.owner)
        return self.run(run.id)

    def backfill(
        self, name: str, start: datetime, end: datetime, *, again: bool = False, confirmed: bool = False
    ) -> backfill.Plan:
        """Put runs for times that have passed into the ledger, as `backfill.ask` does."""
        schedule, now = self.schedule(name), utc(self.now())
        plan = backfill.ask(self.store, schedule, start, end, now, again=again, confirmed=confirmed)
        for run in plan.runs:
            self.store.add_run(run, actor=self.owner)
        return plan

    def retry(self, run_id: str) -> Run:
        """Put a run into the ledger that does what an ended one did: same version, same occurrence, same data."""
        run = self.run(run_id)
        if not run.status.terminal:
            raise Refused("run_not_ended", "That run hasn't ended yet. Stop it first, or wait.")
        self.schedule(run.schedule)
        count = 1
        while self.store.run((again := ledger.retry_run(run, count, utc(self.now()))).id) is not None:
            count += 1
        self.store.add_run(again, actor=self.owner)
        return self.run(again.id)

    def release(self, run_id: str, reason: str | None = None) -> Run:
        """Put a run into the ledger that publishes what an ended one made: a rehearsal, or one that was held back.

        reason: why it may be public although the disclosure check found something; recorded with the person's name.
        Raises Refused `run_not_ended`, `nothing_to_publish`, `not_public`, `reason_needed`.
        """
        run = self.run(run_id)
        publicity.check_releasable(run, self.schedule(run.schedule).spec, reason)
        now = utc(self.now())
        decision = Release(run_id=run.origin, by=self.owner, at=now, reason=(reason or "").strip() or None)
        count = 1
        while self.store.run((made := ledger.release_run(run, decision, count)).id) is not None:
            count += 1
        self.store.add_run(made, actor=self.owner)
        return self.run(made.id)

    def checked(self, run: Run) -> Checked:
        """What the disclosure check found in the run's outputs; nothing when they weren't checked."""
        data = self.objects.get_or_none(checked_key(run.id))
        return Checked.model_validate_json(data) if data else Checked()

    def cancel(self, run_id: str) -> Run:
        """Ask a run to stop; what it has so far is kept."""
        run = self.run(run_id)
        if run.status.terminal:
            raise Refused("run_ended", f"That run has ended already: {run.status.replace('_', ' ')}.")
        self.store.ask_to_cancel(run.id, actor=self.owner)
        return self.run(run_id)

    def run(self, run_id: str) -> Run:
        """The run with this id, or the only one whose id starts so.  Raises Refused `no_such_run`."""
        found = self.store.run(run_id)
        if found is None and len(run_id) >= 4:
            alike = [run for run in self.store.runs(limit=10_000) if run.id.startswith(run_id)]
            found = alike[0] if len(alike) == 1 else None
        schedule = self.store.schedule(found.schedule_id) if found else None
        if found is None or schedule is None or schedule.owner != self.owner:
            raise Refused("no_such_run", f"There is no run “{run_id}”. `jupyter schedule runs` lists them.")
        return found

    def runs(self, name: str | None = None, *, before: str | None = None, limit: int = 100) -> list[Run]:
        """Runs of one schedule or of all, the newest occurrence first.

        before: the id of the last run of a page, to get the page that comes after it.
        """
        schedule_id = None if name is None else self.schedule(name).id
        place = None if before is None else Place.of(self.run(before))
        owner = self.owner if name is None else None
        return self.store.runs(schedule_id, owner=owner, before=place, limit=limit)

    def last_runs(self) -> dict[str, Run]:
        """The newest run of each schedule, by schedule id."""
        return self.store.last_runs([schedule.id for schedule in self.schedules()])

    def recent_runs(self, schedules: Sequence[Schedule], per_schedule: int) -> dict[str, list[Run]]:
        """The newest runs of each schedule that has any, the newest first, by schedule id."""
        return self.store.recent_runs([schedule.id for schedule in schedules], per_schedule)

    def open_runs(self) -> list[Run]:
        """This person's runs that haven't ended."""
        mine = {schedule.id for schedule in self.schedules()}
        return [run for run in self.store.open_runs() if run.schedule_id in mine]

    def attempts(self, run: Run) -> list[Attempt]:
        """The attempts of a run, in order."""
        return self.store.attempts(run.origin)

    def result(self, run: Run) -> Result | None:
        """What the last attempt's worker left behind; None as long as it hasn't ended."""
        prefix = self._prefix(run)
        data = self.objects.get_or_none(prefix + RESULT) if prefix else None
        return Result.model_validate_json(data) if data else None

    def file(self, run: Run, path: str) -> bytes:
        """A file that the run left: `output/…` or `report/…`.  Raises NoSuchObject."""
        return self.objects.get(f"{self._prefix(run)}{path}")

    def file_key(self, run: Run, path: str) -> str:
        """The object that is such a file; also `live/notebook`."""
        return f"{self._prefix(run)}{path}"

    def heartbeat(self, run: Run) -> dict[str, Any]:
        """What the last attempt's worker said last about itself: `at`, `pid`, `cells` done and in all; else empty."""
        prefix = self._prefix(run)
        data = self.objects.get_or_none(prefix + HEARTBEAT) if prefix else None
        said = json.loads(data) if data else {}
        return said if isinstance(said, dict) else {}

    def file_url(self, run: Run, path: str) -> str:
        """Where such a file is kept, for as long as the run is."""
        return self.objects.url(f"{self._prefix(run)}{path}")

    def log_pieces(self, run: Run, first: int = 0) -> list[bytes]:
        """What the last attempt printed so far, in pieces, from piece number `first` on."""
        prefix = self._prefix(run)
        pieces: list[bytes] = []
        while prefix and (piece := self.objects.get_or_none(f"{prefix}{LIVE_LOG}{first + len(pieces)}")) is not None:
            pieces.append(piece)
        return pieces

    def log(self, run: Run) -> bytes:
        """All that the last attempt printed; as far as it is known while it runs."""
        prefix = self._prefix(run)
        whole = self.objects.get_or_none(prefix + LOG) if prefix else None
        return whole if whole is not None else b"".join(self.log_pieces(run))

    def _prefix(self, run: Run) -> str | None:
        """Where the newest attempt's worker writes; None before it is known."""
        newest = next(reversed(self.store.attempts(run.origin)), None)
        return worker_prefix(newest.worker, newest.token) if newest and newest.worker else None

    # -- how

    def _change(self, name: str, change: Callable[[Schedule], Schedule], kind: str) -> Schedule:
        """Settle what the schedule owes up to now, then change it, in one write; again when a tick got in between."""
        for _ in range(TRIES):
            before = self.schedule(name)
            now = utc(self.now())
            owed = ledger.owed(before, now)
            stamped = {"changed_at": now, "changed_by": self.owner}
            after = ledger.advanced(change(owed.schedule).model_copy(update=stamped), now)
            if self.store.replace_schedule(before, after, owed.runs, actor=self.owner, kind=kind):
                return after
        raise Refused("busy", f"“{name}” is being changed all the time by others. Try again.")

    def _confirmed(self, before: Spec | None, spec: Spec, says_so: bool) -> Spec:
        return publicity.confirmed(before, spec, by=self.owner, now=self.now(), says_so=says_so)

    def _check_coming(self, spec: Spec) -> None:
        occurrences.check(spec.timing)
        policies.check(spec)
        if occurrences.next_after(spec.timing, self.now()) is not None:
            if policies.next_coming(spec, self.now()) is None:
                message = "It is never due between now and that end. Choose a later end."
                raise Refused("bad_end", message, field="end")
        else:
            raise Refused("in_the_past", "That time has passed. Choose one that is still to come.", field="once")
        shortest = occurrences.shortest_interval(spec.timing)
        if shortest is not None and shortest < timedelta(minutes=1):
            raise Refused("too_often", "Runs at least a minute apart, please.", field="cron")

    def _check_runnable(self, spec: Spec) -> None:
        if spec.visibility == Visibility.PUBLIC and not self.areas.can_be_public:
            raise Refused(
                "no_public_area",
                "Nothing can be made public here: no public area is set up. Choose private, and share the folder.",
                field="visibility",
            )
        contract.normal(spec.expect)
        if self.objects.size(bundle_key(spec.bundle)) is None:
            raise Refused("no_such_bundle", "The bundle isn't there any more. Make it again.", field="files")
        if spec.visibility == Visibility.PUBLIC:
            publicity.check_code(spec, self.objects)

    def _name_taken(self, name: str) -> Refused:
        taken = {schedule.name for schedule in self.store.schedules()}
        free = next(f"{name[:60]}-{n}" for n in range(2, len(taken) + 3) if f"{name[:60]}-{n}" not in taken)
        return Refused("name_taken", f"“{name}” is taken. Try “{free}”.", field="name")

    def _no_such_schedule(self, name: str) -> Refused:
        names = [schedule.name for schedule in self.schedules()]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean “{close[0]}”?" if close else "`jupyter schedule list` shows what there is."
        return Refused("no_such_schedule", f"There is no schedule “{name}”. {hint}")


def check_name(name: str) -> None:
    """Raise Refused `bad_name`, with a suggestion, unless `name` can be part of an address and of a folder's path."""
    if NAME_PATTERN.fullmatch(name) and ".." not in name:
        return
    suggestion = suggest_name(name)
    raise Refused(
        "bad_name",
        "Use at most 63 small letters, digits and - _ . for the name, a letter or digit first and last"
        + (f"; suggestion: “{suggestion}”." if suggestion else "."),
        field="name",
    )


def suggest_name(text: str) -> str:
    """The valid name nearest to `text`; empty when no letter or digit is left."""
    letters = (sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))
    plain = re.sub(r"[^a-z0-9._-]+", "-", "".join(letters))
    return re.sub(r"\.{2,}", ".", plain)[:63].strip("._-")


def _to(state: ScheduleState) -> Callable[[Schedule], Schedule]:
    def change(schedule: Schedule) -> Schedule:
        if schedule.state == ScheduleState.ENDED and state != ScheduleState.DELETED:
            message = f"“{schedule.name}” has ended: no time is left. Edit its timing to start it again."
            raise Refused("schedule_ended", message)
        return schedule.model_copy(update={"state": state, "paused": None})

    return change
