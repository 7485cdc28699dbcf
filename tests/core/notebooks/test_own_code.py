"""A notebook needs more than its cells name: what it runs, what belongs together, what it reads by other names."""

from pathlib import Path

import pytest

from jupyter_schedule.core.notebooks.notebook import load_notebook
from jupyter_schedule.core.notebooks.preflight import Preflight, preflight
from tests.core.notebooks.written import saved


def checked(
    root: Path, *cells: str, files: dict[str, str], named: tuple[str, ...] = (), **options: object
) -> Preflight:
    """The preflight of a notebook with these cells, among files with these contents."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    path = saved(root / "n.ipynb", *cells)
    return preflight(load_notebook(path), path, root, None, named, **options)  # type: ignore[arg-type]


def warned(found: Preflight) -> list[str]:
    return [finding.message for finding in found.findings if str(finding.level) != "ok"]


#: a file of code that imports a module and reads a file
HELPER = "import other\nopen('table.csv')\n"
_HELPERS = {"helper.py": HELPER, "other.py": "", "table.csv": ""}
RUN = [
    "%run helper.py",
    "%run helper",
    "%run -i helper.py --fast 3",
    "%run './helper.py'",
    "%run {name}.py",
    "get_ipython().run_line_magic('run', 'helper.py')",
    "get_ipython().magic('run helper.py')",
    "!python helper.py",
    "!python3 -u helper.py > log.txt",
    "!{sys.executable} helper.py",
    "! cd . && PYTHONHASHSEED=0 python -W ignore helper.py",
    "%%bash\nset -e\npython helper.py",
    "%sx python helper.py",
    "%system python helper.py",
    "subprocess.run(['python', 'helper.py', '--fast'])",
    "subprocess.run([sys.executable, 'helper.py'], check=True)",
    "subprocess.check_call('python helper.py', shell=True)",
    "subprocess.Popen(args=['python3', '-u', 'helper.py'])",
    "os.system('python helper.py')",
    "runpy.run_path('helper.py')",
    "importlib.util.spec_from_file_location('helper', 'helper.py')",
    "import helper",
    "importlib.import_module('helper')",
    "!python -m helper",
    "%run -m helper",
    "%load_ext helper",
    "%aimport helper",
    "!uv run helper.py",
    "!torchrun --standalone helper.py",
    "def main():\n    os.system('python helper.py')",
    "exec(open('helper.py').read())",
    "import asyncio\nawait asyncio.create_subprocess_exec(sys.executable, 'helper.py')",
    "await asyncio.create_subprocess_shell('python helper.py')",
    "lines = !python helper.py",
]


@pytest.mark.parametrize("cell", RUN)
def test_what_is_run_is_code_like_what_is_imported(cell: str, tmp_path: Path) -> None:
    """With its own imports and the files that it reads."""
    files = _HELPERS
    assert checked(tmp_path, f"name = 'helper'\n{cell}" if "{name}" in cell else cell, files=files).included == tuple(
        sorted(files)
    )


@pytest.mark.parametrize(
    "cell", ["%run helper.ipynb", "%run ./helper.ipynb", "papermill.execute_notebook('helper.ipynb', None)"]
)
def test_a_notebook_that_is_run_is_followed(cell: str, tmp_path: Path) -> None:
    """And what `%run` leaves is the notebook's."""
    files = {"other.py": "", "table.csv": "", "data/x.csv": ""}
    saved(tmp_path / "helper.ipynb", "DATA = 'data'\nimport other", "open('table.csv')")
    found = checked(tmp_path, cell, "open(f'{DATA}/x.csv')", files=files)
    assert found.included == ("data/x.csv", "helper.ipynb", "other.py", "table.csv")


