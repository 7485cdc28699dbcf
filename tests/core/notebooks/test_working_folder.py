"""A preflight follows where the code works: other people's ways of saying “one folder up”, and of moving there."""

import json
from pathlib import Path

import pytest

from jupyter_schedule.core.notebooks.notebook import load_notebook
from jupyter_schedule.core.notebooks.own_code import follow_notebook
from jupyter_schedule.core.notebooks.preflight import Preflight, preflight
from tests.core.notebooks.written import notebook, saved

FILES = (
    "project/data/x.csv",
    "project/data/y.csv",
    "project/data/raw/deep.csv",
    "project/src/tools.py",
    "project/src/__init__.py",
    "project/config.py",
    "project/pyproject.toml",
    "project/notebooks/here.csv",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The commonest layout: `notebooks/` beside `data/` and `src/`."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def checked(root: Path, *cells: str, given: dict[str, object] | None = None) -> Preflight:
    path = saved(root / "project" / "notebooks" / "n.ipynb", *cells)
    read = load_notebook(path)
    return preflight(read, path, root, code=follow_notebook(read, path, root, given=given))


def included(found: Preflight) -> list[str]:
    """What goes along, as seen from the project's folder."""
    return [path.removeprefix("project/") for path in found.included]


def warned(found: Preflight) -> list[str]:
    return [finding.message for finding in found.findings if str(finding.level) != "ok"]


#: texts of Python that give the project's folder, one folder up
ONE_UP = [
    "Path.cwd().parent",
    "Path().cwd().parent",
    "Path('.').resolve().parent",
    "Path('.').resolve().parents[0]",
    "Path.cwd().parents[0]",
    "Path().absolute().parent",
    "Path('..').resolve()",
    "pathlib.Path(os.getcwd()).parent",
    "pathlib.Path().resolve().parent.absolute()",
    "Path(os.path.abspath('')).parent",
    "Path(os.path.dirname(os.getcwd()))",
    "Path(os.path.dirname(os.path.abspath('n.ipynb'))).parent",
    "Path(os.path.abspath(os.pardir))",
    "Path(os.path.abspath(os.path.join(os.getcwd(), os.pardir)))",
    "Path(os.path.join(os.getcwd(), '..'))",
    "Path(os.path.realpath('..'))",
    "Path(os.path.split(os.getcwd())[0])",
    "Path('/'.join(os.getcwd().split('/')[:-1]))",
    "Path(os.getcwd().rsplit('/', 1)[0])",
    "Path(os.getcwd().replace('notebooks', ''))",
    "Path(os.getcwd().split('notebooks')[0])",
    "Path(f'{os.getcwd()}/..')",
    "Path('{}/..'.format(os.getcwd()))",
    "Path('%s/..' % os.getcwd())",
    "Path(_dh[0]).parent",
    "Path(os.environ['PWD']).parent",
    "(Path.cwd() / '..')",
    "Path.cwd().joinpath('..').resolve()",
    "(Path.cwd().parent if Path.cwd().name == 'notebooks' else Path.cwd())",
    "next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / 'pyproject.toml').exists())",
    "next(parent for parent in Path.cwd().parents if (parent / 'data').is_dir())",
]


@pytest.mark.parametrize("expression", ONE_UP)
def test_one_folder_up_however_it_is_written(expression: str, root: Path) -> None:
    """The file there goes along under its path, and no sentence warns of an address that only this machine has."""
    found = checked(
        root, f"import os, pathlib\nfrom pathlib import Path\nROOT = {expression}", "open(ROOT / 'data/x.csv')"
    )
    assert (included(found)[:1], warned(found)) == (["data/x.csv"], [])


@pytest.mark.parametrize(
    "cell",
    [
        "ROOT = Path.cwd()\nwhile not (ROOT / 'data').exists():\n    ROOT = ROOT.parent",
        "ROOT = Path.cwd()\nwhile ROOT.name != 'project':\n    ROOT = ROOT.parent",
        "for ROOT in Path.cwd().parents:\n    if (ROOT / 'pyproject.toml').exists():\n        break",
        "def root():\n    here = Path.cwd()\n    for place in [here, *here.parents]:\n"
        "        if (place / 'pyproject.toml').exists():\n            return place\nROOT = root()",
        "def up(count=1):\n    return Path.cwd().parents[count - 1]\nROOT = up()",
        "class Paths:\n    ROOT = Path.cwd().parent\nROOT = Paths.ROOT",
        "PATHS = {'root': Path.cwd().parent}\nROOT = PATHS['root']",
        "try:\n    ROOT = Path(__file__).parents[1]\nexcept NameError:\n    ROOT = Path.cwd().parent",
        "ROOT = Path(os.environ.get('PROJECT', '..'))",
        "ROOT = Path('..') if os.environ.get('CI') else Path('/srv/project')",
        "ROOT = Path('/content/drive') if 'google.colab' in sys.modules else Path('..')",
        "if colab():\n    ROOT = Path('/content/drive/MyDrive')\nelse:\n    ROOT = Path('..')",
    ],
)
def test_a_root_that_is_searched_for(cell: str, root: Path) -> None:
    """In loops, functions, classes, and where a branch depends on what isn't known."""
    found = checked(root, f"import os, sys\nfrom pathlib import Path\n{cell}", "open(ROOT / 'data' / 'x.csv')")
    assert "data/x.csv" in included(found)
    assert not [sentence for sentence in warned(found) if "x.csv" in sentence]


@pytest.mark.parametrize(
    "cell",
    [
        "import os\nos.chdir('..')",
        "from os import chdir, pardir\nchdir(pardir)",
        "import os\nos.chdir(os.path.dirname(os.getcwd()))",
        "import os\nos.chdir(Path.cwd().parent)",
        "import os\nROOT = os.path.abspath('..')\nos.chdir(ROOT)",
        "import os\nif os.path.basename(os.getcwd()) == 'notebooks':\n    os.chdir('..')",
        "import os\nif 'notebooks' in os.getcwd():\n    os.chdir('..')",
        "import os\nif os.getcwd().endswith('notebooks'): os.chdir('../')",
        "import os\nwhile 'data' not in os.listdir():\n    os.chdir('..')",
        "import os\nwhile not os.path.exists('data'):\n    os.chdir('..')",
        "import os\nwhile os.path.basename(os.getcwd()) != 'project':\n    os.chdir('..')",
        "import os\ndef setup():\n    os.chdir('..')\nsetup()",
        "import os\ntry:\n    os.chdir('..')\nexcept OSError:\n    pass",
        "import os\nif not moved:\n    os.chdir('..')\n    moved = True",
        "%cd ..",
        "%cd -q ../",
        "cd ..",
        "%pushd ..",
        "up = '..'\n%cd {up}",
        "up = '..'\n%cd $up",
        "import sys\nif 'google.colab' in sys.modules:\n    %cd /content/project\nelse:\n    %cd ..",
        "get_ipython().run_line_magic('cd', '..')",
    ],
)
def test_paths_are_looked_for_where_the_code_has_moved(cell: str, root: Path) -> None:
    """Files and modules of the new working folder go along, in the cells after that."""
    found = checked(root, cell, "open('data/x.csv').read()\nfrom src.tools import X")
    assert {"data/x.csv", "src/tools.py"} <= set(included(found))
    assert not [sentence for sentence in warned(found) if "x.csv" in sentence]


def test_the_way_back_is_followed_too(root: Path) -> None:
    """By the folder before, and at the end of a block."""
    back = "%cd -"
    assert "notebooks/here.csv" in included(checked(root, "%cd ..", back, "open('here.csv')"))
    block = "import contextlib\nwith contextlib.chdir('..'):\n    open('data/x.csv')\nopen('here.csv')"
    assert included(checked(root, block)) == ["data/x.csv", "notebooks/here.csv"]
    assert included(checked(root, "%pushd ..\nopen('data/x.csv')", "%popd\nopen('here.csv')")) == [
        "data/x.csv",
        "notebooks/here.csv",
    ]


def test_a_shells_own_cd_moves_only_its_line(root: Path) -> None:
    """The kernel stays where it is."""
    assert included(checked(root, "!cd .. && wc data/x.csv\nopen('here.csv')")) == ["data/x.csv", "notebooks/here.csv"]


def test_a_working_folder_that_cant_be_told_is_said_once(root: Path) -> None:
    """And no file that is named from there is called missing."""
    found = checked(root, "import os\nos.chdir(find())", "open('data/x.csv')\nopen('gone.csv')")
    assert warned(found) == [
        "Cell 1 changes the working folder to one that can't be seen from here, so files that are named from there may "
        "be missed."
    ]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("os.chdir('{root}/project')", "{root}/project (cell 1) is an absolute path, which only this machine has."),
        (
            "os.chdir('../../..')",
            "../../.. (cell 1) becomes the working folder; it is outside the folder that Jupyter serves, "
            "so a run lacks it.",
        ),
    ],
)
def test_a_working_folder_that_a_run_lacks_is_said(cell: str, sentence: str, root: Path) -> None:
    """Where it is somebody's own disk, or above what Jupyter serves."""
    assert sentence.replace("{root}", str(root)) in warned(checked(root, cell.replace("{root}", str(root))))


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("(Path('../data') / 'x').with_suffix('.csv')", "x"),
        ("Path('../data/x.txt').with_suffix('.csv')", "x"),
        ("Path('../data/x.csv').with_name('y.csv')", "y"),
        ("Path('../data/x.csv').with_stem('y')", "y"),
        ("Path('../data/x.csv').parent / 'y.csv'", "y"),
        ("os.path.splitext('../data/x.txt')[0] + '.csv'", "x"),
        ("os.path.join(os.path.dirname('../data/x.txt'), 'y.csv')", "y"),
        ("'../data/x.txt'.replace('.txt', '.csv')", "x"),
        ("'../data/' + '.'.join(['x', 'csv'])", "x"),
        ("os.sep.join(['..', 'data', 'x.csv'])", "x"),
        ("os.path.join(*['..', 'data'], 'x.csv')", "x"),
        ("Path('../data', 'X.csv'.lower())", "x"),
        ("Path('../data') / f'{name!s:.1}.csv'", "x"),
        ("Path('../data') / f'{Path(\"somewhere/x.json\").stem}.csv'", "x"),
        ("os.path.relpath(os.path.abspath('../data/x.csv'))", "x"),
        ("(Path.cwd().parent / 'data/x.csv').relative_to(Path.cwd())", "x"),
        ("('../data/{}.csv'.format(letter) for letter in ['x'])", "x"),
    ],
)
def test_paths_are_followed_from_one_to_another(expression: str, name: str, root: Path) -> None:
    """By their parts, by other endings and names, and by what texts can do."""
    cell = f"import os\nfrom pathlib import Path\nname = 'x'\nfor path in [{expression}]:\n    open(path)"
    if expression.startswith("('"):
        cell = f"for path in {expression}:\n    open(path)"
    assert f"data/{name}.csv" in included(checked(root, cell))


