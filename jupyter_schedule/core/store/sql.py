"""A store in SQL: the parts, over one database, and the tables that belong to all of them."""

from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import delete, func, insert, select

from jupyter_schedule.core.models import Event, LauncherCatalog
from jupyter_schedule.core.store.ad_hoc import SqlAdHoc
from jupyter_schedule.core.store.base import EventsGone, Store
from jupyter_schedule.core.store.database import LAST_CHANGE, Database
from jupyter_schedule.core.store.leases import SqlLeases
from jupyter_schedule.core.store.outbox import SqlOutbox
from jupyter_schedule.core.store.publications import SqlPublications
from jupyter_schedule.core.store.runs import SqlRuns
from jupyter_schedule.core.store.schedules import SqlSchedules
from jupyter_schedule.core.store.services import SqlServices
from jupyter_schedule.core.store.tables import deployment, events

#: the row of the deployment that says where runs can take place
_CATALOG = "offers"
#: the row that says which database the work area belonged to when that was looked at last
_OWNER = "owner"
#: the row that has the number of the newest event which isn't kept any more
_GONE = "events_gone"
_NEWEST_GONE = select(deployment.c.value).where(deployment.c.name == _GONE)


class SqlStore(Store):
    """The contract on SQLAlchemy Core; how it waits for a change is left to each database's class."""

    def __init__(self, database: Database, leases: SqlLeases) -> None:
        self.database = database
        outbox = SqlOutbox(database)
        publications = SqlPublications(database)
        runs = SqlRuns(database, outbox, publications)
        self.schedules = SqlSchedules(database, runs, outbox, publications)
        self.runs = runs
        self.publications = publications
        self.leases = leases
        self.services = SqlServices(database)
        self.outbox = outbox
        self.ad_hoc = SqlAdHoc(database)

    def events(self, since: int, limit: int = 1000) -> list[Event]:
        query = select(events).where(events.c.sequence > since).order_by(events.c.sequence).limit(limit)
        with self.database.read() as connection:
            rows = connection.execute(query).mappings().all()
            # asked afterwards, so that what went in between is told too
            gone = int(connection.scalar(_NEWEST_GONE) or 0)
        if since < gone:
            raise EventsGone(since)
        return [Event(**row) for row in rows]

    def prune_events(self, before: datetime, limit: int) -> int:
        newest = select(func.max(events.c.sequence)).scalar_subquery()
        oldest = select(events.c.sequence, events.c.at).where(events.c.sequence < newest)
        with self.database.engine.begin() as connection:
            rows = connection.execute(oldest.order_by(events.c.sequence).limit(limit)).all()
            # also those before it that a wrong clock wrote
            last = max((row.sequence for row in rows if row.at < before), default=None)
            if last is None:
                return 0
            gone = connection.execute(delete(events).where(events.c.sequence <= last)).rowcount
            # this row is touched by who has the event lock alone
            self.database.take_event_lock(connection)
            connection.execute(delete(deployment).where(deployment.c.name == _GONE))
            connection.execute(insert(deployment).values(name=_GONE, value=str(last)))
        return gone

    def last_change(self) -> int:
        with self.database.read() as connection:
            return connection.execute(LAST_CHANGE).scalar() or 0

    def publish_catalog(self, catalog: LauncherCatalog, *, actor: str) -> None:
        if self.read_catalog() == catalog:
            return
        with self.database.engine.begin() as connection:
            # this row is touched by who has the event lock alone
            self.database.take_event_lock(connection)
            connection.execute(delete(deployment).where(deployment.c.name == _CATALOG))
            connection.execute(insert(deployment).values(name=_CATALOG, value=catalog.model_dump_json()))
            self.database.record(connection, actor, "catalog_changed")

    def read_catalog(self) -> LauncherCatalog | None:
        found = select(deployment.c.value).where(deployment.c.name == _CATALOG)
        with self.database.read() as connection:
            said: str | None = connection.execute(found).scalar()
        try:
            return None if said is None else LauncherCatalog.model_validate_json(said)
        except ValidationError:
            # a service publishes it anew when it starts
            return None

    def note_owner(self, database: str) -> None:
        with self.database.engine.begin() as connection:
            self.database.take_event_lock(connection)
            connection.execute(delete(deployment).where(deployment.c.name == _OWNER))
            connection.execute(insert(deployment).values(name=_OWNER, value=database))

    def noted_owner(self) -> str | None:
        with self.database.read() as connection:
            found: str | None = connection.execute(
                select(deployment.c.value).where(deployment.c.name == _OWNER)
            ).scalar()
        return found

    def secret(self) -> bytes:
        with self.database.read() as connection:
            found = select(deployment.c.value).where(deployment.c.name == "secret")
            return str(connection.execute(found).scalar_one()).encode()

    def close(self) -> None:
        self.database.engine.dispose()
