"""One file → findings: opened by its content, unpacked where it is compressed, and never beyond the limits."""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jupyter_schedule.core.models import DisclosureFinding, FindingKind
from jupyter_schedule.core.text import size_text
from scheduler_service.disclosure import column_names, identifiers
from scheduler_service.disclosure.csv import check_objects, check_rows, detect_separator
from scheduler_service.disclosure.documents import check_html, check_notebook
from scheduler_service.disclosure.file_types import (
    OVERLAP,
    Unreadable,
    bound_stream,
    decompress,
    detect_encoding,
    is_picture,
    number_lines,
)
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.json_document import JsonCheck
from scheduler_service.disclosure.text import TextCheck

#: grows with every change of what is found, so that answers of older rules aren't taken for today's
RULES = 1
#: lines that are looked at to say what a text is
_FIRST_LINES = 40
_TABLES = (".csv", ".tsv", ".tab", ".psv")
_LINES = (".jsonl", ".ndjson")
_COMPRESSED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class FileLimits:
    """The limits of what a file may cost: bytes."""

    #: of a file, unpacked
    file: int = 256 << 20
    #: of a document that is read as a whole
    document: int = 24 << 20
    #: the least that a count may be
    smallest_cell: int = 5


def check_file(path: str, local: Path, limits: FileLimits = FileLimits()) -> tuple[DisclosureFinding, ...]:
    """Find what shouldn't become public of the file at `local`, which people know as `path`.

    A picture has nothing that is looked at; what can't be read is a finding.
    """
    found = FindingCollector(path)
    _check_name(path, found)
    if not found.findings:
        size = local.stat().st_size
        try:
            if size > limits.file:
                raise Unreadable(f"it has {size_text(size)}, more than {size_text(limits.file)}")
            with local.open("rb") as stream:
                _check_stream(_CheckedFile(path, local, found, limits), stream, packed=0)
        except Unreadable as problem:
            found.add(FindingKind.UNCHECKED, f"it can't be checked: {problem}")
    return found.findings


@dataclass(frozen=True)
class _CheckedFile:
    path: str
    local: Path
    found: FindingCollector
    limits: FileLimits

    @property
    def name(self) -> str:
        """The last part of the path, small, without the ending of a compression."""
        name = self.path.rpartition("/")[2].lower()
        return next((name.removesuffix(end) for end in _COMPRESSED if name.endswith(end)), name)

    @property
    def counts(self) -> bool:
        """True when its name says that it holds counts."""
        return column_names.is_count(self.name.rpartition(".")[0])


def _check_name(path: str, found: FindingCollector) -> None:
    if identifiers.has_email(path):
        found.add(FindingKind.EMAIL, "its name has an e-mail address")


def _check_stream(file: _CheckedFile, source: IO[bytes], packed: int) -> None:
    stream = bound_stream(source, file.limits.file)
    head = stream.peek()
    inner = decompress(head, stream)
    if inner is not None:
        if packed >= 2:
            raise Unreadable("it is compressed more than twice")
        with inner:
            _check_stream(file, inner, packed + 1)
    elif head.startswith(b"PAR1") and not packed:
        # a third of the service's memory, which only those need who meet Parquet
        from scheduler_service.disclosure.columnar import check_parquet  # noqa: PLC0415

        check_parquet(file.local, file.found, file.limits.smallest_cell, file.limits.file, counts=file.counts)
    elif head and not is_picture(head):
        _check_text(file, number_lines(stream, detect_encoding(head)))


def _check_text(file: _CheckedFile, source: Iterator[tuple[int, str]]) -> None:
    first = list(itertools.islice(source, _FIRST_LINES))
    rest = itertools.chain(first, source)
    sample = [line for _, line in first]
    begin = next((line.lstrip() for line in sample if line.strip()), "")
    if file.name.endswith((".html", ".htm")) or begin[:200].lower().startswith(("<!doctype html", "<html", "<table")):
        check_html(_whole(file, rest), file.found, file.limits.smallest_cell)
    elif _has_objects(file, sample):
        _check_json_lines(file, rest)
    elif begin.startswith(("{", "[")) and not file.name.endswith(_TABLES):
        _check_document(file, rest)
    else:
        sign = detect_separator(sample, named_table=file.name.endswith(_TABLES))
        _check_table(file, rest, sign) if sign else _check_lines(file, rest)


def _check_lines(file: _CheckedFile, source: Iterable[tuple[int, str]]) -> None:
    text = TextCheck(file.found)
    text.all(source)
    text.tell()


def _check_table(file: _CheckedFile, source: Iterable[tuple[int, str]], sign: str) -> None:
    text = TextCheck(file.found)
    try:
        table = check_rows(_tapped(source, text), sign, file.limits.smallest_cell, counts=file.counts)
    except csv.Error:
        raise Unreadable("it isn't the table that it begins as") from None
    table.tell(file.found)


def _check_json_lines(file: _CheckedFile, source: Iterable[tuple[int, str]]) -> None:
    text = TextCheck(file.found)
    try:
        table = check_objects(_tapped(source, text), file.limits.smallest_cell, counts=file.counts)
    except (ValueError, RecursionError):
        raise Unreadable("one of its lines isn't JSON as the others are") from None
    table.tell(file.found)


def _tapped(source: Iterable[tuple[int, str]], text: TextCheck) -> Iterator[tuple[int, str]]:
    """The same lines, looked at for keys on their way."""
    for number, line in source:
        text.keys([(number, line)])
        yield number, line


def _check_document(file: _CheckedFile, source: Iterable[tuple[int, str]]) -> None:
    whole = _whole(file, source)
    try:
        content = json.loads(whole)
    except (ValueError, RecursionError):
        _check_lines(file, enumerate(whole.splitlines(), 1))
        return
    if isinstance(content, dict) and "nbformat" in content:
        check_notebook(content, file.found, file.limits.smallest_cell)
        return
    text = TextCheck(file.found)
    text.keys_and_mail(enumerate(whole.splitlines(), 1))
    check = JsonCheck(
        file.found,
        text,
        file.limits.smallest_cell,
        line_of=lambda value: _line_of(value, whole),
        escaped="\\" in whole,
    )
    check.check(content, counts=file.counts)
    text.tell()


def _line_of(value: str, whole: str) -> int | None:
    place = whole.find(value)
    return None if place < 0 else whole.count("\n", 0, place) + 1


def _whole(file: _CheckedFile, source: Iterable[tuple[int, str]]) -> str:
    """A document as one text.  Raises Unreadable when it is too large for that."""
    parts: list[str] = []
    size, last = 0, 0
    for number, line in source:
        size += len(line) + 1
        if size > file.limits.document:
            raise Unreadable(f"as a document it is larger than {size_text(file.limits.document)}")
        if number == last:  # a further piece of one line begins with the end of the piece before
            parts.append(line[OVERLAP:])
        else:
            parts.append(("\n" if parts else "") + line)
        last = number
    return "".join(parts)


def _has_objects(file: _CheckedFile, sample: list[str]) -> bool:
    """True when each line is a JSON object of its own."""
    filled = [line for line in sample if line.strip()]
    if not filled or not filled[0].lstrip().startswith("{"):
        return False
    if file.name.endswith(_LINES):
        return True
    return len(filled) > 1 and all(_is_object(line) for line in filled[:2])


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
