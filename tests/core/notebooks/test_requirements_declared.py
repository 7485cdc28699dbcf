from pathlib import Path

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.declared import Declared, find_declared, read_requirements_file
from jupyter_schedule.core.notebooks.lockfiles import READERS
from jupyter_schedule.core.notebooks.notebook import code_cells
from tests.core.notebooks.written import notebook

CELL = '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "pandas>=2",\n# ]\n# ///\nimport pandas'


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def found(root: Path, folder: str = "a/b", *sources: str) -> tuple[Declared | None, list[str]]:
    (root / folder).mkdir(parents=True, exist_ok=True)
    return find_declared(root / folder, root, code_cells(notebook(*sources)), READERS)


def lines(content: str, root: Path) -> tuple[list[str], list[str], list[str]]:
    declared = read_requirements_file(put(root / "requirements.txt", content), root)
    return declared.lines, declared.options, declared.notes


@pytest.mark.parametrize(
    ("files", "winner"),
    [
        (["a/b/requirements.txt", "a/b/pyproject.toml", "requirements.txt"], "a/b/requirements.txt"),
        (["a/b/pyproject.toml", "a/requirements.txt"], "a/b/pyproject.toml"),
        (["a/requirements.txt", "requirements.txt"], "a/requirements.txt"),
        (["pyproject.toml"], "pyproject.toml"),
    ],
)
def test_the_nearest_declaration_wins(files: list[str], winner: str, tmp_path: Path) -> None:
    """Folders go from the notebook's up to the root; in one, requirements.txt comes first."""
    for name in files:
        put(tmp_path / name, '[project]\ndependencies = ["x"]' if name.endswith("toml") else "x")
    declared, notes = found(tmp_path)
    assert declared is not None
    assert (declared.file, declared.source, declared.lines) == (tmp_path / winner, Path(winner).name, ["x"])
    assert notes == []


def test_nothing_above_the_root_is_looked_at(tmp_path: Path) -> None:
    """A requirements.txt outside the folder that Jupyter serves isn't the notebook's."""
    put(tmp_path / "requirements.txt", "x")
    assert found(tmp_path / "root") == (None, [])


def test_metadata_in_a_cell_is_a_declaration() -> None:
    """PEP 723's block, wherever the cell stands; a file comes before it."""
    declared, _ = find_declared(Path("/nowhere"), Path("/nowhere"), code_cells(notebook("x = 1", CELL)))
    assert declared == Declared("cell metadata", lines=["pandas>=2"])


def test_a_file_comes_before_a_cells_metadata(tmp_path: Path) -> None:
    """The analyst's own file is trusted most."""
    put(tmp_path / "requirements.txt", "x")
    declared, _ = found(tmp_path, "a", CELL)
    assert declared is not None
    assert declared.source == "requirements.txt"


@pytest.mark.parametrize(
    ("name", "content", "notes"),
    [
        ("pyproject.toml", "[tool.x]\n", []),
        ("pyproject.toml", "project = 3\n", []),
        ("pyproject.toml", "[project]\ndependencies = 'x'\n", []),
        ("pyproject.toml", "[project\n", ["pyproject.toml can't be read, so it is passed over."]),
        ("environment.yml", "name: x\n", []),
        ("environment.yml", "a: [", ["environment.yml can't be read, so it is passed over."]),
        ("pylock.toml", "lock-version = '1.0'", []),
        ("pylock.toml", "[", ["pylock.toml can't be read, so it is passed over."]),
        ("uv.lock", "[", ["uv.lock can't be read, so it is passed over."]),
    ],
)
def test_files_that_declare_nothing_for_us_are_passed_over(
    name: str, content: str, notes: list[str], tmp_path: Path
) -> None:
    """With a sentence where the analyst might wonder."""
    put(tmp_path / name, content)
    assert found(tmp_path) == (None, notes)


