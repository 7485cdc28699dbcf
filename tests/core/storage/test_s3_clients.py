"""The hosts that S3 is asked at: the region's own, by every library and in every address, in every partition."""

from collections.abc import Iterator
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import S3Address, S3Storage
from tests.s3_servers import variables

#: region → its host; one of the first, one of those opened since March 2019, and the other partitions
HOSTS = {
    "us-east-1": "s3.us-east-1.amazonaws.com",
    "eu-central-1": "s3.eu-central-1.amazonaws.com",
    "af-south-1": "s3.af-south-1.amazonaws.com",
    "il-central-1": "s3.il-central-1.amazonaws.com",
    "us-gov-west-1": "s3.us-gov-west-1.amazonaws.com",
    "cn-north-1": "s3.cn-north-1.amazonaws.com.cn",
}
ELSEWHERE = "https://s3.example.org:9000"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    s3_clients.forget()
    yield
    s3_clients.forget()


def hosts_of(address: S3Address) -> tuple[str, str, str, str]:
    """Where the key `k` is: by a request of boto3's, by its link, by a plain address, by obstore."""
    asked: list[str] = []

    def seen(request: object, **_: object) -> None:
        asked.append(str(vars(request)["url"]))
        raise ConnectionError

    client = s3_clients.client(address)
    client.meta.events.register_first("before-send.s3", seen)
    with pytest.raises(ConnectionError):
        client.head_object(Bucket=address.bucket, Key="k")
    client.meta.events.unregister("before-send.s3", seen)
    link = S3Storage(address).link("k", 60)
    assert link
    assert parse_qs(urlsplit(link).query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    mover = s3_clients.mover(address).config
    virtual = mover["virtual_hosted_style_request"] in {"true", True}
    moved = f"{mover['endpoint']}/k" if virtual else f"{mover['endpoint']}/{address.bucket}/k"
    return asked[0], urlsplit(link)._replace(query="").geturl(), s3_clients.web_address(address, "k"), moved


@pytest.mark.parametrize("region", HOSTS)
@pytest.mark.parametrize("bucket", ["acme-work", "acme.work"])
def test_every_library_and_every_address_has_the_regions_own_host(region: str, bucket: str) -> None:
    """Links, with which a fresh machine fetches its agent too, are signed by version 4 for that host."""
    host = HOSTS[region]
    right = f"https://{host}/{bucket}/k" if "." in bucket else f"https://{bucket}.{host}/k"
    assert set(hosts_of(S3Address(bucket, region=region))) == {right}


def test_a_server_of_ones_own_is_asked_at_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    right = {f"{ELSEWHERE}/acme-work/k"}
    assert set(hosts_of(S3Address("acme-work", region="eu-west-1", endpoint=ELSEWHERE))) == right
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", ELSEWHERE)
    assert set(hosts_of(S3Address("acme-work", region="eu-central-1"))) == right


def test_a_host_of_amazons_that_the_environment_asks_for_is_used_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert set(hosts_of(S3Address("acme-work", region="us-gov-west-1"))) == {
        "https://acme-work.s3-fips.us-gov-west-1.amazonaws.com/k"
    }


@pytest.mark.parametrize("place", ["settings", "environment", "amazon"])
def test_only_amazons_own_servers_get_a_checksum_with_what_is_written(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others refuse one, or write it into the object."""
    if place == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", ELSEWHERE)
    sent: dict[str, str] = {}

    def seen(request: object, **_: object) -> None:
        sent.update({str(name).lower(): str(value) for name, value in vars(request)["headers"].items()})
        raise ConnectionError

    address = S3Address("acme", "", endpoint=ELSEWHERE if place == "settings" else None)
    assert bool(s3_clients.mover(address).config.get("checksum_algorithm")) == (place == "amazon")
    client = s3_clients.client(address)
    client.meta.events.register_first("before-send.s3", seen)
    for body in (b"written", BytesIO(b"written")):
        sent.clear()
        with pytest.raises(ConnectionError):
            client.put_object(Bucket="acme", Key="k", Body=body)
        told = {name for name in sent if "checksum" in name or "trailer" in name or "chunked" in sent[name]}
        assert bool(told) == (place == "amazon"), told
