"""The wheel: the same bytes from the same sources, and what it brings along is named with its licence."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "hatch_build.py",
    "jupyter_schedule",
    "scheduler_service",
    "labextension/install.json",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
#: what bundles hold of packages: where such a list is, and a file beside it that it is about
LISTS = {
    "share/jupyter/labextensions/jupyter-schedule/static/third-party-licenses.json": "remoteEntry",
    "jupyter_schedule/_static/third-party-licenses.json": "widget.js",
}

pytestmark = pytest.mark.proof("machines")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two, each from a copy of the sources at another place and with other times."""
    if not (ROOT / "jupyter_schedule" / "_static" / "third-party-licenses.json").exists():
        pytest.skip("the front end isn't built: run the tests by ./dev test")
    folder = tmp_path_factory.mktemp("wheels")
    return [build(folder / str(number), moment) for number, moment in enumerate((1_000_000_000, 1_700_000_000))]


def build(folder: Path, moment: int, home: str = "") -> Path:
    """A wheel of a copy of the sources in that folder, all of them of one moment.  home: the project's address."""
    copy = folder / "source"
    for name in SOURCES:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    settings = copy / "pyproject.toml"
    settings.write_text(settings.read_text().replace('home = ""', f'home = "{home}"'))
    for path in copy.rglob("*"):
        os.utime(path, (moment, moment))
    subprocess.run(
        ["uv", "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", folder, copy],
        check=True,
        env=os.environ | {"SKIP_JUPYTER_BUILDER": "1"},
    )
    (made,) = folder.glob("*.whl")
    return made


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(packed.read(name))


def test_two_builds_have_one_digest(wheels: list[Path]) -> None:
    one, other = (hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    assert one == other


def test_whatever_is_bundled_is_named_with_the_text_of_its_licence(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = wheel.namelist()
        for end, about in LISTS.items():
            (found,) = [name for name in names if name.endswith(end)]
            assert any(about in name for name in names if name.startswith(found.rpartition("/")[0]))
            packages = json.loads(wheel.read(found))["packages"]
            assert {"react", "react-dom"} <= {each["name"] for each in packages}
            for each in packages:
                assert re.search("copyright|permission", each["extractedText"], re.IGNORECASE), each["name"]
                assert each["licenseId"] in {"MIT", "BSD-3-Clause", "ISC", "Apache-2.0"}, each["name"]


def test_the_metadata_name_no_person_and_what_the_package_is(wheels: list[Path]) -> None:
    said = metadata_of(wheels[0])
    assert (said["Author"], said["Author-email"]) == ("jupyter-schedule contributors", None)
    assert "Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt" in said.get_all("Classifier", [])
    assert said["Project-URL"] is None


def test_links_of_readme_lead_to_the_projects_address_where_it_has_one(tmp_path: Path) -> None:
    said = metadata_of(build(tmp_path, 1_700_000_000, "https://code.example.org/x"))
    assert "Homepage, https://code.example.org/x" in said.get_all("Project-URL", [])
    links = re.findall(r"\]\(([^)#]+)", str(said.get_payload()))
    assert "https://code.example.org/x/raw/main/docs/panel.png" in links
    assert [link for link in links if not link.startswith("https://")] == []


def test_the_wheel_has_no_file_that_is_nobodys(wheels: list[Path]) -> None:
    """No compiled Python, no settings of an editor, nothing of the tests."""
    with zipfile.ZipFile(wheels[0]) as wheel:
        odd = [name for name in wheel.namelist() if re.search(r"\.pyc|__pycache__|/\.(?!gitignore)|tests/", name)]
    assert odd == []
