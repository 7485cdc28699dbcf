"""The operations, by use case; the person's right to ask is checked here, so every client is guarded alike.

Operations insert `due` runs and note wishes; only the service's tick moves a run on.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from jupyter_schedule.core import clock
from jupyter_schedule.core.account import AccountKey
from jupyter_schedule.core.config import FOLDERS, StorageConfig
from jupyter_schedule.core.host import DISK, Host
from jupyter_schedule.core.models import LOCAL_OWNER, FailedNotification, LauncherCatalog
from jupyter_schedule.core.operations import removal
from jupyter_schedule.core.operations.ad_hoc import AdHocOperations
from jupyter_schedule.core.operations.backfill import BackfillOperations
from jupyter_schedule.core.operations.context import Check, OperationsContext, accept
from jupyter_schedule.core.operations.publications import PublicationOperations
from jupyter_schedule.core.operations.runs import RunFiles, RunOperations
from jupyter_schedule.core.operations.schedules import ScheduleOperations
from jupyter_schedule.core.storage.factory import ObjectStorage
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.timing import planning

#: notifications that were given up are shown for so long, and so many of them
LATELY = timedelta(days=7)
MOST_FAILED = 20
#: schedules that a wrong clock put ahead are counted up to here
MOST_AHEAD = 1000


class Operations:
    """The requests of one person, who sees and changes only what they own."""

    def __init__(
        self,
        store: Store,
        objects: ObjectStorage,
        *,
        owner: str = LOCAL_OWNER,
        now: Callable[[], datetime] = clock.now,
        storage: StorageConfig = FOLDERS,
        channels: tuple[str, ...] = (),
        published: str | None = None,
        account: AccountKey | None = None,
        variables: tuple[str, ...] | None = None,
        check: Check = accept,
        host: Host = DISK,
        actor: str | None = None,
    ) -> None:
        """`channels`, `published`, `account`, `variables`, `check`: as `OperationsContext` has them.

        host: what asks.  actor: who asks, if that isn't the owner.
        """
        self.host = host
        self.context = OperationsContext(
            store, objects, owner, actor or owner, now, storage, channels, published, account, variables, check
        )
        self.schedules = ScheduleOperations(self.context)
        self.runs = RunOperations(self.context, self.schedules)
        self.backfill = BackfillOperations(self.context, self.schedules)
        self.publications = PublicationOperations(self.context, self.schedules, self.runs, self.files)

    def checked_by(self, check: Check) -> "Operations":
        """The same operations, which record only what `check` takes."""
        return self._with(check=check)

    def of(self, owner: str, actor: str) -> "Operations":
        """The same operations on what is that owner's, asked for by `actor`."""
        return self._with(owner=owner, actor=actor)

    def _with(self, **changes: Any) -> "Operations":
        known = replace(self.context, **changes)
        return Operations(
            known.store,
            known.objects,
            owner=known.owner,
            now=known.now,
            storage=known.storage,
            channels=known.channels,
            published=known.published,
            account=known.account,
            variables=known.variables,
            check=known.check,
            host=self.host,
            actor=known.actor,
        )

    @property
    def store(self) -> Store:
        """The ledger."""
        return self.context.store

    @property
    def objects(self) -> ObjectStorage:
        """The storage of bundles and of what runs leave."""
        return self.context.objects

    @property
    def owner(self) -> str:
        """The person whose requests these are."""
        return self.context.owner

    @property
    def storage(self) -> StorageConfig:
        """The places that files are kept at here."""
        return self.context.storage

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that an operator set up."""
        return self.context.channels

    @property
    def ad_hoc(self) -> AdHocOperations:
        """Machines to develop on."""
        return AdHocOperations(self.store, self.owner, self.context.now, self.context.check, self.context.actor)

    @property
    def files(self) -> RunFiles:
        """The files that runs left."""
        return RunFiles(self.store, self.objects)

    def now(self) -> datetime:
        """The time of a request."""
        return self.context.now()

    def offers(self) -> LauncherCatalog:
        """The launchers that runs can take place on."""
        return self.context.offers()

    def still_public(self, schedule_id: str | None = None) -> tuple[str, ...]:
        """A sentence for each of this person's schedules, or one of them, that is private and may be public still."""
        owed = self.store.publications.list_owed(owner=self.owner)
        mine = [each for each in owed if schedule_id in {None, each.schedule_id} and not each.is_clean]
        return tuple(map(removal.still_public, mine))

    def ahead(self) -> str | None:
        """The sentence about this person's schedules that a wrong clock put far ahead of the time; None of none."""
        since = self.now() + planning.FAR_AHEAD
        return planning.describe_ahead(self.store.schedules.list_ahead(since, MOST_AHEAD, owner=self.owner))

    def failed_notifications(self) -> tuple[FailedNotification, ...]:
        """Notifications about this person's schedules that were given up of late, the newest first."""
        found = self.store.outbox.list_failed(self.now() - LATELY, owner=self.owner)
        return tuple(notification for notification in found if notification.given_up)[:MOST_FAILED]
