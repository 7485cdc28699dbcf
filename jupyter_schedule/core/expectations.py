"""An output contract: what a run's files must be for the run to count as a success, one line for each pattern.

`flights*.csv.gz rows>=1000 newest(date)<=2d` wants at least one file of that pattern below the output folder, and of
every one that at least a thousand rows are in it, and that the latest day in its column `date` is at most two days
before the run's day.  Standard library only: the agent, which checks it, reads the same lines.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from jupyter_schedule.core.errors import Refused

MOST_LINES = 20
LONGEST_LINE = 200
#: files whose rows can be counted and columns read
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
#: more than that no disk has
_LARGEST = 10**15
_AT_LEAST = re.compile(r"(rows|bytes)>=([0-9][0-9_,]*)")
_NEWEST = re.compile(r"newest\((.+)\)<=([0-9]{1,4})d")
_KNOWN = "rows>=100, bytes>=1000, newest(COLUMN)<=2d and changed"


@dataclass(frozen=True)
class Expectation:
    """One line of a contract; a condition that is None, or False, isn't asked for."""

    pattern: str
    rows: int | None = None
    bytes: int | None = None
    #: a column with dates, and how many days before the run's day its latest may be
    column: str | None = None
    days: int = 0
    #: differs from what is published under its name
    changed: bool = False

    def matches(self, path: str) -> bool:
        """True of a file below the output folder that is meant; `*` matches `/` as well."""
        return fnmatchcase(path, self.pattern)

    @property
    def line(self) -> str:
        """The line, as it is kept."""
        return " ".join(
            [
                shlex.quote(self.pattern) if re.search(r"[\s'\"\\#]", self.pattern) else self.pattern,
                *([f"rows>={self.rows}"] if self.rows is not None else []),
                *([f"bytes>={self.bytes}"] if self.bytes is not None else []),
                *([f"newest({self.column})<={self.days}d"] if self.column is not None else []),
                *(["changed"] if self.changed else []),
            ]
        )


def normalize(lines: Iterable[str]) -> tuple[str, ...]:
    """The contract's lines as they are kept.  Raises Refused `bad_contract` for what no file can ever meet."""
    said = [line.strip() for line in lines]
    expectations = [parse(line) for line in said if line]
    if len(expectations) > MOST_LINES:
        raise _refused(f"A contract has at most {MOST_LINES} lines. Use patterns, such as *.csv.")
    return tuple(dict.fromkeys(expectation.line for expectation in expectations))


def parse(line: str) -> Expectation:
    """The meaning of a line.  Raises Refused `bad_contract`."""
    if len(line) > LONGEST_LINE or not line.isprintable():
        raise _refused(f"A line of a contract has at most {LONGEST_LINE} characters, all of them visible.")
    try:
        pattern, *conditions = _words(line)
    except ValueError:
        raise _refused(f"{line[:60]} has a quotation mark that isn't closed.") from None
    _check_pattern(pattern)
    found: dict[str, object] = {}
    for condition in conditions:
        for name, value in _condition(condition).items():
            if name in found:
                raise _refused(f"{condition[:60]} is said twice about {pattern[:60]}. Keep one.")
            found[name] = value
    tabular = {"rows", "column"} & found.keys()
    if tabular and not is_table(pattern):
        kinds = ", ".join(TABLES)
        raise _refused(f"Rows and columns can be read in {kinds} and their .gz only; {pattern[:60]} is none.")
    return Expectation(pattern, **found)  # type: ignore[arg-type]


def is_table(path: str) -> bool:
    """True where rows can be counted in a file of this name."""
    return path.lower().removesuffix(".gz").endswith(TABLES)


def _words(line: str) -> list[str]:
    """Split at spaces outside of quotation marks; those of a column's name are inside `newest(…)`."""
    guarded = re.sub(r"newest\(([^)]*)\)", lambda found: f"newest({found[1].replace(' ', chr(0))})", line)
    lexer = shlex.shlex(guarded, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return [word.replace("\0", " ") for word in lexer]


def _check_pattern(pattern: str) -> None:
    parts = pattern.split("/")
    if pattern.startswith("/") or ".." in parts:
        raise _refused(f"{pattern[:60]} is outside the output folder. Write it relative to that, such as *.csv.")
    if not pattern or any(part in {"", "."} for part in parts):
        raise _refused(
            f"{pattern[:60] or 'An empty pattern'} can be no file's path. Write such as report.csv or *.csv."
        )


def _condition(text: str) -> dict[str, object]:
    if text == "changed":
        return {"changed": True}
    if found := _AT_LEAST.fullmatch(text):
        number = int(re.sub("[_,]", "", found[2]))
        if not 1 <= number <= _LARGEST:
            raise _refused(f"{text[:60]} says nothing, or can't be: choose a number from 1 on.")
        return {found[1]: number}
    if found := _NEWEST.fullmatch(text):
        return {"column": found[1].strip(), "days": int(found[2])}
    raise _refused(f"{text[:60]} isn't a condition. There are {_KNOWN}.")


def _refused(message: str) -> Refused:
    return Refused("bad_contract", message, field="expect")
