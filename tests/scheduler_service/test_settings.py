"""What an operator can set."""

from pathlib import Path

import pytest

from jupyter_schedule.core.config import OF_THE_SERVICE, DeploymentConfig, read_config
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused
from scheduler_service.settings import Settings, load_settings, show_to_doors


def test_without_a_file_the_service_takes_what_the_embedded_default_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert load_settings(None).places == default_data_paths()
    assert default_data_paths().folder == tmp_path / "schedule"


def test_a_file_sets_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text('folder = "/srv/schedule"\nmax_running = 8\n')
    settings = load_settings(file)
    assert (settings.folder, settings.max_running) == (Path("/srv/schedule"), 8)
    assert settings.places.store == "sqlite:////srv/schedule/ledger.sqlite3"


def test_what_one_run_may_use_is_in_units_that_people_write(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text('[limits]\nmemory = "4 GiB"\ncpus = 1.5\noutput = 1000\n')
    limits = load_settings(file).limits
    assert (limits.memory, limits.cpus, limits.output) == (4 * 2**30, 1.5, 1000)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("max_runing = 8", "max_runing: there is no such setting, the nearest is max_running"),
        ("[limits]\nmemroy = 1", "limits.memroy: there is no such setting, the nearest is memory"),
        ("[limits]\nx = 1", "limits.x: there is no such setting, there are cpus, memory and output"),
        ("[retention]\nkeep_day = 1", "retention.keep_day: there is no such setting, the nearest is keep_days"),
        ("[ec2.ad_hoc]\nmax_hour = 1", "ec2.ad_hoc.max_hour: there is no such setting, the nearest is max_hours"),
        ("[ec2.sizes.small]\nspott = true", "ec2.sizes.small.spott: there is no such setting, the nearest is spot"),
        ('[areas]\nwork = "s3://a"', "areas: there is no such setting, there are ec2, folder, limits, "),
        ("max_running = 0", "max_running: Input should be greater than or equal to 1"),
        ("max_running = ", "isn't TOML"),
        ("max_per_owner = 0", "max_per_owner: Input should be greater than or equal to 1"),
        ("max_per_launcher = { lokal = 2 }", "max_per_launcher.lokal: there is no such launcher, only local"),
        ("[retention]\nkeep_runs = 0", "retention.keep_runs: Input should be greater than or equal to 1"),
        (
            '[notifications]\nops = { url = "json://host" }',
            "notifications.ops.url: there is no such setting, there are file, unencrypted and variable",
        ),
        ("[notifications]\nops = {}", "notifications.ops: name a variable or a file that holds the address"),
        ('[notifications]\n"A b" = { variable = "X" }', "notifications: “A b” isn't a channel's name"),
        ('[limits]\nmemory = "much"', "limits.memory: could not parse value and unit from byte string"),
    ],
)
def test_what_is_wrong_in_a_file_is_an_error_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "service.toml"
    file.write_text(text)
    with pytest.raises(Refused, match=sentence):
        load_settings(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"absent\.toml can't be read: No such file"):
        load_settings(tmp_path / "absent.toml")


def test_every_door_reads_the_settings_that_the_service_runs_with(tmp_path: Path) -> None:
    """Those of the folder with the ledger: a file there, or a link to where the operator keeps it."""
    elsewhere, folder = tmp_path / "etc.toml", tmp_path / "data"
    elsewhere.write_text('storage.private = "s3://results"\n')
    show_to_doors(elsewhere, folder)
    show_to_doors(elsewhere, folder)
    assert read_config(folder).storage.private == load_settings(None, folder).storage.private == "s3://results"

    (folder / "service.toml").unlink()
    (folder / "service.toml").write_text("")
    with pytest.raises(Refused, match="two settings"):
        show_to_doors(elsewhere, folder)


def test_every_setting_is_shared_or_known_to_be_the_services_own() -> None:
    assert set(Settings.model_fields) - set(DeploymentConfig.model_fields) == OF_THE_SERVICE
