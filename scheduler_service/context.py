"""The things that a ticker works with: its store, its objects, its launchers, and the clocks."""

import random
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from jupyter_schedule.core.account import AccountKey
from jupyter_schedule.core.clock import awake
from jupyter_schedule.core.config import FOLDERS, StorageConfig
from jupyter_schedule.core.models import ConcurrencyLimits
from jupyter_schedule.core.storage.factory import ObjectStorage, open_storage
from jupyter_schedule.core.store.base import Store
from scheduler_service.disclosure.files import FileLimits
from scheduler_service.launchers.base import Launcher
from scheduler_service.trusted_clock import TrustedClock

#: seconds that a service may act on a run without renewing its lease
LEASE = 60
#: who the events of a service are by
ACTOR = "scheduler"


@dataclass(frozen=True)
class ServiceContext:
    """The things that a ticker works with."""

    store: Store
    #: the work area
    objects: ObjectStorage
    work_area: str
    launchers: Mapping[str, Launcher]
    #: names the objects of attempts
    secret: bytes
    #: name of this service in leases
    holder: str
    #: what it can see workers from
    host: str
    #: runs that may go at once
    concurrency: ConcurrencyLimits
    clock: TrustedClock
    #: the account that this service runs as, where many share the ledger
    account: AccountKey | None = None
    lease: int = LEASE
    #: how publications are reached
    open_objects: Callable[[str], ObjectStorage] = open_storage
    storage: StorageConfig = FOLDERS
    #: of the disclosure check
    limits: FileLimits = FileLimits()  # noqa: RUF009  (frozen)
    #: seconds that nobody can set, without the machine's sleep
    awake: Callable[[], float] = awake
    #: from 0 to 1, for what mustn't be done by all at once
    chance: Callable[[], float] = random.random
    #: bytes that are free where this service, and workers on this machine, write
    free: Callable[[], int] = lambda: sys.maxsize
    #: makes what effects run in
    pool: Callable[[str], Executor] = lambda name: ThreadPoolExecutor(max_workers=8, thread_name_prefix=name)
    #: called when an effect is done, so that the next tick needn't be waited for
    wake: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """The time that is believed."""
        return self.clock.now()
