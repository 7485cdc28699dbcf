"""How many runs of a backfill may go at once."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Older code goes on: it lets one run of a backfill go at a time, as before."""
    op.add_column("runs", sa.Column("parallel", sa.Integer, nullable=False, server_default="1"))
