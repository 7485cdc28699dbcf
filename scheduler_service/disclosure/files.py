"""One file → findings: opened by its content, unpacked where it is compressed, and never beyond the limits."""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import yaml

from jupyter_schedule.core.models import DisclosureFinding, FindingKind
from jupyter_schedule.core.text import size_text
from scheduler_service.disclosure import column_names, identifiers, personal, secrets
from scheduler_service.disclosure.csv import check_objects, check_rows, detect_separator
from scheduler_service.disclosure.documents import check_html, check_notebook, check_xml
from scheduler_service.disclosure.file_types import (
    Unreadable,
    bound_stream,
    decompress,
    detect_encoding,
    packed_names,
)
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.json_document import JsonCheck
from scheduler_service.disclosure.lines import Block, TextSource, of_lines, of_text
from scheduler_service.disclosure.markup import check_script
from scheduler_service.disclosure.pictures import picture_kind, take_apart
from scheduler_service.disclosure.readings import other_readings
from scheduler_service.disclosure.text import TextCheck
from scheduler_service.disclosure.text_tables import TextTables, find_record

#: grows with every change of what is found, so that answers of older rules aren't taken for today's
RULES = 4
#: lines that are looked at to say what a text is
_FIRST_LINES = 40
_TABLES = (".csv", ".tsv", ".tab", ".psv")
_LINES = (".jsonl", ".ndjson")
#: a line of a database's dump, whose values divide otherwise than a table's
_INSERTS = re.compile(r"\s*insert\s+into\b", re.IGNORECASE)
_COMPRESSED = (".gz", ".bz2", ".xz")
_PAGES = (".html", ".htm", ".xhtml", ".md", ".markdown", ".rmd", ".qmd")
_XML = (".svg", ".xml", ".kml", ".gpx", ".graphml", ".rss", ".atom", ".xsd", ".plist")
_SETTINGS = (".yaml", ".yml", ".toml")
_SCRIPTS = (".js", ".mjs", ".cjs")
#: parts in a part, such as a picture in a drawing in a page
DEEPEST = 3
#: characters of settings that are read as data; what is larger is read as text
_LARGEST_SETTINGS = 1 << 19


@dataclass(frozen=True)
class FileLimits:
    """The limits of what a file may cost: bytes."""

    #: of a file, unpacked
    file: int = 256 << 20
    #: of a document that is read as a whole
    document: int = 24 << 20
    #: of a picture
    picture: int = 64 << 20
    #: the least that a count may be
    smallest_cell: int = 5


