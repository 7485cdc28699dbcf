"""How many connections to PostgreSQL whoever opens a ledger has."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store import postgresql as store_module
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.sql import SqlStore
from tests.databases import PostgresqlServer
from tests.engine import eventually
from tests.factories import NOON

#: a lock that a test holds, so that whoever asks for it keeps its connection
HELD = 990
ASK = text(f"SELECT pg_advisory_xact_lock_shared({HELD})")


def connections(server: PostgresqlServer, database: str) -> int:
    """How many the server has to that database."""
    counted = server.ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'")
    return int(str(counted[0][0]))


def test_a_service_has_six_connections_at_rest_and_ten_at_most(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_ledger()
    database = address.partition("?")[0].rpartition("/")[2]
    store = open_store(address, lambda: NOON)
    assert isinstance(store, SqlStore)

    def ask() -> None:
        with store.database.read() as connection:
            connection.execute(ASK)

    store.leases.register()
    store.wait_for_change(0, 0)
    pool = ThreadPoolExecutor(20)
    with postgresql.connected(database) as holder:
        holder.execute(f"SELECT pg_advisory_lock({HELD})")
        asked = [pool.submit(ask) for _ in range(20)]
        # and the one of the test itself
        eventually(lambda: connections(postgresql, database) >= 11, what="all that it may have")
        assert connections(postgresql, database) == 11
        holder.execute(f"SELECT pg_advisory_unlock({HELD})")
        for each in asked:
            each.result()
    pool.shutdown()
    eventually(lambda: connections(postgresql, database) == 6, what="rest")
    store.close()
    eventually(lambda: connections(postgresql, database) == 0, what="the end")


def test_who_gets_no_connection_is_told_that_the_ledger_is_busy(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "QUEUE_SECONDS", 0.01)
    store = open_store(postgresql.new_ledger(), lambda: NOON)
    assert isinstance(store, SqlStore)
    taken = [store.database.engine.connect() for _ in range(8)]
    with pytest.raises(Refused, match="connections are in use") as refused:
        store.last_change()
    assert refused.value.code == "store_busy"
    for each in taken:
        each.close()
    assert store.last_change() == 0
    store.close()