def test_damaged_cell_metadata_is_passed_over() -> None:
    """With the number of the cell."""
    cells = code_cells(notebook("# /// script\n# dependencies = [\n# ///"))
    assert find_declared(Path("/nowhere"), Path("/nowhere"), cells) == (
        None,
        ["The script metadata in cell 1 isn't TOML, so it is passed over."],
    )


def test_a_requirements_file_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    """Comments, continued lines, markers, extras, addresses and included files."""
    put(tmp_path / "more" / "base.txt", "-r ../requirements.txt\nnumpy")
    content = """\
# comment
pandas[excel] >=2, <3  # why
-r more/base.txt
six==1.16 ; python_version > '3' \\
   and sys_platform != 'x'
tool @ git+https://example.org/tool@v1
--extra-index-url https://example.org/simple
-i https://$USER:$PASSWORD@example.org/simple
--no-index
"""
    assert lines(content, tmp_path) == (
        [
            "pandas[excel] >=2, <3",
            "numpy",
            "six==1.16 ; python_version > '3'     and sys_platform != 'x'",
            "tool @ git+https://example.org/tool@v1",
        ],
        ["--extra-index-url https://example.org/simple", "-i https://$USER:$PASSWORD@example.org/simple", "--no-index"],
        [],
    )


SECRET = (
    " has a password or token in its address, so it is left out; "
    "write it with variables, as in https://$USER:$PASSWORD@…, or configure the package index where the run happens."
)
LOCAL = " is on this machine only, so a fresh environment can't have it; add its files to the bundle."


@pytest.mark.parametrize(
    ("line", "kept", "note"),
    [
        ("-e ./mine", [], f"./mine{LOCAL}"),
        ("--editable=../mine", [], f"../mine{LOCAL}"),
        ("./wheels/x-1.0.whl", [], f"./wheels/x-1.0.whl{LOCAL}"),
        ("x @ file:///srv/x.whl", [], f"file:///srv/x.whl{LOCAL}"),
        ("-c limits.txt", [], "The option -c of requirements.txt is left out."),
        ("what is this", [], "“what is this” is no requirement, so it is left out."),
        (
            "x==1 --hash=sha256:aa --hash=sha256:bb",
            ["x==1"],
            "The hashes in requirements.txt are left out; the versions stay.",
        ),
        (
            "x @ https://me:secret@example.org/x.whl",
            [],
            f"x{SECRET}",
        ),
        (
            "--index-url https://me:secret@example.org/simple",
            [],
            f"--index-url of requirements.txt{SECRET}",
        ),
    ],
)
def test_what_a_fresh_environment_cant_have_is_left_out_and_said(
    line: str, kept: list[str], note: str, tmp_path: Path
) -> None:
    """Local things, secrets and what we can't read."""
    assert lines(line, tmp_path) == (kept, [], [note])


@pytest.mark.parametrize(
    ("include", "sentence"),
    [
        ("-r absent.txt", "absent.txt can't be followed: no such file or directory."),
        ("-r folder", "folder can't be followed: is a directory."),
        ("-r ../outside.txt", "outside.txt can't be followed: it is outside the folder that Jupyter serves."),
        ("--requirement=latin.txt", "latin.txt can't be followed: it isn't UTF-8 text."),
    ],
)
def test_a_file_that_cant_be_followed_is_refused(include: str, sentence: str, tmp_path: Path) -> None:
    """A requirements file is followed wholly or not at all."""
    root = tmp_path / "root"
    put(tmp_path / "outside.txt", "x")
    (root / "folder").mkdir(parents=True)
    (root / "latin.txt").write_bytes(b"\xe9")
    with pytest.raises(Refused) as refused:
        lines(include, root)
    assert (refused.value.code, refused.value.message, refused.value.field) == (
        "requirements_unreadable",
        sentence,
        "environment",
    )


