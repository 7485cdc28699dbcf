"""What a command works with: the embedded default's ledger and files, opened for as long as it takes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from jupyter_schedule.cli.shapes import run_shape
from jupyter_schedule.core import clock
from jupyter_schedule.core.config import areas_in, store_in
from jupyter_schedule.core.data_paths import DataPaths, default_data_paths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Run
from jupyter_schedule.core.operations.channels import channels_in
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import open_storage
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.leader_lock import Blocker, find_blocker, has_leader

#: a run's id, or its beginning
_RUN_ID = re.compile(r"[0-9a-f-]{4,36}")
HOW_TO_TICK = "start the service with `python -m scheduler_service run`"


@dataclass(frozen=True)
class Session:
    """One command's access to the schedules and runs of the person at the terminal."""

    places: DataPaths
    operations: Operations

    @property
    def now(self) -> datetime:
        """The time, by the clock of the operations."""
        return self.operations.now()

    @property
    def ticking(self) -> bool:
        """Whether a service runs what is due."""
        return has_leader(self.places.lock, self.operations.store)

    @property
    def hindrance(self) -> Blocker | None:
        """What keeps that service from starting anything."""
        return find_blocker(self.places.lock, self.operations.store)

    def run_shape(self, run: Run) -> dict[str, Any]:
        """The run for `--json`."""
        return run_shape(run, self.operations.attempts(run))


@contextmanager
def opened() -> Iterator[Session]:
    """The ledger and the files, made when there are none.  Raises Refused when they can't be used."""
    places = default_data_paths()
    try:
        store = open_store(store_in(places.folder) or places.store)
        try:
            areas = areas_in(places.folder)
            work = open_storage(areas.work or places.objects)
            channels = channels_in(places.folder)
            yield Session(places, Operations(store, work, now=clock.now, areas=areas, channels=channels))
        finally:
            store.close()
    except DBAPIError as problem:
        raise Refused("store_unusable", f"The ledger in {places.folder} can't be used: {problem.orig}.") from None


def find_run(operations: Operations, text: str, *, waiting: bool = False) -> Run:
    """The run that `text` means: of a schedule's name its newest run that started, else the run with that id.

    waiting: a run that is still to start counts too.  Raises Refused `no_such_run`, `not_run_yet`.
    """
    try:
        schedule = operations.schedule(text)
    except Refused as no_schedule:
        return _run_by_id(operations, text, no_schedule)
    runs = operations.runs(schedule.name)
    started = [run for run in runs if run.attempt or (waiting and not run.status.terminal)]
    if not started:
        message = f"“{schedule.name}” has not run yet. Run it now:  jupyter schedule run {schedule.name} --wait"
        raise Refused("not_run_yet", message)
    return max(started, key=lambda run: (run.created_at, run.scheduled_for))


def _run_by_id(operations: Operations, text: str, no_schedule: Refused) -> Run:
    try:
        return operations.run(text)
    except Refused as no_run:
        raise (no_run if _RUN_ID.fullmatch(text) else no_schedule) from None
