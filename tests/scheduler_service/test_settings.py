"""What an operator can set."""

from pathlib import Path

import pytest

from jupyter_schedule.core.config import areas_in
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.operations.channels import channels_in
from scheduler_service.settings import load_settings, show_to_doors


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
        ("max_runing = 8", "max_runing: there is no such setting.  Settings are folder, "),
        ("max_running = 0", "max_running: Input should be greater than or equal to 1"),
        ("max_running = ", "isn't TOML"),
        ("max_per_owner = 0", "max_per_owner: Input should be greater than or equal to 1"),
        ("max_per_launcher = { lokal = 2 }", "Input should be 'local' or 'ec2'"),
        ("[retention]\nkeep_runs = 0", "retention.keep_runs: Input should be greater than or equal to 1"),
        ('[channels]\nops = { url = "json://host" }', "channels.ops.url: there is no such setting"),
        ("[channels]\nops = {}", "channels.ops: name a variable or a file that holds the address"),
        ('[channels]\n"A b" = { variable = "X" }', "channels: “A b” isn't a channel's name"),
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
    elsewhere.write_text('areas.private = "s3://results"\n')
    show_to_doors(elsewhere, folder)
    show_to_doors(elsewhere, folder)
    assert areas_in(folder).private == load_settings(None, folder).areas.private == "s3://results"

    (folder / "service.toml").unlink()
    (folder / "service.toml").write_text("")
    with pytest.raises(Refused, match="two settings"):
        show_to_doors(elsewhere, folder)


def test_doors_know_the_names_of_channels_and_need_none_of_their_addresses(tmp_path: Path) -> None:
    assert channels_in(tmp_path) == ()
    (tmp_path / "service.toml").write_text('[channels]\nops = { variable = "ABSENT" }\nteam = { file = "/absent" }\n')
    assert channels_in(tmp_path) == ("ops", "team")
    (tmp_path / "service.toml").write_text('[channels]\nops = "json://host/canary"\n')
    with pytest.raises(Refused, match=r"channels\.ops: ") as refused:
        channels_in(tmp_path)
    assert "canary" not in refused.value.message
