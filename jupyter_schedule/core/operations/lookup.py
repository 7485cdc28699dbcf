"""What a person can look at: their schedules and runs, and nobody else's."""

import difflib
from collections.abc import Sequence

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt, Run, Schedule, Version
from jupyter_schedule.core.operations.run_files import RunFiles
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import RunCursor, Store

#: characters of the beginning of a run's id by which it is found, at least, and of a whole id
SHORTEST_ID = 4
WHOLE_ID = 36


class Lookup:
    """One person's view of the ledger."""

    def __init__(self, store: Store, objects: ObjectStorage, owner: str) -> None:
        self.store = store
        self.objects = objects
        self.owner = owner

    @property
    def files(self) -> RunFiles:
        """What runs left."""
        return RunFiles(self.store, self.objects)

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

    def version(self, name: str, number: int) -> Version:
        """What the edit of that number froze.  Raises Refused `no_such_version`."""
        for version in self.versions(name):
            if version.version == number:
                return version
        message = f"“{name}” has no version {number}. `jupyter schedule versions {name}` lists them."
        raise Refused("no_such_version", message, "version")

    def run(self, run_id: str) -> Run:
        """The run with this id, or the only one of theirs whose id starts so.  Raises Refused `no_such_run`."""
        found = self.store.run(run_id)
        if found is None and SHORTEST_ID <= len(run_id) < WHOLE_ID:
            alike = [run for run in self.store.runs(owner=self.owner, limit=10_000) if run.id.startswith(run_id)]
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
        place = None if before is None else RunCursor.of(self.run(before))
        owner = self.owner if name is None else None
        return self.store.runs(schedule_id, owner=owner, before=place, limit=limit)

    def count_runs(self, name: str | None = None) -> int:
        """How many runs there are of one schedule, or of all."""
        return self.store.count_runs(None if name is None else self.schedule(name).id, owner=self.owner)

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

    def attempts_of(self, runs: Sequence[Run]) -> dict[str, list[Attempt]]:
        """The attempts of runs, in order, by the id of the run whose workers made its outputs."""
        return self.store.attempts_of([run.origin for run in runs if run.attempt or run.release])

    def _no_such_schedule(self, name: str) -> Refused:
        close = difflib.get_close_matches(name, [schedule.name for schedule in self.schedules()], n=1)
        hint = f"Did you mean “{close[0]}”?" if close else "`jupyter schedule list` shows what there is."
        return Refused("no_such_schedule", f"There is no schedule “{name}”. {hint}")
