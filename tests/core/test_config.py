"""The part of the settings that every door reads."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.core.config import StorageConfig, read_config, read_settings
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Visibility
from jupyter_schedule.core.storage.factory import open_storage
from scheduler_service.settings import load_settings

PUBLIC: dict[str, Any] = {"public": "s3://open/r", "public_base": "https://r.org"}


def test_one_setting_sends_publications_to_s3(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text('storage.private = "s3://results/team"\n')
    storage = read_config(tmp_path).storage
    assert storage.base(Visibility.PRIVATE, tmp_path, "") == "s3://results/team"
    assert not storage.can_be_public


def test_without_settings_everything_is_in_folders(tmp_path: Path) -> None:
    storage = read_config(tmp_path).storage
    assert storage == StorageConfig()
    assert storage.base(Visibility.PRIVATE, tmp_path / "a b", "") == f"file://{tmp_path}/a%20b/published"
    assert storage.base(Visibility.PRIVATE, None, "file:///old") == "file:///old"


def test_each_address_gets_what_is_said_once_for_all() -> None:
    storage = StorageConfig(
        private="s3://mine?region=eu-west-1", **PUBLIC, region="us-east-2", endpoint="http://s3.local"
    )
    assert storage.private == "s3://mine?region=eu-west-1&endpoint=http%3A%2F%2Fs3.local"
    assert storage.base(Visibility.PUBLIC, None, "") == storage.public
    assert str(storage.public).endswith("&public=https%3A%2F%2Fr.org%2F")


def test_what_is_public_may_be_a_folder_that_a_web_server_shows(tmp_path: Path) -> None:
    storage = StorageConfig(public=f"{tmp_path}/www a", public_base="https://r.org/x", private=f"{tmp_path}/private")
    area = open_storage(storage.base(Visibility.PUBLIC, None, ""))
    area.put("daily/a b.csv", b"1")
    assert (tmp_path / "www a/daily/a b.csv").read_bytes() == b"1"
    assert area.url("daily/a b.csv") == "https://r.org/x/daily/a%20b.csv"
    assert storage.base(Visibility.PRIVATE, None, "") == f"file://{tmp_path}/private"


@pytest.mark.parametrize("public", ["", "/published", "/.."])
def test_the_folder_with_the_ledger_is_never_public(tmp_path: Path, public: str) -> None:
    text = f'[storage]\npublic = "{tmp_path}{public}"\npublic_base = "https://r.org"\n'
    (tmp_path / "service.toml").write_text(text)
    for read in (read_config, lambda folder: load_settings(None, folder)):
        with pytest.raises(Refused, match="let public be another folder"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"public": "s3://open"}, "needs public_base"),
        ({"public_base": "https://r.org"}, "set public too"),
        ({"public": "/srv/www"}, "needs public_base"),
        ({"public": "/srv/www", "public_base": "r.org"}, "must be an address that starts with https"),
        ({"public": "srv/www", "public_base": "https://r.org"}, "use an address such as"),
        ({"public": "file://host/srv/www", "public_base": "https://r.org"}, "is its whole path"),
        ({"public": "/srv/www", "public_base": "https://r.org", "private": "/srv/www/p"}, "must be apart"),
        ({"public": "/srv/www/../p", "public_base": "https://r.org", "work": "file:///srv"}, "must be apart"),
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
    (tmp_path / "service.toml").write_text('[storage]\nprivate = "s3://key:canary@results"\n')
    with pytest.raises(Refused, match=r"storage: .*private|holds no credentials") as refused:
        read_config(tmp_path)
    assert "canary" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[storge]\nprivate = "s3://canary"', "storge: there is no such setting, the nearest is storage."),
        ('[notification]\nops = { file = "/canary" }', "notification: there is no such setting, the nearest is notif"),
        ('[storage]\nprivat = "s3://canary"', "storage.privat: there is no such setting, the nearest is private."),
        (
            'notifications.ops.files = "/canary"',
            "notifications.ops.files: there is no such setting, the nearest is fi",
        ),
        ("max_runing = 8", "max_runing: there is no such setting, the nearest is max_running."),
        ('[areas]\nwork = "s3://canary"', "areas: there is no such setting, there are ec2, folder, limits, "),
    ],
)
def test_a_setting_that_does_not_exist_is_refused_with_the_nearest_that_does(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "service.toml").write_text(text)
    with pytest.raises(Refused) as refused:
        read_config(tmp_path)
    assert refused.value.code == "settings_wrong"
    assert refused.value.message.startswith(f"{tmp_path}/service.toml: {sentence}")
    assert "canary" not in refused.value.message


def test_doors_know_the_names_of_channels_and_need_none_of_their_addresses(tmp_path: Path) -> None:
    assert read_config(tmp_path).notifications == {}
    settings = tmp_path / "service.toml"
    settings.write_text('[notifications]\nops = { variable = "ABSENT" }\nteam = { file = "/absent" }\n')
    assert list(read_config(tmp_path).notifications) == ["ops", "team"]
    settings.write_text('[notifications]\nops = "json://host/canary"\n')
    with pytest.raises(Refused, match=r"notifications\.ops: ") as refused:
        read_config(tmp_path)
    assert "canary" not in refused.value.message


def test_a_door_reads_the_settings_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = f"sqlite:///{tmp_path}/shared.sqlite3"
    (tmp_path / "service.toml").write_text(f'store = "{ledger}"\nmax_running = 8\n[notifications.ops]\nfile = "/a"\n')
    reads = []

    def read(path: Path) -> dict[str, Any]:
        reads.append(path)
        return read_settings(path)

    monkeypatch.setattr("jupyter_schedule.core.config.read_settings", read)
    context = ApiContext.open(DataPaths(tmp_path), tmp_path)
    context.close()
    assert reads == [tmp_path / "service.toml"]
    assert context.operations.channels == ("ops",)
    assert (tmp_path / "shared.sqlite3").exists()
