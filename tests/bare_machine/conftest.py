"""The images, once a session, and a cloud for each test, of which nothing is left."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import debian_image, ubuntu_image
from tests.bare_machine.network import HERE, left
from tests.bare_machine.team import Team
from tests.s3_servers import S3Server

RELAY = Path(__file__).with_name("relay.py")


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a minimal Debian."""
    return debian_image(tmp_path_factory.mktemp("debian"))


@pytest.fixture(scope="session")
def ubuntu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of Ubuntu's image for clouds."""
    return ubuntu_image(tmp_path_factory.mktemp("ubuntu"))


@pytest.fixture
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BareCloud]:
    """A region in which machines are real; at the end none is left running, mounted or connected.

    Its image is the Debian, for a test with the mark `ubuntu` Ubuntu's.
    """
    image: Path = request.getfixturevalue("ubuntu" if request.node.get_closest_marker("ubuntu") else "debian")
    folder = tmp_path / "cloud"
    folder.mkdir()
    with BareCloud(image, folder) as region:
        yield region
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert left() == []
    assert str(folder) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def team(cloud: BareCloud, seaweedfs: S3Server, tmp_path: Path) -> Iterator[Team]:
    """A deployment whose machines run what it schedules."""
    folder = tmp_path / "team"
    folder.mkdir()
    with relayed(seaweedfs):
        yield Team(folder, cloud, seaweedfs)


@contextmanager
def relayed(server: S3Server) -> Iterator[None]:
    """Machines reach the server."""
    port = urlsplit(server.endpoint).port
    with subprocess.Popen([sys.executable, RELAY, HERE, str(port)]) as relay:
        try:
            yield
        finally:
            relay.kill()
