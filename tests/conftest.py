"""Servers that many tests share: each is started when a test first asks for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from jupyter_schedule.core.storage import s3_clients
from tests import lanes, s3_servers
from tests.databases import PostgresqlServer, postgresql_server
from tests.disks import Mount, mounting
from tests.leftovers import Leftovers
from tests.s3_servers import S3Server


def pytest_addoption(parser: pytest.Parser) -> None:
    lanes.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    # how long an example takes says what else this machine does
    too_slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=too_slow)
    hypothesis.settings.load_profile("patient")
    config.pluginmanager.register(lanes.Lanes(config))
    config.pluginmanager.register(lanes.Skips())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Leftovers(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers `-n auto` has."""
    from tests.shares import workers

    return workers(config.args)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who of several workers runs what."""
    from tests.shares import Shares

    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A lone process keeps the order of the files."""
    if hasattr(config, "workerinput"):
        from tests.shares import longest_first

        items[:] = longest_first(items)


@pytest.fixture(scope="session")
def _seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_servers.seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def _moto() -> Iterator[S3Server]:
    with s3_servers.moto() as server:
        yield server


@pytest.fixture
def seaweedfs(_seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A real S3 server; this process is its admin."""
    yield from _as_admin(_seaweedfs, monkeypatch)


@pytest.fixture
def moto(_moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """moto's S3; this process is its admin."""
    yield from _as_admin(_moto, monkeypatch)


def _as_admin(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    for name, value in s3_servers.variables().items():
        monkeypatch.setenv(name, value)
    s3_clients.forget()
    yield server
    s3_clients.forget()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A real PostgreSQL server."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest) -> str:
    """The address of an empty ledger, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/store/ledger.sqlite3"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.new_ledger()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a disk of a given size under the test's folder."""
    with mounting(tmp_path) as mount:
        yield mount
