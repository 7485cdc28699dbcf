"""No record has the values of a kernelspec's variables any more: they go, and their names stay.

Runs of such a version end with a sentence that asks for the notebook to be scheduled again, by which they get them.
"""

import json

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0009", "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the values out of every version of every schedule."""
    connection = op.get_bind()
    versions = sa.table("schedule_versions", sa.column("schedule_id"), sa.column("version"), sa.column("spec", sa.Text))
    text = sa.cast(versions.c.spec, sa.Text)
    found = sa.select(versions.c.schedule_id, versions.c.version, text).where(text.like('%"env"%'))
    for schedule_id, version, written in connection.execute(found).all():
        cleaned = _clean(written)
        if cleaned is not None:
            of_row = (versions.c.schedule_id == schedule_id) & (versions.c.version == version)
            connection.execute(versions.update().where(of_row).values(spec=_as_stored(connection, cleaned)))


def _clean(written: str) -> str | None:
    """The spec without the values; None where it has none, or can't be read."""
    try:
        spec = json.loads(written)
        kernel = spec["kernel"]
        names = sorted(kernel["env"])
    except (ValueError, LookupError, TypeError):
        return None
    if not names:
        return None
    spec["kernel"] = kernel | {"env": {}, "env_names": names}
    return json.dumps(spec)


def _as_stored(connection: sa.Connection, text: str) -> sa.ColumnElement[object] | str:
    return sa.cast(sa.literal(text), sa.JSON) if connection.dialect.name == "postgresql" else text
