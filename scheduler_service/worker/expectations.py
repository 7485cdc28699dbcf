"""Check that a run's files keep its output contract: read from the files alone, before anything is collected."""

import csv
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from jupyter_schedule.core.expectations import Expectation, parse
from jupyter_schedule.core.storage.factory import ObjectStorage, file_digest
from scheduler_service.worker.files import is_free_of_links, walk

_DELIMITERS = ",;\t|"


class ExpectationFailed(Exception):  # noqa: N818  (what was found, not a fault of ours)
    """A file doesn't keep the contract; the message is a sentence that says how."""


def check_expectations(
    lines: Sequence[str], output: Path, day: date, published: ObjectStorage | None, index: str
) -> None:
    """Every line is kept by the files below `output`, or Broken says what isn't.

    day: of the run, in its schedule's zone.  published, index: where the publication's `data.json` is, None when the
    schedule publishes nothing.
    """
    # links are left out of what is collected
    found = (
        (path for path in walk(output) if path.is_file() and not path.is_symlink()) if is_free_of_links(output) else ()
    )
    paths = {path.relative_to(output).as_posix(): path for path in found}
    before: dict[str, str] | None = None
    for expectation in map(parse, lines):
        chosen = [(name, path) for name, path in paths.items() if expectation.matches(name)]
        if not chosen:
            raise ExpectationFailed(f"no file is named {expectation.pattern}")
        for name, path in chosen:
            _check_size(expectation, name, path)
            _check_rows(expectation, name, path, day)
            if expectation.changed:
                before = _published_digests(published, index) if before is None else before
                if before.get(name) == file_digest(path):
                    raise ExpectationFailed(f"{name} is the same as what is published already")


def _check_size(expectation: Expectation, name: str, path: Path) -> None:
    size = path.stat().st_size
    if expectation.bytes is not None and size < expectation.bytes:
        raise ExpectationFailed(f"{name} has {size:,} bytes; at least {expectation.bytes:,} expected")


def _check_rows(expectation: Expectation, name: str, path: Path, day: date) -> None:
    if expectation.rows is None and expectation.column is None:
        return
    count = 0
    newest: date | None = None
    try:
        for row in _rows(path, name, expectation.column):
            count += 1
            found = _day(row)
            newest = max(newest, found) if newest and found else newest or found
    except (OSError, EOFError, csv.Error, ValueError) as problem:
        raise ExpectationFailed(f"{name} can't be read as a table: {problem}") from None
    if expectation.rows is not None and count < expectation.rows:
        raise ExpectationFailed(f"{name} has {count:,} rows; at least {expectation.rows:,} expected")
    if expectation.column is None:
        return
    if newest is None:
        raise ExpectationFailed(f"{name} has no date in its column {expectation.column}")
    if newest < day - timedelta(days=expectation.days):
        raise ExpectationFailed(f"{name} ends at {newest}, more than {expectation.days} d before {day}")


def _rows(path: Path, name: str, column: str | None) -> Iterator[Any]:
    """Yield each row's value in `column`, None when no column is asked for.  Raises ValueError without one."""
    kind = name.lower()
    with _text(path, packed=kind.endswith(".gz")) as file:
        if kind.removesuffix(".gz").endswith((".jsonl", ".ndjson")):
            for line in file:
                if line.strip():
                    value = json.loads(line)
                    yield value.get(column) if isinstance(value, dict) else None
            return
        csv.field_size_limit(sys.maxsize)
        first = file.readline()
        delimiter = max(_DELIMITERS, key=first.count)
        header = next(csv.reader([first], delimiter=delimiter), [])
        place = _place(header, column) if column is not None else None
        for row in csv.reader(file, delimiter=delimiter):
            if row:
                yield row[place] if place is not None and place < len(row) else None


def _text(path: Path, *, packed: bool) -> IO[str]:
    open_it = gzip.open if packed else open
    return open_it(path, "rt", encoding="utf-8-sig", errors="replace", newline="")


def _place(header: list[str], column: str) -> int:
    names = [name.strip() for name in header]
    if column not in names:
        raise ValueError(f"it has no column {column}")
    return names.index(column)


def _day(value: Any) -> date | None:
    """The day that `2026-11-24T12:00`, `2026-11-24` or `20261124` begins with."""
    text = str(value).strip() if value is not None else ""
    for length in (10, 8):
        try:
            return date.fromisoformat(text[:length])
        except ValueError:
            continue
    return None


def _published_digests(published: ObjectStorage | None, index: str) -> dict[str, str]:
    data = published.get_or_none(index) if published else None
    files = json.loads(data).get("files", {}) if data else {}
    return {path: entry["sha256"] for path, entry in files.items()}
