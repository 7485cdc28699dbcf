from pathlib import Path

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.notebook import code_cells
from jupyter_schedule.core.notebooks.requirements import Declared, find_declared, read_requirements_file
from tests.core.notebooks.written import notebook

CELL = '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "pandas>=2",\n# ]\n# ///\nimport pandas'


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def found(root: Path, folder: str = "a/b", *sources: str) -> tuple[Declared | None, list[str]]:
    (root / folder).mkdir(parents=True, exist_ok=True)
    return find_declared(root / folder, root, code_cells(notebook(*sources)))


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
        (
            "environment.yml",
            "dependencies: [pandas]",
            ["environment.yml is for conda, so it is passed over; the packages are those that the notebook imports."],
        ),
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
            "x has a password in its address, so it is left out.",
        ),
        (
            "--index-url https://me:secret@example.org/simple",
            [],
            "--index-url of requirements.txt has a password in its address, so it is left out; "
            "configure the package index where the run happens.",
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
