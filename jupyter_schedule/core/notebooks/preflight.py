"""The needs of a notebook against what a run will have: files, modules, keys, said before anything is scheduled.

Nothing here blocks and nothing runs: code cells are read as text, and the disk is looked at.
"""

import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from jupyter_schedule.core import key_patterns
from jupyter_schedule.core.models import Kernel, Model
from jupyter_schedule.core.notebooks import parameters
from jupyter_schedule.core.notebooks.notebook import (
    CodeCell,
    ParsedNotebook,
    cell_text,
    language,
    printable,
)
from jupyter_schedule.core.notebooks.own_code import CELL_LIMIT, OwnCode, follow_notebook
from jupyter_schedule.core.notebooks.path_texts import HOLE, OUTPUT_DIR
from jupyter_schedule.core.notebooks.path_uses import PathAction
from jupyter_schedule.core.notebooks.places import FileStatus, PathResolver, is_plausible_path
from jupyter_schedule.core.notebooks.run_variables import find_variable_findings
from jupyter_schedule.core.notebooks.text_notebooks import find_newer_twin
from jupyter_schedule.core.notebooks.used_files import (
    CodeSource,
    FindingLevel,
    InputCollector,
    PreflightFinding,
    UsedFile,
    locate,
)


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
    #: whether the code makes that folder itself, and would fail if it were there
    makes_output: bool = False
    #: folders that the code works in, relative to the root: a bundle holds them
    worked_in: tuple[str, ...] = ()

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
    code: OwnCode | None = None,
    variables: Iterable[str] = (),
    beside: Mapping[str, str] | None = None,
) -> Preflight:
    """The files, modules and keys that the notebook uses, which is at the absolute `path` inside `root`.

    extra_files: relative to the root, named by the analyst and included whatever they are called.
    output_dir: relative to the notebook's folder; None takes the folder that the notebook writes to, else `output`.
    modules_missing: what the kernel's environment lacks, as `find_requirements` tells.
    code: what `follow_notebook` found with these files, when it was asked already.
    variables: names that the analyst passes to the run.
    beside: files that the run's environment is made of, relative to the root, each with why it goes along.
    Takes milliseconds; asks no kernel, and reads no notebook but those that this one runs.
    """
    code = code or follow_notebook(notebook, path, root, named=extra_files)
    places, sources = code.places, code.sources
    guess = output_dir or _output_guess(sources, places)
    places.output = places.relative(guess)
    inputs = InputCollector(places, path.relative_to(root).as_posix())
    for name in extra_files:
        inputs.add_named(name)
    for name, why in (beside or {}).items():
        inputs.add_beside(name, why)
    for source in sources:
        for use in source.uses:
            inputs.add(source, use)
    inputs.finish()
    missing = [name for name in modules_missing if not _is_own(name, code)]
    findings = [
        *_pair(path, notebook),
        *inputs.findings,
        *_module_findings(code, inputs),
        *_missing_findings(code, missing, kernel),
        *_unseen(sources, inputs.unseen),
        *find_variable_findings(sources, variables, [root / name for name in extra_files]),
        *_habits(notebook, sources),
        *_keys(notebook, sources),
    ]
    return Preflight(
        files=tuple(inputs.files.values()),
        local_modules=tuple(sorted(name for name in code.files if not _is_told(name, inputs))),
        modules_missing=tuple(missing),
        findings=tuple(findings),
        parameters=tuple(code.declared),
        output_dir=guess,
        makes_output=any(
            use.how is PathAction.MAKE and places.relative(use.text) == places.output
            for source in sources
            for use in source.uses
        ),
        worked_in=tuple(sorted(inputs.worked_in)),
    )


def _is_told(name: str, inputs: InputCollector) -> bool:
    return name in inputs.files


def _is_own(module: str, code: OwnCode) -> bool:
    """True of a module that goes along, wherever it is looked for."""
    return any(
        f"/{path}".endswith((f"/{module}.py", f"/{module}/__init__.py")) or f"/{module}/" in f"/{path}"
        for path in code.files
    )


def _pair(path: Path, notebook: ParsedNotebook) -> Iterator[PreflightFinding]:
    """One where the notebook is the older of a pair that jupytext keeps alike."""
    twin = find_newer_twin(path, notebook.content)
    if twin is not None:
        newer, older = printable(twin.name), printable(path.name)
        yield PreflightFinding(
            level=FindingLevel.WARNING,
            code="stale_pair",
            message=f"{newer} is the pair of {older}, was saved later, and has other code.",
            fix=f"Open {older} in JupyterLab and save it, or schedule {newer}.",
        )


def _unseen(sources: Sequence[CodeSource], also: Container[str]) -> Iterator[PreflightFinding]:
    """One for each source that opens what only the run can tell."""
    told = set()
    for source in sources:
        if source.where in told:
            continue
        if source.where in also or any(use.how is PathAction.OPAQUE for use in source.uses):
            told.add(source.where)
            yield PreflightFinding(
                level=FindingLevel.WARNING,
                code="not_followed",
                message=f"{source.at_start} opens files that can't be seen from here: add them if it needs any.",
                cell=source.cell,
            )


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


def _module_findings(code: OwnCode, inputs: InputCollector) -> Iterator[PreflightFinding]:
    """One for every own module, and one for every own package, that is imported."""
    modules = {path: source for path, source in code.files.items() if path not in inputs.files}
    packages = [path.removesuffix("/__init__.py") for path in modules if path.endswith("/__init__.py")]
    outer = [path for path in packages if posixpath.dirname(path) not in packages]
    for path, source in modules.items():
        name = path.removesuffix("/__init__.py")
        if name in outer:
            files = [other for other in modules if other.startswith(f"{name}/")]
            kind = "Python files" if all(other.endswith(".py") for other in files) else "files"
            message = f"{locate(name, source)} is imported; its {kind} are included, {len(files)} in all."
        elif not any(path.startswith(f"{folder}/") for folder in outer):
            message = f"{locate(path, source)} is imported and included."
        else:
            continue
        yield PreflightFinding(level=FindingLevel.OK, code="module_included", message=message, cell=source.cell)
    yield from _package_findings(code)
    places = code.places
    for source in code.sources:
        for use in source.uses:
            if use.how is PathAction.MODULES and places.look(use.text).status is not FileStatus.INCLUDED:
                yield PreflightFinding(
                    level=FindingLevel.WARNING,
                    code="modules_outside",
                    message=f"{locate(use.text, source)} is searched for modules, and a run doesn't have that folder.",
                    cell=source.cell,
                    fix="Copy the modules beside the notebook.",
                )


def _package_findings(code: OwnCode) -> Iterator[PreflightFinding]:
    """One for every own package whose data are too many to go along by themselves."""
    for package, count in code.left_behind.items():
        message = f"{printable(package, 200)} has data files that its code may read, and they aren't included: {count}."
        yield PreflightFinding(
            level=FindingLevel.WARNING, code="package_data", message=message, fix="Add those that are needed."
        )


def _missing_findings(code: OwnCode, missing: Sequence[str], kernel: Kernel | None) -> Iterator[PreflightFinding]:
    name = f"the kernel {printable(kernel.display_name)}" if kernel else "the kernel"
    for module in missing:
        source = code.find_importer(module)
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
    if injected := parameters.find_injected(notebook):
        message = (
            f"Cell {injected.number} holds parameters that an earlier run injected, and overrules the parameters cell."
        )
        yield PreflightFinding(
            level=FindingLevel.WARNING,
            code="injected",
            message=message,
            cell=injected.number,
            fix="Remove that cell, unless you mean its values.",
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
