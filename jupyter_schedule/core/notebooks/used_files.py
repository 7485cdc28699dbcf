"""The files that a notebook uses: where the paths that it names are, which are inputs, and what to tell of each.

Paths are looked at from the notebook's folder, as its kernel does.  A file belongs to the bundle when it is a regular
file inside the root, links followed, under no name that the deny-list keeps out, and not in the output folder.
A path that the code wrote before it read it isn't an input.  What is only named counts when it is there, what is read
is also told when it isn't.
"""

import os
import posixpath
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from jupyter_schedule.core.file_selection import denial_reason
from jupyter_schedule.core.models import Model
from jupyter_schedule.core.notebooks.imports import Import
from jupyter_schedule.core.notebooks.notebook import printable
from jupyter_schedule.core.notebooks.path_uses import HOLE, PathAction, PathUse
from jupyter_schedule.core.text import size_text

#: folder entries that one pattern may look at; a pattern of a notebook is a hint, not worth a walk over a whole disk
ENTRY_LIMIT = 5_000
MATCH_LIMIT = 1_000
TEXT_LIMIT = 1_024

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")


class FileStatus(StrEnum):
    """The fate of a path that the notebook names."""

    INCLUDED = "included"
    #: not inside the root
    OUTSIDE = "outside"
    #: read, but not there
    MISSING = "missing"
    #: named from the root of this machine's disk
    ABSOLUTE = "absolute"
    #: kept out by the deny-list
    DENIED = "denied"
    #: in the output folder, which is empty when a run starts
    OUTPUT = "output"


class PathState(NamedTuple):
    """The state of what is at a path."""

    status: FileStatus
    #: relative to the root; as named when it isn't inside
    path: str
    size: int = 0
    #: of the deny-list, or of a link that leads out
    why: str = ""
    folder: bool = False


class PathMatches(NamedTuple):
    """The files that a pattern stands for."""

    files: tuple[PathState, ...]
    #: whether every folder entry was looked at
    complete: bool


def looks_like_path(text: str) -> bool:
    """True where `text` reads like the path of a file: a suffix or a slash, and no address or sentence."""
    return is_plausible_path(text) and ("/" in text.rstrip("/") or bool(_SUFFIX.search(text)))


def is_plausible_path(text: str) -> bool:
    """True where `text` can be a path at all."""
    return 0 < len(text) <= TEXT_LIMIT and not _ADDRESS.match(text) and text.isprintable() and text.strip("./~ ") != ""


