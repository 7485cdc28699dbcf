"""The libraries that speak to S3, made once for all stores with the same way there.

boto3 does everything.  Where `obstore` is installed it moves files, which it does many times faster (see
docs/decisions); whatever is unusual for it is done again by boto3, which then also says what is wrong.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage.addresses import S3Address

#: requests at a time
PARALLEL = 32
#: tries of one request, with pauses of full jitter, by boto3's `standard` mode
TRIES = 4
#: seconds for a connection, and without a byte of an answer, until it counts as broken off
CONNECTION, SILENCE = 5.0, 60.0
#: bytes that all files under way together may hold in memory
TRANSFER_MEMORY_BYTES = 32 << 20
#: how long obstore keeps credentials before it asks boto3 again, which renews them when they near their end
FRESH = timedelta(minutes=6)
#: what servers of other makers take: some know no checksum behind a body, and refuse it or store it in the object
_OTHERS_CHECKSUMS = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
_MAKING = threading.RLock()


def client(address: S3Address) -> Any:
    """boto3's client, which any number of threads share.  Raises Refused `no_boto3`."""
    with _MAKING:
        return _client(address.endpoint, address.region)


def mover(address: S3Address) -> Any:
    """obstore's store for the bucket, None where it isn't installed or there are no credentials."""
    with _MAKING:
        return _mover(address.bucket, address.endpoint, address.region)


def forget() -> None:
    """Make everything anew when it is next needed, from the credentials that there are then."""
    with _MAKING:
        for made in (_session, _client, _amazons_client, _mover):
            made.cache_clear()


@lru_cache(maxsize=1)
def _session() -> Any:
    try:
        from boto3.session import Session  # noqa: PLC0415  (core loads no cloud SDK unless S3 is used)
    except ImportError:
        message = "S3 needs the library boto3: install it where this runs."
        raise Refused("no_boto3", message) from None
    return Session()


@lru_cache(maxsize=16)
def _client(endpoint: str | None, region: str | None) -> Any:
    if endpoint is not None:
        return _make_client(endpoint, region, addressing_style="path", **_OTHERS_CHECKSUMS)
    # a server of one's own may be in the environment or in ~/.aws
    configured = _make_client(None, region, addressing_style="auto", **_OTHERS_CHECKSUMS)
    amazons = _amazons_client(region)
    return amazons if amazons.meta.endpoint_url == configured.meta.endpoint_url else configured


@lru_cache(maxsize=16)
def _amazons_client(region: str | None) -> Any:
    """The client of Amazon's own S3, which boto3 sends to the region's host.

    With any other style boto3 would sign links for the host of all regions, which doesn't lead to those that were
    opened since March 2019, and isn't behind a private endpoint.  A name with dots is in the path all the same.
    """
    return _make_client(None, region, addressing_style="virtual", ignore_configured_endpoint_urls=True)


def _make_client(endpoint: str | None, region: str | None, *, addressing_style: str, **further: Any) -> Any:
    session = _session()
    from botocore.config import Config  # noqa: PLC0415  (as above)

    config = Config(
        # in old regions boto3 would sign links by version 2, which S3 refuses for objects under a key of KMS
        signature_version="s3v4",
        retries={"mode": "standard", "total_max_attempts": TRIES},
        connect_timeout=CONNECTION,
        read_timeout=SILENCE,
        max_pool_connections=PARALLEL,
        s3={"addressing_style": addressing_style, "us_east_1_regional_endpoint": "regional"},
        **further,
    )
    return session.client("s3", endpoint_url=endpoint, region_name=region or session.region_name or "us-east-1",
                          config=config)  # fmt: skip


def web_address(address: S3Address, whole_key: str) -> str:
    """Return the address at which the server has a key of the bucket, whoever may read it; for obstore too.

    whole_key: with its prefix, which `address` needn't have.
    """
    host = urlsplit(client(address).meta.endpoint_url)
    path = f"/{quote(whole_key)}"
    if _is_virtual(address.bucket, address.endpoint, address.region):
        return f"{host.scheme}://{address.bucket}.{host.netloc}{path}"
    return f"{host.scheme}://{host.netloc}{host.path.rstrip('/')}/{address.bucket}{path}"


def _is_virtual(bucket: str, endpoint: str | None, region: str | None) -> bool:
    """True where the bucket is in the host's name: at Amazon, but for names that no certificate covers."""
    used = _client(endpoint, region)
    return bool(used.meta.config.s3["addressing_style"] == "virtual" and "." not in bucket)


@lru_cache(maxsize=64)
def _mover(bucket: str, endpoint: str | None, region: str | None) -> Any:
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415  (optional, and not on workers)
        from obstore.store import S3Store  # noqa: PLC0415  (as above)
    except ImportError:
        return None
    used = _client(endpoint, region)
    if _session().get_credentials() is None:
        return None
    # obstore would make up a host of its own, which it doesn't know of every partition
    host, virtual = urlsplit(used.meta.endpoint_url), _is_virtual(bucket, endpoint, region)
    checksum: dict[str, Any] = {"checksum_algorithm": "sha256"} if used is _amazons_client(region) else {}
    return S3Store(
        bucket,
        region=used.meta.region_name,
        endpoint=host._replace(netloc=f"{bucket}.{host.netloc}").geturl() if virtual else host.geturl(),
        virtual_hosted_style_request=virtual,
        # what doesn't go through at the first try is boto3's
        retry_config={"max_retries": 0},
        client_options={
            "allow_http": host.scheme == "http",
            "connect_timeout": timedelta(seconds=CONNECTION),
            "read_timeout": timedelta(seconds=SILENCE),
            # of a whole request: a large file on a slow line takes its time
            "timeout": timedelta(days=1),
        },
        **checksum,
        credential_provider=Boto3CredentialProvider(_session(), ttl=FRESH),
    )


class MemoryBudget:
    """Bytes of memory that any number of threads share: who needs more than is free waits."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Have so much, or all there is."""
        size = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


transfer_memory = MemoryBudget(TRANSFER_MEMORY_BYTES)
