"""The wheel: the same bytes from the same sources, and what it brings along is named with its licence."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
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
    made: list[Path] = []
    for number, moment in enumerate((1_000_000_000, 1_700_000_000)):
        copy = tmp_path_factory.mktemp(f"copy{number}") / "source"
        for name in SOURCES:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, copy / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, copy / name)
        for path in copy.rglob("*"):
            os.utime(path, (moment, moment))
        subprocess.run(
            ["uv", "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", copy.parent, copy],
            check=True,
            env=os.environ | {"SKIP_JUPYTER_BUILDER": "1"},
        )
        made += copy.parent.glob("*.whl")
    return made


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


def test_the_wheel_has_no_file_that_is_nobodys(wheels: list[Path]) -> None:
    """No compiled Python, no settings of an editor, nothing of the tests."""
    with zipfile.ZipFile(wheels[0]) as wheel:
        odd = [name for name in wheel.namelist() if re.search(r"\.pyc|__pycache__|/\.(?!gitignore)|tests/", name)]
    assert odd == []
