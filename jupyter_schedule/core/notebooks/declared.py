"""The packages that a notebook's files declare: requirements.txt, lock files, pyproject.toml, conda's list, PEP 723.

The nearest folder's declaration wins, from the notebook's own up to the root; in one folder they come in that order,
and the metadata in a cell (as juv writes it) comes after all folders.  Lines are kept as they were written, wherever
what they name can be had; what is in the folder (wheels, archives) goes along.
"""

import codecs
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.addresses import has_credentials
from jupyter_schedule.core.notebooks.notebook import CodeCell, printable

CELL_METADATA = "cell metadata"
REQUIREMENTS_FILE = "requirements.txt"
#: names of Debian packages, a line each
SYSTEM_PACKAGES = "apt.txt"
#: bytes of a file that declares packages
MOST_BYTES = 20_000_000
#: names that conda has for packages of other names, or that are no packages of Python's
CONDA_NAMES = {
    "pytorch": "torch", "pytables": "tables", "python-graphviz": "graphviz", "msgpack-python": "msgpack",
    "matplotlib-base": "matplotlib", "opencv": "opencv-python", "py-opencv": "opencv-python", "py-xgboost": "xgboost",
    "pyqt": "PyQt5", "python-kaleido": "kaleido", "tensorflow-gpu": "tensorflow", "seaborn-base": "seaborn",
    "dask-core": "dask", "jupyterlab-git": "jupyterlab-git", "importlib_metadata": "importlib-metadata",
    "ruamel.yaml": "ruamel.yaml", "python-dateutil": "python-dateutil", "prompt_toolkit": "prompt-toolkit",
    "google-cloud-bigquery-core": "google-cloud-bigquery", "psycopg2-binary": "psycopg2-binary", "py-lief": "lief",
}  # fmt: skip
#: a line of `conda list --export`
_EXPORTED = re.compile(r"(?P<name>[A-Za-z0-9_][\w.-]*)=(?P<version>[\w.!+]+)=[\w.]+")

#: PEP 723
_SCRIPT_METADATA = re.compile(r"^# /// script[ \t]*\n((?:#(?: .*)?\n)*?)# ///[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s)#.*")
_HASH = re.compile(r"\s--hash[= ]\S+")
_OPTION = re.compile(r"(-\w|--[\w-]+)(?:\s*=\s*|\s*)(.*)")
_INDEX_OPTIONS = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--pre"}
_FIND_LINKS = {"-f", "--find-links"}
_ADDRESS = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh|git|ftp)://\S+|git\+file://\S+", re.I)
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2")
#: how the files begin that say in which of Unicode's encodings they are; the longer first
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass
class Declared:
    """The declaration of one source; without lines it says that nothing is needed."""

    #: the name of the file, or cell metadata
    source: str
    file: Path | None = None
    #: requirements as PEP 508 writes them
    lines: list[str] = field(default_factory=list)
    #: addresses as they were written, with the canonical name of what is there, as far as they tell it
    addresses: dict[str, str] = field(default_factory=dict)
    #: options that tell where packages are
    options: list[str] = field(default_factory=list)
    #: folders below the root in which packages are looked for, absolute
    links: list[Path] = field(default_factory=list)
    #: files that have to go along, absolute
    files: list[Path] = field(default_factory=list)
    #: sentences about what was left out
    notes: list[str] = field(default_factory=list)
    #: of these those that no fresh environment may be made without
    withheld: list[str] = field(default_factory=list)
    #: whether what the kernel doesn't have is no Python package, as it may be for conda
    lenient: bool = False


#: reads a file that declares packages; None when it declares none
Reader = Callable[[Path, Path, list[str]], Declared | None]


def find_declared(
    folder: Path, root: Path, cells: Sequence[CodeCell], readers: Sequence[tuple[str, Reader]] = ()
) -> tuple[Declared | None, list[str]]:
    """The most trusted declaration for a notebook in `folder` with these `cells`, None without one.

    readers: of other files than requirements.txt and pyproject.toml, by their names; those come before pyproject.toml,
    but for conda's, which come last.  Second come sentences about files that were passed over.
    Raises Refused `requirements_unreadable`, field `environment`.
    """
    notes: list[str] = []
    inside = [place for place in (folder, *folder.parents) if place == root or root in place.parents]
    locks = [(name, read) for name, read in readers if not name.startswith("environment.")]
    order: list[tuple[str, Reader]] = [
        (REQUIREMENTS_FILE, lambda path, top, _: read_requirements_file(path, top)),
        *locks,
        ("pyproject.toml", _project_file),
        *(pair for pair in readers if pair not in locks),
    ]
    for place in inside:
        for name, read in order:
            if (place / name).is_file() and (declared := read(place / name, root, notes)):
                return declared, notes
    for cell in cells:
        declared = _cell_metadata(cell, root, notes)
        if declared:
            return declared, notes
    return None, notes


def find_system_packages(folder: Path, root: Path) -> str | None:
    """The nearest apt.txt of a notebook in `folder`, relative to `root`: the Debian packages that its run gets."""
    inside = [place for place in (folder, *folder.parents) if place == root or root in place.parents]
    found = next((place / SYSTEM_PACKAGES for place in inside if (place / SYSTEM_PACKAGES).is_file()), None)
    return found.relative_to(root).as_posix() if found else None


