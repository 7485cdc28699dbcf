"""Opens the store that an address names."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.sqlite import open_sqlite

EXAMPLES = "sqlite:////a/file or postgresql://user@host/database"


def open_store(address: str, now: Callable[[], datetime] = clock.now, *, migrates: bool = True) -> Store:
    """The store at an address such as `sqlite:////a/file` or `postgresql://user@host/database`, made when empty.

    migrates: False leaves the tables as they are, for who only looks.
    Raises Refused when it can't be used, or was written by a newer version of ours.  No message has a password.
    """
    kind = address.partition(":")[0]
    if kind in {"postgresql", "postgres"}:
        try:
            # an extra: who keeps the ledger in a file needn't have the driver
            from jupyter_schedule.core.store.postgresql import open_postgresql  # noqa: PLC0415
        except ImportError:
            message = "PostgreSQL needs a driver: install jupyter-schedule[postgresql]."
            raise Refused("store_unusable", message) from None
        return open_postgresql(address, now, migrates=migrates)
    if kind != "sqlite":
        raise Refused("store_unknown", f"No store speaks {kind[:32]}; use an address such as {EXAMPLES}.")
    try:
        return open_sqlite(make_url(address), now, migrates=migrates)
    except ArgumentError:
        raise Refused("store_unknown", f"That isn't an address of a store; use one such as {EXAMPLES}.") from None
