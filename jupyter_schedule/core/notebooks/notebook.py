"""A notebook is JSON with cells: read it without the notebook libraries, as data that anybody may have written.

Only what bundling, checking and parameters need: its code cells as plain Python (IPython's magics and shell lines
blanked, so that line numbers stay those of the cell), its language and the name of its kernel.
"""

import ast
import json
import os
import re
import stat
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.text_notebooks import is_text_notebook, parse_text_notebook

#: the JSON of a notebook
Notebook = dict[str, Any]

SIZE_LIMIT = 100_000_000
#: cell magics whose body is Python that runs in the kernel
PYTHON_BODIES = frozenset({"capture", "debug", "prun", "time", "timeit"})
SHELL_BODIES = frozenset({"bash", "sh", "script", "system", "sx", "!"})

_MAGIC_LINE = re.compile(r"\s*(?:%{1,2}[A-Za-z_]|%%!|!|\?{1,2}[A-Za-z_%*])")
#: IPython takes these words at the beginning of a line that isn't Python for magics
_AUTOMAGIC = re.compile(
    r"(\s*)((?:cd|ls|ll|mkdir|rmdir|cat|cp|mv|rm|pip|conda|mamba|run|load_ext|env)"
    r"(?:\s+(?!(?:in|is|and|or|if|not)\b|[-+*/&|<>=]=|[=,:+*&|<>%]).*)?)$"
)
_HELP_LINE = re.compile(r"\s*[%\w.*]+\?{1,2}\s*$")
_MAGIC_VALUE = re.compile(r"(\s*[\w.,\s]+=\s*)(?:!|%[A-Za-z_])")
_TIMED_STATEMENT = re.compile(r"(\s*)%time\s+(?=\S)")
_CELL_MAGIC = re.compile(r"\s*%%(!|\w+)")
_INSTALL = re.compile(
    r"\s*[%!]{1,2}\s*(?:(?:python3?|\S*sys\.executable\S*)\s+-m\s+)?(?:uv\s+)?(?:pip3?|conda|mamba)\s+install\b"
)

_OLD_FORMAT = re.compile(rb'"nbformat"\s*:\s*[123]\s*[,}]')
#: may be one, or half of a pair
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")

#: `warnings.catch_warnings` changes what all threads see, so that only one of ours may be inside
_warning_filters = threading.Lock()


class Magic(NamedTuple):
    """A line of IPython's own syntax, which plain Python doesn't know."""

    #: 1-based in its cell
    line: int
    text: str

    @property
    def installs(self) -> bool:
        """True where it installs packages, as `%pip install` does."""
        return bool(_INSTALL.match(self.text))


@dataclass(frozen=True)
class CodeCell:
    """A code cell as Python."""

    #: 1-based among the code cells: the number that people are told
    number: int
    #: 0-based among all cells
    index: int
    #: with as many lines as the cell has; not necessarily valid Python
    source: str
    magics: tuple[Magic, ...] = ()
    tags: tuple[str, ...] = ()
    #: lines of another language, in a cell that begins with such a magic as `%%sql`
    foreign: tuple[str, ...] = ()
    #: the tree, where telling its magics took one
    known_tree: ast.Module | None = field(default=None, repr=False, compare=False)

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree of `source`, made when it is first asked for; None when it isn't Python."""
        return self.known_tree or parse_python(self.source)


@dataclass(frozen=True)
class ParsedNotebook:
    """One reading of a notebook: whoever asks about it asks this, so that its file is read and parsed once."""

    content: Notebook
    #: the file as it was read; empty for a notebook that wasn't
    raw: bytes = field(default=b"", repr=False)
    executable: bool = False
    #: whether the file is text, or of an older format; `raw` is the notebook that it becomes then
    remade: bool = False

    @cached_property
    def cells(self) -> tuple[CodeCell, ...]:
        """The code cells, as of `code_cells`."""
        return tuple(code_cells(self.content))


