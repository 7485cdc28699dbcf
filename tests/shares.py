"""How tests are shared out among workers: a module goes to one of them, and so does a folder that owns something."""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

#: what one worker has to itself, since setting it up is dear or a machine has one of it, and what takes long: the
#: longest first, so that no worker is left with it in the end
FIRST = (
    "tests/faults/test_failpoints.py",
    "tests/ui/",
    "tests/bare_machine/",
    "tests/simulation/test_simulation.py",
)


class Shares(LoadScopeScheduling):
    """Gives a worker the next share whenever it has hardly any test left."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def share_of(nodeid: str) -> str:
    """The share that a test belongs to: a folder that stays whole, or else its module."""
    return next((first for first in FIRST if nodeid.startswith(first)), nodeid.partition("::")[0])


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order in which shares are given out."""
    order = {share: place for place, share in enumerate(FIRST)}
    return sorted(items, key=lambda item: order.get(share_of(item.nodeid), len(FIRST)))
