"""Runs whose files went when their retention was over; the rows of the runs themselves never change."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Older code may go on: it finds no files where there are none."""
    op.create_table(
        "prunings",
        sa.Column("run_id", sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql"),
                  sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("pruned_at", sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql"), nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
    )  # fmt: skip