ADDRESSES = {
    "git+https://example.com/team/lib.git@v1#egg=teamlib": "teamlib",
    "git+https://example.com/team/lib.git": "",
    "git+ssh://git@example.com/team/lib.git@v1#egg=Team_Lib": "team-lib",
    "git+https://example.com/lib.git@0123456789abcdef0123456789abcdef01234567#subdirectory=py&egg=lib": "lib",
    "git+https://$TOKEN@example.com/lib.git": "",
    "git+https://${USER}:${TOKEN}@example.com/lib.git": "",
    "hg+https://example.com/lib#egg=lib": "lib",
    "https://example.com/wheels/foo-1.0-py3-none-any.whl": "foo",
    "https://example.com/foo-1.0.tar.gz ; python_version > '3'": "foo",
    "-e git+https://example.com/team/lib.git#egg=teamlib": "teamlib",
}


@pytest.mark.parametrize(("line", "name"), ADDRESSES.items())
def test_addresses_stay_as_they_were_written(line: str, name: str, tmp_path: Path) -> None:
    """They can be had from anywhere; what is there is guessed only as far as they say."""
    declared = read_requirements_file(put(tmp_path / "requirements.txt", line), tmp_path)
    assert (declared.addresses, declared.notes) == ({line.removeprefix("-e "): name}, [])


WITH_CREDENTIALS = [
    "--index-url https://me:secret@example.org/simple",
    "--extra-index-url=https://ghp_0123456789abcdefghij@example.org/simple",
    "-i https://$USER:secret@example.org/simple",
    "-i https://example.org/simple?token=abcdef",
    "-f https://example.org/wheels?x=1&X-Amz-Signature=abcdef",
    "--find-links https://me:secret@example.org/wheels",
    "--extra-index-url https://packages.example.org/0a1b2c3d4e5f60718293a4b5c6d7e8f9ab/simple",
    "git+https://ghp_secret@example.com/team/lib.git",
    "git+https://oauth2:glpat-secret@example.com/team/lib.git#egg=lib",
    "lib @ git+https://me:secret@example.com/team/lib.git",
    "https://me:secret@example.com/foo-1.0-py3-none-any.whl",
    "https://example.com/foo-1.0-py3-none-any.whl?sig=abcdef",
]


@pytest.mark.parametrize("line", WITH_CREDENTIALS)
def test_credentials_anywhere_in_an_address_are_withheld(line: str, tmp_path: Path) -> None:
    """Without saying them; whoever makes a fresh environment is refused, since packages would come from elsewhere."""
    declared = read_requirements_file(put(tmp_path / "requirements.txt", line), tmp_path)
    assert (declared.lines, declared.addresses, declared.options) == ([], {}, [])
    assert declared.withheld == declared.notes != []
    assert "secret" not in declared.notes[0]
    assert "abcdef" not in declared.notes[0]


@pytest.mark.parametrize(
    "line",
    [
        "-i https://example.org/simple",
        "-i https://$USER:$PASSWORD@example.org/root/pypi/+simple/",
        "-i https://example.org/api/v4/projects/123456/packages/pypi/simple",
        "--extra-index-url https://wheels.example.org/whl/cu121",
        "--extra-index-url https://packages.example.com/organization/_packaging/a-rather-long-feed-name/pypi/simple",
        "-f https://data.example.org/whl/torch-2.1.0+cpu.html",
    ],
)
def test_an_index_without_credentials_is_kept(line: str, tmp_path: Path) -> None:
    """Also where its address is long, or has variables in it."""
    assert lines(line, tmp_path) == ([], [line], [])


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("./wheels/foo-1.0-py3-none-any.whl", "foo==1.0"),
        ("wheels/foo-1.0-py3-none-any.whl", "foo==1.0"),
        ("file:./wheels/foo-1.0-py3-none-any.whl", "foo==1.0"),
        ("file://{root}/wheels/foo-1.0-py3-none-any.whl", "foo==1.0"),
        ("foo @ file:wheels/foo-1.0-py3-none-any.whl", "foo==1.0"),
        ("./wheels/bar-2.tar.gz", "bar==2"),
    ],
)
def test_a_wheel_in_the_folder_goes_along(line: str, requirement: str, tmp_path: Path) -> None:
    """And is found there by its version."""
    root = tmp_path.resolve()
    for name in ("foo-1.0-py3-none-any.whl", "bar-2.tar.gz"):
        put(root / "wheels" / name, "")
    declared = read_requirements_file(put(root / "requirements.txt", line.replace("{root}", str(root))), root)
    assert (declared.lines, declared.links, declared.notes) == ([requirement], [root / "wheels"], [])
    assert [file.parent for file in declared.files] == [root / "wheels"]


