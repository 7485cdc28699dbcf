"""A store on SeaweedFS behind a proxy that fails as a test says."""

from collections.abc import Iterator

import pytest

from jupyter_schedule.core.storage import s3
from jupyter_schedule.core.storage.factory import S3Storage
from tests.faulty import Faulty, faulty
from tests.s3_servers import S3Server


@pytest.fixture
def proxy(seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """A proxy before SeaweedFS, and retries that don't wait."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr(s3, "_pause", lambda _: None)
    with faulty(seaweedfs.endpoint) as made:
        yield made


@pytest.fixture
def store(seaweedfs: S3Server, proxy: Faulty) -> S3Storage:
    """A new area behind the proxy."""
    return S3Storage(seaweedfs.address(seaweedfs.bucket(), endpoint=proxy.endpoint))
