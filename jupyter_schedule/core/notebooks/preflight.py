"""The needs of a notebook against what a run will have: files, modules, keys, said before anything is scheduled.

Nothing here blocks and nothing runs: code cells are read as text, and the disk is looked at.
"""

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from jupyter_schedule.core import key_patterns
from jupyter_schedule.core.models import Kernel, Model
from jupyter_schedule.core.notebooks import imports, parameters
from jupyter_schedule.core.notebooks.notebook import (
    CodeCell,
    ParsedNotebook,
    cell_text,
    language,
    parse_python,
    printable,
)
from jupyter_schedule.core.notebooks.path_uses import (
    HOLE,
    OUTPUT_DIR,
    KnownTexts,
    PathAction,
    find_in_magics,
    find_in_texts,
    find_uses,
)
from jupyter_schedule.core.notebooks.used_files import (
    CodeSource,
    FileStatus,
    FindingLevel,
    InputCollector,
    PathResolver,
    PreflightFinding,
    UsedFile,
    is_plausible_path,
    locate,
)

#: characters of a cell that are still read as code
CELL_LIMIT = 1_000_000


class Preflight(Model):
    """The answer of a preflight."""

    files: tuple[UsedFile, ...]
    #: Python files of the notebook's own that it imports, relative to the root
    local_modules: tuple[str, ...]
    modules_missing: tuple[str, ...]
    findings: tuple[PreflightFinding, ...]
    parameters: tuple[parameters.Parameter, ...]
    #: the folder that the notebook writes to, relative to its own
    output_dir: str

    @property
    def included(self) -> tuple[str, ...]:
        """The files that belong into the bundle besides the notebook, relative to the root, sorted."""
        files = {file.path for file in self.files if file.status is FileStatus.INCLUDED}
        return tuple(sorted(files | set(self.local_modules)))


def preflight(
    notebook: ParsedNotebook,
    path: Path,
    root: Path,
    kernel: Kernel | None = None,
    extra_files: Sequence[str] = (),
    *,
    output_dir: str | None = None,
    modules_missing: Sequence[str] = (),
) -> Preflight:
    """The files, modules and keys that the notebook uses, which is at the absolute `path` inside `root`.

    extra_files: relative to the root, named by the analyst and included whatever they are called.
    output_dir: relative to the notebook's folder; None takes the folder that the notebook writes to, else `output`.
    modules_missing: what the kernel's environment lacks, as `find_requirements` tells.
    Takes milliseconds; asks no kernel, and reads no notebook.
    """
    declared = parameters.find_parameters(notebook)
    places = PathResolver(root, path.parent, frozenset(extra_files))
    sources = list(_cells(notebook, declared))
    modules = _add_modules(sources, places)
    guess = output_dir or _output_guess(sources, places)
    places.output = places.relative(guess)
    inputs = InputCollector(places, path.relative_to(root).as_posix())
    for name in extra_files:
        inputs.add_named(name)
    for source in sources:
        for use in source.uses:
            inputs.add(source, use)
    inputs.finish()
    findings = [
        *inputs.findings,
        *_module_findings(sources, modules, places),
        *_missing_findings(sources, modules_missing, kernel),
        *_habits(notebook, sources),
        *_keys(notebook, sources),
    ]
    return Preflight(
        files=tuple(inputs.files.values()),
        local_modules=tuple(sorted(modules)),
        modules_missing=tuple(modules_missing),
        findings=tuple(findings),
        parameters=tuple(declared),
        output_dir=guess,
    )


def _cells(notebook: ParsedNotebook, declared: Sequence[parameters.Parameter]) -> Iterator[CodeSource]:
    """The code cells with what they name; cells that aren't Python are searched for quoted file names."""
    names = KnownTexts()
    python = language(notebook.content) == "python"
    for cell in notebook.cells:
        source = CodeSource(f"cell {cell.number}", cell.number, cell.source)
        tree = cell.tree if python and len(cell.source) <= CELL_LIMIT else None
        source.uses = list(find_uses(tree, names) if tree else find_in_texts(cell.source[:CELL_LIMIT]))
        source.uses += find_in_magics(cell.magics)
        source.imports = list(imports.find_imports(tree)) if tree else []
        if "parameters" in cell.tags:
            _fill(names, declared)
        yield source


def _fill(names: KnownTexts, declared: Sequence[parameters.Parameter]) -> None:
    """Forget the values of parameters that every run fills, but for the output folder."""
    for name in parameters.find_product_parameters(declared):
        known = name == "output_dir" and names.named(name)
        names.put(name, (known or OUTPUT_DIR) if name == "output_dir" else None)


def _add_modules(sources: list[CodeSource], places: PathResolver) -> dict[str, CodeSource]:
    """Append the notebook's own modules to `sources`; return their files for the bundle, with who imports them."""
    added = [places.relative(use.text) for source in sources for use in source.uses if use.how is PathAction.MODULES]
    folders = [str(places.folder), *(str(places.root / path) for path in added if not path.startswith(".."))]
    modules: dict[str, CodeSource] = {}
    for source in sources:
        for found in source.imports:
            for path in imports.local_files(found, folders, source.path):
                if len(sources) < imports.FILE_LIMIT and not any(other.path == path for other in sources):
                    sources.append(_module(path, places))
                    modules |= {file: source for file in _module_files(path, places) if file not in modules}
    return modules


def _module(path: str, places: PathResolver) -> CodeSource:
    names = KnownTexts()
    name = Path(path).relative_to(places.root).as_posix()
    names.put("__file__", posixpath.relpath(name, places.relative(".")))
    text = imports.read_source(path)[:CELL_LIMIT]
    tree = parse_python(text)
    source = CodeSource(printable(name), None, text, path=path)
    source.uses = list(find_uses(tree, names)) if tree else []
    source.imports = list(imports.find_imports(tree)) if tree else []
    return source


