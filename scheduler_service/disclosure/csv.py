"""Tables in text: values with a sign between them (CSV, TSV and the like), and a JSON object on each line."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scheduler_service.disclosure import identifiers
from scheduler_service.disclosure.tables import TableCheck

_SEPARATORS = ",;\t|"
BATCH = 2048
#: levels of an object in an object that become columns of their own
DEPTH = 4
csv.field_size_limit(1 << 24)


def detect_separator(sample: Sequence[str], *, named_table: bool) -> str | None:
    """The sign between the values of a table that begins so, None for running text.

    named_table: whether the file's name says that it is one; then a single column counts too.
    """
    lines = [line for line in sample if line.strip() and not line.startswith("#")]
    best: tuple[int, str] | None = None
    for sign in _SEPARATORS:
        widths = Counter(len(row) for row in _rows(lines, sign) if row)
        if not widths:
            continue
        width, many = widths.most_common(1)[0]
        enough = many >= (0.6 if named_table else 0.9) * widths.total() and many >= (1 if named_table else 3)
        if width >= 2 and enough and (best is None or width > best[0]):
            best = width, sign
    if best:
        return best[1]
    return "," if named_table and lines else None


def check_rows(lines: Iterable[tuple[int, str]], sign: str, smallest: int, *, counts: bool) -> TableCheck:
    """Look at all rows of a table, whose first one may be its header.  Raises csv.Error for what is no table."""
    numbers: list[int] = []

    def texts() -> Iterator[str]:
        for number, line in lines:
            numbers.append(number)
            yield line + "\n"

    rows = csv.reader(texts(), delimiter=sign)
    batch: list[list[str]] = []
    places: list[int] = []
    table: TableCheck | None = None
    for row in rows:
        line = numbers[0]
        numbers.clear()
        if not row or row[0].startswith("#"):
            continue
        if table is None and len(batch) < 20:
            batch.append(row)
            places.append(line)
            continue
        if table is None:
            table = _begun(batch, places, smallest, counts=counts)
        batch.append(row)
        places.append(line)
        if len(batch) >= BATCH:
            table.feed(places, batch)
            batch, places = [], []
    table = table or _begun(batch, places, smallest, counts=counts)
    if batch:
        table.feed(places, batch)
    return table


def check_objects(lines: Iterable[tuple[int, str]], smallest: int, *, counts: bool) -> TableCheck:
    """Look at all lines of a file with a JSON object on each.  Raises ValueError for a line that holds none."""
    keys: list[str] = []
    table: TableCheck | None = None
    batch: list[dict[str, str]] = []
    places: list[int] = []
    for number, line in lines:
        if not line.strip():
            continue
        value = json.loads(line)
        batch.append(flatten(value) if isinstance(value, dict) else {"": str(value)})
        places.append(number)
        if len(batch) >= BATCH:
            table = _fed(table, keys, batch, places, smallest, counts=counts)
            batch, places = [], []
    return _fed(table, keys, batch, places, smallest, counts=counts)


def flatten(value: Any, name: str = "", depth: int = DEPTH) -> dict[str, str]:
    """The leaves of an object by the names on the way to them; lists as texts."""
    if isinstance(value, dict) and depth:
        leaves: dict[str, str] = {}
        for key, inner in value.items():
            leaves |= flatten(inner, f"{name} {key}".strip(), depth - 1)
        return leaves
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _fed(
    table: TableCheck | None,
    keys: list[str],
    batch: Sequence[dict[str, str]],
    places: Sequence[int],
    smallest: int,
    *,
    counts: bool,
) -> TableCheck:
    for each in batch:
        keys.extend(key for key in each if key not in keys and len(keys) < 500)
    table = table or TableCheck(keys, smallest, counts=counts)
    table.rename(keys)
    if batch:
        table.feed(places, [[each.get(key, "") for key in keys] for each in batch])
    return table


def _begun(batch: list[list[str]], places: list[int], smallest: int, *, counts: bool) -> TableCheck:
    """The table that begins with these rows; titles above it and its header are taken away."""
    width = Counter(len(row) for row in batch).most_common(1)[0][0] if batch else 0
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
