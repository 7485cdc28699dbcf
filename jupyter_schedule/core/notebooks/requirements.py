"""The Python and the pinned packages that a notebook needs, as far as its files, its code and its kernel tell.

What the analyst declared says *which* packages, without a declaration the imports do.  The nearest folder's declaration
wins, from the notebook's own up to the root; in one folder requirements.txt comes before pyproject.toml; both come
before the metadata in a cell (PEP 723, as juv writes it).  The versions are those installed in the kernel, in which the
notebook is known to work.
"""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel, Model
from jupyter_schedule.core.notebooks import imports
from jupyter_schedule.core.notebooks.kernels import find_interpreter, is_python
from jupyter_schedule.core.notebooks.notebook import CodeCell, ParsedNotebook, printable
from jupyter_schedule.core.notebooks.own_code import OwnCode

#: seconds that a kernel's Python may take to answer; it takes 0.15
SCAN_TIMEOUT = 20.0
#: where the packages come from when nobody declared them
IMPORTS = "imports"
EVERYTHING = "everything installed"
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
    """The declaration of one source; without lines it says that nothing is needed."""

    #: requirements.txt, pyproject.toml or cell metadata
    source: str
    file: Path | None = None
    #: requirements as PEP 508 writes them
    lines: list[str] = field(default_factory=list)
    #: options of a requirements.txt that tell where packages are
    options: list[str] = field(default_factory=list)
    #: sentences about what was left out
    notes: list[str] = field(default_factory=list)


class Requirements(Model):
    """The packages that a fresh environment for a notebook gets."""

    #: requirements.txt, pyproject.toml, cell metadata, imports, or everything installed
    source: str
    #: the file that declares them, relative to the root
    file: str | None = None
    #: what is asked for: as declared, or what the notebook imports
    direct: tuple[str, ...]
    #: the lines to install: the whole closure with `==`, or the declared ones where the kernel has other versions
    pinned: tuple[str, ...]
    #: options of a requirements.txt that tell where packages are
    options: tuple[str, ...] = ()
    #: such as 3.11
    python_version: str
    #: modules that are imported and not installed in the kernel
    missing: tuple[str, ...] = ()
    #: files of the notebook's own that it imports, absolute
    local: tuple[str, ...] = ()
    #: sentences about what a fresh environment lacks, or has otherwise than the kernel
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The requirements.txt of the bundle."""
        return "".join(f"{line}\n" for line in (*self.options, *self.pinned))


def find_requirements(
    notebook: ParsedNotebook,
    path: Path,
    root: Path,
    kernel: Kernel,
    *,
    freeze: bool = False,
    code: OwnCode | None = None,
) -> Requirements:
    """The packages that the notebook, which is at the absolute `path`, needs.

    code: what `follow_notebook` found, so that modules are looked for where it looks for them.
    Declarations are looked for inside `root`.  `freeze` takes everything that the kernel has instead.
    Raises Refused `environment_unsupported` for a kernel that isn't Python's, `kernel_unreadable` when its Python
    doesn't answer, `requirements_unreadable` when a requirements file can't be followed; field `environment`.
    """
    cells = notebook.cells
    declared, notes = (Declared(EVERYTHING), []) if freeze else find_declared(path.parent, root, cells)
    found = declared or Declared(IMPORTS)
    answer = scan(
        kernel,
        code.python if code else [cell.source for cell in cells],
        path.parent,
        folders=code.folders if code else (),
        wanted=[*map(_name_and_extras, found.lines), *_always(cells)],
        add_imported=found.source == IMPORTS,
        freeze=freeze,
    )
    notes += [*found.notes, *_not_followed(found, answer)]
    pinned = _pinned(found, answer, notes)
    names = {imports.canonical(_name(line)) for line in pinned}
    pinned += [name for name in _always(cells) if name not in names]
    imported = [package["name"] for package in answer["packages"] if package["direct"] or freeze]
    return Requirements(
        source=found.source,
        file=found.file.relative_to(root).as_posix() if found.file else None,
        direct=tuple(found.lines) if declared and not freeze else tuple(imported),
        pinned=tuple(pinned),
        options=tuple(found.options),
        python_version=answer["python"],
        missing=tuple(answer["missing"]),
        local=tuple(printable(path, 4096) for path in answer["local"]),
        notes=tuple(dict.fromkeys(notes)),
    )


def _always(cells: Iterable[CodeCell]) -> list[str]:
    """The packages that a kernel's environment needs besides: the kernel, and pip where a cell calls it."""
    calls_pip = any(magic.installs for cell in cells for magic in cell.magics)
    return ["ipykernel", "pip"] if calls_pip else ["ipykernel"]


def _name(line: str) -> str:
    return Requirement(line).name


def _name_and_extras(line: str) -> str:
    requirement = Requirement(line)
    return f"{requirement.name}[{','.join(sorted(requirement.extras))}]"