def test_a_folder_of_packages_goes_along_with_them(tmp_path: Path) -> None:
    """Its archives, and nothing else in it; one outside isn't anybody's."""
    root = tmp_path / "root"
    for name in ("foo-1.0-py3-none-any.whl", "bar-2.tar.gz", "notes.txt"):
        put(root / "wheels" / name, "")
    put(tmp_path / "more" / "x-1-py3-none-any.whl", "")
    declared = read_requirements_file(
        put(root / "requirements.txt", "--find-links ./wheels\n-f ../more\nfoo==1.0"), root
    )
    assert (declared.lines, declared.options, declared.links) == (["foo==1.0"], [], [root / "wheels"])
    assert [file.name for file in declared.files] == ["bar-2.tar.gz", "foo-1.0-py3-none-any.whl"]
    assert declared.notes == ["../more is no folder that can go along, so packages aren't looked for there."]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_requirements_file_may_say_its_encoding(encoding: str, tmp_path: Path) -> None:
    """As `pip freeze > requirements.txt` does in PowerShell."""
    (tmp_path / "requirements.txt").write_bytes("pandas==2.1\r\nsix\r\n".encode(encoding))
    declared = read_requirements_file(tmp_path / "requirements.txt", tmp_path)
    assert (declared.lines, declared.notes) == (["pandas==2.1", "six"], [])


def test_a_lock_file_of_pep_751_is_read(tmp_path: Path) -> None:
    """Versions, markers, commits, archives, and the indexes that aren't everybody's."""
    put(
        tmp_path / "pylock.toml",
        """
lock-version = "1.0"
[[packages]]
name = "six"
version = "1.17.0"
index = "https://pypi.example/simple"
[[packages]]
name = "colorama"
version = "0.4.6"
marker = "sys_platform == 'win32'"
index = "https://example.org/simple/"
[[packages]]
name = "lib"
vcs = { type = "git", url = "https://example.org/lib.git", commit-id = "abc", subdirectory = "py" }
[[packages]]
name = "tool"
archive = { url = "https://example.org/tool-1.zip" }
""",
    )
    declared, notes = found(tmp_path, "a")
    assert declared is not None
    assert (declared.source, notes) == ("pylock.toml", [])
    assert declared.lines == [
        "six==1.17.0",
        "colorama==0.4.6 ; sys_platform == 'win32'",
        "lib @ git+https://example.org/lib.git@abc#subdirectory=py",
        "tool @ https://example.org/tool-1.zip",
    ]
    assert declared.options == ["--extra-index-url https://example.org/simple"]


UV_LOCK = """
version = 1
requires-python = ">=3.11"
[[package]]
name = "proj"
version = "0.1"
source = { virtual = "." }
dependencies = [{ name = "six" }, { name = "colorama", marker = "sys_platform == 'win32'" }]
[package.dev-dependencies]
dev = [{ name = "iniconfig" }]
[package.metadata]
requires-dist = [{ name = "six" }, { name = "colorama", marker = "sys_platform == 'win32'" }]
[package.metadata.requires-dev]
dev = [{ name = "iniconfig" }]
"""
PACKAGE = """
[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "https://pypi.example/simple" }}
sdist = {{ url = "https://example.org/{name}-{version}.tar.gz", hash = "sha256:ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81", size = 1 }}
"""  # noqa: E501  (as uv writes it)


