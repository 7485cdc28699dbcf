"""The programs that a command line starts, and the other words of it that may be paths."""

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple


class WordKind(StrEnum):
    """The kinds of a command line's words."""

    #: a file with code, which is run
    SCRIPT = "script"
    #: a module that is run by its name
    MODULE = "module"
    #: written to
    TARGET = "target"
    OTHER = "other"


class CommandWord(NamedTuple):
    """A word of a command line."""

    text: str
    kind: WordKind


_OPERATORS = re.compile(r"[();<>|&]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PYTHON = re.compile(r"(?:ipython|python|pypy)[\d.]*w?(?:\.exe)?|\{?sys\.executable\}?")
#: programs whose first plain argument is a file that they run
_INTERPRETERS = frozenset(
    {"bash", "sh", "zsh", "ksh", "dash", "source", ".", "Rscript", "julia", "node", "perl", "ruby", "papermill"}
    | {"torchrun", "ipython", "octave", "stata", "quarto", "treon"}
)
#: programs that start the one that follows
_PREFIXES = frozenset({"env", "nohup", "time", "sudo", "exec", "nice", "stdbuf", "xvfb-run", "command", "caffeinate"})
#: of programs such as `uv run x.py`
_PAIRS = frozenset(
    {("uv", "run"), ("pipenv", "run"), ("poetry", "run"), ("conda", "run"), ("pixi", "run"), ("hatch", "run")}
    | {("streamlit", "run"), ("accelerate", "launch"), ("jupyter", "execute"), ("jupyter", "nbconvert")}
)
#: what programs read that nobody names
_UNNAMED = {"make": ("Makefile", "makefile", "GNUmakefile"), "snakemake": ("Snakefile",), "just": ("justfile",)}
#: options of Python that take a word
_TAKING = frozenset({"-W", "-X", "-Q"})


def find_words(command: str) -> Iterator[CommandWord]:
    """The words of a shell's command line, relative to where it starts, also behind a `cd FOLDER &&`."""
    folder = ""
    for words in _commands(command):
        found = list(find_program_words(words))
        if words and words[0] in {"cd", "pushd"} and len(words) == 2:
            folder = posixpath.join(folder, words[1])
            yield CommandWord(words[1], WordKind.OTHER)
            continue
        for word in found:
            below = word.kind is not WordKind.MODULE and folder and not word.text.startswith(("-", "/", "~"))
            yield word._replace(text=posixpath.join(folder, word.text)) if below else word


def _commands(line: str) -> Iterator[list[str]]:
    """The words of each command, with `>` before the file that it is redirected to."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    try:
        for word in lexer:
            if not _OPERATORS.fullmatch(word) or word in {"<", ">", ">>"}:
                words.append(word)
            elif word not in {">&", "&>"}:
                yield words
                words = []
            else:
                words.append(">")
    except ValueError:
        return
    yield words


def find_program_words(words: Sequence[str]) -> Iterator[CommandWord]:
    """The words of one command, which may start a program by way of others."""
    rest = list(words)
    while rest and (rest[0] in _PREFIXES or _ASSIGNMENT.match(rest[0])):
        rest.pop(0)
    if tuple(rest[:2]) in _PAIRS:
        rest = rest[2:]
        yield from _of_interpreter("", _without_options(rest)) if not _starts_python(rest) else find_program_words(rest)
    elif _starts_python(rest):
        yield from _of_python(rest[1:])
    elif rest and posixpath.basename(rest[0]) in _INTERPRETERS:
        yield from _of_interpreter(rest[0], rest[1:])
    elif rest and ("/" in rest[0] or rest[0].endswith((".sh", ".py"))):
        yield CommandWord(rest[0], WordKind.SCRIPT)
        yield from _others(rest[1:])
    elif rest and rest[0] in _UNNAMED:
        yield from (CommandWord(f"./{name}", WordKind.OTHER) for name in _UNNAMED[rest[0]])
        yield from _others(rest[1:])
    else:
        yield from _others(rest)


def _starts_python(words: Sequence[str]) -> bool:
    return bool(words) and bool(_PYTHON.fullmatch(posixpath.basename(words[0])))


def _without_options(words: list[str]) -> list[str]:
    return [word for word in words if not word.startswith("-")]


def _of_python(words: list[str]) -> Iterator[CommandWord]:
    while words and words[0].startswith("-") and words[0] not in {"-m", "-c", "-"}:
        words = words[2:] if words[0] in _TAKING else words[1:]
    if len(words) > 1 and words[0] == "-m":
        yield CommandWord(words[1], WordKind.MODULE)
        yield from _others(words[2:])
    elif words and words[0] == "-c":
        yield from _others(words[2:])
    else:
        yield from _of_interpreter("", words)


def _of_interpreter(_: str, words: list[str]) -> Iterator[CommandWord]:
    while words and words[0].startswith("-"):
        if words[0] in {"-c", "-e"}:
            yield from _others(words[2:])
            return
        words = words[1:]
    if words and words[0] not in {"<", ">", ">>"}:
        yield CommandWord(words[0], WordKind.SCRIPT)
        words = words[1:]
    yield from _others(words)


def _others(words: Sequence[str]) -> Iterator[CommandWord]:
    before = ""
    for word in words:
        if word not in {"<", ">", ">>"}:
            yield CommandWord(word, WordKind.TARGET if before in {">", ">>"} else WordKind.OTHER)
            option, equals, value = word.partition("=")
            if equals and option.startswith("-") and value:
                yield CommandWord(value, WordKind.OTHER)
        before = word
