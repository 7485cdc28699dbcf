"""The code that a notebook runs: its cells, the modules of its own that it imports, and the files that it runs.

Each is followed where it is reached, with the names and the working folder that there are then.
"""

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks import imports, parameters
from jupyter_schedule.core.notebooks.expressions import ExpressionFollower, Namespace
from jupyter_schedule.core.notebooks.following import Follower
from jupyter_schedule.core.notebooks.notebook import (
    CodeCell,
    Magic,
    ParsedNotebook,
    cell_text,
    code_cells,
    language,
    parse_python,
    printable,
    read_notebook,
)
from jupyter_schedule.core.notebooks.path_texts import ANCHOR, OF_RUN, OUTPUT_DIR, UNKNOWN
from jupyter_schedule.core.notebooks.path_uses import PathAction, PathUse, find_in_texts
from jupyter_schedule.core.notebooks.path_values import KnownValues
from jupyter_schedule.core.notebooks.pictures import find_pictures
from jupyter_schedule.core.notebooks.places import FileStatus, PathResolver
from jupyter_schedule.core.notebooks.used_files import CodeSource
from jupyter_schedule.core.text import size_text

#: characters of a cell that are still read as code
CELL_LIMIT = 1_000_000
#: what an own package's code finds its data by
_DATA_WORDS = ("resources", "pkgutil", "PackageLoader", "__path__")
#: modules of a package that are searched for these, and data that go along by themselves
DATA_READERS, MOST_DATA_FILES, MOST_DATA_BYTES = 200, 500, 50_000_000
#: let notebooks be imported
_NOTEBOOK_IMPORTERS = frozenset({"import_ipynb", "ipynb", "importnb", "nbimporter"})
_SHELL_ENDINGS = (".sh", ".bash", ".zsh", ".ksh")
_SHELL = re.compile(r"#!.*\b(?:ba|z|k|da)?sh\b")
#: the folder of a script, as it asks for it
_OWN_FOLDER = re.compile(
    r"\$\(\s*dirname\s+(?:--\s+)?\"?(?:\$0|\$\{0\}|\$BASH_SOURCE|\$\{BASH_SOURCE(?:\[0\])?\})\"?\s*\)"
)
#: a module that is part of what is imported, and says nothing
_EMPTY = Namespace({}, {})


