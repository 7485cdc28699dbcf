"""The places of the paths that a notebook names: inside the folder that Jupyter serves, outside it, or nowhere.

Paths are looked at from the notebook's folder, as its kernel does.  A file belongs to the bundle when it is a regular
file inside the root, links followed, under no name that the deny-list keeps out, and not in the output folder.
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

from jupyter_schedule.core.credential_files import denial_reason
from jupyter_schedule.core.notebooks.file_families import walk_whole
from jupyter_schedule.core.notebooks.path_texts import HOLE

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
    _names: dict[str, list[str]] = field(default_factory=dict)
    #: by the path and the output folder
    _looked: dict[tuple[str, str], PathState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._real_root = os.path.realpath(self.root)
        self._folder = self.folder.relative_to(self.root).as_posix()

    def relative(self, text: str) -> str:
        """The path that `text`, as the notebook names it, has below the root; it begins with `..` when it leads out."""
        return posixpath.normpath(posixpath.join(self._folder, text))

    @property
    def depth(self) -> int:
        """The number of folders that the notebook's is below the root."""
        return 0 if self._folder == "." else self._folder.count("/") + 1

    def holds_notebook(self, path: str) -> bool:
        """True of a folder relative to the root that the notebook is in, or below."""
        return path in {".", self._folder} or self._folder.startswith(f"{path}/")

    def is_input(self, text: str) -> bool:
        """True where there is something at the path `text` that a run may have."""
        found = self.look(text)
        return found.status in {FileStatus.INCLUDED, FileStatus.DENIED}

    def names(self, folder: str) -> list[str]:
        """The names in a folder that is given relative to the root, sorted; of a huge one the first."""
        if folder not in self._names:
            try:
                with os.scandir(self.root / folder) as entries:
                    some = [entry.name for _, entry in zip(range(ENTRY_LIMIT), entries, strict=False)]
            except (OSError, ValueError):
                some = []
            self._names[folder] = sorted(some)
        return self._names[folder]

    def whole(self, folder: str) -> PathMatches:
        """The files for the bundle below a folder that is given relative to the root, hidden ones too."""
        found: list[PathState] = []
        for count, path in enumerate(walk_whole(self.root, folder)):
            if count >= ENTRY_LIMIT:
                return PathMatches((), complete=False)
            look = self.at(path)
            found.extend([look] if look.status is FileStatus.INCLUDED and not look.folder else [])
        return PathMatches(tuple(sorted(found)), complete=True)

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

    def exists(self, text: str) -> bool:
        """True where there is something at the path `text`, on this machine."""
        path = text if text.startswith("/") else self.root / self.relative(text)
        return _status(Path(os.path.expanduser(path))) is not None  # noqa: PTH111  (Path raises for an unknown user)

    def at(self, path: str) -> PathState:
        """The state of a path relative to the root."""
        return self.look(posixpath.relpath(path, self._folder))

    def look(self, text: str) -> PathState:
        """The state of the path `text`, as it was when it was first looked at."""
        key = (text, self.output)
        if key not in self._looked:
            self._looked[key] = self._look(text)
        return self._looked[key]

    def _look(self, text: str) -> PathState:
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
        real = os.path.realpath(self.root / path)
        if os.path.commonpath([self._real_root, real]) != self._real_root:
            return PathState(FileStatus.OUTSIDE, path, found.st_size, "link")
        within = os.path.relpath(real, self._real_root)
        behind = None if within == path or path in self.named else denial_reason(within)
        if behind:
            return PathState(FileStatus.DENIED, path, found.st_size, f"it leads to a file that {behind}")
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
