"""A name is taken by one living schedule of each owner, and no longer by one of all.

Code that takes a name for one of all would find another's schedule by it, so it can't use the ledger any more.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"
branch_labels = None
depends_on = None

#: the oldest revision whose code may go on using this shape
USABLE_BY = "0010"
ALIVE = sa.text("state != 'deleted'")


def upgrade() -> None:
    """Make the two indexes anew."""
    for name, columns, is_unique in (
        ("schedules_name", ["name"], False),
        ("schedules_of_owner", ["owner", "name"], True),
    ):
        op.drop_index(name, "schedules")
        op.create_index(name, "schedules", columns, unique=is_unique, sqlite_where=ALIVE, postgresql_where=ALIVE)
    deployment = sa.table("deployment", sa.column("name"), sa.column("value"))
    op.execute(deployment.update().where(deployment.c.name == "usable_by").values(value=USABLE_BY))