def scan(
    kernel: Kernel,
    sources: Sequence[str],
    folder: Path,
    *,
    folders: Sequence[str] = (),
    wanted: Sequence[str] = (),
    add_imported: bool = True,
    freeze: bool = False,
) -> dict[str, Any]:
    """The answer of `scan_imports` about Python `sources` in `folder`, from the kernel's own interpreter.

    Takes about 0.15 s.  Raises Refused `environment_unsupported` or `kernel_unreadable`, field `environment`.
    """
    python = find_interpreter(kernel)
    name = printable(kernel.display_name)
    if not is_python(kernel):
        raise Refused(
            "environment_unsupported",
            f"A fresh environment can be made for Python notebooks only; this one runs in {name}. "
            "Use the kernel's own environment.",
            field="environment",
        )
    if python is None:
        raise _unreadable(
            f"The command line of the kernel {name} doesn't tell its Python, so its packages aren't known."
        )
    request = {
        "sources": [source.encode("utf-8", "replace").decode() for source in sources],
        "folders": list(folders) or [str(folder)],
        "wanted": list(wanted),
        "add_imported": add_imported,
        "freeze": freeze,
    }
    return _asked(python, kernel, request, folder)


def _asked(python: str, kernel: Kernel, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    own = {key: Template(value).safe_substitute(os.environ) for key, value in kernel.env.items()}
    shown = printable(python, 200)
    try:
        done = subprocess.run(
            [python, imports.__file__],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=SCAN_TIMEOUT,
            env=os.environ | own,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable(f"{shown} didn't say within {SCAN_TIMEOUT:g} s which packages it has.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise _unreadable(f"{shown} can't be asked which packages it has: {reason}.") from None
    _, marked, answer = done.stdout.decode("utf-8", "replace").partition(f"{imports.MARK}\n")
    try:
        if not marked:
            raise ValueError("no answer")
        return dict(json.JSONDecoder().raw_decode(answer)[0])
    except ValueError:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2] or f"it ended with {done.returncode}"
        raise _unreadable(f"{shown} can't say which packages it has: {printable(last)}.") from None


def _unreadable(message: str) -> Refused:
    return Refused("kernel_unreadable", message, field="environment")


def _not_followed(found: Declared, answer: dict[str, Any]) -> list[str]:
    """Sentences about imports that the declaration, or any package, doesn't account for."""
    known = {imports.canonical(package["name"]) for package in answer["packages"]}
    notes = [
        f"{module} is loaded from {printable(path)}, which is no installed package; add its files to the bundle."
        for module, path in answer["unpackaged"].items()
    ]
    for module, names in answer["used"].items():
        if not known & set(names):
            notes.append(f"{module} is imported, but {found.source} doesn't ask for {' or '.join(names)}.")
    return notes


def _pinned(found: Declared, answer: dict[str, Any], notes: list[str]) -> list[str]:
    """The lines to install: pins, or the declaration as it is where the kernel has another version than it asks for."""
    packages = {imports.canonical(package["name"]): package for package in answer["packages"]}
    unmet = [line for line in found.lines if not _met(Requirement(line), packages, answer["python"])]
    if unmet:
        notes.append(
            f"The kernel doesn't have {printable(', '.join(unmet))} as {found.source} asks, "
            "so the kernel's versions aren't taken over."
        )
        return list(found.lines)
    pins = [_pin(package, notes) for package in packages.values()]
    # for another machine or Python, so the kernel needn't have it
    elsewhere = [line for line in found.lines if imports.canonical(_name(line)) not in packages]
    return [*(pin for pin in pins if pin), *elsewhere]


def _met(requirement: Requirement, packages: dict[str, Any], python: str) -> bool:
    """True where the kernel has what is asked for; what is for other machines or Pythons needn't be there."""
    if requirement.marker and not requirement.marker.evaluate({"python_version": python, "extra": ""}):
        return True
    package = packages.get(imports.canonical(requirement.name))
    return package is not None and requirement.specifier.contains(package["version"], prereleases=True)


def _pin(package: dict[str, Any], notes: list[str]) -> str | None:
    """The line that installs just this package again, None where nothing but this machine has it.

    Where it came from is in its direct_url.json (PEP 610).  A version's local part (`+cu121`) is left out, since
    package indexes don't have it, and `==2.3.0` takes 2.3.0+cu121 where there is one.
    """
    name, version = package["name"], package["version"].partition("+")[0]
    origin = package["origin"] or {}
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        commit = origin["vcs_info"]
        folder = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
        return f"{name} @ {commit.get('vcs', 'git')}+{url}@{commit.get('commit_id', '')}{folder}"
    if url.startswith("file:") and "dir_info" in origin:
        source = Path(unquote(url.removeprefix("file://")))
        # packages that conda built name a folder of the machine that built them
        if origin["dir_info"].get("editable") or source.exists():
            notes.append(
                f"{name} is installed from {printable(str(source))}, so a fresh environment can't have it; "
                "add its files to the bundle."
            )
            return None
    elif url and not url.startswith("file:"):
        return f"{name} @ {url}"
    return f"{name}=={version}"


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
    """The packages that a requirements.txt asks for, with the files that it includes.

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
        raise _refuse_file(path.name, "it is outside the folder that Jupyter serves")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise _refuse_file(path.name, (problem.strerror or "it can't be read").lower()) from None
    except ValueError:
        raise _refuse_file(path.name, "it isn't UTF-8 text") from None
    for raw in re.sub(r"\\\r?\n", " ", content).splitlines():
        line = _COMMENT.sub("", raw).strip()
        option = _OPTION.fullmatch(line)
        if option and option[1] in {"-r", "--requirement"}:
            yield from _included(path.parent / option[2].strip(), root, seen)
        elif line:
            yield line


def _refuse_file(name: str, why: str) -> Refused:
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