@dataclass
class OwnCode:
    """The code of a notebook and of its own files, with what it names."""

    places: PathResolver
    declared: Sequence[parameters.Parameter]
    #: relative to the root
    notebook: str
    #: the values that the run has of them, by name
    given: Mapping[str, Any] = field(default_factory=dict)
    #: cells first, then what they import and run, in the order in which it is reached
    sources: list[CodeSource] = field(default_factory=list)
    #: the files for the bundle that are imported or run, relative to the root, with who does
    files: dict[str, CodeSource] = field(default_factory=dict)
    #: what packages have of data that doesn't go along by itself, in words, by their folders relative to the root
    left_behind: dict[str, str] = field(default_factory=dict)
    _values: KnownValues = field(init=False)
    _added: list[str] = field(default_factory=list)
    _namespaces: dict[str, Namespace] = field(default_factory=dict)
    _current: CodeSource = field(init=False)
    _reached: list[CodeSource] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._values = self._new_values()

    @property
    def folders(self) -> list[str]:
        """The absolute folders that own modules are looked for in, the first that has one winning."""
        worked = [place[1:] for place in self._values.folders if place.startswith(ANCHOR)]
        return list(dict.fromkeys([str(self.places.folder), *worked, *self._added]))

    @property
    def python(self) -> list[str]:
        """The Python that is run besides what is imported."""
        return [source.text for source in self.sources if source.runs]

    def _new_values(self) -> KnownValues:
        return KnownValues(str(self.places.folder), self._is_there)

    def _is_there(self, text: str) -> bool:
        return self.places.exists(text)

    def follow(self, notebook: ParsedNotebook) -> None:
        """Follow the notebook's cells, and whatever they import and run."""
        follower = Follower(self._values, self)
        python = language(notebook.content) in {"python", "ipython"}
        for cell in notebook.cells:
            source = CodeSource(f"cell {cell.number}", cell.number, cell.source, runs=python)
            self._follow_cell(cell, source, follower, python=python)
            self.sources.append(source)
            if "parameters" in cell.tags:
                self._fill(self._values)
                lines = _overridden(cell, self.given)
                source.uses = [use for use in source.uses if use.line not in lines]
        self.sources += [*self._reached, *_find_shown(notebook)]
        self._reached = []
        self._complete()

    def _follow_cell(self, cell: CodeCell, source: CodeSource, follower: ExpressionFollower, *, python: bool) -> None:
        tree = cell.tree if python and len(cell.source) <= CELL_LIMIT else None
        if tree is not None:
            source.imports = list(imports.find_imports(tree))
        kept = getattr(self, "_current", source)
        self._current = source
        source.uses = follower.follow(tree, cell.magics)
        if tree is None:
            source.uses += find_in_texts(cell.source[:CELL_LIMIT], self._values)
        source.uses += find_in_texts("\n".join(cell.foreign)[:CELL_LIMIT], self._values)
        self._current = kept

    def _fill(self, values: KnownValues) -> None:
        """The parameters' values of the run; those that every run fills aren't known, but for the output folder."""
        for name, value in self.given.items():
            values.put(name, value)
        for name in parameters.find_product_parameters(self.declared):
            folders = {"output_dir": values.named(name) or OUTPUT_DIR, "previous_dir": OF_RUN}
            values.put(name, folders.get(name, UNKNOWN))

    def add_folder(self, text: str) -> None:
        """A folder is searched for modules from now on, if it is inside the root."""
        path = self.places.relative(text)
        if not path.startswith(".."):
            self._added.append(str(self.places.root / path))

    def load_module(self, name: str, level: int, follower: ExpressionFollower) -> Namespace | None:
        """The names of an own module, which is followed the first time; None where it isn't one."""
        found = imports.Import(name, level, 0, optional=False)
        folders = self._search_folders(follower)
        paths = imports.local_files(found, folders, follower.importer)
        if not paths and level == 0 and self._imports_notebooks:
            self._load_notebook(name, folders, follower)
        for path in paths:
            self._add_module(path, follower)
        return self._namespaces.get(paths[-1], _EMPTY) if paths else None

    @property
    def _imports_notebooks(self) -> bool:
        """True where a package is imported that lets notebooks be imported by their names."""
        sources = (*self.sources, *self._reached, self._current)
        return any(found.top in _NOTEBOOK_IMPORTERS for source in sources for found in source.imports)

    def _load_notebook(self, name: str, folders: Sequence[str], follower: ExpressionFollower) -> None:
        """Follow the notebook that `import name` means, or `from ipynb.fs.full.name import …`."""
        words = name.removeprefix("ipynb.fs.full.").removeprefix("ipynb.fs.defs.").split(".")
        # the last may be a name in the notebook
        modules = [each for each in (words, words[:-1]) if each]
        files = [f"{posixpath.join(*each[:-1], last)}.ipynb" for each in modules for last in _spellings(each[-1])]
        for path in (posixpath.join(folder, file) for folder in folders for file in files):
            if self._within(path):
                self._run_notebook(path, follower)
                return

    def _search_folders(self, follower: ExpressionFollower) -> list[str]:
        now = follower.values.folder
        return [*([now[1:]] if isinstance(now, str) and now.startswith(ANCHOR) else []), *self.folders]

    def run_file(self, use: PathUse, follower: ExpressionFollower) -> None:
        """Follow a notebook or a Python file that is run; its names are then the runner's, as `%run` has it."""
        for text in (use.text, *use.also):
            path = self._runnable(text)
            if path is None:
                continue
            if path.endswith(".ipynb"):
                self._run_notebook(path, follower)
            elif path.endswith(".py"):
                self._added.append(posixpath.dirname(path))
                self._add_module(path, follower, runs=True)
                follower.take_over(self._namespaces.get(path, _EMPTY))
            else:
                self._run_script(path, follower)
            return

    def _runnable(self, text: str) -> str | None:
        """The absolute path of a file that is run, which `%run` may name without its ending."""
        for name in (text, f"{text}.py", f"{text}.ipynb"):
            look = self.places.look(name)
            if look.status is FileStatus.INCLUDED and not look.folder:
                return str(self.places.root / look.path)
        return None

    def _run_notebook(self, path: str, follower: ExpressionFollower) -> None:
        name = self._within(path)
        if name is None or name in {*self.files, self.notebook} or len(self.files) >= imports.FILE_LIMIT:
            return
        self.files[name] = self._current
        try:
            content = read_notebook(Path(path))
        except Refused:
            return
        if language(content) not in {"python", "ipython"}:
            return
        for cell in code_cells(content):
            source = CodeSource(printable(name), None, cell.source, path=path, runs=True)
            self._reached.append(source)
            self._follow_cell(cell, source, follower, python=True)

    def _run_script(self, path: str, follower: ExpressionFollower) -> None:
        """Follow a shell's script command by command; of one in another language its quoted texts are mentions."""
        name = self._within(path)
        if name is None or name in self.files or len(self.files) >= imports.FILE_LIMIT:
            return
        self.files[name] = by = self._current
        text = imports.read_source(path)[:CELL_LIMIT]
        lines = text.splitlines()
        source = CodeSource(printable(name), None, text, path=path)
        self._reached.append(source)
        self._current = source
        if path.endswith(_SHELL_ENDINGS) or _SHELL.match(lines[0] if lines else ""):
            kept = follower.values.folder
            # relative to where it starts, as a shell has it
            here = kept[1:] if isinstance(kept, str) and kept.startswith(ANCHOR) else str(self.places.folder)
            own = posixpath.relpath(posixpath.dirname(path), here)
            lines = [_OWN_FOLDER.sub(lambda _: own, line) for line in lines]
            magics = [Magic(number, line) for number, line in enumerate(lines, 1) if not line.lstrip().startswith("#")]
            source.uses = follower.follow(None, [magic for magic in magics if magic.text.strip()])
            follower.values.settle(kept)
        else:
            source.uses = list(find_in_texts(text, self._values))
        self._current = by

    def _add_module(self, path: str, follower: ExpressionFollower, *, runs: bool = False) -> None:
        name = self._within(path)
        if path in self._namespaces or name is None or len(self._namespaces) >= imports.FILE_LIMIT:
            return
        self._namespaces[path] = _EMPTY
        by = self._current
        for file in self._module_files(name):
            self.files.setdefault(file, by)
        values = self._new_values()
        values.settle(follower.values.folder)
        values.folders = follower.values.folders
        values.put("__file__", ANCHOR + path)
        values.put("__name__", "__main__" if runs else posixpath.basename(path).removesuffix(".py"))
        text = imports.read_source(path)[:CELL_LIMIT]
        tree = parse_python(text)
        source = CodeSource(printable(name), None, text, path=path, runs=runs)
        self._reached.append(source)
        if tree is None:
            return
        source.imports = list(imports.find_imports(tree))
        self._current = source
        inner = Follower(values, self, importer=path)
        source.uses = inner.follow(tree)
        self._current = by
        self._namespaces[path] = inner.namespace()

    def _module_files(self, name: str) -> Iterator[str]:
        """The files that come with a module: itself, and of a package all its Python files and the data it may read."""
        yield name
        if not name.endswith("/__init__.py"):
            return
        package = posixpath.dirname(name)
        contents = self.places.contents(package)
        python = [look.path for look in contents.files if look.path.endswith(".py")]
        yield from (path for path in python if path != name)
        data = [look for look in contents.files if not look.path.endswith(".py")]
        if not contents.complete:
            self.left_behind[package] = "more than can be listed here"
        elif data and any(_reads_package(self.places.root / path) for path in python[:DATA_READERS]):
            size = sum(look.size for look in data)
            if len(data) > MOST_DATA_FILES or size > MOST_DATA_BYTES:
                self.left_behind[package] = f"{len(data)} files, {size_text(size)}"
            else:
                yield from (look.path for look in data)

    def _within(self, path: str) -> str | None:
        """The path relative to the root of a file that may go along."""
        try:
            name = Path(posixpath.normpath(path)).relative_to(self.places.root).as_posix()
        except ValueError:
            return None
        return name if self.places.at(name).status is FileStatus.INCLUDED else None

    def _complete(self) -> None:
        """Follow what is imported inside functions, and by what was found so, until nothing new comes."""
        follower = Follower(self._new_values(), self)
        done = 0
        while done < len(self.sources):
            source = self.sources[done]
            done += 1
            self._current = source
            follower.importer = source.path
            for found in source.imports:
                self.load_module(found.name, found.level, follower)
            for use in source.uses:
                if use.how is PathAction.RUN:
                    self.run_file(use, follower)
                elif use.how is PathAction.IMPORT:
                    self.load_module(use.text, 0, follower)
            self.sources += self._reached
            self._reached = []

    def find_importer(self, module: str) -> CodeSource | None:
        """The first that imports the top-level `module`."""
        return next((each for each in self.sources if any(found.top == module for found in each.imports)), None)