@pytest.mark.parametrize(
    ("cell", "file"),
    [
        ("!bash prepare.sh", "prepare.sh"),
        ("!./prepare.sh", "prepare.sh"),
        ("!Rscript model.R in.csv", "model.R"),
        ("!source ./settings.sh && echo", "settings.sh"),
        ("subprocess.run(['sh', 'prepare.sh'])", "prepare.sh"),
        ("!jupyter nbconvert --to html --execute child.ipynb", "child.ipynb"),
        ("!papermill child.ipynb out.ipynb", "child.ipynb"),
        ("!cat < in.csv | sort > out.csv", "in.csv"),
        ("!tool --config=conf.yaml", "conf.yaml"),
        ("!make -j2 all", "Makefile"),
    ],
)
def test_files_of_programs_go_along(cell: str, file: str, tmp_path: Path) -> None:
    """Scripts of any language, and what command lines name."""
    assert file in checked(tmp_path, cell, files={file: "{}" if file.endswith("ipynb") else ""}).included


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("go.sh", "#!/bin/sh\nset -e\npython helper.py in.csv\n"),
        ("go.sh", 'cd "$(dirname "$0")"\npython helper.py < in.csv  # first\n'),
        ("go.sh", 'HERE=$(dirname "${BASH_SOURCE[0]}")\ncd "$(dirname "${BASH_SOURCE[0]}")/." && ./helper.py in.csv'),
        ("go", "#!/usr/bin/env bash\npython helper.py in.csv\n"),
        ("go.sh", "bash other.sh\n. ./other.sh\n"),
    ],
)
def test_what_a_shells_script_runs_is_followed(script: str, text: str, tmp_path: Path) -> None:
    """With what that imports, from the folder where the script goes to."""
    files = {script: text, "other.sh": "python helper.py in.csv\nbash go.sh\n", "in.csv": "", **_HELPERS}
    found = checked(tmp_path, f"!bash {script}", files=files)
    assert {script, "in.csv", *_HELPERS} <= set(found.included)
    assert warned(found) == []


def test_a_script_leaves_the_folder_and_the_names_of_who_runs_it(tmp_path: Path) -> None:
    """As a program of its own; what it reads of the environment is told by its name."""
    files = {"go.sh": "cd sub\nNAME=x\ncurl $DB_URL\n", "sub/y.csv": "", "x.csv": ""}
    found = checked(tmp_path, "!sh go.sh\nopen('x.csv')", files=files)
    assert found.included == ("go.sh", "x.csv")
    assert "DB_URL (go.sh) is read from the environment, and a run doesn't have it." in warned(found)


@pytest.mark.parametrize(("script", "text"), [("go.R", "x <- read.csv('in.csv')"), ("go.jl", 'CSV.File("in.csv")')])
def test_files_that_other_languages_scripts_quote_go_along(script: str, text: str, tmp_path: Path) -> None:
    """As those of a notebook in such a language."""
    command = "Rscript" if script.endswith("R") else "julia"
    assert checked(tmp_path, f"!{command} {script}", files={script: text, "in.csv": ""}).included == (script, "in.csv")


@pytest.mark.parametrize(
    "cell",
    [
        "import import_ipynb\nimport my_helper",
        "import import_ipynb\nfrom my_helper import f",
        "from ipynb.fs.full.my_helper import f",
        "import nbimporter\nimport my_helper as h",
    ],
)
@pytest.mark.parametrize("name", ["my_helper.ipynb", "my helper.ipynb"])
def test_a_notebook_that_is_imported_goes_along(cell: str, name: str, tmp_path: Path) -> None:
    """With the packages that make that possible."""
    saved(tmp_path / name, "open('in.csv')")
    assert checked(tmp_path, cell, files={"in.csv": ""}).included == tuple(sorted(["in.csv", name]))


def test_files_that_run_each_other_end(tmp_path: Path) -> None:
    """A cycle of `%run` and of imports is followed once."""
    saved(tmp_path / "a.ipynb", "%run b.ipynb")
    saved(tmp_path / "b.ipynb", "%run a.ipynb\n%run n.ipynb\nopen('x.csv')")
    files = {"c.py": "import d", "d.py": "import c\nimport runpy\nrunpy.run_path('c.py')", "x.csv": ""}
    found = checked(tmp_path, "%run a.ipynb\nimport c\ndef f():\n    return f() or f()\nf()", files=files)
    assert found.included == ("a.ipynb", "b.ipynb", "c.py", "d.py", "x.csv")


def test_a_script_that_isnt_there_is_told(tmp_path: Path) -> None:
    """By the name that was written."""
    assert warned(checked(tmp_path, "%run gone.py", files={})) == [
        "gone.py (cell 1) is not found; fine if the notebook creates it."
    ]


