"""Runs that publish what another run made."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No run from before releases another; older code would execute one that does, so it may not go on."""
    op.add_column("runs", sa.Column("release", sa.JSON))
    op.execute("UPDATE deployment SET value = '0004' WHERE name = 'usable_by'")
