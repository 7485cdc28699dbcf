"""The script's own rules, in this interpreter; `test_environment` runs it as a script."""

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.notebooks import imports
from jupyter_schedule.core.notebooks.imports import Import, find_imports, local_files, scan


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of installed packages, the only one on the module search path."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), str(tmp_path / "none"), ""])
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The notebook's folder."""
    made = tmp_path / "notebooks"
    made.mkdir()
    return made


def install(
    site: Path, name: str, *files: str, version: str = "1.0", requires: tuple[str, ...] = (), **more: str
) -> None:
    """An installed distribution with these files, which needs these requirements."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\nRequires-Dist: no\n"
    )
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
    for file, content in more.items():
        (info / file.replace("_json", ".json").replace("_txt", ".txt")).write_text(content)


def scanned(
    *sources: str, folders: tuple[Path, ...] = (), wanted: tuple[str, ...] = (), **options: bool
) -> dict[str, Any]:
    options = {"add_imported": True, "freeze": False, **options}
    answer = scan({"sources": sources, "folders": [*map(str, folders)], "wanted": wanted, **options})
    return dict(json.loads(json.dumps(answer)))


def names(answer: dict[str, Any]) -> list[str]:
    return [f"{package['name']}=={package['version']}" for package in answer["packages"]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c as d", [("a.b", False), ("c", False)]),
        ("from a import b as x, c", [("a.b", False), ("a.c", False)]),
        ("from a.b import *", [("a.b", False)]),
        ("def f():\n  import a", [("a", False)]),
        ("try:\n  import a\nexcept ImportError:\n  import b", [("a", True), ("b", False)]),
        ("try:\n  import a\nexcept (ValueError, ModuleNotFoundError): pass", [("a", True)]),
        ("try:\n  if x:\n    import a\nexcept: pass", [("a", True)]),
        ("try:\n  import a\nexcept ValueError: pass", [("a", False)]),
        ("try:\n  import a\nfinally: pass", [("a", False)]),
        ("if typing.TYPE_CHECKING:\n  import a\nelse:\n  import b", [("b", False)]),
        (
            "importlib.import_module('a.b')\n__import__('c')\nimport_module(x)\nimport_module('.d')",
            [("a.b", False), ("c", False)],
        ),
        ("x = 'import a'", []),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, expected: list[tuple[str, bool]]) -> None:
    """With whether the code goes on without them."""
    assert [(found.name, found.optional) for found in find_imports(ast.parse(source))] == expected


def test_an_import_knows_its_line_and_level() -> None:
    """A relative import keeps its dots."""
    assert list(find_imports(ast.parse("\nfrom ..a import b"))) == [Import("a.b", 2, 2, optional=False)]


def test_deep_code_is_walked_without_recursion() -> None:
    """A sum of hundreds of terms has a tree that deep."""
    tree = ast.parse("if " + "+".join(["1"] * 900) + ":\n  import a")
    assert [found.name for found in find_imports(tree)] == ["a"]


@pytest.mark.parametrize(
    ("name", "level", "importer", "files"),
    [
        ("utils", 0, "", ["utils.py"]),
        ("utils.helper", 0, "", ["utils.py"]),
        ("pkg", 0, "", ["pkg/__init__.py"]),
        ("pkg.a.function", 0, "", ["pkg/__init__.py", "pkg/a.py"]),
        ("space.x", 0, "", ["space/x.py"]),
        ("space", 0, "", []),
        ("absent", 0, "", []),
        ("b", 1, "pkg/a.py", ["pkg/b.py"]),
        ("", 1, "pkg/a.py", []),
        ("utils", 2, "pkg/a.py", ["utils.py"]),
        ("b", 1, "", []),
        ("nul\0", 0, "", []),
    ],
)
def test_local_modules_are_files_of_the_notebooks_folder(
    name: str, level: int, importer: str, files: list[str], folder: Path
) -> None:
    """From the outer package in; a relative import counts from the file that it stands in."""
    for path in ("utils.py", "pkg/__init__.py", "pkg/a.py", "pkg/b.py", "space/x.py"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).touch()
    found = Import(name, level, 1, optional=False)
    importer = str(folder / importer) if importer else ""
    assert local_files(found, [str(folder)], importer) == [str(folder / file) for file in files]


def test_a_module_is_traced_to_its_distribution(site: Path) -> None:
    """Modules named otherwise than their distribution, single files and compiled ones are found by the records."""
    install(site, "PyYAML", "yaml/__init__.py", version="6.0")
    install(site, "six", "six.py")
    install(site, "fast", "_fast.cpython-311-x86_64-linux-gnu.so")
    install(site, "old-style", top_level_txt="oldstyle\n")
    answer = scanned("import yaml, six, _fast, oldstyle")
    assert answer["used"] == {"yaml": ["pyyaml"], "six": ["six"], "_fast": ["fast"], "oldstyle": ["old-style"]}
    assert names(answer) == ["fast==1.0", "old-style==1.0", "PyYAML==6.0", "six==1.0"]
    assert all(package["direct"] for package in answer["packages"])


def test_of_a_namespace_only_the_distributions_that_are_meant_count(site: Path) -> None:
    """`google.cloud.storage` isn't from the other distributions below `google`."""
    install(site, "google-auth", "google/auth/__init__.py")
    install(site, "google-cloud-storage", "google/cloud/storage/__init__.py")
    install(site, "google-cloud-bigquery", "google/cloud/bigquery/__init__.py")
    assert scanned("from google.cloud.storage import Client")["used"] == {"google": ["google-cloud-storage"]}
    assert scanned("from google.cloud import bigquery\nimport google.auth")["used"] == {
        "google": ["google-auth", "google-cloud-bigquery"]
    }


