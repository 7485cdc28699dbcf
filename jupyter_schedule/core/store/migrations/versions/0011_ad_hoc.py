"""Ad-hoc workers: machines that people ask for to develop on."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
NEVER_CHANGES = """
CREATE TRIGGER ad_hoc_workers_over BEFORE UPDATE ON ad_hoc_workers
WHEN OLD.status IN ('stopped', 'ended', 'failed')
BEGIN SELECT RAISE(ABORT, 'an ad-hoc worker that is over never changes'); END
"""
GUARDS = (
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
)


def upgrade() -> None:
    """Older code may go on, but its services would end such machines as unknown ones: upgrade those first."""
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
    if op.get_bind().dialect.name == "postgresql":
        for guard in GUARDS:
            op.execute(guard)
    else:
        op.execute(NEVER_CHANGES)
