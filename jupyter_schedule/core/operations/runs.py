"""The operations on runs, the files that runs left, and the places in line of those that wait."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jupyter_schedule.core.ad_hoc_workers import at_work
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    EMBEDDED_CATALOG,
    GOING_STATUSES,
    Attempt,
    DisclosureReport,
    Overlap,
    Result,
    Run,
    RunStatus,
    Schedule,
    disclosure_report_key,
    utc,
)
from jupyter_schedule.core.object_keys import HEARTBEAT, LIVE_LOG, LOG, RESULT, bundle_key, worker_prefix
from jupyter_schedule.core.operations.context import OperationsContext
from jupyter_schedule.core.operations.names import SHORTEST_ID, WHOLE_ID
from jupyter_schedule.core.operations.schedules import ScheduleOperations
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.timing import planning
from jupyter_schedule.core.timing.run_queue import Capacity, fair_order, queue_positions

_WORKING = {RunStatus.LAUNCHING, RunStatus.RUNNING}


class RunOperations:
    """The runs of one person's schedules."""

    def __init__(self, context: OperationsContext, schedules: ScheduleOperations) -> None:
        self._context = context
        self._schedules = schedules

    def get(self, run_id: str) -> Run:
        """The run with this id, or the only one of theirs whose id starts so.  Raises Refused `no_such_run`."""
        found = self._context.store.runs.get(run_id)
        if found is None and SHORTEST_ID <= len(run_id) < WHOLE_ID:
            alike = self._context.store.runs.list_by_prefix(run_id, owner=self._context.owner, limit=2)
            found = alike[0] if len(alike) == 1 else None
        schedule = self._context.store.schedules.get(found.schedule_id) if found else None
        if found is None or schedule is None or schedule.owner != self._context.owner:
            raise Refused("no_such_run", f"There is no run “{run_id}”. `jupyter schedule runs` lists them.")
        return found

    def list_newest(self, name: str | None = None, *, before: str | None = None, limit: int = 100) -> list[Run]:
        """Runs of one schedule or of all, the newest occurrence first.

        before: the id of the last run of a page, to get the page that comes after it.
        """
        schedule_id = None if name is None else self._schedules.find(name).id
        place = None if before is None else RunCursor.of(self.get(before))
        owner = self._context.owner if name is None else None
        return self._context.store.runs.list_newest(schedule_id, owner=owner, before=place, limit=limit)

    def count(self, name: str | None = None) -> int:
        """The number of runs of one schedule, or of all."""
        schedule_id = None if name is None else self._schedules.find(name).id
        return self._context.store.runs.count(schedule_id, owner=self._context.owner)

    def newest_of_each(self, schedules: Sequence[Schedule], per_schedule: int) -> dict[str, list[Run]]:
        """The newest runs of each schedule that has any, the newest first, by schedule id."""
        return self._context.store.runs.newest_of_each([schedule.id for schedule in schedules], per_schedule)

    def count_going(self) -> int:
        """The number of this person's runs that are going."""
        return self._context.store.runs.count_going(owner=self._context.owner)

    def count_failing(self) -> int:
        """The number of this person's schedules whose last run that ran to its end failed."""
        return len(self._context.store.runs.list_failing(owner=self._context.owner))

    def list_failing(self, since: datetime) -> list[Run]:
        """The newest runs that failed since then, one of each schedule that goes on and still fails."""
        failing = self._context.store.runs.list_failing(owner=self._context.owner)
        return [run for run in failing if run.ended_at is not None and run.ended_at > since]

    def list_attempts(self, run: Run) -> list[Attempt]:
        """The attempts of a run, in order."""
        return self._context.store.runs.list_attempts(run.origin)

    def attempts_of_each(self, runs: Sequence[Run]) -> dict[str, list[Attempt]]:
        """The attempts of runs, in order, by the id of the run whose workers made its outputs."""
        return self._context.store.runs.attempts_of_each([run.origin for run in runs if run.attempt or run.release])

    def run_now(self, name: str) -> Run:
        """Put a run by hand into the ledger; it starts as soon as the service sees it and nothing is in its way.

        Where the schedule is public it is a rehearsal: its results are private until a person has looked.  So it is
        where the schedule waits for one.
        """
        return self._schedules.add_run_by_hand(self._schedules.get(name))

    def rehearse(self, name: str) -> Run:
        """Put a rehearsal into the ledger: all that a run does, but that nobody's results are replaced."""
        return self._context.add_run(planning.plan_rehearsal, self._schedules.get(name))

    def retry(self, run_id: str) -> Run:
        """Put a run into the ledger that does what an ended one did: same version, same occurrence, same data.

        Raises Refused `run_not_ended`, `code_removed`.
        """
        run = self.get(run_id)
        if not run.status.terminal:
            raise Refused("run_not_ended", "That run hasn't ended yet. Stop it first, or wait.")
        self._schedules.get(run.schedule)
        spec = self._context.store.schedules.get_version(run.schedule_id, run.version).spec
        if self._context.objects.size(bundle_key(spec.bundle)) is None:
            message = f"The code of version {run.version} isn't kept any more. Run the schedule as it is now instead."
            raise Refused("code_removed", message)
        runs, count = self._context.store.runs, 1
        while runs.get((again := planning.plan_retry(run, count, utc(self._context.now()))).id) is not None:
            count += 1
        self._context.check(again)
        runs.add(again, actor=self._context.actor)
        return self.get(again.id)

    def cancel(self, run_id: str) -> Run:
        """Ask a run to stop; what it has so far is kept."""
        run = self.get(run_id)
        if run.status.terminal:
            raise Refused("run_ended", f"That run has ended already: {run.status.replace('_', ' ')}.")
        self._context.store.runs.request_cancel(run.id, actor=self._context.actor)
        return self.get(run_id)


