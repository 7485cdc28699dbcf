"""Where files and publications go, as one file says it to all."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from jupyter_schedule.core.config import StorageConfig, areas_in
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Visibility

PUBLIC = {"public": "s3://open/r", "public_base": "https://r.org"}


def test_one_setting_sends_publications_to_s3(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text('areas.private = "s3://results/team"\n')
    areas = areas_in(tmp_path)
    assert areas.base(Visibility.PRIVATE, tmp_path, "") == "s3://results/team"
    assert not areas.can_be_public


def test_without_settings_everything_is_in_folders(tmp_path: Path) -> None:
    areas = areas_in(tmp_path)
    assert areas == StorageConfig()
    assert areas.base(Visibility.PRIVATE, tmp_path / "a b", "") == f"file://{tmp_path}/a%20b/published"
    assert areas.base(Visibility.PRIVATE, None, "file:///old") == "file:///old"


def test_each_address_gets_what_is_said_once_for_all() -> None:
    areas = StorageConfig(
        private="s3://mine?region=eu-west-1", **PUBLIC, region="us-east-2", endpoint="http://s3.local"
    )
    assert areas.private == "s3://mine?region=eu-west-1&endpoint=http%3A%2F%2Fs3.local"
    assert areas.base(Visibility.PUBLIC, None, "") == areas.public
    assert str(areas.public).endswith("&public=https%3A%2F%2Fr.org%2F")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"public": "s3://open"}, "needs public_base"),
        ({"public_base": "https://r.org"}, "set public too"),
        ({"public": "file:///srv", "public_base": "https://r.org"}, "must be an address such as s3"),
        (PUBLIC | {"private": "s3://open"}, "must be apart"),
        (PUBLIC | {"work": "s3://open/r/work"}, "must be apart"),
        ({"private": "s3://k:canary@results"}, "holds no credentials"),
        ({"privat": "s3://results"}, "Extra inputs"),
        ({"private": "s3://results", "endpoint": "s3.local"}, "endpoint must be an address"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(given: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        StorageConfig(**given)  # type: ignore[arg-type]


def test_a_wrong_file_is_refused_without_what_stood_there(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text('[areas]\nprivate = "s3://key:canary@results"\n')
    with pytest.raises(Refused, match=r"areas: .*private|holds no credentials") as refused:
        areas_in(tmp_path)
    assert "canary" not in refused.value.message