FAMILIES = [
    ("gpd.read_file('d/roads.shp')", "shp shx dbf prj cpg"),
    ("gpd.read_file('d/roads.SHP')", "SHP shx DBF"),
    ("shapefile.Reader('d/roads')", "shp shx dbf"),
    ("rasterio.open('d/roads.tif')", "tif tfw tif.aux.xml tif.ovr"),
    ("rasterio.open('d/roads.jpg')", "jpg jgw jpg.aux.xml"),
    ("spectral.open_image('d/roads.hdr')", "hdr img"),
    ("pysam.AlignmentFile('d/roads.bam')", "bam bam.bai"),
    ("pysam.FastaFile('d/roads.fa')", "fa fa.fai"),
    ("VCF('d/roads.vcf.gz')", "vcf.gz vcf.gz.tbi"),
    ("mne.io.read_raw_brainvision('d/roads.vhdr')", "vhdr vmrk eeg"),
    ("wfdb.rdrecord('d/roads')", "hea dat"),
    ("sitk.ReadImage('d/roads.mhd')", "mhd raw"),
    ("read_plink('d/roads.bed')", "bed bim fam"),
    ("sqlite3.connect('d/roads.sqlite')", "sqlite sqlite-wal sqlite-shm"),
    ("trimesh.load('d/roads.obj')", "obj mtl"),
    ("mapinfo = 'd/roads.tab'", "tab dat map id"),
]


@pytest.mark.parametrize(("cell", "endings"), FAMILIES)
def test_files_that_belong_together_go_together(cell: str, endings: str, tmp_path: Path) -> None:
    """By the name of one; others of the same stem stay."""
    files = {f"d/roads.{ending}": "" for ending in endings.split()}
    found = checked(tmp_path, cell, files=files | {"d/roads.docx": "", "d/other.dbf": ""})
    assert found.included == tuple(sorted(files))
    assert warned(found) == []


@pytest.mark.parametrize(
    ("cell", "files"),
    [
        ("xr.open_zarr('grid.zarr')", "grid.zarr/.zgroup grid.zarr/t/.zarray grid.zarr/t/0.0"),
        ("zarr.open('grid.zarr')", "grid.zarr/zarr.json grid.zarr/c/0"),
        ("pd.read_parquet('sales')", "sales/year=2024/a.parquet sales/year=2025/b.parquet"),
        ("pq.ParquetDataset('sales')", "sales/part-0.parquet sales/_SUCCESS"),
        ("dd.read_csv('sales.parquet')", "sales.parquet/part-0"),
        ("spark.read.option('header', True).parquet('sales')", "sales/part-0.parquet"),
        ("DeltaTable('table')", "table/_delta_log/0.json table/p.parquet"),
        ("gpd.read_file('city.gdb')", "city.gdb/a0.gdbtable"),
        ("tf.keras.models.load_model('model')", "model/saved_model.pb model/variables/v.index"),
        ("AutoModel.from_pretrained('./model')", "model/config.json model/model.safetensors"),
        ("load_from_disk('set')", "set/dataset_info.json set/data.arrow"),
        ("path = 'model/saved'", "model/saved/saved_model.pb model/saved/x"),
    ],
)
def test_a_folder_that_is_one_data_set_goes_as_a_whole(cell: str, files: str, tmp_path: Path) -> None:
    """With what is hidden in it."""
    found = checked(tmp_path, cell, files=dict.fromkeys(files.split(), ""))
    assert (found.included, warned(found)) == (tuple(sorted(files.split())), [])


NAMED = [
    "create_engine('sqlite:///x.db')",
    "create_engine(f'sqlite:///{folder}/x.db')",
    "create_engine('sqlite+pysqlite:///x.db?mode=ro')",
    "create_engine('sqlite:///' + str(Path.cwd() / 'x.db'))",
    "create_engine('duckdb:///x.db')",
    "sqlite3.connect('file:x.db?mode=ro', uri=True)",
    "pyodbc.connect('Driver=SQLite3;Database=x.db')",
    "jdbc('jdbc:sqlite:x.db')",
    "%sql sqlite:///x.db",
    "%load_ext sql\n%sql duckdb:///x.db",
    "%%sql\nselect * from 'x.db'",
    "%sql select * from 'x.db'",
    "duckdb.sql(\"select * from 'x.db'\")",
    "duckdb.sql('select * from read_csv(\\'x.db\\')')",
    "con.execute('''\nwith a as (select 1)\nselect * from parquet_scan('x.db') join a''')",
    "con.execute(f\"copy t from '{folder}/x.db'\")",
    "con.execute(\"attach 'x.db' as x\")",
    "pd.read_csv('zip://inner.csv::x.db')",
    "fsspec.open('simplecache::file://x.db')",
    "gpd.read_file('zip://x.db!inner.shp')",
    "rasterio.open('NETCDF:\"x.db\":t')",
    "rasterio.open('HDF5:x.db://t')",
    "open('file:x.db')",
]


