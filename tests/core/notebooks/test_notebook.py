import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks import notebook as notebooks
from jupyter_schedule.core.notebooks.notebook import (
    blank_magics,
    code_cells,
    kernel_name,
    language,
    load_notebook,
    parse_python,
    printable,
    read_notebook,
)

from .written import notebook, saved


def test_a_notebook_is_read_as_the_json_that_it_is(tmp_path: Path) -> None:
    """What is read equals what was saved, also below a name with spaces and other letters."""
    path = saved(tmp_path / "wöchentlich 'A'.ipynb", "x = 1")
    assert read_notebook(path) == notebook("x = 1")


REFUSED: list[tuple[bytes, str, str]] = [
    (b"", "not_a_notebook", "n.ipynb isn't a notebook: line 1 isn't JSON."),
    (b"x = 1\n", "not_a_notebook", "n.ipynb isn't a notebook: line 1 isn't JSON."),
    (b'{"nbformat": 4,\n"cells": [', "not_a_notebook", "n.ipynb isn't a notebook: line 2 isn't JSON."),
    (b"\xff\xfe{\x00", "not_a_notebook", "n.ipynb isn't a notebook: it isn't UTF-8 text."),
    (
        b"[" * 200_000,
        "not_a_notebook",
        "n.ipynb isn't a notebook: its JSON is nested too deeply or has a number out of range.",
    ),
    (
        b"9" * 5_000,
        "not_a_notebook",
        "n.ipynb isn't a notebook: its JSON is nested too deeply or has a number out of range.",
    ),
    (b"[]", "not_a_notebook", "n.ipynb isn't a notebook: it doesn't say its notebook format."),
    (b'{"cells": []}', "not_a_notebook", "n.ipynb isn't a notebook: it doesn't say its notebook format."),
    (b'{"nbformat": 4}', "not_a_notebook", "n.ipynb isn't a notebook: it has no list of cells."),
    (b'{"nbformat": 4, "cells": ["x"]}', "not_a_notebook", "n.ipynb isn't a notebook: it has no list of cells."),
    (
        b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": 1}]}',
        "notebook_too_old",
        "n.ipynb is in notebook format 3, and can't be read as that. Open it in JupyterLab and save it.",
    ),
]


OLD = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {"name": "x"},
    "worksheets": [{"metadata": {}, "cells": [
        {"cell_type": "heading", "level": 1, "source": ["Title"], "metadata": {}},
        {"cell_type": "code", "language": "python", "metadata": {"tags": ["parameters"]}, "collapsed": False,
         "prompt_number": 3, "input": ["n = 1\n", "m = 2"],
         "outputs": [{"output_type": "pyout", "prompt_number": 3, "metadata": {}, "text": ["2"]}]},
    ]}],
}  # fmt: skip


def test_a_notebook_of_an_older_format_is_the_one_that_jupyter_opens(tmp_path: Path) -> None:
    """The same each time, so that its bundle has one digest."""
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(OLD))
    read = load_notebook(path)
    assert read.remade
    assert (read.content["nbformat"], [cell["cell_type"] for cell in read.content["cells"]]) == (
        4,
        ["markdown", "code"],
    )
    assert [(cell.source, cell.tags) for cell in read.cells] == [("n = 1\nm = 2", ("parameters",))]
    assert json.loads(read.raw) == read.content
    assert load_notebook(path).raw == read.raw


def test_a_notebook_that_only_talks_of_older_formats_is_none(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.ipynb", "print('{\"nbformat\": 3}')")
    assert not load_notebook(path).remade


@pytest.mark.parametrize(("content", "code", "sentence"), REFUSED)
def test_what_is_no_notebook_is_refused_with_its_reason(
    content: bytes, code: str, sentence: str, tmp_path: Path
) -> None:
    """Anything else than notebook JSON of format 4 is refused, never half read."""
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        read_notebook(path)
    assert (refused.value.code, refused.value.message, refused.value.field) == (code, sentence, "notebook")


@pytest.mark.parametrize("name", ["absent.ipynb", "folder/absent.ipynb", "nul\0.ipynb"])
def test_an_absent_notebook_is_refused_by_its_path(name: str, tmp_path: Path) -> None:
    """A path that nothing is at, or that can't be one, is named."""
    with pytest.raises(Refused) as refused:
        read_notebook(tmp_path / name)
    assert refused.value.code == "notebook_missing"
    assert refused.value.message.startswith("There is no notebook /")


def test_a_folder_is_refused_as_unreadable(tmp_path: Path) -> None:
    """A folder with a notebook's name is refused with the system's words."""
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(Refused) as refused:
        read_notebook(tmp_path / "folder.ipynb")
    assert (refused.value.code, refused.value.message) == (
        "notebook_unreadable",
        "folder.ipynb can't be read: Is a directory.",
    )


def test_a_notebook_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Size is looked at first, so that a huge file costs nothing."""
    path = tmp_path / "huge.ipynb"
    path.touch()
    os.truncate(path, 250_000_000)
    with pytest.raises(Refused) as refused:
        read_notebook(path)
    assert refused.value.code == "notebook_too_large"
    assert refused.value.message == (
        "huge.ipynb is 250 MB, over the limit of 100 MB for a notebook. Clear its outputs and save it."
    )


def test_code_cells_are_numbered_as_people_count_them() -> None:
    """A code cell's number counts code cells from 1, its index all cells from 0; source is a text or lines."""
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": "a = 1"},
        {"cell_type": "raw", "source": "raw"},
        {"cell_type": "code", "source": ["b = 2\n", "c = 3"], "metadata": {"tags": ["parameters", 7]}},
        {"cell_type": "code"},
        {"cell_type": "code", "source": {"not": "text"}, "metadata": "none"},
        {"no type": 1},
    ]
    found = code_cells({"nbformat": 4, "cells": cells})
    assert [(cell.number, cell.index, cell.source, cell.tags) for cell in found] == [
        (1, 1, "a = 1", ()),
        (2, 3, "b = 2\nc = 3", ("parameters",)),
        (3, 4, "", ()),
        (4, 5, "", ()),
    ]


