"""The ledger: schedules and their versions, runs and their attempts, ad-hoc workers, events, and the outbox.

It is never edited, since ledgers that it made are in use: each later change of the shape is a migration of its own.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: the oldest revision whose code may go on using this shape
USABLE_BY = "0001"
UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
NAME = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
LONG = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
#: rows that are over never change, whoever writes
GUARDS_OF_SQLITE = (
    """
CREATE TRIGGER runs_terminal BEFORE UPDATE ON runs
WHEN OLD.status IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'skipped')
BEGIN SELECT RAISE(ABORT, 'a run that has ended never changes'); END
""",
    """
CREATE TRIGGER ad_hoc_workers_over BEFORE UPDATE ON ad_hoc_workers
WHEN OLD.status IN ('stopped', 'ended', 'failed')
BEGIN SELECT RAISE(ABORT, 'an ad-hoc worker that is over never changes'); END
""",
)
#: the same, and every event wakes who waits for a change
GUARDS_OF_POSTGRESQL = (
    """
CREATE FUNCTION runs_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a run that has ended never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$
""",
    """
CREATE TRIGGER runs_terminal BEFORE UPDATE ON runs FOR EACH ROW
WHEN (OLD.status IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'skipped'))
EXECUTE FUNCTION runs_never_change()
""",
    """
CREATE FUNCTION ad_hoc_workers_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
RAISE EXCEPTION 'an ad-hoc worker that is over never changes' USING ERRCODE = 'integrity_constraint_violation';
END $$
""",
    """
CREATE TRIGGER ad_hoc_workers_over BEFORE UPDATE ON ad_hoc_workers FOR EACH ROW
WHEN (OLD.status IN ('stopped', 'ended', 'failed'))
EXECUTE FUNCTION ad_hoc_workers_never_change()
""",
    """
CREATE FUNCTION events_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('jupyter_schedule', ''); RETURN NULL; END $$
""",
    """
CREATE TRIGGER events_tell AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION events_tell()
""",
)


def upgrade() -> None:
    """Make all tables."""
    _schedules()
    _runs()
    _attempts()
    _ad_hoc_workers()
    _events()
    _outbox()
    _deployment()
    for guard in GUARDS_OF_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else GUARDS_OF_SQLITE:
        op.execute(guard)


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("timing_rev", sa.Integer, nullable=False),
        sa.Column("cursor", UTC_TEXT, nullable=False),
        sa.Column("next_due", UTC_TEXT),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("changed_at", UTC_TEXT, nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.Column("paused", sa.JSON(none_as_null=True)),
        sa.Column("silence_due", UTC_TEXT),
    )
    alive = sa.text("state != 'deleted'")
    op.create_index("schedules_name", "schedules", ["name"], unique=True, sqlite_where=alive, postgresql_where=alive)
    op.create_index("schedules_due", "schedules", ["state", "next_due"])
    op.create_index("schedules_silence", "schedules", ["silence_due"])
    op.create_table(
        "schedule_versions",
        sa.Column("schedule_id", ID, sa.ForeignKey("schedules.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("shape", sa.String(16), nullable=False, server_default="0001"),
        sa.PrimaryKeyConstraint("schedule_id", "version"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", ID, primary_key=True),
        sa.Column("schedule_id", ID, sa.ForeignKey("schedules.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("scheduled_for", UTC_TEXT, nullable=False),
        sa.Column("until", UTC_TEXT),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("parallel", sa.Integer, nullable=False, server_default="1"),
        sa.Column("data_interval_start", UTC_TEXT, nullable=False),
        sa.Column("data_interval_end", UTC_TEXT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("message", sa.Text),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("queued", LONG, nullable=False),
        sa.Column("started_at", UTC_TEXT),
        sa.Column("ended_at", UTC_TEXT),
        sa.Column("seconds", sa.Float),
        sa.Column("machine_seconds", sa.Integer),
        sa.Column("cost", sa.BigInteger),
        sa.Column("cancelled_by", sa.String(255)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("publication", sa.JSON),
        sa.Column("release", sa.JSON),
        sa.Column("holder", sa.String(64)),
        sa.Column("lease_until", UTC_TEXT),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.UniqueConstraint("schedule_id", "key", name="runs_once"),
        sa.ForeignKeyConstraint(
            ["schedule_id", "version"], ["schedule_versions.schedule_id", "schedule_versions.version"]
        ),
    )
    op.create_index("runs_of_schedule", "runs", ["schedule_id", "scheduled_for", "created_at", "id"])
    op.create_index("runs_newest", "runs", ["scheduled_for", "created_at", "id"])
    op.create_index("runs_ended", "runs", ["ended_at"])
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_table(
        "prunings",
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("pruned_at", UTC_TEXT, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token", sa.String(64), nullable=False, unique=True),
        sa.Column("launcher", sa.String(32), nullable=False),
        sa.Column("place", sa.String(255)),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("handle", sa.JSON),
        sa.Column("deadline", UTC_TEXT, nullable=False),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("ended_at", UTC_TEXT),
        sa.Column("outcome", sa.String(16)),
        sa.Column("detail", sa.Text),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )


def _ad_hoc_workers() -> None:
    op.create_table(
        "ad_hoc_workers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("launcher", sa.String(32), nullable=False),
        sa.Column("size", sa.String(255), nullable=False),
        sa.Column("hardware", sa.Text, nullable=False),
        sa.Column("hourly", sa.BigInteger),
        sa.Column("ssh_key", sa.Text),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("deadline", UTC_TEXT, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("parameters", sa.JSON(none_as_null=True)),
        sa.Column("instance", sa.String(64)),
        sa.Column("address", sa.String(255)),
        sa.Column("launched_at", UTC_TEXT),
        sa.Column("stopped_by", sa.String(255)),
        sa.Column("ended_at", UTC_TEXT),
        sa.Column("machine_seconds", sa.Integer),
        sa.Column("cost", sa.BigInteger),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("ad_hoc_workers_by_status", "ad_hoc_workers", ["status"])
    op.create_index("ad_hoc_workers_ended", "ad_hoc_workers", ["ended_at"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", LONG, primary_key=True, autoincrement=True),
        sa.Column("at", UTC_TEXT, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("schedule_id", ID),
        sa.Column("run_id", ID),
        sqlite_autoincrement=True,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", LONG, primary_key=True, autoincrement=True),
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("delivered_at", UTC_TEXT),
        sa.Column("channel", sa.String(64), nullable=False, server_default=""),
        sa.Column("message_id", sa.String(36), nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try", UTC_TEXT),
        sa.Column("given_up_at", UTC_TEXT),
        sa.Column("trouble", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_waiting", "outbox", ["next_try"])


def _deployment() -> None:
    table = op.create_table(
        "deployment",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.bulk_insert(
        table, [{"name": "usable_by", "value": USABLE_BY}, {"name": "secret", "value": secrets.token_hex(32)}]
    )
