"""What an analyst's own files, or a cell, say about the packages that the notebook needs.

The nearest folder wins, from the notebook's own up to the root; in one folder requirements.txt comes before
pyproject.toml; both come before the metadata in a cell (PEP 723, as juv writes it).
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.notebook import CodeCell, printable

CELL_METADATA = "cell metadata"

#: PEP 723
_SCRIPT_METADATA = re.compile(r"^# /// script[ \t]*\n((?:#(?: .*)?\n)*?)# ///[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s)#.*")
_HASH = re.compile(r"\s--hash[= ]\S+")
_OPTION = re.compile(r"(-\w|--[\w-]+)(?:\s*=\s*|\s*)(.*)")
_CREDENTIALS = re.compile(r"://[^/\s$@]+@")
_INDEX_OPTIONS = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--pre"}


@dataclass
class Declared:
    """What one source declares; without lines it says that nothing is needed."""

    #: requirements.txt, pyproject.toml or cell metadata
    source: str
    file: Path | None = None
    #: requirements as PEP 508 writes them
    lines: list[str] = field(default_factory=list)
    #: options of a requirements.txt that tell where packages are
    options: list[str] = field(default_factory=list)
    #: sentences about what was left out
    notes: list[str] = field(default_factory=list)


def find_declared(folder: Path, root: Path, cells: Sequence[CodeCell]) -> tuple[Declared | None, list[str]]:
    """The most trusted declaration for a notebook in `folder` with these `cells`, None without one.

    Second come sentences about files that were passed over.

    Raises Refused `requirements_unreadable`, field `environment`.
    """
    notes: list[str] = []
    inside = [place for place in (folder, *folder.parents) if place == root or root in place.parents]
    for place in inside:
        if (place / "requirements.txt").is_file():
            return read_requirements_file(place / "requirements.txt", root), notes
        project = place / "pyproject.toml"
        if project.is_file():
            declared = _project_file(project, notes)
            if declared:
                return declared, notes
    for cell in cells:
        declared = _cell_metadata(cell, notes)
        if declared:
            return declared, notes
    for place in inside:
        for name in ("environment.yml", "environment.yaml"):
            if (place / name).is_file():
                notes.append(
                    f"{name} is for conda, so it is passed over; the packages are those that the notebook imports."
                )
                return None, notes
    return None, notes


def read_requirements_file(path: Path, root: Path) -> Declared:
    """What a requirements.txt asks for, with the files that it includes.

    Left out with a note: local folders and files, index addresses with a password in them, hashes (the versions stay).
    Raises Refused `requirements_unreadable` for a file that isn't there, isn't inside `root` or isn't text.
    """
    declared = Declared("requirements.txt", path)
    seen: set[Path] = set()
    for line in _included(path, root, seen):
        option = _OPTION.fullmatch(line) if line.startswith("-") else None
        if option:
            _take_option(option[1], option[2], declared)
        else:
            _take_requirement(line, declared)
    return declared


def _included(path: Path, root: Path, seen: set[Path]) -> Iterator[str]:
    """The lines of a requirements file without comments, continued lines joined, included files in their place."""
    file = path.resolve()
    if file in seen:
        return
    seen.add(file)
    if root.resolve() not in file.parents:
        raise _unreadable(path.name, "it is outside the folder that Jupyter serves")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise _unreadable(path.name, (problem.strerror or "it can't be read").lower()) from None
    except ValueError:
        raise _unreadable(path.name, "it isn't UTF-8 text") from None
    for raw in re.sub(r"\\\r?\n", " ", content).splitlines():
        line = _COMMENT.sub("", raw).strip()
        option = _OPTION.fullmatch(line)
        if option and option[1] in {"-r", "--requirement"}:
            yield from _included(path.parent / option[2].strip(), root, seen)
        elif line:
            yield line


def _unreadable(name: str, why: str) -> Refused:
    return Refused("requirements_unreadable", f"{printable(name)} can't be followed: {why}.", field="environment")


def _take_option(name: str, value: str, declared: Declared) -> None:
    if name in {"-e", "--editable"}:
        declared.notes.append(_is_local(value))
    elif name not in _INDEX_OPTIONS:
        declared.notes.append(f"The option {printable(name)} of requirements.txt is left out.")
    elif _CREDENTIALS.search(value):
        declared.notes.append(
            f"{name} of requirements.txt has a password in its address, so it is left out; "
            "configure the package index where the run happens."
        )
    else:
        declared.options.append(f"{name} {value}".strip())


def _take_requirement(line: str, declared: Declared) -> None:
    text = _HASH.sub("", line).strip()
    if text != line:
        note = "The hashes in requirements.txt are left out; the versions stay."
        declared.notes.extend([] if note in declared.notes else [note])
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        local = "/" in text or text.endswith((".whl", ".gz", ".zip"))
        declared.notes.append(
            _is_local(text) if local else f"“{printable(text)}” is no requirement, so it is left out."
        )
        return
    if requirement.url and requirement.url.startswith("file:"):
        declared.notes.append(_is_local(requirement.url))
    elif requirement.url and _CREDENTIALS.search(requirement.url):
        declared.notes.append(f"{requirement.name} has a password in its address, so it is left out.")
    else:
        declared.lines.append(text)


def _is_local(where: str) -> str:
    what = printable(where)
    return f"{what} is on this machine only, so a fresh environment can't have it; add its files to the bundle."


def _project_file(path: Path, notes: list[str]) -> Declared | None:
    """The dependencies of a pyproject.toml, None when it declares none."""
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")).get("project")
    except (OSError, ValueError, RecursionError):
        notes.append("pyproject.toml can't be read, so it is passed over.")
        return None
    return _listed(project, Declared("pyproject.toml", path))


def _cell_metadata(cell: CodeCell, notes: list[str]) -> Declared | None:
    found = _SCRIPT_METADATA.search(cell.source)
    if found is None:
        return None
    content = "".join(line[2:] if line.startswith("# ") else line[1:] for line in found[1].splitlines(keepends=True))
    try:
        return _listed(tomllib.loads(content), Declared(CELL_METADATA))
    except (ValueError, RecursionError):
        notes.append(f"The script metadata in cell {cell.number} isn't TOML, so it is passed over.")
        return None


def _listed(table: object, declared: Declared) -> Declared | None:
    """`declared` with the `dependencies` of a TOML table, None when it has no such list."""
    dependencies = table.get("dependencies") if isinstance(table, dict) else None
    if not isinstance(dependencies, list):
        return None
    for line in dependencies:
        _take_requirement(str(line), declared)
    return declared