def test_a_loop_over_known_names_reads_each(root: Path) -> None:
    """And says which of them isn't there."""
    found = checked(root, "for name in ['x', 'z']:\n    pd.read_csv(f'../data/{name}.csv')")
    assert included(found) == ["data/x.csv"]
    assert warned(found) == ["../data/z.csv (cell 1) is not found; fine if the notebook creates it."]


def test_functions_of_the_notebook_and_of_its_modules_are_followed(root: Path) -> None:
    """With what they are given, in their own names."""
    (root / "project/src/tools.py").write_text(
        "from pathlib import Path\nROOT = Path(__file__).resolve().parents[1]\nDATA = ROOT / 'data'\n"
        "def load(name):\n    return open(DATA / f'{name}.csv')\n"
    )
    start = "import sys\nsys.path.append('..')\n"
    assert "data/y.csv" in included(checked(root, start + "from src.tools import DATA", "open(DATA / 'y.csv')"))
    for call in (
        "from src.tools import load\nload('y')",
        "import src.tools as t\nt.load('y')",
        "from src.tools import *\nload('y')",
    ):
        assert "data/y.csv" in included(checked(root, start + call))
    own = "def read(name, folder='../data'):\n    return pd.read_csv(f'{folder}/{name}.csv')"
    found = checked(root, own, "read('y')\nread(name='deep', folder='../data/raw')")
    assert {"data/y.csv", "data/raw/deep.csv"} <= set(included(found))