@pytest.mark.parametrize("cell", NAMED)
def test_paths_in_addresses_and_queries_go_along(cell: str, tmp_path: Path) -> None:
    """However deep they are named."""
    found = checked(tmp_path, f"folder = '.'\n{cell}" if "folder" in cell else cell, files={"x.db": ""})
    assert (found.included, warned(found)) == (("x.db",), [])


def test_paths_in_addresses_are_looked_for_in_the_working_folder(tmp_path: Path) -> None:
    """As the run will."""
    assert checked(tmp_path, "%cd db", "create_engine('sqlite:///x.db')", files={"db/x.db": ""}).included == (
        "db/x.db",
    )


@pytest.mark.parametrize(
    "cell",
    [
        "create_engine('sqlite://')",
        "create_engine('sqlite:///:memory:')",
        "create_engine('sqlite:///new.db')",
        "create_engine('postgresql://host/sales.db')",
        "pd.read_sql(\"select * from sales where day = '2024-01-01' and name like 'a/b.c'\", engine)",
        "requests.get('https://example.org/x.csv')",
        "duckdb.sql(\"copy t to 'output/out.parquet'\")",
        "pd.read_csv('s3://bucket/x.csv')",
        "text = 'from here to there'",
    ],
)
def test_addresses_of_no_file_are_not_told(cell: str, tmp_path: Path) -> None:
    """And a database that isn't there is one that the run makes."""
    found = checked(tmp_path, cell, files={})
    assert (found.files, warned(found)) == ((), [])


VARIABLES = [
    "os.environ['DB_URL']",
    "environ['DB_URL']",
    "os.getenv('DB_URL')",
    "getenv('DB_URL')",
    "os.environ.get('DB_URL')",
    "f\"{os.environ['DB_URL']}/x\"",
    "def connect():\n    return os.environ['DB_URL']",
    "[os.environ[name] for name in 'a'] or os.environ['DB_URL']",
    "from decouple import config\nconfig('DB_URL')",
    "from google.colab import userdata\nuserdata.get('DB_URL')",
    "os.environ['DB_URL'] if local else ''",
    "from os import getenv as read\nread('DB_URL').lower()",
    "os.getenv(key='DB_URL').strip()",
    "os.environb[b'DB_URL']",
    "name = 'DB_URL'\nos.environ[name]",
    "{name: os.environ[name] for name in ['DB_URL']}",
    "def need(name):\n    return os.environ[name]\nneed('DB_URL')",
    "os.environ.__getitem__('DB_URL')",
    "if 'DB_URL' not in os.environ:\n    raise SystemExit('set it')",
    "if 'DB_URL' not in os.environ:\n    sys.exit(1)",
    "assert 'DB_URL' in os.environ",
    "os.path.expandvars('$DB_URL/x')",
    "from environs import Env\nenv = Env()\nenv.str('DB_URL')",
    "import environ\nenv = environ.Env(DEBUG=(bool, False))\nenv('DB_URL')",
    '!curl -H "Authorization: $DB_URL" https://example.org',
    "answer = !echo ${DB_URL}",
    "%%bash\nOTHER=3\necho $OTHER\npsql ${DB_URL}",
]


@pytest.mark.parametrize("cell", VARIABLES)
def test_a_variable_that_no_run_has_is_named(cell: str, tmp_path: Path) -> None:
    """Unless the schedule passes it, or a file with it goes along."""
    sentence = "DB_URL (cell 1) is read from the environment, and a run doesn't have it."
    assert sentence in warned(checked(tmp_path, cell, files={}))
    assert warned(checked(tmp_path, cell, files={}, variables=["DB_URL"])) == []
    assert warned(checked(tmp_path, cell, files={".env": "export DB_URL=x"}, named=(".env",))) == []


