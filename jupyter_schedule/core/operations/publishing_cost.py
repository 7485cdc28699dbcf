"""What publishing a schedule's results will cost, said before it does, by the best that tells how many files it has.

That is, in this order: what its last run left, what is in its output folder here, the files that its contract names.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from jupyter_schedule.core import expectations, s3_prices
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Run, Schedule, Spec, Visibility
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.operations.publication_policy import is_held_back

#: runs among which the last that left files is looked for
_AMONG = 10
#: files of a folder that are counted
_MOST = 100_000
#: what a pattern has that stands for more than one file
_WILD = set("*?[")


def cost_before(operations: Operations, spec: Spec, schedule: Schedule | None = None) -> str:
    """One sentence about the next publication; empty where files cost nothing.

    spec: what it would be from now on.  schedule: what it is now, None for a new one.
    """
    if spec.visibility == Visibility.NONE or not spec.publication_base.startswith("s3:"):
        return ""
    most = operations.areas.most_files
    left = _left(operations, schedule) if schedule else None
    if left is not None:
        return s3_prices.told_before("The last run left", left, most)
    if here := _in_folder(spec):
        return s3_prices.told_before(f"The folder {spec.output_dir} holds", here, most)
    if named := _named(spec.expect):
        return s3_prices.told_before("The output contract names", named, most)
    return s3_prices.untold_text(most)


def _left(operations: Operations, schedule: Schedule) -> int | None:
    """Files of the last run that left some for publication, published or not."""
    for run in operations.recent_runs([schedule], _AMONG).get(schedule.id, []):
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