@dataclass
class PathResolver:
    """The folders of a preflight; `root` and `folder` (the notebook's) are absolute, `folder` inside `root`."""

    root: Path
    folder: Path
    #: files that the analyst named, relative to the root: taken whatever they are called
    named: frozenset[str] = frozenset()
    #: relative to the root
    output: str = ""
    _real_root: str = field(init=False)
    _folder: str = field(init=False)

    def __post_init__(self) -> None:
        self._real_root = os.path.realpath(self.root)
        self._folder = self.folder.relative_to(self.root).as_posix()

    def relative(self, text: str) -> str:
        """The path that `text`, as the notebook names it, has below the root; it begins with `..` when it leads out."""
        return posixpath.normpath(posixpath.join(self._folder, text))

    def beside_notebook(self, path: str) -> bool:
        """True of a path relative to the root that is in the notebook's folder or below it."""
        return self._folder == "." or path.startswith(f"{self._folder}/")

    def inside(self, path: str) -> str | None:
        """An absolute path as the notebook should name it; None when it isn't below the root."""
        for root in (str(self.root), self._real_root):
            if path.startswith(f"{root}/"):
                return posixpath.relpath(path[len(root) + 1 :], self._folder)
        return None

    @property
    def output_text(self) -> str:
        """The output folder as the notebook names it."""
        return posixpath.relpath(self.output, self._folder)

    def at(self, path: str) -> PathState:
        """The state of a path relative to the root."""
        return self.look(posixpath.relpath(path, self._folder))

    def look(self, text: str) -> PathState:
        """The state of the path `text`."""
        if text.startswith(("/", "~")):
            return self._absolute(text)
        path = self.relative(text)
        if path == ".." or path.startswith("../"):
            return PathState(FileStatus.OUTSIDE if _status(self.root / path) else FileStatus.MISSING, text)
        found = _status(self.root / path)
        if self.is_output(path):
            return PathState(FileStatus.OUTPUT, path)
        if found is None:
            return PathState(FileStatus.MISSING, path)
        if stat.S_ISDIR(found.st_mode):
            return PathState(FileStatus.INCLUDED, path, folder=True)
        return self._file(path, found)

    def is_output(self, path: str) -> bool:
        """True of a path relative to the root that is in the output folder."""
        return bool(self.output) and (path == self.output or path.startswith(f"{self.output}/"))

    def _absolute(self, text: str) -> PathState:
        path = os.path.normpath(os.path.expanduser(text))  # noqa: PTH111  (Path raises for an unknown user)
        found = _status(Path(path))
        if found is None:
            return PathState(FileStatus.MISSING, text)
        return PathState(FileStatus.ABSOLUTE, path, found.st_size, folder=not stat.S_ISREG(found.st_mode))

    def _file(self, path: str, found: os.stat_result) -> PathState:
        why = None if path in self.named else denial_reason(path)
        if not stat.S_ISREG(found.st_mode):
            return PathState(FileStatus.DENIED, path, why="it is no regular file")
        if why:
            return PathState(FileStatus.DENIED, path, found.st_size, f"it {why}")
        if os.path.commonpath([self._real_root, os.path.realpath(self.root / path)]) != self._real_root:
            return PathState(FileStatus.OUTSIDE, path, found.st_size, "link")
        return PathState(FileStatus.INCLUDED, path, found.st_size)

    def matching(self, text: str) -> PathMatches:
        """The files for the bundle that a relative path with wildcards or holes stands for, sorted."""
        pattern = self.relative(text)
        fixed = re.split(r"[*?\[\0]", pattern)[0].rpartition("/")[0]
        if pattern.startswith("..") or text.startswith(f"{HOLE}/"):
            return PathMatches((), complete=True)
        depth = None if "**" in pattern else pattern.count("/")
        compiled = re.compile(_expression(pattern))
        found: list[PathState] = []
        for looked, path in enumerate(_walk(self.root, fixed, depth)):
            if looked >= ENTRY_LIMIT or len(found) > MATCH_LIMIT:
                return PathMatches((), complete=False)
            if compiled.fullmatch(path):
                look = self.at(path)
                found.extend([look] if look.status is FileStatus.INCLUDED and not look.folder else [])
        return PathMatches(tuple(sorted(found)), complete=True)

    def contents(self, path: str) -> PathMatches:
        """The files below a folder that is given relative to the root."""
        return self.matching(posixpath.join(posixpath.relpath(path, self._folder), "**"))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _expression(pattern: str) -> str:
    """A glob pattern as a regular expression; `**` crosses folders, a hole stands for one name's part."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\0)", pattern)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", HOLE: "[^/]*"}
    return "".join(wild.get(part, re.escape(part)) for part in parts)


def _walk(root: Path, folder: str, depth: int | None) -> Iterator[str]:
    """Every entry below `folder` but hidden ones, relative to `root`, `depth` slashes deep; links aren't followed."""
    queue = [folder]
    for place in queue:
        try:
            entries = sorted(os.scandir(root / place), key=lambda entry: entry.name)
        except (OSError, ValueError):
            continue
        for entry in entries:
            path = posixpath.join(place, entry.name)
            if entry.name.startswith("."):
                continue
            yield path
            if entry.is_dir(follow_symlinks=False) and (depth is None or path.count("/") < depth):
                queue.append(path)


class FindingLevel(StrEnum):
    """The weights of findings; none of them keeps a schedule from being made."""

    OK = "ok"
    WARNING = "warning"
    #: results can't be public while it stands
    STOP_PUBLIC = "stop-public"


