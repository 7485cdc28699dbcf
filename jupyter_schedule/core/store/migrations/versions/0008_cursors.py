"""An index of cursors: every client asks which schedules a wrong clock put ahead, and reads none of the others."""

from alembic import op

revision, down_revision = "0008", "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index("schedules_cursor", "schedules", ["cursor"])
