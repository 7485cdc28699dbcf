"""Due runs are nobody's: what their admission depends on stands in their rows, and whose turn it is in the ledger.

Services of the revision before would take due runs for themselves, so they may not go on.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"
branch_labels = None
depends_on = None

USABLE_BY = "0005"
UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
LONG = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
#: what a spec says, in each database's words
WORDS = {
    "postgresql": "spec ->> '%s'",
    "sqlite": "CASE WHEN json_valid(spec) THEN json_extract(spec, '$.%s') END",
}
WORDS_OF_POLICIES = {
    "postgresql": "spec #>> '{policies,start_deadline}'",
    "sqlite": "CASE WHEN json_valid(spec) THEN json_extract(spec, '$.policies.start_deadline') END",
}
#: rows that have ended never change, and need none of it
FILL = """
UPDATE runs SET
owner = (SELECT owner FROM schedules WHERE schedules.id = runs.schedule_id),
launcher = COALESCE((SELECT {launcher} FROM {version}), 'local'),
gives_way = trigger = 'schedule' AND COALESCE((
    SELECT COALESCE({overlap}, 'queue_one') <> 'allow'
    AND (COALESCE({overlap}, 'queue_one') <> 'queue_one' OR COALESCE({catch_up}, 'latest') <> 'all')
    FROM {version}), FALSE),
holder = CASE WHEN status = 'due' THEN NULL ELSE holder END,
lease_until = CASE WHEN status = 'due' THEN NULL ELSE lease_until END,
host = (SELECT place FROM attempts WHERE attempts.run_id = runs.id AND attempts.number = runs.attempt)
WHERE status IN ('due', 'launching', 'running', 'publishing')
"""
VERSION = "schedule_versions v WHERE v.schedule_id = runs.schedule_id AND v.version = runs.version"


def upgrade() -> None:
    """Add columns and indexes, and fill in those of runs that haven't ended."""
    for column in (
        sa.Column("owner", sa.String(255), nullable=False, server_default=""),
        sa.Column("launcher", sa.String(32), nullable=False, server_default=""),
        sa.Column("gives_way", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("start_by", UTC_TEXT),
        sa.Column("host", sa.String(255)),
    ):
        op.add_column("runs", column)
    words = WORDS[op.get_bind().dialect.name]
    launcher, overlap, catch_up = (words % name for name in ("launcher", "overlap", "catch_up"))
    op.execute(FILL.format(launcher=launcher, overlap=overlap, catch_up=catch_up, version=VERSION))
    _fill_start_by(WORDS_OF_POLICIES[op.get_bind().dialect.name])
    for name, columns, which in (
        ("runs_due", ["owner", "queued"], "status = 'due' AND trigger != 'backfill'"),
        ("runs_due_of_backfills", ["owner", "queued"], "status = 'due' AND trigger = 'backfill'"),
        ("runs_asked", ["queued"], "status = 'due' AND (cancelled_by IS NOT NULL OR release IS NOT NULL)"),
        ("runs_start_by", ["start_by"], "status = 'due' AND start_by IS NOT NULL"),
        ("runs_giving_way", ["queued"], "status = 'due' AND gives_way"),
    ):
        op.create_index(name, "runs", columns, sqlite_where=sa.text(which), postgresql_where=sa.text(which))
    op.create_table(
        "turns",
        sa.Column("owner", sa.String(255), primary_key=True),
        sa.Column("served", LONG, nullable=False),
    )
    op.execute(
        sa.text("UPDATE deployment SET value = :revision WHERE name = 'usable_by'").bindparams(revision=USABLE_BY)
    )


def _fill_start_by(minutes: str) -> None:
    """Until when each run that waits may start, where its schedule says that."""
    connection = op.get_bind()
    query = f"""
    SELECT runs.id, scheduled_for, {minutes} FROM runs JOIN schedule_versions v
    ON v.schedule_id = runs.schedule_id AND v.version = runs.version
    WHERE status = 'due' AND trigger = 'schedule' AND {minutes} IS NOT NULL
    """  # noqa: S608  (words of ours)
    for run_id, scheduled_for, given in connection.execute(sa.text(query)).all():
        start_by = datetime.fromisoformat(scheduled_for) + timedelta(minutes=float(given))
        filled = sa.text("UPDATE runs SET start_by = :by WHERE id = :id")
        connection.execute(filled, {"by": start_by.strftime("%Y-%m-%dT%H:%M:%SZ"), "id": run_id})
