"""The things that every use case of one person works on: the ledger, the files, the person, the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from jupyter_schedule.core.account import AccountKey
from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.models import EMBEDDED_CATALOG, AdHocWorker, LauncherCatalog, Run, Schedule, Spec, utc
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store

#: how often a change is tried again when the service got in between
TRIES = 20
#: takes what is about to be recorded; whatever it raises, nothing is
Check = Callable[[Schedule | Run | AdHocWorker], object]


def accept(value: object) -> None:
    """Let anything be recorded."""
    del value


@dataclass
class OperationsContext:
    """The context of one person, who sees and changes only what they own."""

    store: Store
    objects: ObjectStorage
    owner: str
    #: who asks, as it stands in the ledger: the owner, or an operator
    actor: str
    now: Callable[[], datetime]
    storage: StorageConfig
    #: the names of the channels that an operator set up
    channels: tuple[str, ...] = ()
    #: where results of new schedules go that no setting sends elsewhere; None is what their specs say
    published: str | None = None
    #: the account that records, where many share the ledger
    account: AccountKey | None = None
    #: the variables of the service's environment that runs may have; None is any
    variables: tuple[str, ...] | None = None
    #: builds the answer before anything is committed: what couldn't be told isn't recorded
    check: Check = accept

    def sealed(self, schedule_id: str, spec: Spec) -> Spec:
        """The spec as it is recorded for that schedule."""
        return self.account.seal(schedule_id, spec) if self.account else spec

    def offers(self) -> LauncherCatalog:
        """The launchers that runs can take place on."""
        return self.store.read_catalog() or EMBEDDED_CATALOG

    def add_run(self, plan: Callable[[Schedule, datetime], Run], schedule: Schedule) -> Run:
        """Put a run of the schedule into the ledger, as `plan` makes it, and read it as it stands there."""
        run = plan(schedule, utc(self.now()))
        self.check(run)
        self.store.runs.add(run, actor=self.actor)
        return self.store.runs.get(run.id) or run