def test_uvs_lock_file_is_read_as_uv_reads_it(tmp_path: Path) -> None:
    """Before the pyproject.toml that it belongs to, with markers, without what is for development."""
    locked = [("six", "1.17.0"), ("colorama", "0.4.6"), ("iniconfig", "2.3.1")]
    put(tmp_path / "uv.lock", UV_LOCK + "".join(PACKAGE.format(name=name, version=version) for name, version in locked))
    project = "[project]\nname = 'proj'\nversion = '0.1'\nrequires-python = '>=3.11'\n"
    project += (
        "dependencies = ['six', \"colorama ; sys_platform == 'win32'\"]\n[dependency-groups]\ndev = ['iniconfig']\n"
    )
    put(tmp_path / "pyproject.toml", project)
    declared, notes = found(tmp_path, "a")
    assert declared is not None
    assert (declared.source, notes) == ("uv.lock", [])
    assert declared.lines == ["colorama==0.4.6 ; sys_platform == 'win32'", "six==1.17.0"]


def test_a_list_that_conda_exported_is_read_by_pips_names(tmp_path: Path) -> None:
    """`conda list --export > requirements.txt`, which pip itself can't read."""
    put(
        tmp_path / "requirements.txt",
        "# platform: linux-64\n_libgcc_mutex=0.1=conda_forge\npython=3.11.7=hab00c5b_1\nnumpy=1.26.4=py311h64a7726_0\n"
        "pytorch=2.2.0=cpu_py311\nrequests=2.31.0=pypi_0\n",
    )
    declared, notes = found(tmp_path, "a")
    assert declared is not None
    assert (declared.lenient, notes, declared.notes) == (True, [], [])
    assert declared.lines == ["numpy==1.26.4", "torch==2.2.0", "requests==2.31.0"]


def test_condas_environment_is_read_by_pips_names(tmp_path: Path) -> None:
    """What is no Python package is told apart by the kernel, which has it or not."""
    put(
        tmp_path / "environment.yml",
        """
name: x
channels: [conda-forge]
dependencies:
  - python=3.11
  - pandas=2.1
  - conda-forge::numpy>=1.26,<3
  - pytorch==2.2.0
  - scipy=1.11.4=py311h64a7726_0
  - gdal
  - pip
  - pip:
    - requests==2.31
    - git+https://example.com/lib.git#egg=lib
""",
    )
    declared, notes = found(tmp_path, "a")
    assert declared is not None
    assert (declared.lenient, notes, declared.notes) == (True, [], [])
    assert declared.lines == [
        "pandas==2.1.*",
        "numpy>=1.26,<3",
        "torch==2.2.0",
        "scipy==1.11.4",
        "gdal",
        "requests==2.31",
    ]
    assert declared.addresses == {"git+https://example.com/lib.git#egg=lib": "lib"}


def test_uvs_sources_in_a_project_and_in_a_cell_are_followed(tmp_path: Path) -> None:
    """Where `tool.uv` says that a package is to be had, and from which index others."""
    tool = """
[tool.uv.sources]
lib = { git = "https://example.org/lib", tag = "v1" }
[[tool.uv.index]]
url = "https://example.org/simple"
"""
    put(tmp_path / "pyproject.toml", f"[project]\ndependencies = ['lib[fast]', 'six']\n{tool}")
    declared, _ = found(tmp_path, "a")
    assert declared is not None
    assert declared.lines == ["lib[fast] @ git+https://example.org/lib@v1", "six"]
    assert declared.options == ["--extra-index-url https://example.org/simple"]
    block = "".join(f"# {line}\n" if line else "#\n" for line in ["dependencies = ['lib']", *tool.strip().split("\n")])
    inner, _ = find_declared(Path("/nowhere"), Path("/nowhere"), code_cells(notebook(f"# /// script\n{block}# ///\n")))
    assert inner is not None
    assert inner.lines == ["lib @ git+https://example.org/lib@v1"]
