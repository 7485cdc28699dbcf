"""The indexes of what is decided about due runs begin with the status.

Without that SQLite takes the index of all statuses, and reads every run that waits, at every tick.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007", "0006"
branch_labels = None
depends_on = None

INDEXES = (
    ("runs_asked", "queued", "status = 'due' AND (cancelled_by IS NOT NULL OR release IS NOT NULL)"),
    ("runs_start_by", "start_by", "status = 'due' AND start_by IS NOT NULL"),
    ("runs_giving_way", "queued", "status = 'due' AND {gives_way}"),
)
GIVES_WAY = {"sqlite": "gives_way = 1", "postgresql": "gives_way"}


def upgrade() -> None:
    """Make them anew."""
    gives_way = GIVES_WAY[op.get_bind().dialect.name]
    for name, column, where in INDEXES:
        op.drop_index(name, "runs")
        which = sa.text(where.format(gives_way=gives_way))
        op.create_index(name, "runs", ["status", column], sqlite_where=which, postgresql_where=which)
