"""In which order runs that are due start, and how many go at once: pure, and the same for the service and for who asks
how long it takes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, Run, Trigger

_NOBODY: Mapping[str, int] = MappingProxyType({})


class Hold(StrEnum):
    """What keeps a run from starting now."""

    #: as many go as may in all
    SERVICE = "service"
    OWNER = "owner"
    LAUNCHER = "launcher"


class Space:
    """What is left of the room while runs take their places in it."""

    def __init__(
        self,
        room: ConcurrencyLimits,
        owner_of: Callable[[Run], str] = lambda _: "",
        launcher_of: Callable[[Run], str] = lambda _: "",
        working: Iterable[Run] = (),
        taken: Mapping[str, int] = _NOBODY,
    ) -> None:
        """working: the runs that have a place already.  taken: by launcher, machines that are at work beside them."""
        self.room = room
        self.launcher_of = launcher_of
        self._owner_of = owner_of
        self._total = 0
        self._of_owner: Counter[str] = Counter()
        self._of_launcher: Counter[str] = Counter(taken)
        for run in working:
            self.take(run)

    def hold(self, run: Run) -> Hold | None:
        """Why that run can't start now, the narrower reason first; None when it can."""
        if self.room.per_owner is not None and self._of_owner[self._owner_of(run)] >= self.room.per_owner:
            return Hold.OWNER
        most = self.room.per_launcher and self.room.per_launcher.get(self.launcher_of(run))
        if most and self._of_launcher[self.launcher_of(run)] >= most:
            return Hold.LAUNCHER
        return Hold.SERVICE if self._total >= self.room.total else None

    def take(self, run: Run) -> None:
        """That run goes."""
        self._total += 1
        if self.room.per_owner is not None:
            self._of_owner[self._owner_of(run)] += 1
        if self.room.per_launcher:
            self._of_launcher[self.launcher_of(run)] += 1


def in_line(
    due: Iterable[Run],
    owner_of: Callable[[Run], str],
    working: Iterable[Run] = (),
    served: Mapping[str, int] = _NOBODY,
) -> list[Run]:
    """Owners take turns, each with their runs in the order in which they came; backfills go after everything else.

    working: each of them was a turn of its owner's, so who has more at work waits for who has fewer.
    served: by owner a number that grows with every start; of two who are even, the one served longest ago is first.
    """
    at_work = Counter(owner_of(run) for run in working)
    turns: Counter[tuple[bool, str]] = Counter()
    placed: list[tuple[tuple[bool, int, int, int], Run]] = []
    for run in sorted(due, key=lambda run: run.queued):
        late, owner = run.trigger == Trigger.BACKFILL, owner_of(run)
        turn = at_work[owner] + turns[late, owner]
        turns[late, owner] += 1
        placed.append(((late, turn, served.get(owner, 0), run.queued), run))
    return [run for _, run in sorted(placed, key=lambda item: item[0])]


def may_go_beside(run: Run, overlap: Overlap, beside: Sequence[Run]) -> bool:
    """Whether a run may start beside those of its schedule that go: under `allow`, or when there are none.

    Of a backfill so many go at once as it was asked for, and nothing else of its schedule unless they may overlap.
    """
    if run.trigger != Trigger.BACKFILL:
        return not beside or overlap == Overlap.ALLOW
    backfills = sum(other.trigger == Trigger.BACKFILL for other in beside)
    return backfills < run.parallel and (backfills == len(beside) or overlap == Overlap.ALLOW)


def places(
    line: Iterable[Run], space: Space, overlap_of: Callable[[Run], Overlap], going: Iterable[Run] = ()
) -> dict[str, int | str]:
    """By the id of each run its place, 1 for the next; of one that something narrower holds up, why it waits.

    Who is held up stands in nobody's way, so the others' places don't count it.  going: all runs that go, since others
    of their schedules may have to wait for them.
    """
    told: dict[str, int | str] = {}
    ahead = 0
    busy: defaultdict[str, list[Run]] = defaultdict(list)
    for run in going:
        busy[run.schedule_id].append(run)
    for run in line:
        beside = busy[run.schedule_id]
        if not may_go_beside(run, overlap_of(run), beside):
            told[run.id] = "Waits for an earlier run of its schedule"
            continue
        match space.hold(run):
            case Hold.OWNER:
                told[run.id] = _limit(space.room.per_owner, "of your runs")
            case Hold.LAUNCHER:
                name = space.launcher_of(run)
                told[run.id] = f"{_limit(space.room.per_launcher[name], 'of the runs')} with the launcher {name}"
            case _:
                ahead += 1
                told[run.id] = ahead
                space.take(run)
                beside.append(run)
    return told


def _limit(most: int | None, what: str) -> str:
    return f"Waits: only one {what} goes at once" if most == 1 else f"Waits: at most {most} {what} go at once"