BLANKED = [
    ("%matplotlib inline\nx = 1", "pass\nx = 1"),
    ("!ls data\nx = 1", "pass\nx = 1"),
    ("x?\n?x\nx.y??\ny = 1", "pass\npass\npass\ny = 1"),
    ("if x:\n    !ls\nelse:\n    %cd ..", "if x:\n    pass\nelse:\n    pass"),
    ("files = !ls\nn = %sql select 1\nm = 2", "files = None\nn = None\nm = 2"),
    ("!tar \\\n  -x \\\n  a.tar\ny = 1", "pass\n\n\ny = 1"),
    ("%%time\nx = 1", "pass\nx = 1"),
    ("%time x = 1\ny = 2", "x = 1\ny = 2"),
    ("%%bash\nls | wc -l\ncat x", "\n\n"),
    ("\n%%html\n<b>x</b>", "\n\n"),
    ("%%!\nls", "\n"),
    ('q = """\n%like\n!no\n"""', 'q = """\n%like\n!no\n"""'),
    ("x = (5\n  %y)\n", "x = (5\n  %y)\n"),
    ("this is no Python", "this is no Python"),
]


@pytest.mark.parametrize(("source", "python"), BLANKED)
def test_magics_are_blanked_line_by_line(source: str, python: str) -> None:
    """What plain Python doesn't know is blanked where it stands; what it does know stays."""
    assert blank_magics(source).source == python
    assert python.count("\n") == source.count("\n")


@pytest.mark.parametrize(
    ("line", "installs"),
    [
        ("%pip install pandas", True),
        ("!pip3 install -q pandas", True),
        ("!{sys.executable} -m pip install pandas", True),
        ("%conda install pandas", True),
        ("!uv pip install pandas", True),
        ("%pip list", False),
        ("!echo pip install", False),
    ],
)
def test_a_magic_tells_whether_it_installs_packages(line: str, *, installs: bool) -> None:
    """Only an install command at the beginning of the line counts."""
    (magic,) = blank_magics(line + "\nx = 1").magics
    assert (magic.line, magic.text, magic.installs) == (1, line, installs)


def test_shell_cells_keep_their_lines_as_magics() -> None:
    """The lines of a shell cell are at hand for who looks for file names; those of an HTML cell aren't."""
    assert [magic.text for magic in blank_magics("%%bash\n\nwc data.csv").magics] == ["%%bash", "wc data.csv"]
    assert [magic.text for magic in blank_magics("%%html\n<a href=x>").magics] == ["%%html"]


def test_other_languages_are_left_as_they_are() -> None:
    """R has `%in%` and `?help`, which are no magics."""
    r = notebook("x %in% y\n?mean", kernelspec={"name": "ir", "language": "R"})
    assert code_cells(r)[0].source == "x %in% y\n?mean"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, ("python", "python3")),
        ({"kernelspec": {"name": "ir", "language": "R"}}, ("r", "ir")),
        ({"language_info": {"name": "julia"}, "kernelspec": {"name": "julia-1.9"}}, ("julia", "julia-1.9")),
        ({"kernelspec": "broken", "language_info": 3}, ("python", "python3")),
        ({"kernelspec": {"name": 3, "language": None}}, ("python", "python3")),
    ],
)
def test_language_and_kernel_are_those_it_was_saved_with(metadata: dict[str, Any], expected: tuple[str, str]) -> None:
    """What the metadata doesn't say is Python's, whatever shape the metadata has."""
    found = notebook("1", **metadata)
    assert (language(found), kernel_name(found)) == expected


@pytest.mark.parametrize(
    "source", ["x = '\0'", "x = '\ud800'", "(" * 5_000, "-" * 200_000 + "1", "if", "\f\r", "x = 1\n\x1a"]
)
def test_hostile_source_is_no_python_rather_than_an_error(source: str) -> None:
    """Null bytes, lone surrogates and deep nesting come back as they are, and parse to nothing or to a tree."""
    (cell,) = code_cells(notebook(source))
    assert cell.source == source
    parse_python(cell.source)


def test_parsing_warns_nobody() -> None:
    """A cell's doubtful escape isn't our warning to give."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_python(r"x = '\d'") is not None


def test_text_in_a_sentence_is_one_printable_line() -> None:
    """Newlines, escapes and lone surrogates are spelled out, and long texts are cut."""
    assert printable("a\nb\x1b[0m\ud800é") == "a\\nb\\x1b[0m\\ud800é"
    assert printable("x" * 200) == "x" * 79 + "…"


def test_the_limit_is_in_the_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A notebook of exactly the limit is read; one byte more is refused."""
    path = saved(tmp_path / "n.ipynb", "x = 1")
    monkeypatch.setattr(notebooks, "SIZE_LIMIT", path.stat().st_size)
    assert read_notebook(path)["cells"]
    path.write_text(json.dumps(notebook("x = 12")), encoding="utf-8")
    with pytest.raises(Refused):
        read_notebook(path)
