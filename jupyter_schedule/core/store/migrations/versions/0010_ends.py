"""Runs found by when they ended, so that a month's machine-hours are added up without reading all that went before."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing changes its meaning."""
    op.create_index("runs_ended", "runs", ["ended_at"])
