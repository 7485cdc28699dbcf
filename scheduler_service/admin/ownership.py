"""The ownership of the work area, for an operator's own commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_schedule.core.storage.factory import open_work
from scheduler_service.admin.check import open_existing_ledger
from scheduler_service.launchers.host import identify_host
from scheduler_service.ownership import Ownership, identify_ledger
from scheduler_service.settings import Settings


@contextmanager
def open_ownership(settings: Settings) -> Iterator[Ownership]:
    """The ownership of the settings' work area by their ledger.  Raises Refused `no_ledger`."""
    places = settings.places
    with open_existing_ledger(places) as store:
        host = identify_host(places.folder)
        host.close()
        objects = open_work(settings.storage.work or places.objects)
        yield Ownership(objects, store, identify_ledger(store, places, host.name, store.secret()))
