"""A ledger that several services share: PostgreSQL's guards, pages of runs, and what older code may still use."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: the oldest revision whose code may go on using this shape
USABLE_BY = "0003"
GUARDS = (
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
CREATE FUNCTION events_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('jupyter_schedule', ''); RETURN NULL; END $$
""",
    """
CREATE TRIGGER events_tell AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION events_tell()
""",
)


def upgrade() -> None:
    """Add what is missing; nothing that was there changes its meaning."""
    op.add_column("schedule_versions", sa.Column("shape", sa.String(16), nullable=False, server_default="0001"))
    op.drop_index("runs_of_schedule", "runs")
    op.create_index("runs_of_schedule", "runs", ["schedule_id", "scheduled_for", "created_at", "id"])
    op.create_index("runs_newest", "runs", ["scheduled_for", "created_at", "id"])
    deployment = op.create_table(
        "deployment",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.bulk_insert(
        deployment,
        [{"name": "usable_by", "value": USABLE_BY}, {"name": "secret", "value": secrets.token_hex(32)}],
    )
    if op.get_bind().dialect.name == "postgresql":
        for guard in GUARDS:
            op.execute(guard)
