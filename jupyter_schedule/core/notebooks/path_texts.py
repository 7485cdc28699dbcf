"""The operations on texts and paths while they are only partly known: join, take apart, format.

What isn't known in a text is `HOLE`: `f"data/{year}.csv"` is `data/` HOLE `.csv`.  A path that is computed from where
the code runs begins with `ANCHOR`.
"""

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

#: stands for a part of a path that only the run knows; no path can hold it
HOLE = "\0"
#: stands for a null byte of the code itself, so that nobody takes it for a hole; no path that we look at holds it
NUL = "\1"
#: begins a path that the code computed from the place where it runs; an absolute path follows
ANCHOR = "\2"
OUTPUT_DIR = "output"
#: below it is what each run has by itself: what earlier ones published, and temporary files
OF_RUN = "of-run://"
#: characters of a text that are looked at
MOST_TEXT = 20_000


class Special(Enum):
    """The values that are no Python values."""

    UNKNOWN = "unknown"
    #: a stream, an answer, a folder made for the moment: whatever it is, no file of the analyst's
    NO_FILE = "no file"


UNKNOWN, NO_FILE = Special.UNKNOWN, Special.NO_FILE


@dataclass(frozen=True)
class Either:
    """One of these, and only the run knows which."""

    options: tuple[Any, ...]


Value: TypeAlias = Any

_FORMAT_FIELD = re.compile(r"\{[^{}]*\}")
_PERCENT_FIELD = re.compile(r"%(?:\([^)]*\))?[-+ #0-9.]*[a-zA-Z]")


def join(*parts: str) -> str:
    """The path that joining gives, where one that begins anew drops those before it."""
    start = max((number for number, part in enumerate(parts) if part.startswith((ANCHOR, "/"))), default=0)
    return posixpath.join(*parts[start:])


def parent(path: str) -> str:
    """The folder that a path is in, as `Path.parent` has it."""
    if path == ANCHOR + "/":
        return path
    return posixpath.dirname(path.rstrip("/")) or "."


def with_name(path: str, name: str) -> str:
    """The path with another last part."""
    return join(posixpath.dirname(path), name) if posixpath.dirname(path) else name


def move(now: Value, to: Value) -> Value:
    if not isinstance(to, str) or HOLE in to:
        return UNKNOWN
    if to.startswith((ANCHOR, "/", "~")):
        return to
    if not isinstance(now, str):
        return UNKNOWN
    whole = join(now, to)
    return ANCHOR + posixpath.normpath(whole[1:]) if whole.startswith(ANCHOR) else posixpath.normpath(whole)


def as_text(value: Value) -> str:
    """A value as a part of a text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else HOLE


def as_list(value: Value) -> Value:
    return list(value) if isinstance(value, tuple) else value


def find_parents(path: str) -> Iterator[str]:
    while True:
        above = parent(path)
        if above == path or len(path) > MOST_TEXT:
            return
        yield above
        path = above


def fill_percent(text: str, given: Value) -> str:
    """`text % given`; a hole for each field where that isn't known."""
    values = tuple(given) if isinstance(given, list) else given
    known = isinstance(given, str | int | float) or (
        isinstance(given, list) and all(isinstance(each, str | int | float) for each in given)
    )
    widths = re.findall(r"\d+", "".join(_PERCENT_FIELD.findall(text)))
    if known and all(len(width) < 3 for width in widths):
        try:
            return text % values
        except (TypeError, ValueError, OverflowError):
            pass
    return _PERCENT_FIELD.sub(HOLE, text)


def fill_braces(text: str, given: list[Value], named: dict[Any, Value]) -> str:
    """`text.format(…)`; a hole for each field that isn't known."""
    count = iter(range(len(given)))

    def fill(field: re.Match[str]) -> str:
        key, _, spec = field[0][1:-1].partition(":")
        if key == "":
            number = next(count, len(given))
        elif key.isdecimal() and len(key) < 4:
            number = int(key)
        else:
            number = len(given)
        value = named.get(key, UNKNOWN) if key in named else given[number] if number < len(given) else UNKNOWN
        if isinstance(value, Special | list | dict | Either) or len(re.sub(r"\D", "", spec)) > 3:
            return HOLE
        try:
            return format(value, spec)
        except (TypeError, ValueError, OverflowError):
            return HOLE

    return _FORMAT_FIELD.sub(fill, text)


def compute(operator: ast.operator, first: Value, second: Value) -> Value:
    """The result of arithmetic on small numbers."""
    numbers = [each for each in (first, second) if isinstance(each, int | float) and abs(each) < 1e12]
    if len(numbers) < 2:
        return UNKNOWN
    match operator:
        case ast.Add():
            return first + second
        case ast.Sub():
            return first - second
        case ast.Mult():
            return first * second
        case ast.FloorDiv() if second:
            return first // second
        case ast.Mod() if second:
            return first % second
    return UNKNOWN


def _split_ending(path: str) -> list[str]:
    return list(posixpath.splitext(path))


#: what a path has, by the name of the attribute
PARTS: dict[str, Callable[[str], Value]] = {
    "parent": parent,
    "parents": lambda path: list(find_parents(path)),
    "name": posixpath.basename,
    "stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
    "suffix": lambda path: posixpath.splitext(path)[1],
    "parts": lambda path: [part for part in path.split("/") if part],
}
#: what a path's methods give for other texts
PATH_METHODS: dict[str, Callable[..., Value]] = {
    "joinpath": join,
    "with_name": with_name,
    "with_suffix": lambda path, ending: posixpath.splitext(path)[0] + ending,
    "with_stem": lambda path, stem: with_name(path, stem + posixpath.splitext(path)[1]),
    "glob": lambda path, pattern: [join(path, pattern).replace("*", HOLE)],
    "rglob": lambda path, _: [join(path, HOLE)],
    "iterdir": lambda path: [join(path, HOLE)],
    **dict.fromkeys(("mkdir", "open", "read_text", "read_bytes", "stat", "unlink"), lambda *_: NO_FILE),
}
#: what functions give for a path
PATH_FUNCTIONS: dict[str, Callable[[str], Value]] = {
    "dirname": posixpath.dirname,
    "basename": posixpath.basename,
    "splitext": _split_ending,
    "split": lambda path: list(posixpath.split(path)),
    "glob": lambda pattern: [pattern.replace("*", HOLE)],
    "iglob": lambda pattern: [pattern.replace("*", HOLE)],
    "len": len,
    "int": lambda text: int(text[:50]),
    "float": lambda text: float(text[:50]),
}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below, but for those that say how a name is used; looked for once, since loops ask again."""
    found: list[ast.AST] | None = getattr(node, "_below", None)
    if found is None:
        found = []
        for field in node._fields:
            below = getattr(node, field, None)
            if isinstance(below, list):
                found.extend(each for each in below if isinstance(each, ast.AST))
            elif isinstance(below, ast.AST) and field != "ctx":
                found.append(below)
        node._below = found  # type: ignore[attr-defined]
    return found


def walk(node: ast.AST) -> list[ast.AST]:
    """The node and all below it."""
    found = [node]
    for each in found:
        found.extend(children(each))
    return found
