"""How tests are shared out among workers: module by module, the longest first, and some only to a few workers."""

import os
from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: what takes longest, in the order in which it is given out: folders by their modules, so that nobody is left with one
FIRST = (
    "tests/bare_machine/",
    "tests/ui/",
    "tests/faults/test_failpoints.py",
    "tests/test_front_end.py",
    "tests/simulation/test_simulation.py",
    "tests/faults/",
    "tests/core/bundles/",
    "tests/scheduler_service/test_",
    "tests/scheduler_service/",
    "tests/server/",
    "tests/examples/",
)
#: what is dear to set up, or had by one at a time on a machine, and how many workers may have it at once
ROOMS = {"tests/ui/": 2, "tests/bare_machine/": 1}
#: workers beside those that keep a core busy: many tests wait for processes and for other machines
WAITING = 3


def workers(arguments: Sequence[str]) -> int:
    """How many workers run the tests that these arguments name; 0 where a lone process is as quick."""
    lone = len(arguments) == 1 and (".py" in arguments[0])
    return 0 if lone else (os.cpu_count() or 1) + WAITING


class Shares(LoadScopeScheduling):
    """Gives a worker the next module whenever it has hardly any test left."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        self._in_room: dict[str, set[WorkerController]] = {room: set() for room in ROOMS}

    def _split_scope(self, nodeid: str) -> str:
        return module_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Give out the first module that this worker may have, or the first of all if it may have none."""
        module = next((module for module in self.workqueue if self._may_have(node, module)), next(iter(self.workqueue)))
        room = room_of(module)
        if room is not None:
            self._in_room[room].add(node)
        self.workqueue.move_to_end(module, last=False)
        super()._assign_work_unit(node)

    def _may_have(self, node: WorkerController, module: str) -> bool:
        """A room is for those who are in it already, and for others while it has space."""
        room = room_of(module)
        return room is None or node in self._in_room[room] or len(self._in_room[room]) < ROOMS[room]


def module_of(nodeid: str) -> str:
    """The module that a test is in."""
    return nodeid.partition("::")[0]


def room_of(nodeid: str) -> str | None:
    """The room that a test needs."""
    return next((room for room in ROOMS if nodeid.startswith(room)), None)


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order in which their modules are given out."""

    def place(item: pytest.Item) -> int:
        return next((place for place, first in enumerate(FIRST) if item.nodeid.startswith(first)), len(FIRST))

    return sorted(items, key=place)