def _find_shown(notebook: ParsedNotebook) -> Iterator[CodeSource]:
    """The cells of text that show pictures; one that isn't there yet may be what the run makes."""
    for cell in notebook.content["cells"]:
        if cell.get("cell_type") == "markdown" and (shown := find_pictures(cell_text(cell)[:CELL_LIMIT])):
            source = CodeSource("a cell of text", None, "")
            source.uses = [PathUse(path, PathAction.MENTION, 1) for path in shown]
            yield source


def _overridden(cell: CodeCell, given: Mapping[str, Any]) -> set[int]:
    """The lines of a parameters cell whose values a run replaces."""
    lines: set[int] = set()
    for statement in cell.tree.body if cell.tree else ():
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if all(isinstance(target, ast.Name) and target.id in given for target in targets):
            lines.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return lines


def _spellings(module: str) -> tuple[str, str]:
    """A module's name as a notebook's: what imports it takes an underscore for a space as well."""
    return module, module.replace("_", " ")


def _reads_package(path: Path) -> bool:
    text = imports.read_source(str(path))
    return any(word in text for word in _DATA_WORDS)


def follow_notebook(
    notebook: ParsedNotebook,
    path: Path,
    root: Path,
    *,
    given: Mapping[str, Any] | None = None,
    named: Sequence[str] = (),
) -> OwnCode:
    """The code of the notebook, which is at the absolute `path` inside `root`.

    given: values of its parameters, as the run has them.  named: files that the analyst adds, relative to the root.
    """
    places = PathResolver(root, path.parent, frozenset(named))
    code = OwnCode(places, parameters.find_parameters(notebook), path.relative_to(root).as_posix(), given or {})
    code.follow(notebook)
    return code
