"""A JSON document: every list of objects in it is a table, and so is an object of like objects."""

import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import column_names, identifiers, personal, readings
from scheduler_service.disclosure.csv import tabulate
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.lines import of_lines
from scheduler_service.disclosure.tables import TableCheck
from scheduler_service.disclosure.text import TextCheck

#: objects in an object, or texts in a list, from which they count as rows
RECORDS = 3
#: rows that are looked at at once
BATCH = 4096
#: levels that are looked at
DEEPEST = 60
MOST_COLUMNS = 500
#: `user_id=%{customdata[0]}`: what a chart calls the values of its points
_HOVER = re.compile(r"([^<>=%]{1,60})=%\{([\w\[\]]+)")
#: packed numbers: as Plotly and Bokeh call them, as Python does
_PACKED = {
    "f8": "d", "f4": "f", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "float64": "d", "float32": "f", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B",
    "uint16": "H", "uint32": "I", "uint64": "Q",
}  # fmt: skip


class JsonCheck:
    """Looks at one document."""

    def __init__(
        self,
        found: FindingCollector,
        text: TextCheck,
        smallest: int,
        *,
        cell: int | None = None,
        line_of: Callable[[str], int | None] = lambda _: None,
        escaped: bool = True,
        part: str = "",
    ) -> None:
        """line_of: on which line a text stands.  escaped: whether texts may read otherwise than their lines did.

        part: of the file in which it stands.
        """
        self._found = found
        self._text = text
        self._smallest = smallest
        self._cell = cell
        self._line_of = line_of
        self._escaped = escaped
        self._part = part

    def check(self, value: Any, *, counts: bool = False) -> None:
        """Look at all of it; `counts`: its name says that it holds counts."""
        waiting: list[tuple[Any, str, int]] = [(value, "count" if counts else "", 0)]
        while waiting:
            inner, name, depth = waiting.pop()
            if depth > DEEPEST:
                self._found.add(
                    FindingKind.UNCHECKED, "it can't be checked, as it is nested too deeply", cell=self._cell
                )
                return
            deeper = self._check_object(inner, name) if isinstance(inner, dict) else self._check_list(inner, name)
            waiting += [(each, key, depth + 1) for key, each in deeper if isinstance(each, dict | list)]

    def _check_object(self, inner: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
        """Yield what is still to be looked at, with its name."""
        if inner.get("type") == "map" and _is_pairs(inner.get("entries")):  # Bokeh's way to write an object
            return [("", {str(key): value for key, value in inner["entries"]})]
        inner = {key: _unpacked(value) for key, value in inner.items()}
        parallel = _parallel(inner)
        if parallel:
            self._columns({name: _texts(values) for name, values in parallel.items()})
            return [(key, value) for key, value in inner.items() if not _is_scalars(value)]
        columns, data = inner.get("columns"), inner.get("data")
        if _is_names(columns) and isinstance(data, list) and data and all(isinstance(row, list) for row in data):
            self._table(list(columns or ()), data)
            return [(key, value) for key, value in inner.items() if key not in {"columns", "data"}]
        objects = [each for each in inner.values() if isinstance(each, dict)]
        if objects and len(objects) == len(inner) and _are_columns(objects):
            self._columns({key: _texts(list(each.values())) for key, each in inner.items()})
            return [(key, value) for each in objects for key, value in each.items()]
        if len(objects) >= RECORDS and len(objects) == len(inner) and _alike(objects):
            self._records([{"": key, **each} for key, each in inner.items()])
            return _deeper(objects)
        self._check_counts(inner, name)
        for key, value in inner.items():
            self._check_text(key, value)
        return list(inner.items())

    def _check_list(self, inner: Sequence[Any], name: str) -> list[tuple[str, Any]]:
        objects = [each for each in inner if isinstance(each, dict)]
        if objects:
            self._records(objects)
            return _deeper(objects)
        lists = [each for each in inner if isinstance(each, list)]
        if lists and len(lists) == len(inner):
            self._table([], lists)
        elif len(inner) >= RECORDS and all(isinstance(each, str) for each in inner):
            self._table([name], [[each] for each in inner])
        else:
            for each in inner:
                self._check_text(name, each)
        return [(name, each) for each in lists]

    def _check_text(self, key: str, value: Any) -> None:
        if not isinstance(value, str):
            return
        told = f"{key}: {value}"
        if any(identifiers.find_addresses(told)):
            what = "an IP or hardware address"
            self._found.add(FindingKind.IP_ADDRESS, what, line=self._line_of(value), cell=self._cell, part=self._part)
        if personal.may_hold_person(told):
            for what in personal.find_persons(told):
                self._found.add(FindingKind.PERSONAL, what, line=self._line_of(value), cell=self._cell, part=self._part)
        self._check_escaped(value)
        self._text.numbers(self._line_of(value), told, cell=self._cell)

    def _check_escaped(self, value: str) -> None:
        """A text whose quotes or letters hid behind backslashes when the lines were read."""
        if self._escaped and ('"' in value or "\\" in value or not value.isascii()):
            self._text.keys_and_mail(of_lines([(self._line_of(value), value)]), cell=self._cell)

    def _check_counts(self, inner: Mapping[str, Any], name: str) -> None:
        """An object of whole numbers that is called a count: `{"clients": {"DE": 3}}`."""
        numbers = [each for each in inner.values() if isinstance(each, int) and not isinstance(each, bool)]
        if not column_names.is_count(name) or column_names.is_language(name) or len(numbers) < max(1, 0.9 * len(inner)):
            return
        small = sum(0 < each < self._smallest for each in numbers)
        if small:
            self._found.add(FindingKind.SMALL_CELL, f"a count below {self._smallest}", cell=self._cell, count=small)

    def _records(self, objects: Sequence[dict[str, Any]]) -> None:
        records = [{key: "" if _is_packed(value) else value for key, value in each.items()} for each in objects]
        columns = tabulate(records)
        if self._escaped:
            for values in columns.values():
                if not (told := "".join(values)).isascii() or '"' in told or "\\" in told:
                    for value in set(values):
                        self._check_escaped(value)
        self._columns(columns)

    def _table(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows of values, some of them shorter."""
        columns = list(zip_longest(*rows, fillvalue=""))
        table = self._begin(names)
        table.feed_columns(range(1, len(rows) + 1), [_texts(values) for values in columns])
        table.tell(self._found)

    def _columns(self, columns: Mapping[str, Sequence[str]]) -> None:
        rows = len(next(iter(columns.values()), ()))
        table = self._begin(list(columns))
        for start in range(0, rows, BATCH):
            end = min(start + BATCH, rows)
            table.feed_columns(range(start + 1, end + 1), [values[start:end] for values in columns.values()])
        table.tell(self._found)

    def _begin(self, names: Sequence[str]) -> TableCheck:
        return TableCheck(names, self._smallest, unit="row", cell=self._cell, part=self._part)


def _deeper(objects: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Those of a table's rows that hold lists or objects of their own."""
    kinds: set[type] = set()
    for each in objects:
        kinds.update(map(type, each.values()))
    if not kinds & {dict, list}:
        return []
    return [("", each) for each in objects if any(isinstance(value, dict | list) for value in each.values())]


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, list) and len(each) == 2 for each in value)


