"""Notebooks of text, as jupytext has them."""

import os
from pathlib import Path

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.notebook import cell_text, kernel_name, language, load_notebook
from jupyter_schedule.core.notebooks.parameters import find_parameters
from jupyter_schedule.core.notebooks.preflight import preflight
from jupyter_schedule.core.notebooks.text_notebooks import name_as_notebook
from tests.core.notebooks.written import saved

PERCENT = "# ---\n# jupyter:\n#   jupytext:\n#     formats: ipynb,py:percent\n# ---\n\n"


@pytest.mark.parametrize(
    ("name", "text", "cells"),
    [
        ("a.py", PERCENT + '# %% tags=["parameters"]\nx = 1\n\n# %%\nprint(x)\n', ["x = 1", "print(x)"]),
        ("a.py", "x = 1\n\nprint(x)\n", ["x = 1", "print(x)"]),
        ("a.py", "# %%\n# %cd ..\n# !ls\n", ["%cd ..\n!ls"]),
        ("a.md", "# Title\n\n```python\nx = 1\n```\n\nText\n", ["x = 1"]),
        ("a.Rmd", "# Title\n\n```{python}\nx = 1\n```\n", ["x = 1"]),
        ("a.py", "\ufeff# %%\nx = 'é'\n", ["x = 'é'"]),
    ],
)
def test_text_is_read_as_the_notebook_that_it_is(name: str, text: str, cells: list[str], tmp_path: Path) -> None:
    """Cells, tags and magics; the same text gives the same bytes."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = load_notebook(tmp_path / name)
    assert [cell_text(cell) for cell in found.content["cells"] if cell["cell_type"] == "code"] == cells
    assert found.remade
    assert found.raw == load_notebook(tmp_path / name).raw


def test_tags_and_languages_of_text_are_kept(tmp_path: Path) -> None:
    """So that parameters are found, and the kernel."""
    (tmp_path / "a.py").write_text('# %% tags=["parameters"]\nmonth = 3\n')
    assert [parameter.name for parameter in find_parameters(load_notebook(tmp_path / "a.py"))] == ["month"]
    (tmp_path / "a.R").write_text("x <- 1\n")
    content = load_notebook(tmp_path / "a.R").content
    assert (language(content), kernel_name(content)) == ("r", "ir")


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("README.md", b"# Just words\n", "it has no code in it"),
        ("a.py", b"", "it has no code in it"),
        ("a.py", b"x = '\xff'", "it isn't UTF-8 text"),
    ],
)
def test_text_that_is_no_notebook_is_refused(name: str, raw: bytes, why: str, tmp_path: Path) -> None:
    """In one sentence, whatever the reader makes of it."""
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(Refused, match=why) as refused:
        load_notebook(tmp_path / name)
    assert (refused.value.code, refused.value.field) == ("not_a_notebook", "notebook")


@pytest.mark.parametrize(
    ("path", "name"), [("a/b.py", "a/b.ipynb"), ("b.Rmd", "b.ipynb"), ("a/b.ipynb", "a/b.ipynb"), ("c.txt", "c.txt")]
)
def test_a_notebook_of_text_has_a_notebooks_name_in_the_bundle(path: str, name: str) -> None:
    """Beside the text itself."""
    assert name_as_notebook(path) == name


def stale(path: Path, root: Path) -> list[str]:
    found = preflight(load_notebook(path), path, root)
    return [finding.message for finding in found.findings if finding.code == "stale_pair"]


@pytest.mark.parametrize(
    ("formats", "text"),
    [("ipynb,py:percent", "a.py"), ("ipynb,md", "a.md"), ("nb//ipynb,scripts//py:light", "scripts/a.py")],
)
def test_the_older_of_a_pair_is_said_when_their_code_differs(formats: str, text: str, tmp_path: Path) -> None:
    """From either side; a pair that is alike, or whose text is older, is as it should be."""
    folder = tmp_path / "nb" if "//" in formats else tmp_path
    path = saved(folder / "a.ipynb", "x = 'old'", jupytext={"formats": formats})
    twin = tmp_path / text
    twin.parent.mkdir(exist_ok=True)
    new = "```python\nx = 'new'\n```\n" if text.endswith("md") else "# %%\nx = 'new'\n"
    twin.write_text(new)
    os.utime(path, (1, 1))
    name = twin.name
    assert stale(path, tmp_path) == [f"{name} is the pair of a.ipynb, was saved later, and has other code."]
    os.utime(path, (5e9, 5e9))
    assert stale(path, tmp_path) == []
    os.utime(path, (1, 1))
    twin.write_text(new.replace("new", "old"))
    assert stale(path, tmp_path) == []


def test_a_text_that_is_older_than_its_notebook_is_said(tmp_path: Path) -> None:
    """Whoever schedules the text means what is in JupyterLab."""
    saved(tmp_path / "a.ipynb", "x = 'new'", jupytext={"formats": "ipynb,py:percent"})
    (tmp_path / "a.py").write_text(f"{PERCENT}# %%\nx = 'old'\n")
    os.utime(tmp_path / "a.py", (1, 1))
    assert stale(tmp_path / "a.py", tmp_path) == ["a.ipynb is the pair of a.py, was saved later, and has other code."]


@pytest.mark.parametrize("formats", ["ipynb", "", "ipynb,py:nonsense", "x//y//z,ipynb", ["ipynb", "py"]])
def test_a_pair_that_cant_be_told_is_no_obstacle(formats: object, tmp_path: Path) -> None:
    """Whatever the metadata say."""
    assert stale(saved(tmp_path / "a.ipynb", "x = 1", jupytext={"formats": formats}), tmp_path) == []
