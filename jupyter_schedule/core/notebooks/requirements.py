"""The Python and the pinned packages that a notebook needs, as far as its files, its code and its kernel tell.

What the analyst declared says *which* packages, without a declaration the imports do (`declared`).  The versions are
those installed in the kernel, in which the notebook is known to work.
"""

import json
import os
import posixpath
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote

from packaging.requirements import Requirement

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel, Model
from jupyter_schedule.core.notebooks import imports, lockfiles
from jupyter_schedule.core.notebooks.addresses import has_credentials
from jupyter_schedule.core.notebooks.declared import Declared, find_declared
from jupyter_schedule.core.notebooks.kernels import find_interpreter, is_python
from jupyter_schedule.core.notebooks.notebook import CodeCell, ParsedNotebook, printable
from jupyter_schedule.core.notebooks.own_code import OwnCode

#: seconds that a kernel's Python may take to answer; it takes 0.15
SCAN_TIMEOUT = 20.0
#: where the packages come from when nobody declared them
IMPORTS = "imports"
EVERYTHING = "everything installed"


class Requirements(Model):
    """The packages that a fresh environment for a notebook gets."""

    #: the name of a file, cell metadata, imports, or everything installed
    source: str
    #: the file that declares them, relative to the root
    file: str | None = None
    #: what is asked for: as declared, or what the notebook imports
    direct: tuple[str, ...]
    #: the lines to install: the whole closure with `==`, or the declared ones where the kernel has other versions
    pinned: tuple[str, ...]
    #: options of a requirements.txt that tell where packages are
    options: tuple[str, ...] = ()
    #: addresses as they were written, without a name before them
    addresses: tuple[str, ...] = ()
    #: folders, relative to the root, in which packages are looked for
    links: tuple[str, ...] = ()
    #: wheels and archives that have to go along, relative to the root
    files: tuple[str, ...] = ()
    #: sentences about addresses with credentials, without which no fresh environment may be made
    withheld: tuple[str, ...] = ()
    #: such as 3.11
    python_version: str
    #: modules that are imported and not installed in the kernel
    missing: tuple[str, ...] = ()
    #: files of the notebook's own that it imports, absolute
    local: tuple[str, ...] = ()
    #: sentences about what a fresh environment lacks, or has otherwise than the kernel
    notes: tuple[str, ...] = ()

    def text(self, folder: str = ".", there: Iterable[str] = ()) -> str:
        """The requirements.txt of a bundle, in a folder that is given relative to the root.

        there: the files that the bundle holds, relative to the root.
        """
        places = {posixpath.dirname(file) for file in set(self.files) & set(there)}
        links = (f"--find-links {posixpath.relpath(link, folder)}" for link in self.links if link in places)
        return "".join(f"{line}\n" for line in (*self.options, *links, *self.pinned, *self.addresses))


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
    declared, notes = (
        (Declared(EVERYTHING), []) if freeze else find_declared(path.parent, root, cells, lockfiles.READERS)
    )
    found = declared or Declared(IMPORTS)
    answer = scan(
        kernel,
        code.python if code else [cell.source for cell in cells],
        path.parent,
        folders=code.folders if code else (),
        wanted=[*map(_name_and_extras, found.lines), *filter(None, found.addresses.values()), *_always(cells)],
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
        options=tuple(dict.fromkeys(found.options)),
        addresses=tuple(found.addresses),
        links=tuple(dict.fromkeys(link.relative_to(root).as_posix() for link in found.links)),
        files=tuple(dict.fromkeys(file.relative_to(root).as_posix() for file in found.files)),
        withheld=tuple(found.withheld),
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
    known = {imports.canonical(package["name"]) for package in answer["packages"]} | set(found.addresses.values())
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
    lines = _in_kernel(found, packages, notes) if found.lenient else found.lines
    unmet = [line for line in lines if not _met(Requirement(line), packages, answer["python"])]
    if unmet:
        notes.append(
            f"The kernel doesn't have {printable(', '.join(unmet))} as {found.source} asks, "
            "so the kernel's versions aren't taken over."
        )
        return list(lines)
    # what was declared by its address is had from there, at the commit that the kernel has
    at_address = {imports.canonical(_name(line)): line for line in lines if Requirement(line).url}
    pins = []
    for name, package in packages.items():
        if name in at_address and not package["origin"]:
            pins.append(at_address[name])
        elif not _is_at(package, found.addresses):
            pins.append(_pin(package, notes) or "")
    # for another machine or Python, so the kernel needn't have it
    elsewhere = [line for line in lines if imports.canonical(_name(line)) not in packages]
    return [*filter(None, pins), *elsewhere]


def _in_kernel(found: Declared, packages: dict[str, Any], notes: list[str]) -> list[str]:
    """The lines whose packages the kernel has; a sentence about the others, which may be no packages of Python's."""
    lines = [line for line in found.lines if imports.canonical(_name(line)) in packages]
    others = [_name(line) for line in found.lines if line not in lines]
    if others:
        notes.append(
            f"{printable(', '.join(others), 200)} of {found.source} {'is' if len(others) == 1 else 'are'} "
            "no Python package in the kernel, so a fresh environment lacks that."
        )
    return lines


def _is_at(package: dict[str, Any], addresses: dict[str, str]) -> bool:
    """True of a package that is had from one of the addresses."""
    url = str((package["origin"] or {}).get("url", "")).rstrip("/")
    return imports.canonical(package["name"]) in addresses.values() or any(
        url and url in address for address in addresses
    )


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
    if has_credentials(url):
        notes.append(f"{name} is installed from an address with credentials, so only its version is taken over.")
        return f"{name}=={version}"
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
