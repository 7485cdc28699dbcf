"""Launchers that other packages bring: the one that the documentation shows, and those that are wrong."""

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from jupyter_schedule.core.config import find_launchers, read_config
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.testing import LauncherContract
from scheduler_service.admin.check import check_launchers
from scheduler_service.launchers.plugins import load_plugin
from scheduler_service.settings import load_settings
from tests.engine import Engine, eventually
from tests.factories import NOON

PAGE = Path(__file__).parents[3] / "docs" / "launchers.md"


def install(folder: Path, name: str, module: str, text: str, entry: str) -> None:
    """A package as pip leaves it: its module, and what its metadata say."""
    (folder / f"{module}.py").write_text(text)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[jupyter_schedule.launchers]\n{entry}\n")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which this process finds packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def example(packages: Path) -> None:
    """The package that the documentation shows."""
    launcher, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    install(packages, "schedule-politely", "schedule_politely", launcher, "polite = schedule_politely:PLUGIN")
    (packages / "test_schedule_politely.py").write_text(test)


def engine_with(folder: Path, settings: str) -> Engine:
    folder.mkdir()
    engine = Engine(folder)
    (engine.places.folder / "service.toml").write_text(settings)
    return engine


@pytest.mark.usefixtures("example")
def test_the_launcher_of_the_documentation_runs_a_schedule_to_its_published_file(tmp_path: Path) -> None:
    engine = engine_with(tmp_path / "here", "[polite]\nmost = 1\nniceness = 7\n")
    with engine.service():
        catalog = eventually(engine.store.read_catalog, what="the service's launchers")
        engine.script("report", "mkdir output; nice > output/x.txt", launcher="polite")
        run = engine.ended(engine.run("report"))
    assert run.status is RunStatus.SUCCEEDED, run.message
    assert engine.published("report") == {"x.txt": f"{min(os.nice(0) + 7, 19)}\n"}
    assert [launcher.name for launcher in catalog.launchers] == ["local", "polite"]
    assert catalog.room.per_launcher == {"polite": 1}


@pytest.mark.proof("machines")
@pytest.mark.usefixtures("example")
def test_the_launcher_of_the_documentation_keeps_the_contract_by_the_test_beside_it(packages: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_schedule_politely.py"]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    rules = [name for name in vars(LauncherContract) if name.startswith("test_")]
    assert f"{len(rules)} passed" in done.stdout, done.stdout


@pytest.mark.usefixtures("example")
def test_its_table_is_validated_by_its_own_model_and_left_alone_by_every_door(tmp_path: Path) -> None:
    settings = tmp_path / "service.toml"
    settings.write_text("[polite]\nmots = 1\n")
    with pytest.raises(Refused, match=r"polite\.mots: there is no such setting, the nearest is most"):
        load_settings(settings)
    assert read_config(tmp_path).store is None, "a Jupyter server reads the same file, and not that table"
    settings.write_text("[polite]\nmost = 3\n[max_per_launcher]\npolite = 2\n")
    assert load_settings(settings).room.per_launcher == {"polite": 2}
    settings.write_text("[max_per_launcher]\npolite = 2\n")
    with pytest.raises(Refused, match=r"max_per_launcher\.polite: there is no such launcher, only local"):
        load_settings(settings)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "import no_such_module",
            "can't be loaded: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("", "can't be loaded: AttributeError: module 'broken_launcher' has no attribute 'PLUGIN'"),
        ("PLUGIN = 1", "is of the type int, and not a LauncherPlugin"),
        ("raise SystemError('half installed')", "can't be loaded: SystemError: half installed"),
    ],
)
def test_a_broken_one_is_a_sentence_and_the_rest_goes_on(
    packages: Path, tmp_path: Path, text: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "broken_launcher", raising=False)
    install(packages, "broken", "broken_launcher", text, "broken = broken_launcher:PLUGIN")
    engine = engine_with(tmp_path / "here", "[broken]\nanything = 1\n")
    settings = load_settings(None, engine.places.folder)
    assert list(settings.broken_launchers) == ["broken"]
    assert sentence in settings.broken_launchers["broken"]
    assert [result.right for result in check_launchers(settings, NOON)] == [False]
    engine.script("report", "mkdir output; touch output/x.txt")
    with engine.service():
        assert engine.ended(engine.run("report")).status is RunStatus.SUCCEEDED


def test_a_name_that_nobody_has_is_refused() -> None:
    assert {"local", "ec2", "slurm"} <= find_launchers().keys()
    with pytest.raises(Refused, match="No installed package has a launcher called batch"):
        load_plugin("batch")
    entry = EntryPoint("gone", "no_such_package_here:PLUGIN", "jupyter_schedule.launchers")
    with pytest.raises(Refused, match="The launcher gone can't be loaded"):
        load_plugin("gone", {"gone": entry})