def check_file(path: str, local: Path, limits: FileLimits = FileLimits()) -> tuple[DisclosureFinding, ...]:
    """Find what shouldn't become public of the file at `local`, which people know as `path`.

    Of a picture that is one to its last byte only its remarks are looked at; what can't be read is a finding.
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
    #: levels of files in files above it; a part has no name of its own
    depth: int = 0

    @property
    def name(self) -> str:
        """The last part of the path, small, without the ending of a compression."""
        if self.depth:
            return ""
        name = self.path.rpartition("/")[2].lower()
        return next((name.removesuffix(end) for end in _COMPRESSED if name.endswith(end)), name)

    @property
    def counts(self) -> bool:
        """True when its name says that it holds counts."""
        return column_names.is_count(self.name.rpartition(".")[0])

    def check_part(self, data: bytes) -> None:
        """Look at a file that is packed in this one.  Raises Unreadable."""
        if self.depth >= DEEPEST:
            raise Unreadable("it has files packed in files packed in files")
        _check_stream(replace(self, depth=self.depth + 1), io.BytesIO(data), packed=0)


def _check_name(path: str, found: FindingCollector) -> None:
    for told in (path, *other_readings(path)):
        if identifiers.has_email(told):
            found.add(FindingKind.EMAIL, "its name has an e-mail address")
        if (secret := secrets.find_secret(told)) is not None:
            found.add(FindingKind.SECRET, f"its name has what looks like {secret}")
        if any(personal.find_persons(told)):
            found.add(FindingKind.PERSONAL, "its name has somebody's number")
        if any(identifiers.find_addresses(told)):
            found.add(FindingKind.IP_ADDRESS, "its name has an IP or hardware address")


def _check_stream(file: _CheckedFile, source: IO[bytes], packed: int) -> None:
    stream = bound_stream(source, file.limits.file)
    head = stream.peek()
    inner = decompress(head, stream)
    if inner is not None:
        if packed >= 2:
            raise Unreadable("it is compressed more than twice")
        TextCheck(file.found).all(of_lines(enumerate(packed_names(head), 1)))
        with inner:
            _check_stream(file, inner, packed + 1)
    elif head.startswith((b"PAR1", b"ARROW1")):
        if packed or file.depth:
            raise Unreadable("it is Parquet or Arrow that is packed once more")
        # a third of the service's memory, which only those need who meet Parquet
        from scheduler_service.disclosure.columnar import check_columnar  # noqa: PLC0415

        check_columnar(file.local, file.found, file.limits.smallest_cell, file.limits.file, counts=file.counts)
    elif (kind := picture_kind(head)) is not None:
        _check_picture(file, kind, stream)
    elif head:
        _check_text(file, TextSource(stream, detect_encoding(head)))


def _check_picture(file: _CheckedFile, kind: str, stream: IO[bytes]) -> None:
    data = stream.read(file.limits.picture + 1)
    if len(data) > file.limits.picture:
        raise Unreadable(f"as a picture it is larger than {size_text(file.limits.picture)}")
    texts, told = take_apart(kind, data)
    text = TextCheck(file.found)
    for each in texts:
        text.all(of_lines([(None, line) for line in each.splitlines()]))
        if each.lstrip()[:1] == "<":
            check_html(each, file.found, file.limits.smallest_cell, file.check_part, text=text)
        else:
            TextTables(file.found, file.limits.smallest_cell).check(of_text(each))
    text.tell()
    for what in told:
        file.found.add(FindingKind.PERSONAL, f"the picture says {what}")


def _check_text(file: _CheckedFile, source: TextSource) -> None:
    sample = source.head.split("\n", _FIRST_LINES)[:_FIRST_LINES]
    begin = next((line.lstrip() for line in sample if line.strip()), "")[:200].lower()
    smallest = file.limits.smallest_cell
    if file.name.endswith(_PAGES) or begin.startswith(("<!doctype html", "<html", "<table", "<div", "<body", "<head")):
        whole = _whole(file, source)
        check_html(whole, file.found, smallest, file.check_part)
        if not file.name.endswith((".html", ".htm", ".xhtml")):
            TextTables(file.found, smallest).check(of_text(whole))
    elif file.name.endswith(_XML) or begin.startswith(("<?xml", "<svg", "<!doctype")):
        check_xml(_whole(file, source), file.found, smallest, file.check_part)
    elif file.name.endswith((*_SETTINGS, *_SCRIPTS)):
        _check_settings(file, _whole(file, source))
    elif _has_objects(file, sample):
        _check_json_lines(file, source)
    elif begin.startswith(("{", "[")) and not file.name.endswith(_TABLES):
        _check_document(file, source)
    else:
        told = not file.name.endswith(_TABLES) and all(find_record(line) for line in sample[:2])
        sign = None if told else detect_separator(sample, named_table=file.name.endswith(_TABLES))
        dump = any(map(_INSERTS.match, sample))
        _check_table(file, source, sign, dump=dump) if sign else _check_lines(file, source.blocks())


def _check_settings(file: _CheckedFile, whole: str) -> None:
    """YAML, TOML and scripts: as text, and the lists and objects in them as data."""
    smallest = file.limits.smallest_cell
    text = TextCheck(file.found)
    if file.name.endswith(_SCRIPTS):
        text.keys(of_text(whole))
        check_script(whole, file.found, text, smallest)
        text.tell()
        return
    _check_lines(file, of_text(whole))
    if len(whole) > _LARGEST_SETTINGS or ("&" in whole and "*" in whole):  # YAML's links grow without end
        return
    try:
        content: Any = tomllib.loads(whole) if file.name.endswith(".toml") else list(yaml.safe_load_all(whole))
    except (ValueError, yaml.YAMLError, RecursionError):
        return
    JsonCheck(file.found, text, smallest).check(content, counts=file.counts)
    text.tell()


def _check_lines(file: _CheckedFile, blocks: Iterable[Block]) -> None:
    text = TextCheck(file.found)
    text.all(TextTables(file.found, file.limits.smallest_cell).tap(blocks))
    text.tell()


def _check_table(file: _CheckedFile, source: TextSource, sign: str, *, dump: bool) -> None:
    text = TextCheck(file.found)
    blocks: Iterable[Block] = _tapped(source, text)
    if dump:
        blocks = TextTables(file.found, file.limits.smallest_cell).tap(blocks)
    try:
        table = check_rows(blocks, sign, file.limits.smallest_cell, counts=file.counts)
    except csv.Error:
        raise Unreadable("it isn't the table that it begins as") from None
    table.tell(file.found)


def _check_json_lines(file: _CheckedFile, source: TextSource) -> None:
    text = TextCheck(file.found)
    try:
        table = check_objects(_tapped(source, text), file.limits.smallest_cell, counts=file.counts)
    except (ValueError, RecursionError):
        raise Unreadable("one of its lines isn't JSON as the others are") from None
    table.tell(file.found)


def _tapped(source: TextSource, text: TextCheck) -> Iterator[Block]:
    """Its blocks, looked at for keys on their way."""
    for block in source.blocks():
        text.keys([block])
        yield block


def _check_document(file: _CheckedFile, source: TextSource) -> None:
    whole = _whole(file, source)
    try:
        content = json.loads(whole)
    except (ValueError, RecursionError):
        _check_lines(file, of_text(whole))
        return
    if isinstance(content, dict) and "nbformat" in content:
        check_notebook(content, file.found, file.limits.smallest_cell, file.check_part)
        return
    text = TextCheck(file.found)
    text.keys_and_mail(of_text(whole))
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


def _whole(file: _CheckedFile, source: TextSource) -> str:
    """A document as one text.  Raises Unreadable when it is too large for that."""
    return source.whole(file.limits.document, size_text(file.limits.document))


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
