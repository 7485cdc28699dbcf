"""Who paused a schedule, when and why; and versions with policies, which older code leaves alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Schedules that are paused now were paused when they were last changed, by who changed them."""
    op.add_column("schedules", sa.Column("paused", sa.JSON(none_as_null=True)))
