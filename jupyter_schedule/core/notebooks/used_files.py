"""The files that a notebook uses: which of the paths that it names are inputs, and what to tell of each.

A path that the code wrote before it read it isn't an input.  What is only named counts when it is there, what is read
is also told when it isn't.
"""

import posixpath
from dataclasses import dataclass, field
from enum import StrEnum

from jupyter_schedule.core.models import Model
from jupyter_schedule.core.notebooks.file_families import find_heads, find_relatives, is_data_set
from jupyter_schedule.core.notebooks.imports import Import
from jupyter_schedule.core.notebooks.notebook import printable
from jupyter_schedule.core.notebooks.path_texts import HOLE
from jupyter_schedule.core.notebooks.path_uses import PathAction, PathUse
from jupyter_schedule.core.notebooks.places import (
    FileStatus,
    PathResolver,
    PathState,
    is_plausible_path,
    looks_like_path,
)
from jupyter_schedule.core.text import listed, size_text

#: bytes of a folder that is taken as a whole without being asked for
WHOLE_LIMIT = 200_000_000
#: others of a family that are named in a sentence
MOST_NAMED = 4


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
    #: absolute, of a module or of a notebook that is run
    path: str = ""
    #: whether it is run as Python by itself: a cell, or a file that one runs
    runs: bool = False

    @property
    def at_start(self) -> str:
        """Its place as a sentence begins with it."""
        return self.where[:1].upper() + self.where[1:] if self.cell else self.where


def locate(text: str, source: CodeSource | None) -> str:
    """A path or module as people are told: with holes as `*`, and where it stands."""
    shown = printable(text.replace(HOLE, "*"), 200)
    return f"{shown} ({source.where})" if source else shown


