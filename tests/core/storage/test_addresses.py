"""Addresses of storages, which nothing has to be opened for."""

from pathlib import Path

import pytest

from jupyter_schedule.core.storage.addresses import FolderAddress, S3Address, parse_address
from jupyter_schedule.core.storage.factory import open_storage

ADDRESSES = {
    "file:///srv/a%20b": "file:///srv/a%20b/x/",
    "file:///srv/www?public=https%3A%2F%2Fr.org%2F": "https://r.org/x/",
    "s3://results": "s3://results/x/",
    "s3://results/team%20a?region=eu-west-1": "s3://results/team%20a/x/",
    "s3://results/team?public=https%3A%2F%2Fr.org%2F": "https://r.org/x/",
}


@pytest.mark.parametrize(("address", "within"), ADDRESSES.items())
def test_an_address_spells_what_its_storage_does(address: str, within: str) -> None:
    assert parse_address(address).url("x/") == open_storage(address).url("x/") == within


def test_an_address_is_of_a_folder_or_of_s3() -> None:
    assert parse_address("file:///srv/a%20b") == FolderAddress(Path("/srv/a b"))
    assert parse_address("s3://results/a") == S3Address("results", "a/")
    assert FolderAddress(Path("here")).url("a") == f"file://{Path.cwd()}/here/a"


@pytest.mark.parametrize("address", ["", "results", "https://example.org/", "s3://no such bucket"])
def test_what_is_no_address_is_refused_in_a_sentence(address: str) -> None:
    with pytest.raises(ValueError, match="use an address such as "):
        parse_address(address)
