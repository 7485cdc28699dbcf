"""The cost of a schedule, told in advance: machines by its last runs' times, files by how many it leaves."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from jupyter_schedule.core import costs, expectations
from jupyter_schedule.core.costs import Estimate, estimate
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LauncherCatalog, Run, RunStatus, Schedule, Spec, Visibility
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.operations.publication_policy import is_held_back
from jupyter_schedule.core.store.base import Store

Seconds = TypeVar("Seconds", int, float)
#: runs that are looked at, and successes from which what is usual is taken
AMONG = 100
USUAL_OF = 10
#: runs among which the last that left files is looked for
_LEFT_AMONG = 10
#: files of a folder that are counted
_MOST = 100_000
#: what a pattern has that stands for more than one file
_WILD = set("*?[")


def estimate_of(
    store: Store, offers: LauncherCatalog, spec: Spec, schedule_id: str | None, now: datetime
) -> Estimate | None:
    """The estimate; None where it costs nothing, or nobody knows the price.

    schedule_id: of one that was recorded; a new one has no runs to go by.
    """
    size = offers.size(spec.launcher, spec.size)
    if size is None or size.hourly is None:
        return None
    took = typical_durations(store, schedule_id, lambda run: run.machine_seconds or None) if schedule_id else []
    return estimate(spec, size.hourly, took, now)


def typical_durations(store: Store, schedule_id: str, seconds: Callable[[Run], Seconds | None]) -> list[Seconds]:
    """The values that `seconds` gives for the newest successes of a schedule; None leaves one out."""
    runs = store.runs.list_newest(schedule_id, limit=AMONG)
    took = (seconds(run) for run in runs if run.status is RunStatus.SUCCEEDED)
    return [each for each in took if each is not None][:USUAL_OF]


def cost_before(operations: Operations, spec: Spec, schedule: Schedule | None = None) -> str:
    """One sentence about the next publication; empty where files cost nothing.

    It goes by what tells best how many files there will be, in this order: what the last run left, what is in the
    output folder here, the files that the contract names.

    spec: what it would be from now on.  schedule: what it is now, None for a new one.
    """
    if spec.visibility == Visibility.NONE or not costs.costs_requests(spec.publication_base):
        return ""
    most = operations.storage.most_files
    left = _left(operations, schedule) if schedule else None
    if left is not None:
        return costs.coming_files_text("The last run left", left, most)
    if here := _in_folder(spec):
        return costs.coming_files_text(f"The folder {spec.output_dir} holds", here, most)
    if named := _named(spec.expect):
        return costs.coming_files_text("The output contract names", named, most)
    return costs.unknown_files_text(most)


def _left(operations: Operations, schedule: Schedule) -> int | None:
    """Files of the last run that left some for publication, published or not."""
    for run in operations.runs.newest_of_each([schedule], _LEFT_AMONG).get(schedule.id, []):
        files = _files(operations, run)
        if files is not None:
            return files
    return None


def _files(operations: Operations, run: Run) -> int | None:
    if run.publication is not None:
        return len(run.publication.files)
    result = operations.files.result(run) if is_held_back(run) else None
    return None if result is None else len(result.files)


def _in_folder(spec: Spec) -> int:
    """Files in the output folder of whoever made the notebook, where that is on this machine."""
    if spec.root is None or spec.source is None or spec.notebook is None:
        return 0
    output = Path(spec.root) / PurePosixPath(spec.source).parent / spec.output_dir
    count = 0
    for _folder, _folders, names in os.walk(output):
        count += len(names)
        if count >= _MOST:
            break
    return count


def _named(lines: Iterable[str]) -> int:
    """Files that a contract names one by one; 0 when it has a pattern, which says nothing about their number."""
    with suppress(Refused):
        patterns = {expectations.parse(line).pattern for line in lines}
        return 0 if any(_WILD & set(pattern) for pattern in patterns) else len(patterns)
    return 0
