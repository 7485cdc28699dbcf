"""Rows as an older version, or a disk, may have left them: for tests of what reads them."""

from typing import Any

from sqlalchemy import text

from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.sql import SqlStore

#: a note that older code took: half a character
HALF = '{"by": "local", "at": "2026-11-24T12:00:00Z", "note": "a\\ud800"}'
#: JSON that isn't whole, which PostgreSQL doesn't take; there, JSON of another shape
DAMAGED = '{"bundle": "' + "1" * 64 + '", "comma'
OTHER = "[1]"


def poison(store: Store, table: str, column: str, value: str, **where: Any) -> None:
    """Write `value` as it is into a column of some rows."""
    assert isinstance(store, SqlStore)
    is_sqlite = store.database.engine.dialect.name == "sqlite"
    is_json = value.startswith(("{", "["))
    cast = "CAST(:value AS json)" if is_json and not is_sqlite else ":value"
    value = OTHER if value == DAMAGED and not is_sqlite else value
    condition = " AND ".join(f"{name} = :{name}" for name in where) or "1 = 1"
    with store.database.engine.begin() as connection:
        done = connection.execute(
            text(f"UPDATE {table} SET {column} = {cast} WHERE {condition}"), where | {"value": value}
        )
        assert done.rowcount