class PreflightFinding(Model):
    """One thing that a person should know before scheduling."""

    level: FindingLevel
    #: a stable word for programs
    code: str
    message: str
    #: number of the code cell
    cell: int | None = None
    #: what to do about it
    fix: str | None = None
    #: a file that is there and goes into the bundle when it is named
    addable: str | None = None


class UsedFile(Model):
    """A file that the notebook, or a module of its own, names."""

    #: relative to the root; as named when it isn't inside
    path: str
    #: number of the code cell, None for a module's
    cell: int | None
    line: int
    size: int
    status: FileStatus
    why: str


@dataclass
class CodeSource:
    """A piece of code, a cell or a module of the notebook's own, with what it names and imports."""

    #: as people are told: `cell 5`, `utils.py`
    where: str
    cell: int | None
    text: str
    uses: list[PathUse] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    #: absolute, of a module
    path: str = ""


def locate(text: str, source: CodeSource | None) -> str:
    """A path or module as people are told: with holes as `*`, and where it stands."""
    shown = printable(text.replace(HOLE, "*"), 200)
    return f"{shown} ({source.where})" if source else shown


class InputCollector:
    """The inputs of a notebook, collected use by use, in the order of its code."""

    def __init__(self, places: PathResolver, notebook: str) -> None:
        self.files: dict[str, UsedFile] = {}
        self.findings: list[PreflightFinding] = []
        self._places = places
        self._notebook = notebook
        self._settled: set[str] = set()
        self._guarded: set[str] = set()
        self._folders: dict[str, tuple[str, CodeSource]] = {}

    def add_named(self, path: str) -> None:
        """A file that the analyst named, relative to the root."""
        look = self._places.at(path)
        self.files[path] = UsedFile(
            path=_as_text(path), cell=None, line=0, size=look.size, status=look.status, why="added by you"
        )

    def add(self, source: CodeSource, use: PathUse) -> None:
        """One use; the first of a path that decides about it is the one that is told."""
        wild = HOLE in use.text or "*" in use.text
        if use.how in {PathAction.ASK, PathAction.MODULES} or not is_plausible_path(use.text.replace(HOLE, "x")):
            return
        if use.how is PathAction.GUARD:
            self._guarded.add(use.text)
        key = self._places.relative(use.text)
        if key in self._settled or key == self._notebook:
            return
        if use.how is PathAction.WRITE:
            self._settled.add(key)
            self._written(source, use, key)
        elif wild:
            self._pattern(source, use, key)
        else:
            self._single(source, use, key)

    def _written(self, source: CodeSource, use: PathUse, path: str) -> None:
        if use.text.startswith(("/", "~")) or self._places.is_output(path) or not looks_like_path(use.text):
            return
        self._tell(
            FindingLevel.WARNING,
            "written_elsewhere",
            f"{locate(use.text, source)} is written outside the output folder, so it isn't published.",
            source,
            f"Write it below {printable(self._places.output_text)}/.",
        )

    def _pattern(self, source: CodeSource, use: PathUse, key: str) -> None:
        if not looks_like_path(use.text.replace(HOLE, "x")) or use.text.startswith(("/", "~")):
            return
        if use.how is PathAction.MENTION and "/" not in use.text:
            return
        matches = self._places.matching(use.text)
        what = locate(use.text, source)
        if matches.files:
            self._settled.add(key)
            for look in matches.files:
                self._keep(look, source, use, "a pattern matches it")
            total = size_text(sum(look.size for look in matches.files))
            count = "1 file" if len(matches.files) == 1 else f"{len(matches.files)} files"
            self._tell(FindingLevel.OK, "included", f"{what} matches {count}, {total}, included.", source)
        elif not matches.complete:
            message = f"{what} may match more files than can be listed here, so none is included."
            self._tell(FindingLevel.WARNING, "too_many", message, source, "Add those that are needed.")
        elif use.how is PathAction.READ and HOLE not in use.text:
            message = f"{what} matches no file; fine if the notebook creates them."
            self._tell(FindingLevel.WARNING, "missing", message, source, "Add the files, or correct the pattern.")

    def _single(self, source: CodeSource, use: PathUse, key: str) -> None:
        look = self._places.look(use.text)
        reads = use.how is PathAction.READ
        if look.folder:
            if look.status is FileStatus.INCLUDED and (
                use.how in {PathAction.LIST, PathAction.READ} or "/" in use.text
            ):
                self._folders.setdefault(look.path, (use.text, source))
            return
        if not reads and (look.status in {FileStatus.MISSING, FileStatus.OUTPUT} or not looks_like_path(use.text)):
            return
        if look.status is FileStatus.MISSING and (use.text in self._guarded or not looks_like_path(use.text)):
            return
        if look.status is FileStatus.ABSOLUTE and not reads and self._places.inside(look.path) is None:
            return
        self._settled.add(key)
        self._keep(look, source, use, "it is read" if reads else "it is named")
        message, fix = self._sentence(look, source, use)
        level = FindingLevel.OK if look.status is FileStatus.INCLUDED else FindingLevel.WARNING
        addable = look.path if look.status is FileStatus.DENIED else None
        self._tell(level, str(look.status), message, source, fix, addable=addable)

    def _sentence(self, look: PathState, source: CodeSource, use: PathUse) -> tuple[str, str | None]:
        what = locate(use.text, source)
        match look.status:
            case FileStatus.INCLUDED:
                kept = "" if self._places.beside_notebook(look.path) else "; its path is kept"
                return f"{what} is included{kept}.", None
            case FileStatus.MISSING:
                return f"{what} is not found; fine if the notebook creates it.", "Add the file, or correct its path."
            case FileStatus.DENIED:
                return f"{what} isn't included: {look.why}.", "Name it under files to include it all the same."
            case FileStatus.OUTPUT:
                return (
                    f"{what} is in the output folder, which is empty when a run starts, so it isn't included.",
                    "Read what earlier runs published from PREVIOUS_DIR.",
                )
            case FileStatus.OUTSIDE:
                how = "leads out of" if look.why == "link" else "is outside"
                return (
                    f"{what} {how} the folder that Jupyter serves, so it isn't included.",
                    "Copy it beside the notebook.",
                )
        return self._absolute_sentence(look, what)

    def _absolute_sentence(self, look: PathState, what: str) -> tuple[str, str]:
        inside = self._places.inside(look.path)
        if inside is not None:
            return f"{what} is an absolute path, which only this machine has.", f"Write {printable(inside)}."
        return (
            f"{what} is outside the folder that Jupyter serves, so only this machine has it.",
            "Copy it beside the notebook, and name it without its folders.",
        )

    def finish(self) -> None:
        """Tell about folders of which nothing was included by name."""
        for path, (text, source) in self._folders.items():
            below = path + "/" if path != "." else ""
            if any(file.startswith(below) for file in self.files):
                continue
            contents = self._places.contents(path)
            size = size_text(sum(look.size for look in contents.files))
            count = (
                f"{len(contents.files)} files, {size}" if contents.complete else "more files than can be listed here"
            )
            message = f"The folder {locate(text, source)} isn't included as a whole: {count}."
            self._tell(FindingLevel.WARNING, "folder", message, source, "Add the files that are needed.")

    def _keep(self, look: PathState, source: CodeSource, use: PathUse, why: str) -> None:
        reason = why if look.status is FileStatus.INCLUDED else look.why or str(look.status)
        path = _as_text(look.path)
        file = UsedFile(path=path, cell=source.cell, line=use.line, size=look.size, status=look.status, why=reason)
        self.files.setdefault(path, file)

    def _tell(
        self,
        level: FindingLevel,
        code: str,
        message: str,
        source: CodeSource,
        fix: str | None = None,
        *,
        addable: str | None = None,
    ) -> None:
        finding = PreflightFinding(level=level, code=code, message=message, cell=source.cell, fix=fix, addable=addable)
        self.findings.append(finding)


def _as_text(path: str) -> str:
    """The path itself, or what can be shown of one that isn't text: no such file goes into a bundle."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return printable(path, 4096)
    return path
