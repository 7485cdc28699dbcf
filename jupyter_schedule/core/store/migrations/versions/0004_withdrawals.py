"""Withdrawals that are owed, and those who may still write to a public area.

A schedule that was made private before owes what may never have been done: a look at an empty area costs one list.
Code that doesn't know of these tables would make a schedule private and owe nothing, so it can't use it any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: the oldest revision whose code may go on using this shape
USABLE_BY = "0004"
UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, and owe what was made private before."""
    withdrawals = op.create_table(
        "withdrawals",
        sa.Column("schedule_id", ID, sa.ForeignKey("schedules.id"), nullable=False),
        sa.Column("area", sa.String(1024), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("owed_since", UTC_TEXT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try", UTC_TEXT, nullable=False),
        sa.Column("tried_at", UTC_TEXT),
        sa.Column("remaining", sa.Integer),
        sa.Column("trouble", sa.Text),
        sa.PrimaryKeyConstraint("schedule_id", "area"),
    )
    op.create_table(
        "publishers",
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("schedule_id", ID, sa.ForeignKey("schedules.id"), nullable=False),
        sa.Column("area", sa.String(1024), nullable=False),
        sa.Column("began_at", UTC_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "fence"),
    )
    op.create_index("publishers_of_schedule", "publishers", ["schedule_id"])
    _owe_what_was_made_private(withdrawals)
    deployment = sa.table("deployment", sa.column("name"), sa.column("value"))
    op.execute(deployment.update().where(deployment.c.name == "usable_by").values(value=USABLE_BY))


def _owe_what_was_made_private(withdrawals: sa.Table) -> None:
    """Of each schedule that is private now the areas that it was public in, unless its name is another's by now."""
    columns = ("id", "name", "state", "version", "changed_at")
    schedules = sa.table("schedules", *map(sa.column, columns))
    alive = sa.table("schedules", *map(sa.column, columns)).alias("alive")
    was, now = (
        sa.table("schedule_versions", sa.column("schedule_id"), sa.column("version"), sa.column("spec", sa.JSON)).alias(
            name
        )
        for name in ("was", "now")
    )
    area = was.c.spec["publication_base"].as_string()
    taken = sa.select(alive.c.id).where(alive.c.name == schedules.c.name, alive.c.id != schedules.c.id)
    owed = (
        sa.select(
            schedules.c.id, area, schedules.c.version, schedules.c.changed_at, sa.literal(0), schedules.c.changed_at
        )
        .distinct()
        .select_from(
            schedules.join(was, was.c.schedule_id == schedules.c.id).join(
                now, sa.and_(now.c.schedule_id == schedules.c.id, now.c.version == schedules.c.version)
            )
        )
        .where(
            was.c.spec["visibility"].as_string() == "public",
            now.c.spec["visibility"].as_string() != "public",
            now.c.spec["publication_base"].as_string() != area,
            sa.or_(schedules.c.state != "deleted", ~taken.where(alive.c.state != "deleted").exists()),
        )
    )
    names = ("schedule_id", "area", "version", "owed_since", "tries", "next_try")
    op.execute(withdrawals.insert().from_select(names, owed))