def read_requirements_file(path: Path, root: Path) -> Declared:
    """The packages that a requirements.txt asks for, with the files that it includes.

    Left out with a note: local folders, files outside `root`, hashes (the versions stay); withheld are addresses with
    credentials.
    Raises Refused `requirements_unreadable` for a file that isn't there, isn't inside `root` or isn't text.
    """
    declared = Declared(REQUIREMENTS_FILE, path)
    seen: set[Path] = set()
    for line, folder in _included(path, root, seen):
        take_line(line, folder, root, declared)
    return declared


def take_line(line: str, folder: Path, root: Path, declared: Declared) -> None:
    """Take in a line of a requirements file in `folder`, which is inside `root`."""
    option = _OPTION.fullmatch(line) if line.startswith("-") else None
    if option:
        _take_option(option[1], option[2].strip().strip("\"'"), folder, root, declared)
    else:
        take_requirement(line, folder, root, declared)


def read_text(path: Path) -> str:
    """The text of a file, in the encoding that its first bytes say.  Raises Refused `requirements_unreadable`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise refuse_file(path.name, "it is too large for a list of packages")
        encoding = next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), "utf-8")
        return raw.decode(encoding)
    except OSError as problem:
        raise refuse_file(path.name, (problem.strerror or "it can't be read").lower()) from None
    except ValueError:
        raise refuse_file(path.name, "it isn't UTF-8 text") from None


def _included(path: Path, root: Path, seen: set[Path]) -> Iterator[tuple[str, Path]]:
    """The lines of a requirements file without comments, continued lines joined, included files in their place."""
    file = path.resolve()
    if file in seen:
        return
    seen.add(file)
    if root.resolve() not in file.parents:
        raise refuse_file(path.name, "it is outside the folder that Jupyter serves")
    for raw in re.sub(r"\\\r?\n", " ", read_text(path)).splitlines():
        line = _COMMENT.sub("", raw).strip()
        option = _OPTION.fullmatch(line)
        if option and option[1] in {"-r", "--requirement"}:
            yield from _included(path.parent / option[2].strip(), root, seen)
        elif line:
            yield line, path.parent


def refuse_file(name: str, why: str) -> Refused:
    """The refusal of a file that says which packages are needed."""
    return Refused("requirements_unreadable", f"{printable(name)} can't be followed: {why}.", field="environment")


def _take_option(name: str, value: str, folder: Path, root: Path, declared: Declared) -> None:
    if name in {"-e", "--editable"}:
        take_requirement(value, folder, root, declared)
    elif name not in _INDEX_OPTIONS:
        declared.notes.append(f"The option {printable(name)} of {declared.source} is left out.")
    elif has_credentials(value):
        _withhold(f"{name} of {declared.source}", declared)
    elif name in _FIND_LINKS and not _ADDRESS.match(value):
        _take_links(value, folder, root, declared)
    else:
        declared.options.append(f"{name} {value}".strip())


def _withhold(what: str, declared: Declared) -> None:
    sentence = (
        f"{what} has a password or token in its address, so it is left out; "
        "write it with variables, as in https://$USER:$PASSWORD@…, "
        "or configure the package index where the run happens."
    )
    declared.notes.append(sentence)
    declared.withheld.append(sentence)


def _take_links(value: str, folder: Path, root: Path, declared: Declared) -> None:
    """A folder of packages: what is in it goes along."""
    place = _local(value, folder, root)
    if place is None or not place.is_dir():
        declared.notes.append(
            f"{printable(value)} is no folder that can go along, so packages aren't looked for there."
        )
        return
    declared.links.append(place)
    declared.files += sorted(path for path in place.iterdir() if path.name.endswith(_ARCHIVES) and path.is_file())


def _local(value: str, folder: Path, root: Path) -> Path | None:
    """The place inside `root` that a local path or a `file:` address names; None for one that isn't inside."""
    text = unquote(re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", value, flags=re.IGNORECASE))
    try:
        place = (folder / text).resolve()
        return root / place.relative_to(root.resolve())
    except (OSError, ValueError):
        return None


def take_requirement(line: str, folder: Path, root: Path, declared: Declared) -> None:
    """Take in what is asked for: by name, by an address, or a file that is in the folder."""
    text = _HASH.sub("", line).strip()
    if text != line:
        note = f"The hashes in {declared.source} are left out; the versions stay."
        declared.notes.extend([] if note in declared.notes else [note])
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        if exported := _EXPORTED.fullmatch(text):
            _take_exported(exported["name"], exported["version"], declared)
        else:
            _take_unnamed(text, folder, root, declared)
        return
    url = requirement.url or ""
    if has_credentials(url):
        _withhold(requirement.name, declared)
    elif url and not _ADDRESS.match(url):
        _take_file(url, folder, root, declared)
    else:
        declared.lines.append(text)


def _take_exported(name: str, version: str, declared: Declared) -> None:
    """A package as `conda list --export` writes it: one of Python's, or what the kernel has not as that."""
    declared.lenient = True
    if name.lower() not in {"python", "pip", "conda", "mamba"} and not name.startswith("_"):
        declared.lines.append(f"{CONDA_NAMES.get(name.lower(), name)}=={version}")


def _take_unnamed(text: str, folder: Path, root: Path, declared: Declared) -> None:
    """An address or a path without a name before it."""
    address, _, _ = text.partition(" ;")
    address = address.strip()
    if _ADDRESS.fullmatch(address):
        if has_credentials(address):
            _withhold(printable(re.sub(r"://[^/]*@", "://…@", address).partition("?")[0]), declared)
            return
        declared.addresses[text] = _name_at(address)
    elif "/" in text or text.endswith(_ARCHIVES) or text.startswith((".", "file:")):
        _take_file(text.partition(";")[0].strip(), folder, root, declared)
    else:
        declared.notes.append(f"“{printable(text)}” is no requirement, so it is left out.")


def _name_at(address: str) -> str:
    """The canonical name of what is at an address, as far as that tells it."""
    if found := _EGG.search(address):
        return canonicalize_name(found[1])
    name = unquote(re.split(r"[?#]", address)[0].rpartition("/")[2])
    return _file_name_and_version(name)[0]


def _file_name_and_version(name: str) -> tuple[str, str]:
    """The canonical name and the version of a wheel or a source archive; nothing of another file."""
    try:
        if name.endswith(".whl"):
            project, version, _, _ = parse_wheel_filename(name)
        else:
            project, version = parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return "", ""
    return str(project), str(version)


def _take_file(text: str, folder: Path, root: Path, declared: Declared) -> None:
    """A wheel or a source archive in the folder goes along, and is looked for there by its name and version."""
    place = _local(text, folder, root)
    name, version = _file_name_and_version(place.name) if place else ("", "")
    if place is None or not name or not place.is_file():
        declared.notes.append(_is_local(text))
        return
    declared.lines.append(f"{name}=={version}")
    declared.links.append(place.parent)
    declared.files.append(place)


def _is_local(where: str) -> str:
    what = printable(where)
    return f"{what} is on this machine only, so a fresh environment can't have it; add its files to the bundle."


def _project_file(path: Path, root: Path, notes: list[str]) -> Declared | None:
    """The dependencies of a pyproject.toml, None when it declares none."""
    try:
        content = tomllib.loads(read_text(path))
    except (Refused, ValueError, RecursionError):
        notes.append("pyproject.toml can't be read, so it is passed over.")
        return None
    return _listed(content.get("project"), content, Declared("pyproject.toml", path), path.parent, root)


def _cell_metadata(cell: CodeCell, root: Path, notes: list[str]) -> Declared | None:
    found = _SCRIPT_METADATA.search(cell.source)
    if found is None:
        return None
    content = "".join(line[2:] if line.startswith("# ") else line[1:] for line in found[1].splitlines(keepends=True))
    try:
        table = tomllib.loads(content)
    except (ValueError, RecursionError):
        notes.append(f"The script metadata in cell {cell.number} isn't TOML, so it is passed over.")
        return None
    return _listed(table, table, Declared(CELL_METADATA), root, root)


def _listed(table: object, whole: dict[str, Any], declared: Declared, folder: Path, root: Path) -> Declared | None:
    """`declared` with the `dependencies` of a TOML table, None when it has no such list.

    whole: the document, where `tool.uv` says where packages are.
    """
    dependencies = table.get("dependencies") if isinstance(table, dict) else None
    if not isinstance(dependencies, list):
        return None
    tool = whole.get("tool")
    uv = tool.get("uv") if isinstance(tool, dict) else None
    uv = uv if isinstance(uv, dict) else {}
    sources = uv.get("sources") if isinstance(uv.get("sources"), dict) else {}
    for line in dependencies:
        take_requirement(_with_source(str(line), sources), folder, root, declared)
    indexes = uv.get("index") if isinstance(uv.get("index"), list) else []
    for index in indexes or ():
        if isinstance(index, dict) and isinstance(index.get("url"), str):
            name = "--index-url" if index.get("default") is True else "--extra-index-url"
            _take_option(name, index["url"], folder, root, declared)
    return declared


def _with_source(line: str, sources: object) -> str:
    """The requirement at the address that `tool.uv.sources` gives for its name."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return line
    known = sources if isinstance(sources, dict) else {}
    source = next(
        (value for key, value in known.items() if canonicalize_name(key) == canonicalize_name(requirement.name)), None
    )
    if not isinstance(source, dict):
        return line
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    if isinstance(source.get("git"), str):
        revision = next((str(source[key]) for key in ("rev", "tag", "branch") if key in source), "")
        inner = f"#subdirectory={source['subdirectory']}" if "subdirectory" in source else ""
        address = f"git+{source['git'].removeprefix('git+')}{f'@{revision}' if revision else ''}{inner}"
    elif isinstance(source.get("url"), str):
        address = source["url"]
    elif isinstance(source.get("path"), str):
        address = f"file:{source['path']}"
    else:
        return line
    return f"{requirement.name}{extras} @ {address}{marker}"