def _is_scalars(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(each, dict | list) for each in value)


def _parallel(inner: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The columns of an object that holds lists of one length, as charts and column stores do; none if it doesn't.

    Plotly's `customdata` is a list of rows: each of their values becomes a column, called as the chart's template does.
    """
    columns: dict[str, list[Any]] = {}
    names = {place: name.strip() for name, place in _HOVER.findall(_template(inner))}
    for key, value in inner.items():
        if not isinstance(value, list) or len(value) < RECORDS:
            continue
        if key == "customdata" and all(isinstance(row, list) and len(row) == len(value[0]) for row in value):
            for index in range(len(value[0])):
                name = names.get(f"customdata[{index}]", f"customdata {index}")
                columns[name] = [row[index] for row in value]
        elif _is_scalars(value):
            columns[names.get(key, key)] = value
    lengths = Counter(len(values) for values in columns.values())
    if not lengths:
        return {}
    length, many = lengths.most_common(1)[0]
    return {key: values for key, values in columns.items() if len(values) == length} if many >= 2 else {}


def _template(inner: Mapping[str, Any]) -> str:
    told = inner.get("hovertemplate")
    return told if isinstance(told, str) else ""


def _unpacked(value: Any) -> Any:
    """A list of the numbers that Plotly and Bokeh pack as bytes; anything else as it is."""
    if not isinstance(value, dict):
        return value
    inner = value.get("array")
    if isinstance(inner, list):
        return inner
    packed = value.get("bdata") or (inner.get("data") if isinstance(inner, dict) else None)
    kind = _PACKED.get(str(value.get("dtype")))
    if not isinstance(packed, str) or kind is None:
        return value
    data = readings.inflate(readings.unpack_base64(packed))
    numbers = array(kind)
    numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    plain = [int(each) if math.isfinite(each) and each == int(each) else each for each in numbers]
    shape = str(value.get("shape", "")).replace("[", "").replace("]", "").split(",")
    if len(shape) == 2 and shape[1].strip().isdigit() and 0 < (wide := int(shape[1])) <= MOST_COLUMNS:
        return [plain[start : start + wide] for start in range(0, len(plain), wide)]
    return plain


def _is_packed(value: Any) -> bool:
    """True of packed numbers, which are looked at by themselves."""
    return isinstance(value, dict) and "dtype" in value


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _texts(values: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds == {str}:
        return values
    return list(map(str, values)) if kinds <= {int, float} else list(map(_text, values))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _are_columns(objects: Sequence[Mapping[str, Any]]) -> bool:
    """True of values by the numbers of their rows, which are the same in all: as pandas writes a table."""
    rows = objects[0].keys()
    return len(rows) >= RECORDS and all(map(str.isdigit, rows)) and all(each.keys() == rows for each in objects)


def _alike(rows: Sequence[dict[str, Any]]) -> bool:
    """True when they have mostly the same keys."""
    return all(len(set(rows[0]) & set(row)) >= 0.5 * len(row) for row in rows[:50])
