"""The image, once a session, and a cloud for each test, of which nothing is left."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import image
from tests.bare_machine.network import HERE, left
from tests.bare_machine.team import Team
from tests.s3_servers import S3Server, secret_of

RELAY = Path(__file__).with_name("relay.py")
ROLE = {
    "AccessKeyId": "admin",
    "SecretAccessKey": secret_of("admin"),
    "Token": "",
    "Expiration": "2099-01-01T00:00:00Z",
}


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's root folder."""
    return image(tmp_path_factory.mktemp("debian"))


@pytest.fixture
def cloud(debian: Path, tmp_path: Path) -> Iterator[BareCloud]:
    """A region in which machines are real; at the end none is left running, mounted or connected."""
    folder = tmp_path / "cloud"
    folder.mkdir()
    with BareCloud(debian, folder, ROLE) as region:
        yield region
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert left() == []
    assert str(folder) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def team(cloud: BareCloud, seaweedfs: S3Server, tmp_path: Path) -> Iterator[Team]:
    """A deployment whose machines run what it schedules."""
    port = urlsplit(seaweedfs.endpoint).port
    assert port
    folder = tmp_path / "team"
    folder.mkdir()
    with subprocess.Popen([sys.executable, RELAY, HERE, str(port)]) as relay:
        try:
            yield Team(folder, cloud, seaweedfs)
        finally:
            relay.kill()