@pytest.mark.parametrize(
    "cell",
    [
        "import sys\nsys.path.append('..')",
        "import sys, os\nsys.path.insert(0, os.path.abspath('..'))",
        "import sys\nsys.path.append(str(Path.cwd().parent))",
        "import sys\nsys.path += ['..']",
        "import sys\nsys.path.extend(['..'])",
        "import sys\nsys.path = ['..'] + sys.path",
        "import site\nsite.addsitedir('..')",
    ],
)
def test_modules_are_looked_for_where_the_code_says(cell: str, root: Path) -> None:
    """And aren't called missing when they go along."""
    path = saved(root / "project/notebooks/n.ipynb", "from pathlib import Path\n" + cell, "from src.tools import X")
    found = preflight(load_notebook(path), path, root, modules_missing=["src"])
    assert "src/tools.py" in included(found)
    assert warned(found) == []


@pytest.mark.parametrize(
    ("parameters", "cell", "given", "file"),
    [
        ("name = 'x'", "open(f'../data/{name}.csv')", {"name": "y"}, "data/y.csv"),
        ("path = '../data/x.csv'", "open(path)", {"path": "../data/y.csv"}, "data/y.csv"),
        ("number = 1", "open('../data/%02d.csv' % number)", {"number": 7}, "data/07.csv"),
        ("deep = False", "if deep:\n    open('../data/raw/deep.csv')", {"deep": True}, "data/raw/deep.csv"),
        ("names = []", "[open(f'../data/{name}.csv') for name in names]", {"names": ["y"]}, "data/y.csv"),
        ("options = {}", "open(options['file'])", {"options": {"file": "../data/y.csv"}}, "data/y.csv"),
    ],
)
def test_the_run_that_is_scheduled_is_looked_at(
    parameters: str, cell: str, given: dict[str, object], file: str, root: Path
) -> None:
    """With the values of the form, not with those in the notebook."""
    (root / "project/data/07.csv").touch()
    path = root / "project/notebooks/n.ipynb"
    saved(path, "")
    path.write_text(json.dumps(notebook(parameters, cell, tags=["parameters"])))
    read = load_notebook(path)
    found = preflight(read, path, root, code=follow_notebook(read, path, root, given=given))
    assert included(found) == [file]
    assert warned(found) == []


