"""Indexes for what is read of many schedules, and the source by which those of a notebook are found.

Services of the revision before go on: they leave the source of what they write null, and such rows are looked at too.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"
branch_labels = None
depends_on = None

LONGEST = 255
#: the end of what each schedule's spec says, empty where it says nothing, and null where it can't be read
FILL = {
    "sqlite": """
UPDATE schedules SET source = (
    SELECT CASE WHEN json_valid(spec) THEN substr(coalesce(json_extract(spec, '$.source'), ''), -255) END
    FROM schedule_versions v
    WHERE v.schedule_id = schedules.id AND v.version = schedules.version)
""",
    "postgresql": """
UPDATE schedules SET source = (
    SELECT CASE WHEN CAST(spec AS text) !~* '\\\\u(0000|d[89a-f])' THEN right(coalesce(spec ->> 'source', ''), 255) END
    FROM schedule_versions v
    WHERE v.schedule_id = schedules.id AND v.version = schedules.version)
""",
}
ALIVE = "state != 'deleted'"


def upgrade() -> None:
    """Add them."""
    op.add_column("schedules", sa.Column("source", sa.String(LONGEST)))
    op.execute(FILL[op.get_bind().dialect.name])
    op.drop_index("schedules_silence", "schedules")
    op.create_index("schedules_silence", "schedules", ["state", "silence_due"])
    op.drop_index("runs_by_status", "runs")
    op.create_index("runs_by_status", "runs", ["status", "schedule_id"])
    op.create_index("schedules_by_source", "schedules", ["owner", "source"])
    for name, table, columns, which in (
        ("schedules_of_owner", "schedules", ["owner", "name"], ALIVE),
        ("runs_paid", "runs", ["schedule_id", "ended_at"], "cost IS NOT NULL"),
        ("outbox_failed", "outbox", ["created_at", "id"], "delivered_at IS NULL AND trouble IS NOT NULL"),
    ):
        op.create_index(name, table, columns, sqlite_where=sa.text(which), postgresql_where=sa.text(which))
