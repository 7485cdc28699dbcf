"""Publishers and withdrawals of the store in dictionaries."""

from datetime import timedelta

from jupyter_schedule.core.models import Publisher, RunStatus, Schedule, Visibility, Withdrawal, utc
from jupyter_schedule.core.store.base import PublicationStore
from jupyter_schedule.core.store.publications import GIVEN_UP
from tests.simulation.memory_tables import Tables


class MemoryPublications(PublicationStore):
    """Every method is one transaction: it runs from its beginning to its end before another one does."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def is_current(self, publisher: Publisher) -> bool:
        run = self._tables.runs[publisher.run_id]
        held = run.fence == publisher.fence and run.status == RunStatus.PUBLISHING
        return held and self.stands_at(publisher)

    def stands_at(self, publisher: Publisher) -> bool:
        """True when the schedule is at the publisher's version."""
        return publisher.version in {None, self._tables.schedules[publisher.schedule_id].version}

    def sign_on(self, publisher: Publisher) -> bool:
        if not self.is_current(publisher):
            return False
        self._tables.publishers[publisher.run_id, publisher.fence] = publisher, self._tables.now()
        return True

    def sign_off(self, publisher: Publisher) -> None:
        if self._tables.publishers.pop((publisher.run_id, publisher.fence), None) is None:
            return
        for key, (each, _) in self._tables.withdrawals.items():
            if each.schedule_id == publisher.schedule_id and each.trouble is None and each.tried_at is not None:
                self._tables.withdrawals[key] = each, self._tables.now()

    def is_written(self, name: str, *, owner: str) -> bool:
        since = self._tables.now() - GIVEN_UP
        signed_on = (each.schedule_id for each, at in self._tables.publishers.values() if at >= since)
        known = (self._tables.schedules[schedule_id] for schedule_id in signed_on)
        return any((schedule.owner, schedule.name) == (owner, name) for schedule in known)

    def list_owed(self, *, owner: str | None = None) -> list[Withdrawal]:
        schedules = self._tables.schedules
        owed = [self._shown(each) for each, _ in self._tables.withdrawals.values()]
        mine = [each for each in owed if owner in {None, schedules[each.schedule_id].owner}]
        return sorted(mine, key=lambda each: (each.owed_since, each.schedule, each.area))

    def claim(self, lease: int) -> Withdrawal | None:
        now = utc(self._tables.now())
        may = sorted((at, key) for key, (_, at) in self._tables.withdrawals.items() if utc(at) <= now)
        if not may:
            return None
        _, key = may[0]
        owed, _ = self._tables.withdrawals[key]
        claimed = owed.model_copy(update={"tries": owed.tries + 1})
        self._tables.withdrawals[key] = claimed, now + timedelta(seconds=lease)
        return self._shown(claimed)

    def keep(self, withdrawal: Withdrawal, lease: int) -> bool:
        if not self._is_claimed(withdrawal):
            return False
        key, now = (withdrawal.schedule_id, withdrawal.area), self._tables.now()
        owed, until = self._tables.withdrawals[key]
        if until < now + timedelta(seconds=lease / 2):
            self._tables.withdrawals[key] = owed, now + timedelta(seconds=lease)
        return True

    def mark_done(self, withdrawal: Withdrawal) -> bool:
        done = self._is_claimed(withdrawal)
        if done:
            del self._tables.withdrawals[withdrawal.schedule_id, withdrawal.area]
            self._tables.record("scheduler", "withdrawn", withdrawal.schedule_id)
        return done

    def put_off(self, withdrawal: Withdrawal, again_in: float, *, remaining: int | None, trouble: str | None) -> bool:
        if not self._is_claimed(withdrawal):
            return False
        key, now = (withdrawal.schedule_id, withdrawal.area), self._tables.now()
        became = {"tried_at": utc(now), "remaining": remaining, "trouble": trouble}
        owed = self._tables.withdrawals[key][0].model_copy(update=became)
        self._tables.withdrawals[key] = owed, now + timedelta(seconds=again_in)
        return True

    def follow(self, before: Schedule, after: Schedule) -> None:
        """Owe, or take back, what a change of a schedule makes of its publications; its new version is recorded."""
        was, is_public = (each.spec.visibility == Visibility.PUBLIC for each in (before, after))
        if is_public and not was:
            self._tables.withdrawals.pop((after.id, after.spec.publication_base), None)
        if is_public or not was:
            return
        public = (each.spec for each in self._tables.versions[after.id] if each.spec.visibility == Visibility.PUBLIC)
        now = self._tables.now()
        for area in sorted({spec.publication_base for spec in public} - {after.spec.publication_base}):
            owed = Withdrawal(
                schedule_id=after.id,
                schedule=after.name,
                owner=after.owner,
                area=area,
                version=after.version,
                owed_since=now,
            )
            self._tables.withdrawals.setdefault((after.id, area), (owed, now))

    def _shown(self, withdrawal: Withdrawal) -> Withdrawal:
        since = self._tables.now() - GIVEN_UP
        signed_on = sum(
            (each.schedule_id, each.area) == (withdrawal.schedule_id, withdrawal.area) and at >= since
            for each, at in self._tables.publishers.values()
        )
        return withdrawal.model_copy(update={"publishers": signed_on})

    def _is_claimed(self, withdrawal: Withdrawal) -> bool:
        found, _ = self._tables.withdrawals.get((withdrawal.schedule_id, withdrawal.area), (None, None))
        return found is not None and (found.version, found.tries) == (withdrawal.version, withdrawal.tries)
