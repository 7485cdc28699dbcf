"""Tables that stand in running text: Markdown's, those that are laid out with spaces, and CSV among other lines.

A run of lines that divide into as many parts each is a table; it is looked at as one while it goes by.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from scheduler_service.disclosure.csv import flatten
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.lines import Block
from scheduler_service.disclosure.tables import TableCheck

#: rows from which lines that divide alike count as a table
FEW = 5
#: rows that are handed on at once
BATCH = 2048
MOST_COLUMNS = 200
#: characters of a line that is no row of a table any more
LONGEST = 20_000
#: the lines of a table that is drawn
_DRAWN = str.maketrans("│┆┃║", "||||")
_DRAWN_RULE = re.compile("[\\s\u2500-\u257f]+")
_RULE = re.compile(r"[\s|+:=-]+")
_GAP = re.compile(r"\s{2,}|\t")
_INSERT = re.compile(r"\(((?:[^()']|'(?:[^']|'')*')*)\)\s*[,;]?\s*$")
#: a text without these has no line that divides
_DIVIDES = re.compile(r"[|│┆┃║\t&}]|  |[;,](?!\s)|^\s*(?:\(|insert)", re.IGNORECASE | re.MULTILINE)
#: the way of lines that end in an object, and then the names of its leaves
_RECORD = "record "
Row = list[str]


class TextTables:
    """Finds the tables among lines that go by."""

    def __init__(self, found: FindingCollector, smallest: int, *, cell: int | None = None) -> None:
        self._found = found
        self._smallest = smallest
        self._cell = cell
        self._way = ""
        self._rows: list[Row] = []
        self._lines: list[int] = []
        self._table: TableCheck | None = None

    def tap(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The same lines, looked at on their way."""
        for block in blocks:
            if _DIVIDES.search(block.text):
                for number, line in block.lines:
                    self.add(number, line)
            else:
                self.end()
            yield block
        self.end()

    def check(self, blocks: Iterable[Block]) -> None:
        """Look at all of them."""
        for _ in self.tap(blocks):
            pass

    def add(self, number: int | None, line: str) -> None:
        """The next line."""
        way, row = _divided(line)
        if way == "rule" and self._rows:
            return
        if not row or way != self._way or len(row) != len(self._rows[0] if self._rows else row):
            self.end()
            self._way = way
            if way.startswith(_RECORD):
                self._rows.append(way.removeprefix(_RECORD).split("\0"))
                self._lines.append(number or 0)
        if row:
            self._rows.append(row)
            self._lines.append(number or 0)
            if len(self._rows) > BATCH:
                self._feed()

    def end(self) -> None:
        """There are no further rows of the table that goes by."""
        if self._table is not None or len(self._rows) >= FEW:
            self._feed()
        if self._table is not None:
            self._table.tell(self._found)
        self._rows, self._lines, self._table = [], [], None

    def _feed(self) -> None:
        rows, lines = self._rows, self._lines
        if self._table is None:
            names = rows[0] if _names(rows[0]) else []
            body = slice(1 if names else 0, None)
            # nobody else looks for telephones and the like in it; keys and mail are looked for in the text
            self._table = TableCheck(names, self._smallest, cell=self._cell, reads_mail=False)
            rows, lines = rows[body], lines[body]
            self._table.feed(lines, rows)
        else:
            # the first one was kept to know by it how many parts a row has
            self._table.feed(lines[1:], rows[1:])
        self._rows, self._lines = self._rows[:1], self._lines[:1]


def _divided(line: str) -> tuple[str, Row]:
    """The way in which a line divides, and its parts; none for running text."""
    plain = line.strip()
    if not plain or len(plain) > LONGEST:
        return "", []
    if not plain.isascii():
        if _DRAWN_RULE.fullmatch(plain):
            return "rule", []
        plain = plain.translate(_DRAWN)
    if plain[0] in "|+-=" and _RULE.fullmatch(plain):
        return "rule", []
    if plain[-1] == "}" and (told := find_record(plain)):
        return _RECORD + "\0".join(told), list(told.values())
    if plain.endswith("\\\\") and "&" in plain:  # a row of LaTeX
        return "&", [part.strip() for part in plain[:-2].split("&")]
    return _by_sign(plain)


def _by_sign(plain: str) -> tuple[str, Row]:
    """The sign or space at which a line divides."""
    if "|" in plain:
        row = [part.strip() for part in plain.strip("|").split("|")]
        return ("|", row) if 2 <= len(row) <= MOST_COLUMNS else ("", [])
    if "  " in plain or "\t" in plain:
        row = _GAP.split(plain)
        if len(row) >= 2:
            return "space", row[:MOST_COLUMNS]
    if plain[0] == "(" or plain[:6].upper() == "INSERT":
        values = _INSERT.search(plain)
        if values:
            row = [part.strip(" '\"") for part in next(csv.reader([values[1]], quotechar="'", skipinitialspace=True))]
            return ("values", row) if 2 <= len(row) <= MOST_COLUMNS else ("", [])
    for sign in ";,":
        many = plain.count(sign)
        if many >= 1 and f"{sign} " not in plain and not plain.endswith((sign, "{", "(", "[")):
            return sign, next(csv.reader([plain], delimiter=sign))[:MOST_COLUMNS]
    return "", []


def find_record(line: str) -> dict[str, str]:
    """The leaves of an object at the end of a line of a log, by their names; none where there is none."""
    place = line.find("{")
    try:
        told = json.loads(line[place:]) if '":' in line else None
    except (ValueError, RecursionError):
        return {}
    return flatten(told) if isinstance(told, dict) and 2 <= len(told) <= MOST_COLUMNS else {}


def _names(row: Sequence[str]) -> bool:
    """True when the row names columns."""
    return any(row) and not any(part.replace(".", "").replace(",", "").lstrip("-").isdigit() for part in row)
