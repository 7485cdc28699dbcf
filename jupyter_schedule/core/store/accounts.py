"""What the service offers, and what its machines have cost, in SQL."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, func, insert, select, union_all

from jupyter_schedule.core.models import LauncherCatalog
from jupyter_schedule.core.store.database import SqlBase
from jupyter_schedule.core.store.tables import ad_hoc_workers, deployment, runs, schedules

#: the row of the deployment that says where runs can take place
_OFFERS = "offers"


class SqlAccounts(SqlBase):
    """What the contract says of offers and of money."""

    def publish_catalog(self, offers: LauncherCatalog, *, actor: str) -> None:
        if self.read_catalog() == offers:
            return
        with self._engine.begin() as connection:
            # this row is touched by who has the pen alone
            self._take_pen(connection)
            connection.execute(delete(deployment).where(deployment.c.name == _OFFERS))
            connection.execute(insert(deployment).values(name=_OFFERS, value=offers.model_dump_json()))
            self._record(connection, actor, "offers_changed")

    def read_catalog(self) -> LauncherCatalog | None:
        found = select(deployment.c.value).where(deployment.c.name == _OFFERS)
        with self._reading() as connection:
            said: str | None = connection.execute(found).scalar()
        return None if said is None else LauncherCatalog.model_validate_json(said)

    def cost_since(self, schedule_id: str, since: datetime) -> Decimal:
        total = func.sum(runs.c.cost, type_=runs.c.cost.type)
        query = select(total).where(runs.c.schedule_id == schedule_id, runs.c.ended_at >= since)
        with self._reading() as connection:
            cost: Decimal | None = connection.execute(query).scalar()
        return cost or Decimal()

    def machine_seconds_since(self, since: datetime) -> dict[str, int]:
        of_runs = select(schedules.c.owner, runs.c.machine_seconds).join(runs, runs.c.schedule_id == schedules.c.id)
        of_ad_hoc = select(ad_hoc_workers.c.owner, ad_hoc_workers.c.machine_seconds)
        every = union_all(
            of_runs.where(runs.c.ended_at >= since, runs.c.machine_seconds.is_not(None)),
            of_ad_hoc.where(ad_hoc_workers.c.ended_at >= since, ad_hoc_workers.c.machine_seconds.is_not(None)),
        ).subquery()
        used = select(every.c.owner, func.sum(every.c.machine_seconds)).group_by(every.c.owner)
        with self._reading() as connection:
            return {owner: int(seconds) for owner, seconds in connection.execute(used)}
