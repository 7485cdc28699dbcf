"""What an operator can set."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ByteSize

from jupyter_schedule.core.ad_hoc_workers import MOST_HOURS
from jupyter_schedule.core.config import OF_THE_SERVICE, DeploymentConfig, read_config
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.slurm import SlurmSettings
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
        ("max_running = ", "isn't TOML"),
        ("[slurm]\nmax_jobs = 1", "slurm.folder: this is needed, and isn't there: add it"),
        ("max_per_launcher = { lokal = 2 }", "max_per_launcher.lokal: there is no such launcher, only local"),
        (
            '[notifications]\nops = { url = "json://host" }',
            "notifications.ops.url: there is no such setting, there are file, unencrypted and variable",
        ),
        ("[notifications]\nops = {}", "notifications.ops: name a variable or a file that holds the address"),
        ('[notifications]\n"A b" = { variable = "X" }', "notifications: “A b” isn't a channel's name"),
    ],
)
def test_what_is_wrong_in_a_file_is_an_error_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "service.toml"
    file.write_text(text)
    with pytest.raises(Refused, match=sentence):
        load_settings(file)


COUNTS = (
    "max_running",
    "max_per_owner",
    "max_per_launcher.local",
    "smallest_cell",
    "retention.keep_runs",
    "storage.most_files",
    "slurm.max_jobs",
    "slurm.sizes.small.cpus",
    "ec2.max_machines",
    "ec2.max_machine_hours",
    "ec2.max_machine_hours_per_owner",
    "ec2.ad_hoc.max_per_owner",
)
OTHERS = (
    ("limits.memory", "0", "write 16 MiB or more"),
    ("limits.memory", '"much"', 'write a number of bytes, or a size such as "4 GiB"'),
    ("limits.memory", '"4 gigs"', 'write a number of bytes, or a size such as "4 GiB"'),
    ("limits.memory", '"99999 PiB"', "write 1 PiB or less"),
    ("limits.output", "0", "write 1 or more"),
    ("limits.cpus", "0", "write 0.1 or more"),
    ("limits.cpus", "nan", "write a finite number"),
    ("limits.cpus", "inf", "write a finite number"),
    ("limits.cpus", "1e9", "write 10,000 or less"),
    ("limits.cpus", '"two"', "write a number, without quotes"),
    ("retention.keep_days", "-1", "write 0 or more"),
    ("retention.keep_days", "999999999999", "write 36,500 or less"),
    ("slurm.call_timeout_seconds", "0", "write more than 0"),
    ("slurm.call_timeout_seconds", "inf", "write a finite number"),
    ("slurm.call_timeout_seconds", "1e9", "write 3,600 or less"),
    ("slurm.sizes.small.memory", "5", "write 1 MiB or more"),
    ("slurm.folder", "3", "write a path in quotes"),
    ("ec2.sizes.small.disk", "1", "write 8 or more"),
    ("ec2.sizes.small.disk", "99999", "write 16,384 or less"),
    ("ec2.sizes.small.architecture", '"x86"', "write 'amd64' or 'arm64'"),
    ("ec2.sizes.small.spot", '"maybe"', "write true or false, without quotes"),
    ("ec2.ad_hoc.max_hours", "0", "write 1 or more"),
    ("ec2.ad_hoc.max_hours", "99999", f"write {MOST_HOURS:,} or less"),
    ("ec2.subnets", "[]", "name at least 1"),
    ("ec2.subnets", '"subnet-1"', 'write a list, such as ["one"]'),
    ("owner", "3", "write a text in quotes"),
    ("limits", "3", "write a table, names with a value each"),
    ("max_per_launcher", "3", "write a table, names with a value each"),
)
#: what launchers need beside the setting in question
WHOLE: dict[str, dict[str, Any]] = {
    "slurm": {"storage.work": "/srv/work", "slurm.folder": "/srv/slurm"},
    "ec2": {
        "storage.work": "s3://bucket/prefix",
        "ec2.region": "eu-west-1",
        "ec2.subnets": ["subnet-1"],
        "ec2.security_groups": ["sg-1"],
        "ec2.instance_profile": "workers",
        "ec2.role_id": "AROA",
        "ec2.sizes.small.instance_types": ["t3.small"],
        "ec2.sizes.small.hardware": "2 cores",
        "ec2.ad_hoc.security_groups": ["sg-2"],
        "ec2.ad_hoc.instance_profile": "people",
    },
}


def refused(file: Path, setting: str, value: str) -> str:
    """The sentence on that setting alone, in a file that is right but for it."""
    right = WHOLE.get(setting.split(".", maxsplit=1)[0], {})
    lines = [f"{name} = {json.dumps(given)}" for name, given in right.items() if name != setting]
    file.write_text("\n".join([*lines, f"{setting} = {value}"]))
    with pytest.raises(Refused) as refusal:
        load_settings(file)
    assert refusal.value.code == "settings_wrong"
    return refusal.value.message.removeprefix(f"{file}: ")


@pytest.mark.parametrize("setting", COUNTS)
def test_a_count_is_a_whole_number_from_one_to_a_million(tmp_path: Path, setting: str) -> None:
    wrong = {
        "0": "write 1 or more",
        "-3": "write 1 or more",
        "99999999999999999999": "write 1,000,000 or less",
        "2.5": "write a whole number, without quotes",
        "nan": "write a whole number, without quotes",
        "true": "write a whole number, without quotes",
        '"8"': "write a whole number, without quotes",
        "[8]": "write a whole number, without quotes",
    }
    said = {value: refused(tmp_path / "service.toml", setting, value) for value in wrong}
    assert said == {value: f"{setting}: {sentence}." for value, sentence in wrong.items()}


@pytest.mark.parametrize(("setting", "value", "sentence"), OTHERS)
def test_a_value_that_makes_no_sense_is_told_with_what_to_write(
    tmp_path: Path, setting: str, value: str, sentence: str
) -> None:
    assert refused(tmp_path / "service.toml", setting, value) == f"{setting}: {sentence}."


def kinds_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from kinds_in(inner)


def numbers_in(model: type[BaseModel], place: str = "") -> Iterator[str]:
    """The places of all settings that are numbers, without the names that an operator chooses."""
    for name, field in model.model_fields.items():
        kinds = [kind for kind in kinds_in(field.annotation) if isinstance(kind, type)]
        if {int, float, ByteSize}.intersection(kinds) and name != "gpus":
            yield place + name
        for inner in (kind for kind in kinds if issubclass(kind, BaseModel)):
            yield from numbers_in(inner, f"{place}{name}.")


def test_every_setting_that_is_a_number_was_tried_with_one_that_makes_no_sense() -> None:
    there = {*numbers_in(Settings), *numbers_in(SlurmSettings, "slurm."), *numbers_in(Ec2Settings, "ec2.")}
    tried = {setting for setting, value, _ in OTHERS if value[0] in "-0159"} | set(COUNTS)
    assert {re.sub(r"\.(small|local)\b", "", setting) for setting in tried} == there


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
