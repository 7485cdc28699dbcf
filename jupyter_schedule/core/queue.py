"""In which order runs that are due start: pure, and the same for the service and for who asks how long it takes."""

from collections import Counter
from collections.abc import Callable, Iterable

from jupyter_schedule.core.models import Run, Trigger


def in_line(due: Iterable[Run], owner_of: Callable[[Run], str]) -> list[Run]:
    """Owners take turns, each with their runs in the order in which they came; backfills go after everything else."""
    turns: Counter[tuple[bool, str]] = Counter()
    placed: list[tuple[tuple[bool, int, int], Run]] = []
    for run in sorted(due, key=lambda run: run.queued):
        late = run.trigger == Trigger.BACKFILL
        turn = turns[late, owner_of(run)]
        turns[late, owner_of(run)] += 1
        placed.append(((late, turn, run.queued), run))
    return [run for _, run in sorted(placed, key=lambda item: item[0])]