def load_notebook(path: Path) -> ParsedNotebook:
    """The notebook at `path`, read once.  Raises Refused as `read_notebook`."""
    raw, mode = _read(path)
    content = parse_notebook(path.name, raw)
    if is_text_notebook(path.name) or _OLD_FORMAT.search(raw):
        raw = (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
        return ParsedNotebook(content, raw, remade=True)
    return ParsedNotebook(content, raw, bool(mode & stat.S_IXUSR))


def read_notebook(path: Path) -> Notebook:
    """The JSON of the notebook at `path`.

    Raises Refused `notebook_missing`, `notebook_unreadable`, `notebook_too_large`, `not_a_notebook` or
    `notebook_too_old`, field `notebook`.
    """
    return parse_notebook(path.name, _read(path)[0])


def _read(path: Path) -> tuple[bytes, int]:
    """The bytes and the mode of a notebook's file."""
    name = path.name
    try:
        size = path.stat().st_size
        if size > SIZE_LIMIT:
            raise _refused(
                "notebook_too_large",
                f"{name} is {size / 1e6:.0f} MB, over the limit of {SIZE_LIMIT / 1e6:.0f} MB for a notebook. "
                "Clear its outputs and save it.",
            )
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise _refused("notebook_missing", f"There is no notebook {printable(str(path))}.") from None
    except OSError as problem:
        raise _refused("notebook_unreadable", f"{name} can't be read: {problem.strerror}.") from None


def parse_notebook(name: str, raw: bytes) -> Notebook:
    """The JSON of a notebook's file of that name.  Raises Refused `not_a_notebook` or `notebook_too_old`."""
    if is_text_notebook(name):
        return check_notebook(name, parse_text_notebook(name, raw))
    try:
        notebook = json.loads(raw.decode())
    except UnicodeDecodeError:
        raise _not_a_notebook(name, "it isn't UTF-8 text") from None
    except json.JSONDecodeError as problem:
        raise _not_a_notebook(name, f"line {problem.lineno} isn't JSON") from None
    except (RecursionError, ValueError):
        raise _not_a_notebook(name, "its JSON is nested too deeply or has a number out of range") from None
    return check_notebook(name, notebook)


def check_notebook(name: str, notebook: object) -> Notebook:
    """The JSON, if it is a notebook's; Refused as of `read`."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise _not_a_notebook(name, "it doesn't say its notebook format")
    if notebook["nbformat"] < 4:
        notebook = _upgrade(name, notebook)
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise _not_a_notebook(name, "it has no list of cells")
    return notebook


def _upgrade(name: str, notebook: Notebook) -> Notebook:
    """A notebook of format 3 or older in today's, as Jupyter opens it; the same one gives the same again."""
    import nbformat  # noqa: PLC0415  (rarely needed, and slow to load)

    try:
        with _warning_filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old = nbformat.reader.reads(json.dumps(notebook))  # type: ignore[no-untyped-call]
            upgraded: Notebook = json.loads(json.dumps(nbformat.convert(old, 4)))  # type: ignore[no-untyped-call]
    except Exception:  # its readers of old formats raise what they like
        raise _refused(
            "notebook_too_old",
            f"{name} is in notebook format {notebook['nbformat']}, and can't be read as that. "
            "Open it in JupyterLab and save it.",
        ) from None
    for cell in upgraded["cells"]:
        # made up anew at every reading
        cell.pop("id", None)
    return upgraded | {"nbformat_minor": 4}


def check_runnable(name: str, notebook: ParsedNotebook) -> None:
    """Refused `not_a_notebook` for one that no Jupyter opens and no run could execute, however it was made."""
    content = notebook.content
    if content["nbformat"] > 4 or not isinstance(content.get("nbformat_minor"), int):
        raise _not_a_notebook(name, "its notebook format isn't known")
    if not isinstance(content.get("metadata"), dict):
        raise _not_a_notebook(name, "it has no metadata")
    for number, cell in enumerate(content["cells"], start=1):
        if damage := _find_damage(cell):
            raise _not_a_notebook(name, f"its cell {number}, of any kind, has {damage}")
    if _HALF_CHARACTER.search(notebook.raw):
        _check_characters(name, content)


def _find_damage(cell: dict[str, Any]) -> str | None:
    """The reason in words for which no Jupyter opens a cell, and no run could; None where there is none."""
    if not isinstance(cell.get("cell_type"), str):
        return "no cell_type"
    if not isinstance(cell.get("metadata"), dict):
        return "no metadata"
    source = cell.get("source")
    if not isinstance(source, str | list) or not all(isinstance(line, str) for line in source):
        return "no source"
    outputs = cell.get("outputs", [])
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        return "outputs that aren't a list of objects"
    return None


def _check_characters(name: str, notebook: Notebook) -> None:
    """Refused for a text that can't be saved, which would end every run; outputs are made anew."""
    for number, cell in enumerate(notebook["cells"], start=1):
        kept = {key: value for key, value in cell.items() if key != "outputs"}
        if not _can_be_saved(kept):
            raise _not_a_notebook(name, f"its cell {number}, of any kind, has half a character (a lone surrogate)")
    if not _can_be_saved({key: value for key, value in notebook.items() if key != "cells"}):
        raise _not_a_notebook(name, "its metadata have half a character (a lone surrogate)")


def _can_be_saved(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _not_a_notebook(name: str, why: str) -> Refused:
    return _refused("not_a_notebook", f"{name} isn't a notebook: {why}.")


def _refused(code: str, message: str) -> Refused:
    return Refused(code, printable(message, 400), field="notebook")


def printable(text: str, limit: int = 80) -> str:
    """`text` fit for a sentence: one line, encodable, at most `limit` characters."""
    line = text.encode("utf-8", "backslashreplace").decode()
    line = "".join(character if character.isprintable() else repr(character)[1:-1] for character in line[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"


def language(notebook: Notebook) -> str:
    """The language of its code, in lower case; Python when it doesn't say."""
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        name = _metadata(notebook, part).get(key)
        if isinstance(name, str) and name:
            return name.lower()
    return "python"


def kernel_name(notebook: Notebook) -> str:
    """The name of the kernel that it was saved with; `python3` when it doesn't say."""
    name = _metadata(notebook, "kernelspec").get("name")
    return name if isinstance(name, str) and name else "python3"


def _metadata(notebook: Notebook, part: str) -> dict[str, Any]:
    metadata = notebook.get("metadata")
    found = metadata.get(part) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def cell_text(cell: dict[str, Any]) -> str:
    """A cell's source as one text, whether it was saved as a text or as a list of lines."""
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def code_cells(notebook: Notebook) -> list[CodeCell]:
    """Its code cells in order, as Python where the notebook's language is Python, else as they are."""
    python = language(notebook) in {"python", "ipython"}
    cells = [(index, cell) for index, cell in enumerate(notebook["cells"]) if cell.get("cell_type") == "code"]
    return [_code_cell(number, index, cell, python=python) for number, (index, cell) in enumerate(cells, start=1)]


def _code_cell(number: int, index: int, cell: dict[str, Any], *, python: bool) -> CodeCell:
    plain = blank_magics(cell_text(cell)) if python else PlainPython(cell_text(cell))
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    known = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return CodeCell(number, index, plain.source, plain.magics, known, plain.foreign, plain.tree)


class PlainPython(NamedTuple):
    """A cell without IPython's own syntax."""

    source: str
    magics: tuple[Magic, ...] = ()
    #: where it had to be parsed to tell
    tree: ast.Module | None = None
    #: lines of another language
    foreign: tuple[str, ...] = ()


def blank_magics(source: str) -> PlainPython:
    """The Python of a cell, line by line where it was, and the magics that were blanked.

    A blanked line becomes `pass` at its indentation, so that a block made of shell lines stays a block; what a magic
    is assigned to becomes None.  A cell of another language (`%%bash`, `%%html`) has no Python at all.
    A line that looks like IPython's syntax may stand in a string: only a cell that isn't Python as it is has magics.
    """
    if not _looks_magic(source):
        return PlainPython(source)
    if (tree := parse_python(source)) is not None:
        return PlainPython(source, tree=tree)
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    cell_magic = _CELL_MAGIC.match(lines[first])
    if cell_magic and cell_magic[1] not in PYTHON_BODIES:
        last = len(lines) if cell_magic[1] in SHELL_BODIES else first + 1
        magics = [Magic(number + 1, lines[number]) for number in range(first, last) if lines[number].strip()]
        return PlainPython("\n" * (len(lines) - 1), tuple(magics), foreign=tuple(lines))
    blanked = list(_blanked(lines))
    return PlainPython("\n".join(line for line, _ in blanked), tuple(magic for _, magic in blanked if magic))


def _looks_magic(source: str) -> bool:
    patterns = (_MAGIC_LINE, _HELP_LINE, _MAGIC_VALUE, _AUTOMAGIC)
    return any(pattern.match(line) for line in source.split("\n") for pattern in patterns)


def parse_python(source: str) -> ast.Module | None:
    """The syntax tree of `source`, None when it isn't Python, however odd it is."""
    try:
        with _warning_filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _blanked(lines: list[str]) -> Iterator[tuple[str, Magic | None]]:
    """Each line as Python, with the magic that it was."""
    continued = False
    for number, line in enumerate(lines, start=1):
        timed = _TIMED_STATEMENT.match(line)
        value = _MAGIC_VALUE.match(line)
        word = _AUTOMAGIC.match(line)
        if continued:
            yield "", Magic(number, line)
        elif timed:
            yield timed[1] + line[timed.end() :], Magic(number, line)
            continue
        elif value:
            yield value[1] + "None", Magic(number, line[len(value[1]) :])
        elif word:
            yield word[1] + "pass", Magic(number, f"%{word[2]}")
        elif _MAGIC_LINE.match(line) or _HELP_LINE.match(line):
            yield line[: len(line) - len(line.lstrip())] + "pass", Magic(number, line)
        else:
            yield line, None
            continue
        continued = line.rstrip().endswith("\\")
