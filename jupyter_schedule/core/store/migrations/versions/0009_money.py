"""What a run cost, and schedules that wait for a rehearsal, which older code doesn't know."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of runs from before nobody knows what they cost."""
    op.add_column("runs", sa.Column("machine_seconds", sa.Integer))
    op.add_column("runs", sa.Column("cost", sa.BigInteger))
    op.execute("UPDATE deployment SET value = '0009' WHERE name = 'usable_by'")
