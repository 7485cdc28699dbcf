"""The ledger: schedules and their versions, runs and their attempts, events, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
NAME = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
LONG = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
NEVER_CHANGES = """
CREATE TRIGGER runs_terminal BEFORE UPDATE ON runs
WHEN OLD.status IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'skipped')
BEGIN SELECT RAISE(ABORT, 'a run that has ended never changes'); END
"""


def upgrade() -> None:
    """Make all tables."""
    _schedules()
    _runs()
    _stories()


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
    )
    alive = sa.text("state != 'deleted'")
    op.create_index("schedules_name", "schedules", ["name"], unique=True, sqlite_where=alive, postgresql_where=alive)
    op.create_index("schedules_due", "schedules", ["state", "next_due"])
    op.create_table(
        "schedule_versions",
        sa.Column("schedule_id", ID, sa.ForeignKey("schedules.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
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
        sa.Column("cancelled_by", sa.String(255)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("publication", sa.JSON),
        sa.Column("holder", sa.String(64)),
        sa.Column("lease_until", UTC_TEXT),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.UniqueConstraint("schedule_id", "key", name="runs_once"),
        sa.ForeignKeyConstraint(
            ["schedule_id", "version"], ["schedule_versions.schedule_id", "schedule_versions.version"]
        ),
    )
    op.create_index("runs_of_schedule", "runs", ["schedule_id", "scheduled_for"])
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_table(
        "attempts",
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token", sa.String(64), nullable=False, unique=True),
        sa.Column("launcher", sa.String(32), nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("handle", sa.JSON),
        sa.Column("deadline", UTC_TEXT, nullable=False),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("ended_at", UTC_TEXT),
        sa.Column("outcome", sa.String(16)),
        sa.Column("detail", sa.Text),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(NEVER_CHANGES)


def _stories() -> None:
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
    op.create_table(
        "outbox",
        sa.Column("id", LONG, primary_key=True, autoincrement=True),
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("created_at", UTC_TEXT, nullable=False),
        sa.Column("delivered_at", UTC_TEXT),
        sqlite_autoincrement=True,
    )