@pytest.mark.parametrize(
    "cell",
    [
        "os.environ['HOME']\nos.environ['OUTPUT_DIR']\nos.environ['PATH']\nos.environ['CONDA_PREFIX']",
        "os.getenv('DB_URL', 'sqlite://')",
        "os.environ.get('DB_URL', None)",
        "os.environ['DB_URL'] = 'x'\nos.environ['DB_URL']",
        "os.environ.setdefault('DB_URL', 'x')\nos.environ['DB_URL']",
        "%env DB_URL=x\nos.environ['DB_URL']",
        "%set_env DB_URL x\nos.environ['DB_URL']",
        "os.environ.update(DB_URL='x')\nos.environ['DB_URL']",
        "os.environ.update({'DB_URL': 'x'})\nos.environ['DB_URL']",
        "if 'DB_URL' in os.environ:\n    os.environ['DB_URL']",
        "try:\n    os.environ['DB_URL']\nexcept KeyError:\n    pass",
        "import os\nif 'DB_URL' not in os.environ:\n    os.environ['DB_URL'] = 'x'",
        "!echo ${DB_URL:-none} '$DB_URL' $(date) $HOME $1 $?",
        "%%bash\nDB_URL=x\nfor DAY in 1 2; do echo $DAY; done\nread -r LINE\necho $DB_URL $LINE $RANDOM",
        "DB_URL = 'x'\n!echo $DB_URL",
        "from environs import Env\nenv = Env()\nenv.str('DB_URL', 'x')\nenv('DB_URL', default='x')",
        "env = make()\nenv.str('DB_URL')\nenv('DB_URL')",
        "config('DB_URL')",
        "settings.get('DB_URL')",
    ],
)
def test_a_variable_that_the_code_does_without_is_not_named(cell: str, tmp_path: Path) -> None:
    """It has a default, sets it itself, asks first, or catches its absence."""
    assert warned(checked(tmp_path, cell, files={})) == []


@pytest.mark.parametrize(
    "cell", ["load_dotenv()", "dotenv.load_dotenv('.env')", "%load_ext dotenv\n%dotenv", "dotenv_values()"]
)
def test_a_file_of_variables_that_stays_behind_is_said(cell: str, tmp_path: Path) -> None:
    """It may hold credentials, so it goes along when somebody names it."""
    assert ".env (cell 1) isn't included: it may hold credentials." in warned(
        checked(tmp_path, cell, files={".env": ""})
    )
    assert warned(checked(tmp_path, cell, files={".env": ""}, named=(".env",))) == []


@pytest.mark.parametrize(
    "cell",
    [
        *("getpass.getpass()", "getpass('Password: ')", "input()", "click.prompt('Name')", "sys.stdin.readline()"),
        *("breakpoint()", "import pdb; pdb.set_trace()", "Confirm.ask('Go on?')"),
    ],
)
def test_what_asks_a_person_is_said(cell: str, tmp_path: Path) -> None:
    """Nobody answers in a run."""
    assert warned(checked(tmp_path, cell, files={})) == [
        "Line 1 of cell 1 asks for input, and in a run nobody answers."
    ]


@pytest.mark.parametrize(
    "code",
    [
        "from importlib.resources import files\nfiles('pkg').joinpath('conf.yaml').read_text()",
        "from importlib import resources\nresources.files(__package__).joinpath('conf.yaml')",
        "import importlib.resources\nimportlib.resources.read_text(__name__, 'conf.yaml')",
        "import pkgutil\npkgutil.get_data(__name__, 'conf.yaml')",
        "import pkg_resources\npkg_resources.resource_filename('pkg', 'conf.yaml')",
        "from jinja2 import PackageLoader\nPackageLoader('pkg')",
        "from pathlib import Path\n(Path(__file__).parent / 'conf.yaml').read_text()",
        "import os\nopen(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'conf.yaml'))",
        "from pathlib import Path\nHERE = Path(__file__).resolve().parent\n"
        "def conf():\n    return open(HERE / 'conf.yaml')",
    ],
)
def test_data_of_an_own_package_go_along(code: str, tmp_path: Path) -> None:
    """However its code finds them."""
    files = {"pkg/__init__.py": code, "pkg/conf.yaml": "a: 1"}
    assert checked(tmp_path, "import pkg", files=files).included == tuple(sorted(files))


def test_many_data_of_a_package_stay_behind_and_are_said(tmp_path: Path) -> None:
    """A whole archive isn't what somebody means who imports a module."""
    files = {"pkg/__init__.py": "from importlib import resources", **{f"pkg/{n}.bin": "" for n in range(501)}}
    found = checked(tmp_path, "import pkg", files=files)
    assert found.included == ("pkg/__init__.py",)
    assert warned(found) == ["pkg has data files that its code may read, and they aren't included: 501 files, 0 B."]