def _module_files(path: str, places: PathResolver) -> list[str]:
    """The files that come with a module: itself, and of a package all its Python files."""
    name = Path(path).relative_to(places.root).as_posix()
    if not name.endswith("/__init__.py"):
        return [name] if places.at(name).status is FileStatus.INCLUDED else []
    matches = places.contents(posixpath.dirname(name))
    return [name, *(look.path for look in matches.files if look.path.endswith(".py") and look.path != name)]


def _output_guess(sources: Sequence[CodeSource], places: PathResolver) -> str:
    """The folder below the notebook's that is written to most and that no input is in; `output` when there is none."""
    written: list[str] = []
    read_first: set[str] = set()
    folders: dict[str, int] = {}
    for use in (use for source in sources for use in source.uses):
        top, slash, _ = posixpath.normpath(use.text).partition("/") if use.text else ("", "", "")
        inside = bool(slash) and top not in {"", ".", ".."} and HOLE not in top
        if use.how is PathAction.WRITE:
            written.append(use.text)
            folders[top] = folders.get(top, 0) + inside
        elif inside and use.text not in written and is_plausible_path(use.text) and places.look(use.text).size:
            read_first.add(top)
    best = [folder for folder in folders if folders[folder] and folder not in read_first]
    return max(best, key=lambda folder: folders[folder], default=OUTPUT_DIR)


def _module_findings(
    sources: Sequence[CodeSource], modules: dict[str, CodeSource], places: PathResolver
) -> Iterator[PreflightFinding]:
    """One for every own module, and one for every own package, that is imported."""
    packages = [path.removesuffix("/__init__.py") for path in modules if path.endswith("/__init__.py")]
    outer = [path for path in packages if posixpath.dirname(path) not in packages]
    for path, source in modules.items():
        name = path.removesuffix("/__init__.py")
        if name in outer:
            files = sum(other.startswith(f"{name}/") for other in modules)
            message = f"{locate(name, source)} is imported; its Python files are included, {files} in all."
        elif not any(path.startswith(f"{folder}/") for folder in outer):
            message = f"{locate(path, source)} is imported and included."
        else:
            continue
        yield PreflightFinding(level=FindingLevel.OK, code="module_included", message=message, cell=source.cell)
    for source in sources:
        for use in source.uses:
            if use.how is PathAction.MODULES and places.look(use.text).status is not FileStatus.INCLUDED:
                yield PreflightFinding(
                    level=FindingLevel.WARNING,
                    code="modules_outside",
                    message=f"{locate(use.text, source)} is searched for modules, and a run doesn't have that folder.",
                    cell=source.cell,
                    fix="Copy the modules beside the notebook.",
                )


def _missing_findings(
    sources: Sequence[CodeSource], missing: Sequence[str], kernel: Kernel | None
) -> Iterator[PreflightFinding]:
    name = f"the kernel {printable(kernel.display_name)}" if kernel else "the kernel"
    for module in missing:
        source = next((each for each in sources if any(found.top == module for found in each.imports)), None)
        yield PreflightFinding(
            level=FindingLevel.WARNING,
            code="module_missing",
            message=f"{locate(module, source)} is imported, but {name} doesn't have it.",
            cell=source.cell if source else None,
            fix="Install it in the kernel's environment, or schedule with another kernel.",
        )


def _habits(notebook: ParsedNotebook, sources: Sequence[CodeSource]) -> Iterator[PreflightFinding]:
    """Findings about habits that work for a person at the notebook, and less so for a run."""
    asking = [(source, use) for source in sources for use in source.uses if use.how is PathAction.ASK]
    for source, use in asking:
        message = f"Line {use.line} of {source.where} asks for input, and in a run nobody answers."
        yield PreflightFinding(
            level=FindingLevel.WARNING, code="input", message=message, cell=source.cell, fix="Use a parameter."
        )
    for cell in notebook.cells:
        if any(magic.installs for magic in cell.magics):
            message = f"Cell {cell.number} installs packages, which every run does anew."
            fix = "List the packages in requirements.txt beside the notebook."
            yield PreflightFinding(
                level=FindingLevel.WARNING, code="installs", message=message, cell=cell.number, fix=fix
            )
        if language(notebook.content) == "python" and not _checkable(cell):
            message = f"Cell {cell.number} isn't Python as it stands, so its files and imports aren't known."
            yield PreflightFinding(level=FindingLevel.WARNING, code="not_checked", message=message, cell=cell.number)


def _checkable(cell: CodeCell) -> bool:
    return len(cell.source) <= CELL_LIMIT and cell.tree is not None


def _keys(notebook: ParsedNotebook, sources: Sequence[CodeSource]) -> Iterator[PreflightFinding]:
    """Key-like text in cells of any kind and in own modules; never the text itself."""
    numbers = {cell.index: cell.number for cell in notebook.cells}
    texts = [(numbers.get(index), cell_text(cell)) for index, cell in enumerate(notebook.content["cells"])]
    for number, text in texts:
        where = f"Cell {number}" if number else "A cell without code"
        yield from (_key(where, what, number) for what, _ in key_patterns.find_keys(text))
    for source in sources:
        if source.path:
            yield from (_key(source.where, what, None) for what, _ in key_patterns.find_keys(source.text))


def _key(where: str, what: str, cell: int | None) -> PreflightFinding:
    return PreflightFinding(
        level=FindingLevel.STOP_PUBLIC,
        code="key",
        message=f"{where} has what looks like {what}; results can't be public until it is gone.",
        cell=cell,
        fix="Read it from an environment variable.",
    )
