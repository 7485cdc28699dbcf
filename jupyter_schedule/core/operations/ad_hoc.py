"""The operations on ad-hoc workers: wishes, noted in the ledger; the service carries them out."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from jupyter_schedule.core.ad_hoc_workers import public_key
from jupyter_schedule.core.compute import no_such_size
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import EMBEDDED_CATALOG, AdHocAllowance, AdHocWorker, LauncherInfo, utc, utc_text
from jupyter_schedule.core.operations.context import TRIES, Check, accept
from jupyter_schedule.core.operations.names import SHORTEST_ID, WHOLE_ID
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.text import quoted


class AdHocOperations:
    """The ad-hoc workers of one person, who sees and changes nobody else's."""

    def __init__(
        self,
        store: Store,
        owner: str,
        now: Callable[[], datetime],
        check: Check = accept,
        actor: str | None = None,
    ) -> None:
        """actor: who asks, if that isn't the owner."""
        self._store = store
        self._owner = owner
        self._actor = actor or owner
        self._now = now
        self._check = check

    def launch(
        self,
        *,
        launcher: str | None = None,
        size: str | None = None,
        hours: int | None = None,
        ssh_key: str | None = None,
    ) -> AdHocWorker:
        """Ask for a machine.

        launcher, size, hours: None is the first there is, and the longest that is allowed.
        ssh_key: the public key that it lets in.
        Raises Refused `no_ad_hoc`, `no_such_launcher`, `no_such_size`, `not_yours`, `too_long`, `too_many`, `bad_key`.
        """
        offered, terms = self._offered(launcher)
        known = offered.sizes[0] if size is None else next((one for one in offered.sizes if one.name == size), None)
        if known is None:
            raise no_such_size(size or "", offered, self._store.read_catalog() or EMBEDDED_CATALOG)
        now = utc(self._now())
        asked = AdHocWorker(
            id=str(uuid4()),
            owner=self._owner,
            launcher=offered.name,
            size=known.name,
            hardware=known.hardware,
            hourly=known.hourly,
            ssh_key=None if ssh_key is None else public_key(ssh_key),
            created_at=now,
            deadline=now + _for_hours(hours, terms),
        )
        self._check(asked)
        if not self._store.ad_hoc.add(asked, most=terms.per_owner):
            raise Refused("too_many", self._too_many(terms.per_owner))
        return asked

    def workers(self, *, limit: int = 100) -> list[AdHocWorker]:
        """This person's, the newest first."""
        return self._store.ad_hoc.list_newest(self._owner, limit=limit)

    def worker(self, worker_id: str | None = None) -> AdHocWorker:
        """The one with this id, or whose id alone begins so; None is the only live one.

        Raises Refused `no_such_worker`, also when it is another's, and `which_worker`.
        """
        if worker_id is not None and len(worker_id) == WHOLE_ID:
            whole = self._store.ad_hoc.get(worker_id)
            if whole is None or whole.owner != self._owner:
                raise _no_such_worker(worker_id)
            return whole
        mine = self._store.ad_hoc.list_newest(self._owner, limit=10_000)
        if worker_id is None:
            live = [each for each in mine if each.status.live]
            if len(live) > 1:
                ids = ", ".join(each.id[:8] for each in live)
                raise Refused("which_worker", f"You have several ad-hoc workers: say which one, of {ids}.")
            if not live:
                raise Refused("no_such_worker", "You have no ad-hoc worker now: `jupyter schedule worker launch`.")
            return live[0]
        alike = [each for each in mine if each.id.startswith(worker_id)] if len(worker_id) >= SHORTEST_ID else []
        if len(alike) != 1:
            raise _no_such_worker(worker_id)
        return alike[0]

    def extend(self, worker_id: str | None = None, *, hours: int | None = None) -> AdHocWorker:
        """Let it end so many hours from now; None is the longest that is allowed.

        Raises Refused also `worker_over`, and `lives_longer` when it would end sooner than it does.
        """
        for _ in range(TRIES):
            before = self._live(worker_id)
            _, terms = self._offered(before.launcher)
            now = utc(self._now())
            deadline = now + _for_hours(hours, terms)
            if before.stopped_by is not None or now >= before.deadline:
                raise Refused("worker_over", "That ad-hoc worker is about to end. Launch another one.")
            if deadline <= before.deadline:
                message = f"It lives until {utc_text(before.deadline)} already: ask for more hours, or leave it."
                raise Refused("lives_longer", message, "hours")
            if found := self._changed(before, before.model_copy(update={"deadline": deadline})):
                return found
        raise _busy()

    def stop(self, worker_id: str | None = None) -> AdHocWorker:
        """Ask for its end; nothing on it is kept."""
        for _ in range(TRIES):
            before = self._live(worker_id)
            if before.stopped_by is not None:
                return before
            if found := self._changed(before, before.model_copy(update={"stopped_by": self._actor})):
                return found
        raise _busy()

    # -- how

    def _live(self, worker_id: str | None) -> AdHocWorker:
        found = self.worker(worker_id)
        if not found.status.live:
            raise Refused("worker_over", f"That ad-hoc worker is over. {found.message or ''}".rstrip())
        return found

    def _changed(self, before: AdHocWorker, after: AdHocWorker) -> AdHocWorker | None:
        """The worker after the change; None when somebody else changed it first."""
        self._check(after)
        moved = self._store.ad_hoc.replace(before, after, actor=self._actor)
        return self._store.ad_hoc.get(after.id) if moved else None

    def _offered(self, name: str | None) -> tuple[LauncherInfo, AdHocAllowance]:
        """The launcher of that name, or the first that has ad-hoc workers, and its terms."""
        offers = self._store.read_catalog() or EMBEDDED_CATALOG
        having = {each.name: (each, each.ad_hoc) for each in offers.launchers if each.ad_hoc is not None and each.sizes}
        if not having:
            message = (
                "No ad-hoc workers can be had here: an operator allows them with a part [ec2.ad_hoc] in the service's "
                "settings, and restarts it."
            )
            raise Refused("no_ad_hoc", message)
        if name is not None and name not in having:
            message = f"The launcher {quoted(name)} has no ad-hoc workers. Choose {' or '.join(having)}."
            raise Refused("no_such_launcher", message, "launcher")
        launcher, terms = having[name or next(iter(having))]
        assert terms is not None
        if terms.owners is not None and self._owner not in terms.owners:
            message = "Ad-hoc workers are for some people only here: ask an operator to add you to ec2.ad_hoc.owners."
            raise Refused("not_yours", message)
        return launcher, terms

    def _too_many(self, most: int) -> str:
        ids = ", ".join(each.id[:8] for each in self.workers() if each.status.live)
        has = "one" if most == 1 else str(most)
        return (
            f"You have {has} already ({ids}), and no more are allowed at once (ec2.ad_hoc.max_per_owner). "
            "Stop it first: `jupyter schedule worker stop`."
        )


def _for_hours(hours: int | None, terms: AdHocAllowance) -> timedelta:
    if hours is not None and not 1 <= hours <= terms.hours:
        raise Refused("too_long", f"An ad-hoc worker lives 1 to {terms.hours} hours from now: ask for that.", "hours")
    return timedelta(hours=hours or terms.hours)


def _no_such_worker(worker_id: str) -> Refused:
    message = f"There is no ad-hoc worker {quoted(worker_id)}. `jupyter schedule worker list` shows yours."
    return Refused("no_such_worker", message)


def _busy() -> Refused:
    return Refused("busy", "That ad-hoc worker is being changed all the time by others. Try again.")
