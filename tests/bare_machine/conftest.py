"""The image, once a session, and a cloud for each test, of which nothing is left."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.image import image

ROLE = {
    "AccessKeyId": "worker",
    "SecretAccessKey": "worker-secret",
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
    with BareCloud(debian, tmp_path, ROLE) as region:
        yield region
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert "js-" not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
