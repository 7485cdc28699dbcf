"""Where an attempt's worker can be seen from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Attempts from before can be seen from anywhere, as they could until now."""
    op.add_column("attempts", sa.Column("place", sa.String(255)))