def test_the_closure_is_everything_needed_that_is_installed(site: Path) -> None:
    """Extras count when asked for; requirements for other machines aren't installed, so they don't; cycles end."""
    install(
        site, "top", "top.py", requires=("Middle_One>=1 ; python_version > '3'", "win-only; sys_platform == 'win32'")
    )
    install(site, "middle.one", requires=("leaf[fast] (<2)", "top", 'testing; extra == "test"'))
    install(site, "leaf", requires=('speed; extra == "fast"', "slow; extra == 'slow'"))
    for name in ("speed", "slow", "testing", "unrelated"):
        install(site, name)
    assert names(scanned("import top")) == ["leaf==1.0", "middle.one==1.0", "speed==1.0", "top==1.0"]
    assert names(scanned(wanted=("leaf[slow]",))) == ["leaf==1.0", "slow==1.0"]


def test_what_is_asked_for_decides_what_is_in_the_closure(site: Path) -> None:
    """Imports are added or only reported; a freeze is everything."""
    install(site, "a", "a.py")
    install(site, "b", "b.py")
    assert names(scanned("import a", wanted=("b",))) == ["a==1.0", "b==1.0"]
    reported = scanned("import a", wanted=("b",), add_imported=False)
    assert (names(reported), reported["used"]) == (["b==1.0"], {"a": ["a"]})
    assert names(scanned(freeze=True)) == ["a==1.0", "b==1.0"]


def test_what_isnt_installed_is_missing_unless_it_is_optional() -> None:
    """The standard library is never missing."""
    answer = scanned("import os.path, json, sys, __main__, gone.x, away\ntry:\n  import fine\nexcept ImportError: pass")
    assert answer["missing"] == ["away", "gone"]
    assert answer["used"] == {}


def test_local_modules_are_followed_and_never_missing(folder: Path) -> None:
    """What a local module imports counts as the notebook's; each file is read once, broken ones are passed over."""
    (folder / "utils.py").write_text("import helper, gone", encoding="utf-8")
    (folder / "helper.py").write_text("# -*- coding: latin-1 -*-\nimport utils\nx = 'é'", encoding="latin-1")
    (folder / "broken.py").write_bytes(b"\xff\xfe")
    answer = scanned("import utils\nimport broken", folders=(folder,))
    assert answer["local"] == [str(folder / name) for name in ("utils.py", "broken.py", "helper.py")]
    assert answer["missing"] == ["gone"]


