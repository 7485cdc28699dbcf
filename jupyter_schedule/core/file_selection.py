"""The files that go into a bundle: patterns become an explicit list, credentials and clutter stay out unless named.

Every path is posix text relative to the bundle root.  A file named exactly is taken whatever it is called; what a
pattern or a folder brings in passes the deny-list, and what it drops is reported with the reason.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from jupyter_schedule.core.credential_files import denial_reason
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import quote_name

#: files that patterns may stand for: as many as an archive may have entries
MOST_FILES = 10_000


class ExcludedFile(NamedTuple):
    """A file, or a whole folder with a trailing slash, that a pattern matched and that isn't taken."""

    path: str
    why: str


class FileSelection(NamedTuple):
    """The files to bundle, sorted, and what was left out of the folders and patterns they were chosen by."""

    files: list[str]
    left_out: list[ExcludedFile]


def bundle_root(files: Sequence[Path], server_root: Path) -> Path:
    """The lowest folder that holds all of `files`; Refused when one of them lies outside `server_root`."""
    if not files:
        raise Refused("no_files", "Nothing was chosen: choose a notebook or a file.", "files")
    root = _absolute(server_root)
    folders = []
    for file in files:
        inside = _inside(_absolute(file), root)
        if inside is None:
            raise Refused(
                "outside_root",
                f"{quote_name(str(file))} is outside {root}, the folder that Jupyter serves: copy it there first.",
                "files",
            )
        folders.append(inside.parent)
    return Path(os.path.commonpath(folders))


def expand_patterns(root: Path, patterns: Sequence[str], most: int = MOST_FILES) -> FileSelection:
    """The files that `patterns` (names, folders, globs with `*`, `?`, `[…]` and `**`) stand for under `root`.

    As in a shell, `*` and `**` don't match a leading dot; folders are taken with everything in them, links to folders
    as links.  Refused("no_match") for a pattern that matches nothing, Refused("too_many") beyond `most`.
    """
    files: set[str] = set()
    left_out: dict[str, str] = {}
    for pattern in patterns:
        before = len(files), len(left_out)
        known = 0
        for path, why in _matches(root, pattern):
            known += path in files or path in left_out
            if why:
                left_out[path] = why
            else:
                files.add(path)
            if len(files) > most:
                raise Refused(
                    "too_many", f"{quote_name(pattern)} brings in more than {most:,} files: choose fewer.", "files"
                )
        if before == (len(files), len(left_out)) and not known:
            raise Refused(
                "no_match", f"{quote_name(pattern)} matches no file in {root}: check its spelling and folder.", "files"
            )
    return FileSelection(
        sorted(files), [ExcludedFile(*item) for item in sorted(left_out.items()) if item[0] not in files]
    )


def _absolute(path: Path) -> Path:
    """`path` without `..`, links untouched: a file behind a link keeps the place where the notebook looks for it."""
    return Path(os.path.normpath(path.absolute()))


def _inside(file: Path, root: Path) -> Path | None:
    """`file` as a path below `root`, also where one is written through a link and the other isn't."""
    if file.is_relative_to(root):
        return file
    real = file.parent.resolve() / file.name
    return root / real.relative_to(root.resolve()) if real.is_relative_to(root.resolve()) else None


def _matches(root: Path, pattern: str) -> Iterator[tuple[str, str | None]]:
    """Each path that `pattern` stands for, with the reason if it is left out."""
    if pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
        raise Refused("outside_root", f"{quote_name(pattern)} must be a path inside {root}, without “..”.", "files")
    named = str(PurePosixPath(pattern))
    if os.path.lexists(root / named) and not _is_folder(root / named):
        yield named, None
        return
    if (root / named).is_dir():
        yield from _walk(root, named)
        return
    for found in _glob(root, "", tuple(PurePosixPath(pattern).parts)):
        if why := _unfit(root, found):
            yield found, why
        elif _is_folder(root / found):
            yield from _walk(root, found)
        else:
            yield found, None


def _glob(root: Path, folder: str, parts: tuple[str, ...]) -> Iterator[str]:
    if not parts:
        yield folder
        return
    first, rest = parts[0], parts[1:]
    if first == "**" and rest:
        yield from _glob(root, folder, rest)
    for name in _names(root / folder):
        path = f"{folder}/{name}" if folder else name
        if name.startswith(".") and not first.startswith("."):
            continue
        if first == "**" and rest:
            if _is_folder(root / path) and not denial_reason(name):
                yield from _glob(root, path, parts)
        elif (first == "**" or fnmatchcase(name, first)) and (not rest or (root / path).is_dir()):
            yield from _glob(root, path, rest)


def _walk(root: Path, folder: str) -> Iterator[tuple[str, str | None]]:
    """Everything below `folder`; a denied folder is one entry and isn't entered."""
    for name in _names(root / folder):
        path = str(PurePosixPath(folder, name))
        why = _unfit(root, path)
        if why:
            yield path + "/" * _is_folder(root / path), why
        elif _is_folder(root / path):
            yield from _walk(root, path)
        else:
            yield path, None


def walk_folder(root: Path, folder: str, *, taken_only: bool = False) -> Iterator[tuple[str, str | None]]:
    """Everything below `folder`, relative to `root`, with the reason if it is left out; or only what isn't."""
    for path, why in _walk(root, folder):
        if why is None or not taken_only:
            yield path, why


def _unfit(root: Path, path: str) -> str | None:
    """The reason why something found by a pattern can't or mustn't be bundled."""
    if why := denial_reason(path):
        return why
    found = root / path
    if not found.is_symlink():
        mode = found.lstat().st_mode
        return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "neither a file nor a folder"
    target, served = Path(os.path.realpath(found)), root.resolve()
    if not target.is_relative_to(served):
        return "a link that leads outside"
    if not target.exists():
        return "a link that leads nowhere"
    if Path(os.path.realpath(found.parent)).is_relative_to(target):
        return "a link to a folder that it is in"
    # what a harmless name leads to may be a key
    return denial_reason(target.relative_to(served).as_posix())


def _names(folder: Path) -> list[str]:
    try:
        return sorted(child.name for child in folder.iterdir())
    except OSError as problem:
        raise Refused(
            "unreadable", f"The folder {quote_name(str(folder))} can't be read: {problem.strerror}.", "files"
        ) from None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
