"""The contract's suites run over each database."""

from collections.abc import Iterator

import pytest

from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store
from tests.databases import Clock, DatabaseClock


@pytest.fixture
def clock(ledger: str) -> Clock:
    return Clock() if ledger.startswith("sqlite") else DatabaseClock(ledger)


@pytest.fixture
def store(ledger: str, clock: Clock) -> Iterator[Store]:
    opened = open_store(ledger, clock)
    yield opened
    opened.close()