class InputCollector:
    """The inputs of a notebook, collected use by use, in the order of its code."""

    def __init__(self, places: PathResolver, notebook: str) -> None:
        self.files: dict[str, UsedFile] = {}
        self.findings: list[PreflightFinding] = []
        #: where files are opened of which only the run knows the folder
        self.unseen: set[str] = set()
        #: folders inside the root, relative to it, that the code works in
        self.worked_in: set[str] = set()
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

    def add_beside(self, path: str, why: str) -> None:
        """A file that no code names, relative to the root, which goes along by itself."""
        look = self._places.at(path)
        if look.status is FileStatus.INCLUDED and path not in self.files:
            self.files[path] = UsedFile(path=path, cell=None, line=0, size=look.size, status=look.status, why=why)
            message = f"{printable(path, 200)} is included: {why}."
            self.findings.append(PreflightFinding(level=FindingLevel.OK, code="included", message=message))

    def add(self, source: CodeSource, use: PathUse) -> None:
        """One use; the first of a path that decides about it is the one that is told."""
        if use.how in {PathAction.ASK, PathAction.MODULES, PathAction.OPAQUE, PathAction.VARIABLE, PathAction.IMPORT}:
            return
        if use.how is PathAction.MAKE:
            return
        if use.how is PathAction.FOLDER:
            self._worked(source, use)
            return
        use = self._chosen(use)
        wild = HOLE in use.text or "*" in use.text
        if not is_plausible_path(use.text.replace(HOLE, "x")):
            return
        if use.how in {PathAction.GUARD, PathAction.HANDED}:
            self._guarded.add(use.text)
        if use.how is PathAction.HANDED:
            return
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

    def _chosen(self, use: PathUse) -> PathUse:
        """The use with the one of its paths that is there, or that stands for what is."""
        options = [use.text, *use.also]
        if use.how is PathAction.RUN:
            options += [f"{text}{ending}" for text in options for ending in (".py", ".ipynb")]
        elif use.how is PathAction.DOTENV:
            options += ["../" * up + use.text for up in range(1, self._places.depth + 1)]
        found = next((text for text in options if text and self._places.is_input(text)), None)
        return use if found is None else use._replace(text=found)

    def _worked(self, source: CodeSource, use: PathUse) -> None:
        """A folder that becomes the working folder."""
        options = [text for text in (use.text, *use.also) if text]
        text = next((text for text in options if self._places.is_input(text)), options[0] if options else "")
        look = self._places.look(text) if text else None
        what = locate(text, source)
        if look is None:
            message = (
                f"{source.at_start} changes the working folder to one that can't be seen from here, "
                "so files that are named from there may be missed."
            )
            self._tell(FindingLevel.WARNING, "folder_unknown", message, source, "Add them if it needs any.")
        elif look.status is FileStatus.INCLUDED and look.folder:
            self.worked_in.add(look.path)
            if not self._places.holds_notebook(look.path):
                self._folders.setdefault(look.path, (text, source))
        elif look.status is FileStatus.ABSOLUTE:
            message, fix = self._absolute_sentence(look, what)
            self._tell(FindingLevel.WARNING, str(look.status), message, source, fix)
        elif look.status is FileStatus.OUTSIDE:
            message = (
                f"{what} becomes the working folder; it is outside the folder that Jupyter serves, so a run lacks it."
            )
            self._tell(FindingLevel.WARNING, str(look.status), message, source, "Work in a folder beside the notebook.")

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
        if use.text.startswith(f"{HOLE}/"):
            self._somewhere(source, use)
            return
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

    def _somewhere(self, source: CodeSource, use: PathUse) -> None:
        """A path below a folder that isn't known: what is below the notebook's or one above it is meant."""
        below = use.text.removeprefix(f"{HOLE}/")
        if not looks_like_path(below.replace(HOLE, "x")):
            return
        for up in range(self._places.depth + 1):
            near = use._replace(text="../" * up + below)
            if HOLE in below or "*" in below:
                found = bool(self._places.matching(near.text).files)
            else:
                found = self._places.is_input(near.text)
            if found:
                self.add(source, near)
                return
        if use.how in {PathAction.READ, PathAction.RUN}:
            self.unseen.add(source.where)

    def _single(self, source: CodeSource, use: PathUse, key: str) -> None:
        look = self._places.look(use.text)
        reads = use.how in {PathAction.READ, PathAction.RUN}
        if look.folder:
            self._folder(source, use, look)
            return
        if look.status is FileStatus.MISSING and reads and self._by_stem(source, use, key):
            return
        if use.how is PathAction.DOTENV and look.status is FileStatus.MISSING:
            return
        if not reads and (look.status in {FileStatus.MISSING, FileStatus.OUTPUT} or not looks_like_path(use.text)):
            return
        if look.status is FileStatus.MISSING and (self._may_be_made(use.text) or not looks_like_path(use.text)):
            return
        if look.status is FileStatus.ABSOLUTE and not reads and self._places.inside(look.path) is None:
            return
        self._settled.add(key)
        self._keep(look, source, use, "it is read" if reads else "it is named")
        message, fix = self._sentence(look, source, use)
        if look.status is FileStatus.INCLUDED:
            message = self._with_relatives(look.path, source, use, message)
        level = FindingLevel.OK if look.status is FileStatus.INCLUDED else FindingLevel.WARNING
        addable = look.path if look.status is FileStatus.DENIED else None
        self._tell(level, str(look.status), message, source, fix, addable=addable)

    def _may_be_made(self, text: str) -> bool:
        """True of a path that a call was given, or that is below a folder that isn't there and a call was given."""
        above = posixpath.dirname(text)
        if text in self._guarded:
            return True
        return bool(above) and above in self._guarded and self._places.look(above).status is FileStatus.MISSING

    def _folder(self, source: CodeSource, use: PathUse, look: PathState) -> None:
        """A folder that is named: a data set goes along as a whole, and so does what is read as if it were a file."""
        if look.status is not FileStatus.INCLUDED:
            return
        reads = use.how is PathAction.READ
        if not self._places.holds_notebook(look.path) and (reads or is_data_set(self._places.root / look.path)):
            contents = self._places.whole(look.path)
            total = sum(each.size for each in contents.files)
            if contents.complete and contents.files and total <= WHOLE_LIMIT:
                self._settled.add(look.path)
                for each in contents.files:
                    self._keep(each, source, use, "its folder is read as a whole")
                count = "1 file" if len(contents.files) == 1 else f"{len(contents.files)} files"
                what = locate(use.text, source)
                message = f"The folder {what} is included as a whole: {count}, {size_text(total)}."
                self._tell(FindingLevel.OK, "included", message, source)
                return
        if (
            use.how in {PathAction.LIST, PathAction.READ}
            or "/" in use.text
            or is_data_set(self._places.root / look.path)
        ):
            self._folders.setdefault(look.path, (use.text, source))

    def _by_stem(self, source: CodeSource, use: PathUse, key: str) -> bool:
        """True where a path without an ending stands for files of its name, which are included then."""
        heads = [
            path for path in find_heads(key, self._places.names) if self._places.at(path).status is FileStatus.INCLUDED
        ]
        for path in heads:
            look = self._places.at(path)
            self._keep(look, source, use, "it is read")
            message = f"{locate(use.text, source)} stands for {printable(look.path, 200)}, which is included."
            self._tell(FindingLevel.OK, "included", self._with_relatives(path, source, use, message), source)
            self._settled.add(key)
        return bool(heads)

    def _with_relatives(self, path: str, source: CodeSource, use: PathUse, message: str) -> str:
        """The sentence that a file is included, with the others of its family, which are included then."""
        found = []
        for other in find_relatives(path, self._places.names):
            look = self._places.at(other)
            if look.status is FileStatus.INCLUDED and not look.folder and other not in self.files:
                self._keep(look, source, use, f"it belongs to {printable(path, 200)}")
                found.append(printable(other.rpartition("/")[2], 80))
        if not found:
            return message
        shown = found[:MOST_NAMED] + ([f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else [])
        return f"{message.removesuffix('.')}, with {listed(shown)}."

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