@pytest.mark.parametrize(
    "cell",
    [
        "open(path)",
        "for name in names():\n    pd.read_csv(name)",
        "pd.read_csv(config.DATA)",
        "pd.read_parquet(args.folder / args.name)",
        "df = pd.concat(pd.read_csv(each) for each in files)",
        "def load(path):\n    return open(path)\nlist(map(load, files))",
    ],
)
def test_what_cant_be_followed_is_said_in_one_line(cell: str, root: Path) -> None:
    """Only the run knows what it is."""
    assert warned(checked(root, "x = 1", f"{cell}\n{cell}")) == [
        "Cell 2 opens files that can't be seen from here: add them if it needs any."
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "with open('here.csv') as file:\n    pd.read_csv(file)",
        "pd.read_csv(io.StringIO(text))",
        "pd.read_json(requests.get(url).text)",
        "pd.read_csv(urllib.request.urlopen(address))",
        "with zipfile.ZipFile('here.csv') as archive:\n    pd.read_csv(archive.open(name))",
        "df.to_csv(path)\npd.read_csv(path)",
        "def load(path):\n    return open(path)\nload('here.csv')",
        "def load(path):\n    return open(path)",
        "open(path, 'w')",
        "Image.open(stream)",
        "json.load(handle)",
        "class Reader:\n    def read(self):\n        return open(self.path)",
        "[pd.read_csv(path) for path in Path('../data').glob('*.csv')]",
        "for path in glob.glob('../data/*.csv'):\n    pd.read_csv(path)",
        "for name in os.listdir('../data'):\n    pd.read_csv(os.path.join('../data', name))",
        "import tempfile\nfolder = tempfile.mkdtemp()\nopen(os.path.join(folder, 'x'))",
    ],
)
def test_what_is_known_or_no_file_is_not_said(cell: str, root: Path) -> None:
    """A handle, an answer, what the notebook wrote itself: no alarm."""
    assert warned(checked(root, cell)) == []
