"""The ledger of a service that has run: what an operator's own looks and cleanings start from."""

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_schedule.core import clock
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.factory import open_store


def ledger_exists(places: DataPaths) -> bool:
    """Whether the ledger is there; of a database that many share only asking it tells, so it counts as there."""
    return places.shared_store is not None or places.ledger.exists()


@contextmanager
def open_existing_ledger(places: DataPaths) -> Iterator[Store]:
    """The ledger that is there.  Raises Refused `no_ledger` instead of making one where somebody misspelt a folder.

    A new one would know no run, and have a new secret, by which it takes nothing for its own.
    """
    if not ledger_exists(places):
        raise Refused("no_ledger", f"There is no ledger in {places.folder}: name the service's own with --folder.")
    store = open_store(places.store, clock.now)
    try:
        yield store
    finally:
        store.close()