class RunFiles:
    """Reads what runs left; who may read it was checked when the run was asked for."""

    def __init__(self, store: Store, objects: ObjectStorage) -> None:
        self._store = store
        self._objects = objects

    def result(self, run: Run) -> Result | None:
        """The result that the last attempt's worker left; None as long as it hasn't ended."""
        prefix = self._prefix(run)
        data = self._objects.get_or_none(prefix + RESULT) if prefix else None
        return Result.model_validate_json(data) if data else None

    def read(self, run: Run, path: str) -> bytes:
        """A file that the run left: `output/…` or `report/…`.  Raises NoSuchObject."""
        return self._objects.get(f"{self._prefix(run)}{path}")

    def key(self, run: Run, path: str) -> str:
        """The object that is such a file; also `live/notebook`."""
        return f"{self._prefix(run)}{path}"

    def heartbeat(self, run: Run) -> dict[str, Any]:
        """The last heartbeat of the last attempt's worker: `at`, `pid`, `cells` done and in all; else empty."""
        prefix = self._prefix(run)
        data = self._objects.get_or_none(prefix + HEARTBEAT) if prefix else None
        said = json.loads(data) if data else {}
        return said if isinstance(said, dict) else {}

    def url(self, run: Run, path: str) -> str:
        """The address of such a file, for as long as the run is kept."""
        return self._objects.url(f"{self._prefix(run)}{path}")

    def log_pieces(self, run: Run, first: int = 0) -> list[bytes]:
        """The last attempt's log so far, in pieces, from piece number `first` on."""
        prefix = self._prefix(run)
        pieces: list[bytes] = []
        while prefix and (piece := self._objects.get_or_none(f"{prefix}{LIVE_LOG}{first + len(pieces)}")) is not None:
            pieces.append(piece)
        return pieces

    def log_before(self, run: Run, first: int, size: int) -> bytes:
        """The last bytes of the pieces before piece number `first`: `size` of them, fewer where there are no more."""
        prefix = self._prefix(run)
        before = b""
        while prefix and first > 0 and len(before) < size:
            first -= 1
            before = (self._objects.get_or_none(f"{prefix}{LIVE_LOG}{first}") or b"") + before
        return before[-size:]

    def log(self, run: Run) -> bytes:
        """All that the last attempt printed; as far as it is known while it runs."""
        prefix = self._prefix(run)
        whole = self._objects.get_or_none(prefix + LOG) if prefix else None
        return whole if whole is not None else b"".join(self.log_pieces(run))

    def checked(self, run: Run) -> DisclosureReport:
        """The disclosure check's findings in the run's outputs; none when they weren't checked."""
        data = None if run.pruned_at is not None else self._objects.get_or_none(disclosure_report_key(run.id))
        return DisclosureReport.model_validate_json(data) if data else DisclosureReport()

    def _prefix(self, run: Run) -> str | None:
        """The folder that the newest attempt's worker writes to; None before it is known, and when its files went."""
        if run.pruned_at is not None:
            return None
        newest = next(reversed(self._store.runs.list_attempts(run.origin)), None)
        return worker_prefix(newest.worker, newest.token) if newest and newest.worker else None


def places_in(store: Store) -> dict[str, int | str]:
    """Of each run that waits how far ahead in line it is, or what holds it up.

    That is by what the service said of its limits, and by each schedule as it is now.
    """
    open_runs = store.runs.list_open()
    waiting = [run for run in open_runs if run.status is RunStatus.DUE]
    if not waiting:
        return {}
    schedules = store.schedules.list_by_id(list({run.schedule_id for run in open_runs}))

    def owner_of(run: Run) -> str:
        return schedules[run.schedule_id].owner if run.schedule_id in schedules else ""

    def launcher_of(run: Run) -> str:
        return schedules[run.schedule_id].spec.launcher if run.schedule_id in schedules else ""

    def overlap_of(run: Run) -> Overlap:
        return schedules[run.schedule_id].spec.overlap if run.schedule_id in schedules else Overlap.ALLOW

    catalog = store.read_catalog() or EMBEDDED_CATALOG
    room, offered = catalog.room, {launcher.name for launcher in catalog.launchers}
    working = [run for run in open_runs if run.status in _WORKING]
    going = [run for run in open_runs if run.status in GOING_STATUSES]
    space = Capacity(room, owner_of, launcher_of, working, at_work(store.ad_hoc.list_live()))
    positions = queue_positions(fair_order(waiting, owner_of, working), space, overlap_of, going)
    missing = {run.id: launcher_of(run) for run in waiting if launcher_of(run) not in {*offered, ""}}
    return positions | {
        run_id: f"Waits: the scheduler service has no launcher called {name}. Edit the schedule, or ask an operator"
        for run_id, name in missing.items()
    }
