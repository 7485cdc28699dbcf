"""A JSON document: every list of objects in it is a table, and so is an object of like objects."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import column_names, identifiers
from scheduler_service.disclosure.csv import flatten
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.tables import TableCheck
from scheduler_service.disclosure.text import TextCheck

#: objects in an object, or texts in a list, from which they count as rows
RECORDS = 3
#: levels that are looked at
DEEPEST = 60
MOST_COLUMNS = 500


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
    ) -> None:
        """line_of: on which line a text stands.  escaped: whether texts may read otherwise than their lines did."""
        self._found = found
        self._text = text
        self._smallest = smallest
        self._cell = cell
        self._line_of = line_of
        self._escaped = escaped

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
        columns, data = inner.get("columns"), inner.get("data")
        if _is_names(columns) and isinstance(data, list) and data and all(isinstance(row, list) for row in data):
            self._table(list(columns or ()), [[_text(value) for value in row] for row in data])
            return [(key, value) for key, value in inner.items() if key not in {"columns", "data"}]
        objects = [each for each in inner.values() if isinstance(each, dict)]
        if len(objects) >= RECORDS and len(objects) == len(inner) and _alike(objects):
            self._records([{"": key, **flatten(each)} for key, each in inner.items()])
            return [pair for each in objects for pair in each.items() if isinstance(pair[1], list)]
        self._check_counts(inner, name)
        for key, value in inner.items():
            self._check_text(key, value)
        return list(inner.items())

    def _check_list(self, inner: Sequence[Any], name: str) -> list[tuple[str, Any]]:
        objects = [each for each in inner if isinstance(each, dict)]
        if objects:
            self._records([flatten(each) for each in objects])
            return [pair for each in objects for pair in each.items() if isinstance(pair[1], list)]
        lists = [each for each in inner if isinstance(each, list)]
        if lists and len(lists) == len(inner):
            self._table([], [[_text(value) for value in row] for row in lists])
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
            self._found.add(FindingKind.IP_ADDRESS, what, line=self._line_of(value), cell=self._cell)
        self._check_escaped(value)
        self._text.numbers(self._line_of(value), told, cell=self._cell)

    def _check_escaped(self, value: str) -> None:
        """A text whose quotes or letters hid behind backslashes when the lines were read."""
        if self._escaped and ('"' in value or "\\" in value or not value.isascii()):
            self._text.keys_and_mail([(self._line_of(value), value)], cell=self._cell)

    def _check_counts(self, inner: Mapping[str, Any], name: str) -> None:
        """An object of whole numbers that is called a count: `{"clients": {"DE": 3}}`."""
        numbers = [each for each in inner.values() if isinstance(each, int) and not isinstance(each, bool)]
        if not column_names.is_count(name) or column_names.is_language(name) or len(numbers) < max(1, 0.9 * len(inner)):
            return
        small = sum(0 < each < self._smallest for each in numbers)
        if small:
            self._found.add(FindingKind.SMALL_CELL, f"a count below {self._smallest}", cell=self._cell, count=small)

    def _records(self, records: Sequence[Mapping[str, str]]) -> None:
        names = list(dict.fromkeys(key for record in records for key in record))[:MOST_COLUMNS]
        for value in (value for record in records for value in record.values()):
            self._check_escaped(value)
        self._table(names, [[record.get(name, "") for name in names] for record in records])

    def _table(self, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = TableCheck(names, self._smallest, unit="row", cell=self._cell)
        table.feed(range(1, len(rows) + 1), rows)
        table.tell(self._found)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _alike(rows: Sequence[dict[str, Any]]) -> bool:
    """True when they have mostly the same keys."""
    return all(len(set(rows[0]) & set(row)) >= 0.5 * len(row) for row in rows[:50])
