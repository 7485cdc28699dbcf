"""Tables in text: values with a sign between them (CSV, TSV and the like), and a JSON object on each line."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scheduler_service.disclosure import identifiers
from scheduler_service.disclosure.lines import Block
from scheduler_service.disclosure.tables import TableCheck

_SEPARATORS = ",;\t|"
#: rows that tell how many cells a row has
FIRST_ROWS = 20
#: characters after which a quote that is open counts as no beginning of a quoted cell
LONGEST_QUOTED = 1 << 22
#: names of columns that are told apart
MOST_KEYS = 500
#: levels of an object in an object that become columns of their own
DEPTH = 4
csv.field_size_limit(1 << 24)
#: quotes, remarks and empty lines
_NOT_SIMPLE = ('"', "\r", "\n#", "\n\n")
_ALL_BUT = {sign: bytes(code for code in range(256) if chr(code) not in {sign, "\n"}) for sign in _SEPARATORS}


def detect_separator(sample: Sequence[str], *, named_table: bool) -> str | None:
    """The sign between the values of a table that begins so, None for running text.

    named_table: whether the file's name says that it is one; then a single column counts too.
    """
    lines = [line for line in sample if line.strip() and not line.startswith("#")]
    best: tuple[int, float, str] | None = None
    for sign in _SEPARATORS:
        widths = Counter(len(row) for row in _rows(lines, sign) if row)
        if not widths:
            continue
        width, many = widths.most_common(1)[0]
        enough = many >= (0.6 if named_table else 0.9) * widths.total() and many >= (1 if named_table else 3)
        # of two signs that divide alike the one that divides every line: the other may be in numbers
        if width >= 2 and enough and (best is None or (width, many / widths.total()) > best[:2]):
            best = width, many / widths.total(), sign
    if best:
        return best[2]
    return "," if named_table and lines else None


def check_rows(source: Iterable[Block], sign: str, smallest: int, *, counts: bool) -> TableCheck:
    """Look at all rows of a table, whose first one may be its header.  Raises csv.Error for what is no table."""
    table: TableCheck | None = None
    for block in _ended(source):
        columns = _columns(block.text, sign) if table is not None else None
        if table is not None and columns is not None:
            table.feed_columns(range(block.first, block.first + len(columns[0])), columns)
            continue
        rows, places = _parsed(block, sign)
        if table is None and rows:
            table = _begun(rows, places, smallest, counts=counts)
        if table is not None:
            table.feed(places, rows)
    return table or _begun([], [], smallest, counts=counts)


def _ended(source: Iterable[Block]) -> Iterator[Block]:
    """Blocks that end outside of quotes, as far as those that are open are closed soon."""
    waiting: Block | None = None
    for block in source:
        whole = Block(f"{waiting.text}\n{block.text}", waiting.first) if waiting else block
        waiting = whole if whole.text.count('"') % 2 and len(whole.text) < LONGEST_QUOTED else None
        if waiting is None:
            yield whole
    if waiting is not None:
        yield waiting


def _columns(text: str, sign: str) -> list[list[str]] | None:
    """The columns of rows that all have as many cells, none of them quoted; None when they aren't so simple."""
    if (
        '"' in text
        or "\r" in text
        or text[:1] in {"", "#", "\n"}
        or text[-1] == "\n"
        or "\n#" in text
        or "\n\n" in text
    ):
        return None
    frame = text.encode(errors="replace").translate(None, _ALL_BUT[sign]) + b"\n"
    first = frame[: frame.find(b"\n") + 1]
    width = len(first)
    if frame != first * (len(frame) // width):
        return None
    cells = text.replace("\n", sign).split(sign)
    return [cells[number::width] for number in range(width)]


def _parsed(block: Block, sign: str) -> tuple[list[list[str]], list[int]]:
    """Rows, and the line on which each begins; without empty ones and remarks.  Raises csv.Error."""
    reader = csv.reader(io.StringIO(block.text, newline=""), delimiter=sign)
    rows: list[list[str]] = []
    places: list[int] = []
    line = block.first
    for row in reader:
        if row and not row[0].startswith("#"):
            rows.append(row)
            places.append(line)
        line = block.first + reader.line_num
    if len(block.text) >= LONGEST_QUOTED and any(len(cell) * 2 > LONGEST_QUOTED for row in rows for cell in row):
        raise csv.Error("a quote is never closed")
    return rows, places


def check_objects(source: Iterable[Block], smallest: int, *, counts: bool) -> TableCheck:
    """Look at all lines of a file with a JSON object on each.  Raises ValueError for a line that holds none."""
    table = TableCheck([], smallest, counts=counts)
    keys: dict[str, int] = {}
    for block in source:
        lines = [(number, line) for number, line in block.lines if line.strip()]
        values = json.loads(f"[{','.join([line for _, line in lines])}]")
        if len(values) != len(lines):
            raise ValueError("a line holds more than one value")
        records = [value if isinstance(value, dict) else {"": value} for value in values]
        found = tabulate(records)
        for key in found:
            if key not in keys and len(keys) < MOST_KEYS:
                keys[key] = len(keys)
        table.rename(list(keys))
        empty = [""] * len(records)
        table.feed_columns([number or 0 for number, _ in lines], [found.get(key, empty) for key in keys])
    return table


def tabulate(records: Sequence[dict[str, Any]], depth: int = DEPTH) -> dict[str, Sequence[str]]:
    """The columns of objects: their leaves by the names on the way to them; lists as texts, and "" where one lacks."""
    first = records[0].keys() if records else ()
    if not all(record.keys() == first for record in records):
        flat = [flatten(record, depth=depth) for record in records]
        names = list(dict.fromkeys(key for each in flat for key in each))[:MOST_KEYS]
        return {name: [each.get(name, "") for each in flat] for name in names}
    columns: dict[str, Sequence[str]] = {}
    for name in first:
        column = [record[name] for record in records]
        kinds = set(map(type, column))
        if kinds == {dict} and depth > 1:
            inner = tabulate(column, depth - 1)
            columns |= {f"{name} {key}".strip(): values for key, values in inner.items()}
        elif kinds == {str}:
            columns[name] = column
        elif kinds <= {int, float}:
            columns[name] = list(map(str, column))
        elif dict in kinds and depth > 1:
            flat = [flatten(value, name, depth - 1) for value in column]
            names = list(dict.fromkeys(key for each in flat for key in each))[:MOST_KEYS]
            columns |= {each: [leaf.get(each, "") for leaf in flat] for each in names}
        else:
            columns[name] = [
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in column
            ]
    return columns


def flatten(value: Any, name: str = "", depth: int = DEPTH) -> dict[str, str]:
    """The leaves of an object by the names on the way to them; lists as texts."""
    if isinstance(value, dict) and depth:
        leaves: dict[str, str] = {}
        for key, inner in value.items():
            leaves |= flatten(inner, f"{name} {key}".strip(), depth - 1)
        return leaves
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _begun(batch: list[list[str]], places: list[int], smallest: int, *, counts: bool) -> TableCheck:
    """The table that begins with these rows; titles above it and its header are taken away."""
    width = Counter(len(row) for row in batch[:FIRST_ROWS]).most_common(1)[0][0] if batch else 0
    while len(batch) > 1 and len(batch[0]) != width:
        del batch[0], places[0]
    names: list[str] = []
    if batch and _is_header(batch[0]):
        names = batch[0]
        del batch[0], places[0]
    return TableCheck(names, smallest, counts=counts)


def _is_header(row: Sequence[str]) -> bool:
    """True when a row names columns: none of its cells is a number, a date, or what belongs to somebody."""
    return not any(_is_value(cell.strip()) for cell in row) and any(cell.strip() for cell in row)


def _is_value(cell: str) -> bool:
    plain = cell.replace(",", "").replace(".", "").replace("-", "").replace(":", "").replace("/", "").replace(" ", "")
    return plain.isdigit() or identifiers.has_email(cell) or (len(cell) >= 16 and identifiers.is_opaque(cell))


def _rows(lines: Sequence[str], sign: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=sign))
    except csv.Error:
        return []
