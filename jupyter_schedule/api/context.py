"""The context of requests: one person's operations, the folder that their paths are relative to, and file addresses.

The same with a server and without one.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

from sqlalchemy.exc import DBAPIError

from jupyter_schedule.api.addresses import Addresses
from jupyter_schedule.api.presenter import Presenter
from jupyter_schedule.core import clock
from jupyter_schedule.core.account import account_of
from jupyter_schedule.core.clock import LedgerClock
from jupyter_schedule.core.config import owner_of_requests, read_config
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import DISK, Host
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import StorageAway, StorageUnusable, open_work
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.text import printable_name, unwritable_character
from jupyter_schedule.core.timing.timezones import find_zone

#: the owner of nothing
NOBODY = ""
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class ApiContext:
    """The requests of one person, in one folder."""

    paths: DataPaths
    #: the folder that a form's paths are relative to
    root: Path
    operations: Operations
    addresses: Addresses
    #: the service that ticks ends when the server ends that asks
    embedded: bool = False
    #: many ask by way of one server, whose own machine is none of theirs
    many: bool = False

    @classmethod
    def open(
        cls,
        paths: DataPaths,
        root: Path,
        *,
        address: str | None = None,
        published: str | None = None,
        embedded: bool = False,
        many: bool = False,
        host: Host = DISK,
        now: Callable[[], datetime] = clock.now,
    ) -> Self:
        """Open the ledger, made when there is none.  Raises Refused when it can't be used.

        address: the path of the API on the server that asks, None without a server.
        published: where results go that no setting sends elsewhere; None is a fixed folder beside the ledger.
        embedded: a service runs with that server, unless many share the ledger.
        many: what is answered is answered by `of` alone, to each of many people.
        host: whose kernels and notebooks those are.
        """
        for folder in (root, paths.folder):
            if unwritable_character(str(folder)) is not None:
                raise Refused("bad_path", f"The name of {printable_name(str(folder))} isn't UTF-8: rename that folder.")
        config = read_config(paths.folder)
        paths = replace(paths, given_store=config.store or paths.given_store)
        owner = NOBODY if many else owner_of_requests(config, paths)
        account = account_of(paths)
        with guarded(paths):
            store = open_store(paths.store, now)
        operations = Operations(
            store,
            open_work(config.storage.work or paths.objects),
            owner=owner,
            now=LedgerClock(store.clock, now),
            storage=config.storage,
            channels=tuple(config.notifications),
            published=published or paths.published,
            account=account,
            variables=config.server.variables if many and config.server is not None else None,
            host=host,
        )
        return cls(paths, root, operations, Addresses(address), embedded and paths.shared_store is None, many)

    def of(self, owner: str, actor: str, base: str | None = None) -> Self:
        """The same for what is that owner's; actor: who asks, and base: by way of which server's API."""
        addresses = self.addresses if base is None else Addresses(base)
        return replace(self, operations=self.operations.of(owner, actor), addresses=addresses)

    def close(self) -> None:
        """Let go of the ledger."""
        self.operations.store.close()

    def presenter(self, reader: str = "") -> Presenter:
        """The presenter for somebody who reads in that zone; a zone that isn't known counts as none.

        By its operations nothing is recorded that it couldn't present.
        """
        zone: tzinfo | None = None
        if reader:
            try:
                zone = find_zone(reader)
            except Refused:
                zone = None
        now = self.operations.now()
        before = Presenter(self.operations, self.root, self.addresses, zone, now)
        return Presenter(self.operations.checked_by(before.check), self.root, self.addresses, zone, now)


@contextmanager
def guarded(paths: DataPaths) -> Iterator[None]:
    """A ledger that can't be used and a disk that is full are refusals too."""
    try:
        yield
    except DBAPIError as problem:
        if "full" in str(problem.orig):
            raise _disk_full() from None
        message = f"The ledger in {paths.folder} can't be used: {problem.orig}."
        raise Refused("store_unusable", message) from None
    except (StorageUnusable, StorageAway) as problem:
        raise Refused("objects_unusable", str(problem)) from None
    except OSError as problem:
        if problem.errno in _FULL:
            raise _disk_full() from None
        raise


def _disk_full() -> Refused:
    return Refused("disk_full", "The disk is full: free some space and try again.")
