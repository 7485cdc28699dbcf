"""The services that tick: when each has finished a tick, and what it is set up for.

Only adds to the shape, so that code of the revision before may go on using it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
HOLDER = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "services",
        sa.Column("holder", HOLDER, primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("started_at", UTC_TEXT, nullable=False),
        sa.Column("ticked_at", UTC_TEXT),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("blocker", sa.String(32)),
        sa.Column("has_lock", sa.Boolean, nullable=False),
        sa.Column("launchers", sa.JSON, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
    )