@pytest.mark.parametrize(
    ("cell", "makes"),
    [
        ("os.mkdir('output')", True),
        ("os.makedirs('output')", True),
        ("Path('output').mkdir()", True),
        ("out = Path.cwd() / 'output'\nout.mkdir(parents=True)", True),
        ("os.makedirs('output', exist_ok=False)", True),
        ("def prepare(folder):\n    os.mkdir(folder)\nprepare('output')", True),
        ("import helper", True),
        ("if os.path.exists('output'):\n    shutil.rmtree('output')\nos.mkdir('output')", True),
        ("os.mkdir('results')\ndf.to_csv('results/a.csv')", True),
        ("os.makedirs('output', exist_ok=True)", False),
        ("Path('output').mkdir(exist_ok=True, parents=True)", False),
        ("os.mkdir('output/plots')", False),
        ("try:\n    os.mkdir('output')\nexcept FileExistsError:\n    pass", False),
        ("try:\n    os.mkdir('output')\nexcept OSError as problem:\n    print(problem)", False),
        ("def unused():\n    os.mkdir('output')", False),
        ("os.mkdir('other')\ndf.to_csv('output/a.csv')", False),
        ("open('output/x', 'w')", False),
    ],
)
def test_code_that_makes_its_output_folder_itself_is_known(cell: str, makes: bool, tmp_path: Path) -> None:
    """Such a folder mustn't be there when the run starts; for all other code it is."""
    assert checked(tmp_path, cell, files={"helper.py": "import os\nos.mkdir('output')"}).makes_output is makes


@pytest.mark.parametrize(
    "cell",
    [
        "\n".join(f"p{number} = 'data/{number}.csv'" for number in range(1_000)),
        f"p = '{'x' * 1_000_000}'",
        "p = '\ud800.csv'\nopen(p)",
        "open('data/' * 400 + 'x.csv')",
        "x = 'a'\n" + "x = x + x\n" * 60 + "open(x)",
        "x = [1]\n" + "x = x + x\n" * 60 + "open(x)",
        "open('%0999999999d' % 1)\nopen(f'{1:999999999}')\nopen('{:999999999}'.format(1))",
        "while True:\n    pass",
        "for a in range(10**9):\n    for b in range(10**9):\n        open(f'{a}/{b}')",
        "def f(n):\n    return f(n - 1) + f(n - 2)\nopen(f(100))",
        "\n".join(f"def f{n}(): return f{n + 1}() + f{n + 1}()" for n in range(40)) + "\nopen(f0())",
        "if a:\n    pass\n" * 2_000,
        "x = a if b else c\n" * 500 + "open(x)",
        "%run n.ipynb\n%cd\n%cd -\n%cd a b c\n%run\n%load_ext\n!python\n!cd\n!python -m",
        "import os\nos.chdir()\nos.mkdir()\nopen()\nos.environ[1]\nos.getenv()\nsubprocess.run()\nexec()",
        "lambda *a, **k: open(a)\nclass A(B, metaclass=C):\n    x: int = 1\n    def f(self, /, *, k=open('x')): pass",
        "sys.path = sys.path\nsys.path += 3\n[a for a in b for c in d if open(c)]\n{**x}[0]\n"
        "'%s' % (1, 2)\n'{a.b}'.format()",
    ],
)
def test_hostile_code_is_looked_at_within_limits(cell: str, tmp_path: Path) -> None:
    """Without an error, and in so many steps; the cells beside it are looked at all the same."""
    found = checked(tmp_path, "open('beside.csv')", cell, files={"beside.csv": ""})
    assert "beside.csv" in found.included
    assert found.model_dump_json()


def test_loops_that_name_no_file_take_no_steps(tmp_path: Path) -> None:
    """However many rounds they have, also within functions that are called in them: what follows is seen."""
    cells = [
        "def draw(n):\n    for a in range(n):\n        while True:\n            b = a + 1\n            c = b * 2\n",
        "for n in range(1000):\n    for m in range(1000):\n        draw(n)\n",
        "squares = [draw(n) for n in range(1000) for m in range(1000)]",
        "for n in range(3):\n    open(f'{n}.csv')",
    ]
    found = checked(tmp_path, *cells, files=dict.fromkeys(("0.csv", "1.csv", "2.csv"), ""))
    assert (found.included, warned(found)) == (("0.csv", "1.csv", "2.csv"), [])


def test_code_beyond_the_limit_of_steps_is_said(tmp_path: Path) -> None:
    """Rather than taken for harmless; what stands at the top of a cell is looked at all the same."""
    loop = "for a in range(50):\n    for b in range(50):\n        y = b\n        z.append(a)\n        w = b\n"
    found = checked(tmp_path, loop * 3, "for x in y:\n    open('inner.csv')", "open('top.csv')", files={"top.csv": ""})
    assert "top.csv" in found.included
    assert "Cell 2 opens files that can't be seen from here: add them if it needs any." in warned(found)
