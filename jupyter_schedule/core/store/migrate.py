"""Bringing a database to today's shape, while services of an older version may be using it."""

import time
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.migrations import HEAD
from jupyter_schedule.core.store.tables import deployment

MIGRATIONS = Path(__file__).parent / "migrations"
#: held by who migrates a PostgreSQL database; any number that nobody else takes
_MIGRATING = 7_420_001
#: how often a migration is tried again that others kept from getting its locks
TRIES = 20
#: seconds in between; PostgreSQL lets nobody else in while a migration waits for a lock, so it waits a second at most
PAUSE = 1.0


def migrate(engine: Engine) -> None:
    """Bring the database to today's shape, in one transaction; whoever comes second finds it done.

    One that a newer version made is used as it is when it says that code of our revision still may.
    Raises Refused `store_too_new` otherwise.
    """
    try:
        if not _is_ready(engine):
            _upgrade_when_free(engine)
    except BaseException:
        engine.dispose()
        raise


def has_shape(engine: Engine) -> bool | None:
    """True if the database is in a shape that our code may use, False if in an older one, None if it is empty.

    Raises Refused `store_too_new`, and what the database raises.
    """
    with engine.connect().execution_options(reads_only=True) as connection:
        if _revision(connection) is None:
            return None
    return _is_ready(engine)


def _is_ready(engine: Engine) -> bool:
    """The database is in today's shape, or in a newer one that our code may use."""
    with engine.connect().execution_options(reads_only=True) as connection:
        revision = _revision(connection)
        if revision is None or revision == HEAD:
            return revision == HEAD
        known = {file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("*.py")}
        if revision in known:
            return False
        if inspect(connection).has_table(deployment.name):
            usable_by = connection.scalar(select(deployment.c.value).where(deployment.c.name == "usable_by"))
            if usable_by is not None and usable_by <= HEAD:
                return True
    raise Refused("store_too_new", "The ledger was written by a newer jupyter-schedule. Upgrade this one to use it.")


def _revision(connection: Connection) -> str | None:
    """The revision of the database's shape; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _upgrade_when_free(engine: Engine) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            with engine.begin() as connection:
                _upgrade(connection)
        except Refused as refused:
            if not tries_left or refused.code != "store_busy":
                raise
            time.sleep(PAUSE)
        else:
            return


def _upgrade(connection: Connection) -> None:
    # a third of a command's start, which only the first one on a new version needs
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
