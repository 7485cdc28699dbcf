"""The tables as the code knows them today; `migrations/` is how a database gets there."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    false,
    literal,
    or_,
    tuple_,
)

from jupyter_schedule.core.models import utc_text

#: millionths
MICRO = 1_000_000


class UtcText(TypeDecorator[datetime]):
    """An instant as `YYYY-MM-DDTHH:MM:SSZ`: sorts as text, and reads the same here and in every interface."""

    # compared byte by byte, whatever language the database speaks
    impl = String(20).with_variant(String(20, collation="C"), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else utc_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else datetime.fromisoformat(value)


class DollarsColumn(TypeDecorator[Decimal]):
    """An amount of money as whole millionths of a dollar: exact, also when the database adds them up."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else int((value * MICRO).to_integral_value())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        del dialect
        return None if value is None else Decimal(int(value)) / MICRO


#: characters of a path that an index can hold
LONGEST_SOURCE = 255

metadata = MetaData()
#: SQLite numbers rows by plain integers only
_Long = Integer().with_variant(BigInteger(), "postgresql")
_Name = String(64).with_variant(String(64, collation="C"), "postgresql")
_Id = String(36).with_variant(String(36, collation="C"), "postgresql")

schedules = Table(
    "schedules",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", _Name, nullable=False),
    Column("owner", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("timing_rev", Integer, nullable=False),
    Column("cursor", UtcText, nullable=False),
    Column("next_due", UtcText),
    Column("created_at", UtcText, nullable=False),
    Column("changed_at", UtcText, nullable=False),
    Column("changed_by", String(255), nullable=False),
    Column("paused", JSON(none_as_null=True)),
    Column("silence_due", UtcText),
    #: the end of its spec's `source`, by which the schedules of a notebook are found; null where older code wrote it
    Column("source", String(LONGEST_SOURCE)),
)

#: of each owner a name is taken by one living schedule
IS_ALIVE = schedules.c.state != "deleted"
Index("schedules_name", schedules.c.name, sqlite_where=IS_ALIVE, postgresql_where=IS_ALIVE)
Index("schedules_due", schedules.c.state, schedules.c.next_due)
Index("schedules_silence", schedules.c.state, schedules.c.silence_due)
#: those that a wrong clock put ahead
Index("schedules_cursor", schedules.c.cursor)
#: a page of a person's, and those of one of their notebooks
Index(
    "schedules_of_owner",
    schedules.c.owner,
    schedules.c.name,
    unique=True,
    sqlite_where=IS_ALIVE,
    postgresql_where=IS_ALIVE,
)
Index("schedules_by_source", schedules.c.owner, schedules.c.source)

schedule_versions = Table(
    "schedule_versions",
    metadata,
    Column("schedule_id", _Id, ForeignKey("schedules.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", String(255), nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("spec", JSON, nullable=False),
    #: the revision known to the code that wrote it; older code leaves it to newer
    Column("shape", String(16), nullable=False, server_default="0001"),
    PrimaryKeyConstraint("schedule_id", "version"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("schedule_id", _Id, ForeignKey("schedules.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", String(200), nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("scheduled_for", UtcText, nullable=False),
    Column("until", UtcText),
    Column("count", Integer, nullable=False),
    Column("parallel", Integer, nullable=False, server_default="1"),
    Column("data_interval_start", UtcText, nullable=False),
    Column("data_interval_end", UtcText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32)),
    Column("message", Text),
    Column("created_at", UtcText, nullable=False),
    #: the newest event when it came into the ledger: the order in which runs wait
    Column("queued", _Long, nullable=False),
    Column("started_at", UtcText),
    Column("ended_at", UtcText),
    Column("seconds", Float),
    Column("machine_seconds", Integer),
    Column("cost", DollarsColumn),
    Column("cancelled_by", String(255)),
    Column("attempt", Integer, nullable=False),
    Column("publication", JSON(none_as_null=True)),
    Column("release", JSON(none_as_null=True)),
    #: what its admission depends on, frozen when it comes into the ledger: whose it is, what starts it, that it gives
    #: way to another of its schedule, and until when it may start
    Column("owner", String(255), nullable=False, server_default=""),
    Column("launcher", String(32), nullable=False, server_default=""),
    Column("gives_way", Boolean, nullable=False, server_default=false()),
    Column("start_by", UtcText),
    #: where it was admitted, if its worker is there
    Column("host", String(255)),
    #: who may act on it, until when, and the number that grows when that changes
    Column("holder", String(64)),
    Column("lease_until", UtcText),
    Column("fence", Integer, nullable=False),
    #: an occurrence is in the ledger once, whoever writes it
    UniqueConstraint("schedule_id", "key", name="runs_once"),
    ForeignKeyConstraint(["schedule_id", "version"], ["schedule_versions.schedule_id", "schedule_versions.version"]),
)

#: the two orders in which runs are listed, newest first, page by page
Index("runs_of_schedule", runs.c.schedule_id, runs.c.scheduled_for, runs.c.created_at, runs.c.id)
Index("runs_newest", runs.c.scheduled_for, runs.c.created_at, runs.c.id)
#: those of a month
Index("runs_ended", runs.c.ended_at)
Index("runs_by_status", runs.c.status, runs.c.schedule_id)
#: what a schedule's have cost
HAS_COST = runs.c.cost.is_not(None)
Index("runs_paid", runs.c.schedule_id, runs.c.ended_at, sqlite_where=HAS_COST, postgresql_where=HAS_COST)
#: those that wait, by owner in the order in which they came; a backfill's wait for all others
IS_DUE = runs.c.status == "due"
IS_BACKFILL = runs.c.trigger == "backfill"
for _name, _which in (("runs_due", ~IS_BACKFILL), ("runs_due_of_backfills", IS_BACKFILL)):
    _where = and_(IS_DUE, _which)
    Index(_name, runs.c.owner, runs.c.queued, sqlite_where=_where, postgresql_where=_where)
#: those of which something is to be decided before they start; with the status first, or SQLite takes another index
IS_ASKED = and_(IS_DUE, or_(runs.c.cancelled_by.is_not(None), runs.c.release.is_not(None)))
Index("runs_asked", runs.c.status, runs.c.queued, sqlite_where=IS_ASKED, postgresql_where=IS_ASKED)
IS_BOUNDED = and_(IS_DUE, runs.c.start_by.is_not(None))
Index("runs_start_by", runs.c.status, runs.c.start_by, sqlite_where=IS_BOUNDED, postgresql_where=IS_BOUNDED)
GIVES_WAY = and_(IS_DUE, runs.c.gives_way)
Index("runs_giving_way", runs.c.status, runs.c.queued, sqlite_where=GIVES_WAY, postgresql_where=GIVES_WAY)


def newest_first(of: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The order in which runs are listed."""
    return of.c.scheduled_for.desc(), of.c.created_at.desc(), of.c.id.desc()


def comes_after(of: FromClause, place: tuple[datetime, datetime, str]) -> ColumnElement[bool]:
    """A run comes in that order after that place: the times that it was due and recorded, and its id."""
    columns = (of.c.scheduled_for, of.c.created_at, of.c.id)
    return tuple_(*columns) < tuple_(*(literal(value, each.type) for value, each in zip(place, columns, strict=True)))


attempts = Table(
    "attempts",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("token", String(64), nullable=False, unique=True),
    Column("launcher", String(32), nullable=False),
    #: where alone its worker can be seen from, null when that is anywhere
    Column("place", String(255)),
    Column("parameters", JSON, nullable=False),
    Column("handle", JSON(none_as_null=True)),
    Column("deadline", UtcText, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("ended_at", UtcText),
    Column("outcome", String(16)),
    Column("detail", Text),
    PrimaryKeyConstraint("run_id", "number"),
)

ad_hoc_workers = Table(
    "ad_hoc_workers",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("launcher", String(32), nullable=False),
    Column("size", String(255), nullable=False),
    Column("hardware", Text, nullable=False),
    Column("hourly", DollarsColumn),
    Column("ssh_key", Text),
    Column("status", String(16), nullable=False),
    Column("message", Text),
    Column("created_at", UtcText, nullable=False),
    Column("deadline", UtcText, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("parameters", JSON(none_as_null=True)),
    Column("instance", String(64)),
    Column("address", String(255)),
    Column("launched_at", UtcText),
    Column("stopped_by", String(255)),
    Column("ended_at", UtcText),
    Column("machine_seconds", Integer),
    Column("cost", DollarsColumn),
    Column("revision", Integer, nullable=False),
)
Index("ad_hoc_workers_by_status", ad_hoc_workers.c.status)
Index("ad_hoc_workers_ended", ad_hoc_workers.c.ended_at)

events = Table(
    "events",
    metadata,
    Column("sequence", _Long, primary_key=True, autoincrement=True),
    Column("at", UtcText, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("schedule_id", _Id),
    Column("run_id", _Id),
    sqlite_autoincrement=True,
)

#: runs whose files went, or are going, as retention wants it
prunings = Table(
    "prunings",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True),
    Column("pruned_at", UtcText, nullable=False),
    #: whether nothing is left of them
    Column("finished", Boolean, nullable=False),
)

#: by owner, a number that grows with every run of theirs that is admitted
turns = Table(
    "turns",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("served", _Long, nullable=False),
)

#: runs that began, or publish what another made, and of whose files some may be left; triggers keep it
run_files = Table(
    "run_files",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True),
    Column("schedule_id", _Id, nullable=False),
)
Index("run_files_of_schedule", run_files.c.schedule_id, run_files.c.run_id)

#: messages to deliver at least once, written in the transaction of what they tell
outbox = Table(
    "outbox",
    metadata,
    Column("id", _Long, primary_key=True, autoincrement=True),
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("delivered_at", UtcText),
    Column("channel", String(64), nullable=False, server_default=""),
    #: the same each time it is sent
    Column("message_id", String(36), nullable=False, server_default=""),
    #: how often somebody has claimed to deliver it
    Column("attempts", Integer, nullable=False, server_default="0"),
    #: from when on it may be claimed; null once it is delivered or given up
    Column("next_try", UtcText),
    Column("given_up_at", UtcText),
    #: what the channel said last
    Column("trouble", Text),
    sqlite_autoincrement=True,
)
Index("outbox_waiting", outbox.c.next_try)
HAS_TROUBLE = and_(outbox.c.delivered_at.is_(None), outbox.c.trouble.is_not(None))
Index("outbox_failed", outbox.c.created_at, outbox.c.id, sqlite_where=HAS_TROUBLE, postgresql_where=HAS_TROUBLE)

#: publications in areas that everybody can read, which have to leave them
withdrawals = Table(
    "withdrawals",
    metadata,
    Column("schedule_id", _Id, ForeignKey("schedules.id"), nullable=False),
    Column("area", String(1024), nullable=False),
    #: the schedule's, that made it private
    Column("version", Integer, nullable=False),
    Column("owed_since", UtcText, nullable=False),
    #: how often somebody has claimed to try it, and from when on it may be claimed
    Column("tries", Integer, nullable=False),
    Column("next_try", UtcText, nullable=False),
    Column("tried_at", UtcText),
    #: what the last try left, and why
    Column("remaining", Integer),
    Column("trouble", Text),
    PrimaryKeyConstraint("schedule_id", "area"),
)

#: those who write to such an area, from before their first step until after their last
publishers = Table(
    "publishers",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("schedule_id", _Id, ForeignKey("schedules.id"), nullable=False),
    Column("area", String(1024), nullable=False),
    Column("began_at", UtcText, nullable=False),
    PrimaryKeyConstraint("run_id", "fence"),
)
Index("publishers_of_schedule", publishers.c.schedule_id)

#: what belongs to the deployment as a whole: its secret, and the oldest revision whose code may use the ledger
deployment = Table(
    "deployment",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

#: the services that tick; in a file, the one that does
services = Table(
    "services",
    metadata,
    #: its name in leases
    Column("holder", _Name, primary_key=True),
    Column("host", String(255), nullable=False),
    #: by the clock of the machine that keeps the ledger
    Column("started_at", UtcText, nullable=False),
    #: when it finished a tick last, and how often that was noted; null before the first
    Column("ticked_at", UtcText),
    Column("beats", Integer, nullable=False),
    Column("blocker", String(32)),
    #: it holds the lock beside the file
    Column("has_lock", Boolean, nullable=False),
    #: what it is set up for: the names of its launchers, and the most runs that may go at once
    Column("launchers", JSON, nullable=False),
    Column("limits", JSON, nullable=False),
)