def test_a_local_file_shadows_installed_modules_but_not_built_in_ones(site: Path, folder: Path) -> None:
    """Python looks into the notebook's folder first."""
    install(site, "stats", "stats.py")
    for name in ("stats.py", "random.py", "sys.py"):
        (folder / name).touch()
    answer = scanned("import stats, random, sys", folders=(folder,))
    assert answer["local"] == [str(folder / "stats.py"), str(folder / "random.py")]
    assert answer["used"] == {}


def test_modules_of_no_distribution_are_told_with_their_place(site: Path) -> None:
    """A module that lies on the path without metadata can't be installed elsewhere."""
    (site / "loose.py").touch()
    assert scanned("import loose")["unpackaged"] == {"loose": str(site / "loose.py")}


def test_an_editable_distribution_is_known_by_its_folder(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record has no modules, its direct_url.json says where they are."""
    source = tmp_path / "my project"
    (source / "mine").mkdir(parents=True)
    (source / "mine" / "__init__.py").touch()
    origin = {"url": source.as_uri(), "dir_info": {"editable": True}}
    install(site, "mine-dist", "_mine.pth", direct_url_json=json.dumps(origin))
    monkeypatch.setattr(sys, "path", [str(site), str(source)])
    answer = scanned("import mine")
    assert (answer["used"], answer["unpackaged"]) == ({"mine": ["mine-dist"]}, {})
    assert answer["packages"][0]["origin"] == origin


def test_packages_that_data_frames_load_by_themselves_are_added(site: Path) -> None:
    """Only with pandas imported, only when installed, and of alternatives the first."""
    for name in ("pandas", "matplotlib", "fastparquet"):
        install(site, name, f"{name}/__init__.py")
    source = "df = pd.read_parquet(x)\ndf.plot()\ndf.to_excel('x')"
    assert names(scanned(source)) == []
    assert names(scanned("import pandas as pd\n" + source)) == ["fastparquet==1.0", "matplotlib==1.0", "pandas==1.0"]


def test_eggs_are_distributions_too(site: Path) -> None:
    """Debian's and legacy packages have egg-info folders or files."""
    egg = site / "Old_Egg-2.0-py3.11.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Name: Old-Egg\nVersion: 2.0\n\n")
    (egg / "SOURCES.txt").write_text("setup.py\nold_egg/__init__.py\n")
    (egg / "requires.txt").write_text("leaf\n[test]\ntesting\n[:python_version>'3']\nother\n")
    (site / "bare.egg-info").write_text("Name: bare\nVersion: 3\n\n")
    for name in ("leaf", "testing", "other"):
        install(site, name)
    assert names(scanned("import old_egg")) == ["leaf==1.0", "Old-Egg==2.0", "other==1.0"]
    assert names(scanned(wanted=("bare",))) == ["bare==3"]


def test_damaged_metadata_harms_nobody(site: Path) -> None:
    """A folder without files, bytes that are no text and JSON that is none are taken for what they still say."""
    (site / "empty-1.0.dist-info").mkdir()
    install(site, "odd", "odd.py", direct_url_json="{")
    (site / "odd-1.0.dist-info" / "METADATA").write_bytes(b"Name: odd\nVersion: 1.0\nSummary: \xff\n\n")
    (site / "nameless.dist-info").mkdir()
    answer = scanned("import odd", wanted=("empty", "###"))
    assert names(answer) == ["empty==1.0", "odd==1.0"]
    assert answer["packages"][1]["origin"] is None


@pytest.mark.parametrize("source", ["x = '\0'", "import (", "-" * 200_000 + "1", "import a\n" + "(" * 5_000])
def test_a_cell_that_isnt_python_imports_nothing(source: str) -> None:
    """The other cells count all the same."""
    assert scanned(source, "import other")["missing"] == ["other"]


def test_older_pythons_can_read_the_script() -> None:
    """Its syntax is Python 3.8's."""
    ast.parse(Path(imports.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_no_neighbour_of_the_script_has_a_standard_modules_name() -> None:
    """Run by path, Python would load that neighbour in the standard module's place."""
    neighbours = {path.stem for path in Path(imports.__file__).parent.iterdir()}
    assert not neighbours & set(sys.stdlib_module_names)
