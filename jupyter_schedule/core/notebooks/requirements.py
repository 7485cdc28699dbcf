"""Which Python and which pinned packages a notebook needs, as far as its files, its code and its kernel tell.

What the analyst declared says *which* packages (`declared.find`), without a declaration the imports do.  The versions
are those installed in the kernel, in which the notebook is known to work.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote

from packaging.requirements import Requirement

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel, Model
from jupyter_schedule.core.notebooks import imports
from jupyter_schedule.core.notebooks.declared import Declared, find_declared
from jupyter_schedule.core.notebooks.kernels import find_interpreter
from jupyter_schedule.core.notebooks.notebook import CodeCell, ParsedNotebook, printable

#: seconds that a kernel's Python may take to answer; it takes 0.15
SCAN_TIMEOUT = 20.0
#: where the packages come from when nobody declared them
IMPORTS = "imports"
EVERYTHING = "everything installed"


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
    notebook: ParsedNotebook, path: Path, root: Path, kernel: Kernel, *, freeze: bool = False
) -> Requirements:
    """The packages that the notebook, which is at the absolute `path`, needs.

    Declarations are looked for inside `root`.  `freeze` takes everything that the kernel has instead.
    Raises Refused `environment_unsupported` for a kernel that isn't Python's, `kernel_unreadable` when its Python
    doesn't answer, `requirements_unreadable` when a requirements file can't be followed; field `environment`.
    """
    cells = notebook.cells
    declared, notes = (Declared(EVERYTHING), []) if freeze else find_declared(path.parent, root, cells)
    found = declared or Declared(IMPORTS)
    answer = scan(
        kernel,
        [cell.source for cell in cells],
        path.parent,
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
    """What a kernel's environment needs besides: the kernel, and pip where a cell calls it."""
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
    wanted: Sequence[str] = (),
    add_imported: bool = True,
    freeze: bool = False,
) -> dict[str, Any]:
    """The answer of `scan_imports` about Python `sources` in `folder`, from the kernel's own interpreter.

    Takes about 0.15 s.  Raises Refused `environment_unsupported` or `kernel_unreadable`, field `environment`.
    """
    python = find_interpreter(kernel)
    name = printable(kernel.display_name)
    if kernel.language != "python":
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
        "folders": [str(folder)],
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
    """Whether the kernel has what is asked for; what is for other machines or Pythons needn't be there."""
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
