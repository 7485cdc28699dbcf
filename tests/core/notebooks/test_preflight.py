import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks import places
from jupyter_schedule.core.notebooks.kernels import find_kernel
from jupyter_schedule.core.notebooks.notebook import load_notebook
from jupyter_schedule.core.notebooks.preflight import Preflight, preflight
from jupyter_schedule.core.notebooks.used_files import PreflightFinding
from tests.core.notebooks.written import notebook, saved

ON_DISK = {
    "work/data/bikes.csv": 1_000,
    "work/data/2024.csv": 2_000,
    "work/data/2025.csv": 3_000,
    "work/data/deep/er.csv": 10,
    "work/plain": 5,
    "work/lookup.csv": 7,
    "work/with space's.csv": 7,
    "work/.env": 7,
    "work/keys/server.pem": 7,
    "work/output/old.csv": 7,
    "shared/world.csv": 9,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Jupyter root with a notebook's folder `work` and a few files."""
    for name, size in ON_DISK.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (tmp_path / "beyond.csv").write_bytes(b"x")
    (tmp_path / "root/work/link.csv").symlink_to(tmp_path / "beyond.csv")
    (tmp_path / "root/work/inner.csv").symlink_to("lookup.csv")
    (tmp_path / "root/work/harmless.csv").symlink_to(".env")
    os.mkfifo(tmp_path / "root/work/pipe.csv")
    return tmp_path / "root"


def preflight_of(path: Path, *arguments: Any, **options: Any) -> Preflight:
    return preflight(load_notebook(path), path, *arguments, **options)


def checked(root: Path, *sources: str, extra: tuple[str, ...] = (), **options: str) -> Preflight:
    return preflight_of(saved(root / "work" / "n.ipynb", *sources), root, None, extra, **options)


def told(found: Preflight) -> list[tuple[str, str]]:
    return [(str(finding.level), finding.message) for finding in found.findings]


SENTENCES = [
    ("pd.read_csv('lookup.csv')", "ok", "lookup.csv (cell 1) is included."),
    ("name = 'lookup.csv'", "ok", "lookup.csv (cell 1) is included."),
    ('open("with space\'s.csv")', "ok", "with space's.csv (cell 1) is included."),
    ("open('inner.csv')", "ok", "inner.csv (cell 1) is included."),
    ("!wc lookup.csv", "ok", "lookup.csv (cell 1) is included."),
    ("%%bash\nwc lookup.csv", "ok", "lookup.csv (cell 1) is included."),
    ("d = Path('data')\npd.read_csv(d / 'bikes.csv')", "ok", "data/bikes.csv (cell 1) is included."),
    ("pd.read_csv('../shared/world.csv')", "ok", "../shared/world.csv (cell 1) is included; its path is kept."),
    ("pd.read_csv('gone.csv')", "warning", "gone.csv (cell 1) is not found; fine if the notebook creates it."),
    (
        "pd.read_csv('../../beyond.csv')",
        "warning",
        "../../beyond.csv (cell 1) is outside the folder that Jupyter serves, so it isn't included.",
    ),
    (
        "pd.read_csv('link.csv')",
        "warning",
        "link.csv (cell 1) leads out of the folder that Jupyter serves, so it isn't included.",
    ),
    (
        "pd.read_csv('{root}/shared/world.csv')",
        "warning",
        "{root}/shared/world.csv (cell 1) is an absolute path, which only this machine has.",
    ),
    (
        "pd.read_csv('{root}/../beyond.csv')",
        "warning",
        "{root}/../beyond.csv (cell 1) is outside the folder that Jupyter serves, so only this machine has it.",
    ),
    ("open('.env')", "warning", ".env (cell 1) isn't included: it may hold credentials."),
    ("open('keys/server.pem')", "warning", "keys/server.pem (cell 1) isn't included: it may be a private key."),
    (
        "open('harmless.csv')",
        "warning",
        "harmless.csv (cell 1) isn't included: it leads to a file that may hold credentials.",
    ),
    ("open('pipe.csv')", "warning", "pipe.csv (cell 1) isn't included: it is no regular file."),
    (
        "open('output/old.csv')",
        "warning",
        "output/old.csv (cell 1) is in the output folder, which is empty when a run starts, so it isn't included.",
    ),
    ("glob('data/*.csv')", "ok", "data/*.csv (cell 1) matches 3 files, 6.0 kB, included."),
    ("read_csv(f'data/{y}5.csv')", "ok", "data/*5.csv (cell 1) matches 1 file, 3.0 kB, included."),
    ("read_csv(f'{x}.csv')", "ok", "*.csv (cell 1) matches 3 files, 21 B, included."),
    ("glob('data/**/*.csv')", "ok", "data/**/*.csv (cell 1) matches 4 files, 6.0 kB, included."),
    ("glob('no/*.csv')", "warning", "no/*.csv (cell 1) matches no file; fine if the notebook creates them."),
    ("os.listdir('data')", "warning", "The folder data (cell 1) isn't included as a whole: 4 files, 6.0 kB."),
    ("x = './data/'", "warning", "The folder ./data/ (cell 1) isn't included as a whole: 4 files, 6.0 kB."),
    (
        "df.to_csv('r.csv')",
        "warning",
        "r.csv (cell 1) is written outside the output folder, so it isn't published.",
    ),
    ("x = input('Go?')", "warning", "Line 1 of cell 1 asks for input, and in a run nobody answers."),
    ("%pip install x", "warning", "Cell 1 installs packages, which every run does anew."),
    ("if", "warning", "Cell 1 isn't Python as it stands, so its files and imports aren't known."),
    (
        "password = 'hunter22'",
        "stop-public",
        "Cell 1 has what looks like a password or token; results can't be public until it is gone.",
    ),
]


@pytest.mark.parametrize(("source", "level", "sentence"), SENTENCES)
def test_each_use_is_told_in_one_sentence(source: str, level: str, sentence: str, root: Path) -> None:
    """With the cell that it stands in, and a level that never blocks."""
    found = checked(root, source.replace("{root}", str(root)))
    assert told(found) == [(level, sentence.replace("{root}", str(root)))]
    assert all(finding.cell == 1 for finding in found.findings)


@pytest.mark.parametrize(
    "source",
    [
        "x = 'gone.csv'",
        "x = 'plain'",
        "open('https://example.org/a.csv')",
        "pd.read_csv('s3://bucket/a.csv')",
        "pd.read_sql('select * from a.b', engine)",
        "nlp = spacy.load('en_core_web')",
        "x = '/usr/bin/env'",
        "if os.path.exists('cache.csv'):\n  open('cache.csv')",
        "df.to_csv('output/a.csv')\npd.read_csv('output/a.csv')",
        "bounds2raster(1, 2, 'made.tif')\nrasterio.open('made.tif')",
        "name = 'made.h5'\nbackend = HDFBackend(name)\nh5py.File(name)",
        "library.fetch(to='made.csv')\npd.read_csv('made.csv')",
        "try:\n  pd.read_csv('cache.csv')\nexcept FileNotFoundError:\n  fetch()",
        "try:\n  pd.read_csv('cache.csv')\nexcept:\n  fetch()",
        "try:\n  pd.read_csv('cache.csv')\nexcept (KeyError, OSError) as problem:\n  print(problem)",
        "mode = 't'\nwith open('output/m.csv', f'w{mode}') as f: f.write('')\nopen('output/m.csv')",
        "xr.tutorial.open_dataset('era5.grib')",
        "!wget -q https://example.org/z.csv\nopen('z.csv')",
        "!curl -sL https://example.org/a -o z.csv\nopen('z.csv')",
        "!unzip -o a.zip -d made\nopen('made/a.csv')",
        "archive.extractall('made')\nopen('made/a.csv')",
        "sns.load_dataset('a/b.csv')",
        "df.to_csv('/tmp/a.csv')",
        "open(os.path.join(tempfile.mkdtemp(), 'a.csv'))",
        "with tempfile.TemporaryDirectory() as d:\n  open(f'{d}/a.csv')",
        "open(os.environ['PREVIOUS_DIR'] + '/a.csv')",
        "DATA = os.getenv('DATA_DIR') or 'x'",
        "open('n.ipynb')",
        "x = 'data'",
        "os.chdir('..')\nx = 'work'\ny = 'shared'",
        "x = 'a\\nb.csv'",
        "open('nul\\0.csv')",
        "open('\\ud800.csv')",
        f"open('{'a/' * 3_000}b.csv')",
        f"x = '{'a' * 200_000}'",
        "open('.')\nopen('..')\nopen('/')\nopen('~')",
        "",
    ],
)
def test_what_is_no_input_is_not_told(source: str, root: Path) -> None:
    """Addresses, queries, names of what isn't there, and what the notebook writes itself."""
    assert told(checked(root, source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from pyprojroot import here\nopen(here('shared/world.csv'))",
        "from pyprojroot.here import here\nopen(here() / 'shared/world.csv')",
        "root = check_output(['git', 'rev-parse', '--show-toplevel']).strip()\nopen(root + '/shared/world.csv')",
        "repo = git.Repo('.', search_parent_directories=True)\nopen(f'{repo.working_dir}/shared/world.csv')",
        "from importlib import resources\nresources.files('shared').joinpath('world.csv').read_text()",
        "import pkgutil\npkgutil.get_data('shared', 'world.csv')",
        "cfg = dict(path='../shared/world.csv')\nopen(cfg['path'])",
        "cfg = SimpleNamespace(path='../shared/world.csv')\nopen(cfg.path)",
        "class Cfg:\n  path: str = '../shared/world.csv'\ncfg = Cfg()\nopen(cfg.path)",
        "class Cfg:\n  path: str = 'x'\ncfg = Cfg(path='../shared/world.csv')\nopen(cfg.path)",
        "Environment(loader=FileSystemLoader('../shared'))",
        "import pyarrow.dataset as ds\nds.dataset('../shared')",
        "root = find_root()\npd.concat(pd.read_csv(f) for f in glob.glob(f'{root}/shared/*.csv'))",
    ],
)
def test_what_others_find_by_a_folder_of_their_own_goes_along(source: str, root: Path) -> None:
    """Where a path below a folder that isn't known is one below the notebook's or above it, that is meant."""
    found = checked(root, source)
    assert "shared/world.csv" in found.included
    assert [level for level, _ in told(found) if level != "ok"] == []


@pytest.mark.parametrize(
    "source", ["display(Markdown('# Us\\n![l](img/l.png)'))", "HTML('<b>x</b><img src=\"img/l.png\">')"]
)
def test_pictures_that_a_cell_shows_go_along(source: str, root: Path) -> None:
    (root / "work" / "img").mkdir()
    (root / "work" / "img" / "l.png").touch()
    assert "work/img/l.png" in checked(root, source).included


def test_a_file_below_a_folder_that_only_the_run_knows_is_told(root: Path) -> None:
    [(level, sentence)] = told(checked(root, "read_csv(folder + '/a.csv')"))
    assert (level, "can't be seen from here" in sentence) == ("warning", True)


def test_an_own_function_is_no_reader_whatever_it_is_called(root: Path) -> None:
    assert told(checked(root, "def load(name):\n  open(f'data/{name}')", "load('bikes.csv')"))[-1][0] == "ok"
    assert told(checked(root, "def load(name):\n  return name.upper()", "load('gone.csv')")) == []


@pytest.mark.parametrize(
    "source",
    [
        "print('gone.csv')\npd.read_csv('gone.csv')",
        "if Path('other.csv').exists(): pass\npd.read_csv('gone.csv')",
        "try:\n  pd.read_csv('gone.csv')\nexcept FileNotFoundError:\n  raise SystemExit",
        "try:\n  pd.read_csv('gone.csv')\nexcept OSError:\n  sys.exit(1)",
        "try:\n  pd.read_csv('gone.csv')\nexcept KeyError:\n  pass",
    ],
)
def test_a_file_that_is_not_there_is_told_where_nothing_makes_it_or_does_without(source: str, root: Path) -> None:
    assert [level for level, message in told(checked(root, source)) if "gone.csv" in message] == ["warning"]


@pytest.mark.parametrize(
    "source", ["make('lookup.csv')\nopen('lookup.csv')", "try: open('lookup.csv')\nexcept OSError: pass"]
)
def test_what_is_there_goes_along_all_the_same(source: str, root: Path) -> None:
    assert "work/lookup.csv" in checked(root, source).included


def test_an_own_module_that_works_elsewhere_is_named_as_it_is_written(root: Path) -> None:
    (root / "work" / "Mixed_Case.py").write_text("import os\nos.chdir(os.environ['X'])\n")
    [sentence] = [message for _, message in told(checked(root, "import Mixed_Case")) if "working folder" in message]
    assert sentence.startswith("work/Mixed_Case.py changes the working folder")


def test_files_are_listed_with_where_they_are_named(root: Path) -> None:
    """The first use of a file is the one that counts; what is included is relative to the root."""
    found = checked(root, "x = 'lookup.csv'", "\nopen('lookup.csv')\nopen('data/bikes.csv')\nopen('gone.csv')")
    listed = [(file.path, file.cell, file.line, file.size, str(file.status), file.why) for file in found.files]
    assert listed == [
        ("work/lookup.csv", 1, 1, 7, "included", "it is named"),
        ("work/data/bikes.csv", 2, 3, 1_000, "included", "it is read"),
        ("work/gone.csv", 2, 4, 0, "missing", "missing"),
    ]
    assert found.included == ("work/data/bikes.csv", "work/lookup.csv")


def test_a_folder_whose_files_are_named_isnt_told(root: Path) -> None:
    """The folder is only the beginning of their paths."""
    found = checked(root, "folder = './data/'\nopen(folder + 'bikes.csv')")
    assert told(found) == [("ok", "./data/bikes.csv (cell 1) is included.")]


@pytest.mark.parametrize(
    ("sources", "folder"),
    [
        (["df.to_csv('results/2024/a.csv')"], "results"),
        (["df.to_csv('a/1.csv')", "df.to_csv('b/1.csv')\ndf.to_csv('b/2.csv')"], "b"),
        (["df.to_csv('a.csv')"], "output"),
        (["df.to_csv('../up/a.csv')\ndf.to_csv('/tmp/a.csv')"], "output"),
        (["open('data/bikes.csv')", "df.to_csv('data/clean.csv')"], "output"),
        (["df.to_csv(f'{where}/a.csv')"], "output"),
        (["df.to_csv(os.environ['OUTPUT_DIR'] + '/a.csv')"], "output"),
        ([], "output"),
    ],
)
def test_the_output_folder_is_the_one_that_is_written_to(sources: list[str], folder: str, root: Path) -> None:
    """Unless inputs are in it, or it isn't below the notebook's."""
    assert checked(root, *sources).output_dir == folder


def test_a_folder_of_inputs_stays_one(root: Path) -> None:
    """Writing beside the inputs neither loses them nor publishes the result, and that is said."""
    found = checked(root, "open('data/bikes.csv')", "df.to_csv('data/clean.csv')")
    assert found.included == ("work/data/bikes.csv",)
    assert told(found)[1:] == [
        ("warning", "data/clean.csv (cell 2) is written outside the output folder, so it isn't published.")
    ]
    assert found.findings[1].fix == "Write it below output/."


def test_the_analysts_output_folder_comes_first(root: Path) -> None:
    """Nothing in it is an input."""
    found = checked(root, "open('data/bikes.csv')\ndf.to_csv('results/a.csv')", output_dir="data")
    assert (found.output_dir, found.included) == ("data", ())


def test_files_that_the_analyst_named_are_included_whatever_they_are_called(root: Path) -> None:
    """The deny-list keeps out what comes by itself."""
    found = checked(root, "open('.env')", extra=("work/.env", "shared/world.csv"))
    assert found.included == ("shared/world.csv", "work/.env")
    assert told(found) == [("ok", ".env (cell 1) is included.")]


def test_parameters_that_a_run_fills_are_not_inputs(root: Path) -> None:
    """Their values in the notebook are stand-ins; other parameters' are what a run has."""
    content = notebook(
        "previous_dir = 'data'\noutput_dir = 'results'\ndata_date = '2024'\nname = 'bikes'",
        "open(f'{previous_dir}/bikes.csv')\nopen(f'data/{name}.csv')\nopen(f'data/{data_date}.csv')\n"
        "df.to_csv(f'{output_dir}/{data_date}.csv')",
        tags=["parameters"],
    )
    path = root / "work" / "n.ipynb"
    path.write_text(json.dumps(content))
    found = preflight_of(path, root)
    assert [message for _, message in told(found)] == [
        "data/bikes.csv (cell 2) is included.",
        "data/*.csv (cell 2) matches 3 files, 6.0 kB, included.",
    ]
    assert found.output_dir == "results"
    assert [parameter.name for parameter in found.parameters] == ["previous_dir", "output_dir", "data_date", "name"]


def test_own_modules_are_included_with_what_they_import_and_read(root: Path) -> None:
    """A package comes with all its Python files; what a module reads counts as the notebook's."""
    work = root / "work"
    (work / "pkg" / "sub").mkdir(parents=True)
    for name in ("pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py", "pkg/sub/b.py"):
        (work / name).touch()
    (work / "pkg" / "table.csv").write_text("1")
    (work / "pkg" / "a.py").write_text("import helper\nopen(Path(__file__).parent / 'table.csv')")
    (work / "utils.py").write_text("import helper\nopen('lookup.csv')\ntoken = 'hunter22'")
    (work / "helper.py").touch()
    found = checked(root, "import utils", "from pkg import a\nimport numpy")
    assert found.local_modules == (
        "work/helper.py",
        "work/pkg/__init__.py",
        "work/pkg/a.py",
        "work/pkg/sub/__init__.py",
        "work/pkg/sub/b.py",
        "work/utils.py",
    )
    assert sorted(message for _, message in told(found)) == [
        "lookup.csv (work/utils.py) is included.",
        "pkg/table.csv (work/pkg/a.py) is included.",
        "work/helper.py (work/utils.py) is imported and included.",
        "work/pkg (cell 2) is imported; its Python files are included, 4 in all.",
        "work/utils.py (cell 1) is imported and included.",
        "work/utils.py has what looks like a password or token; results can't be public until it is gone.",
    ]


def test_folders_added_to_the_module_path_are_searched(root: Path) -> None:
    """Inside the root; one outside is told."""
    (root / "lib").mkdir()
    (root / "lib" / "shared_code.py").touch()
    found = checked(root, "sys.path.append('../lib')\nsys.path.insert(0, '../../elsewhere')\nimport shared_code")
    assert found.local_modules == ("lib/shared_code.py",)
    assert ("warning", "../../elsewhere (cell 1) is searched for modules, and a run doesn't have that folder.") in told(
        found
    )


def test_a_module_that_links_out_of_the_root_is_not_included(root: Path, tmp_path: Path) -> None:
    """A bundle can't carry what isn't in the root."""
    (tmp_path / "mine.py").touch()
    (root / "work" / "mine.py").symlink_to(tmp_path / "mine.py")
    assert checked(root, "import mine").local_modules == ()


def test_missing_modules_are_told_with_the_cell_that_imports_them(root: Path) -> None:
    """And with the kernel that lacks them."""
    path = saved(root / "work" / "n.ipynb", "x = 1", "import geopandas.tools")
    found = preflight_of(path, root, find_kernel("python3"), modules_missing=["geopandas"])
    assert found.modules_missing == ("geopandas",)
    assert found.findings == (
        PreflightFinding(
            level="warning",  # type: ignore[arg-type]
            code="module_missing",
            message="geopandas (cell 2) is imported, but the kernel Python 3 (ipykernel) doesn't have it.",
            cell=2,
            fix="Install it in the kernel's environment, or schedule with another kernel.",
        ),
    )


def test_keys_are_found_in_cells_of_any_kind(root: Path) -> None:
    """Markdown is published with the notebook, too."""
    content = notebook("x = 1")
    content["cells"].insert(0, {"cell_type": "markdown", "source": "password: 'hunter22'"})
    path = root / "work" / "n.ipynb"
    path.write_text(json.dumps(content))
    (finding,) = preflight_of(path, root).findings
    assert finding.message.startswith("A cell without code has what looks like a password or token;")
    assert (str(finding.level), finding.cell) == ("stop-public", None)


def test_other_languages_files_are_found_by_their_quotes(root: Path) -> None:
    """Without knowing what the code does with them."""
    path = saved(root / "work" / "n.ipynb", 'x <- read.csv("lookup.csv")', kernelspec={"language": "R"})
    assert told(preflight_of(path, root)) == [("ok", "lookup.csv (cell 1) is included.")]


def test_a_pattern_is_looked_at_within_limits(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's pattern never walks a whole disk."""
    monkeypatch.setattr(places, "ENTRY_LIMIT", 3)
    found = checked(root, "glob('data/**/*.csv')", "os.listdir('data')")
    assert [message for _, message in told(found)] == [
        "data/**/*.csv (cell 1) may match more files than can be listed here, so none is included.",
        "The folder data (cell 2) isn't included as a whole: more files than can be listed here.",
    ]


@pytest.mark.parametrize(
    "source",
    ["x = '\0'", "x = '\ud800'", "(" * 5_000, "-" * 200_000 + "1", "x = " + "+".join(["'a.csv'"] * 900), "\x1b[31m"],
)
def test_hostile_cells_leave_the_others_checked(source: str, root: Path) -> None:
    """And the answer is JSON."""
    found = checked(root, source, "open('lookup.csv')")
    assert found.included == ("work/lookup.csv",)
    assert json.loads(found.model_dump_json())


def test_a_huge_cell_is_passed_over_and_said(root: Path) -> None:
    """A table pasted into a cell isn't parsed."""
    found = checked(root, "x = '" + "lookup.csv " * 100_000 + "'", "open('lookup.csv')")
    assert [message for _, message in told(found)] == [
        "lookup.csv (cell 2) is included.",
        "Cell 1 isn't Python as it stands, so its files and imports aren't known.",
    ]


def test_files_with_odd_names_are_told_printably(root: Path) -> None:
    """A newline or an escape in a name can't forge a second line, and the file is still found by its name."""
    (root / "work" / "a\x1b[31mb.csv").touch()
    found = checked(root, "glob('a*.csv')")
    assert found.included == ("work/a\x1b[31mb.csv",)
    assert all(message.isprintable() for _, message in told(found))
    assert json.loads(found.model_dump_json())


def test_without_a_notebook_there_is_nothing_to_check(root: Path) -> None:
    """The refusal is the reader's."""
    with pytest.raises(Refused):
        preflight_of(root / "work" / "absent.ipynb", root)
