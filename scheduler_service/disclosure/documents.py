"""Documents that show text and tables: notebooks and HTML."""

import json
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.json_document import JsonCheck
from scheduler_service.disclosure.tables import TableCheck
from scheduler_service.disclosure.text import TextCheck

_READ_BY_PEOPLE = frozenset({"href", "content", "value", "title", "alt", "action"})


def check_notebook(content: Any, found: FindingCollector, smallest: int) -> None:
    """The cells of a notebook, with what they printed and showed; findings name the code cell."""
    text = TextCheck(found)
    number = 0
    for cell in content.get("cells", []) if isinstance(content, dict) else []:
        if not isinstance(cell, dict):
            continue
        number += cell.get("cell_type") == "code"
        place = number if cell.get("cell_type") == "code" else None
        text.all(enumerate(_text(cell.get("source")).splitlines(), 1), cell=place)
        for output in cell.get("outputs", []):
            if isinstance(output, dict):
                _check_output(output, text, found, smallest, place)
    text.all(enumerate(json.dumps(content.get("metadata", {}), indent=1).splitlines(), 1))
    text.tell()


def _check_output(
    output: Mapping[str, Any], text: TextCheck, found: FindingCollector, smallest: int, cell: int | None
) -> None:
    parts = [_text(output.get("text")), _text(output.get("evalue")), _text(output.get("traceback"))]
    data = output.get("data")
    shown = data if isinstance(data, dict) else {}
    page = _text(shown.get("text/html"))
    if page:
        check_html(page, found, smallest, text=text, cell=cell)
    for kind, value in shown.items():
        told = _text(value)
        if kind == "text/plain" and "<table" in page:  # the same table, whose columns were looked at
            text.keys_and_mail(enumerate(told.splitlines(), 1), cell=cell)
        elif kind in {"image/svg+xml", "application/javascript"} or (kind.startswith("text/") and kind != "text/html"):
            parts.append(told)
        elif "json" in kind and not isinstance(value, str):
            JsonCheck(found, text, smallest, cell=cell).check(value)
            told = json.dumps(value, ensure_ascii=False, indent=1)
            text.keys_and_mail(enumerate(told.splitlines(), 1), cell=cell)
    for part in parts:
        text.all(enumerate(part.splitlines(), 1), cell=cell)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(each.removesuffix("\n") for each in value if isinstance(each, str))
    return value if isinstance(value, str) else ""


def check_html(
    content: str, found: FindingCollector, smallest: int, *, text: TextCheck | None = None, cell: int | None = None
) -> None:
    """Check what a page shows, and its tables; of scripts only keys and lists of objects are looked for."""
    page = _Page()
    page.feed(content)
    page.close()
    own = text or TextCheck(found)
    own.all(page.shown, cell=cell)
    own.keys_and_mail(page.in_tables, cell=cell)
    own.keys(page.hidden, cell=cell)
    if text is None:
        own.tell()
    for rows, places in page.tables:
        names = rows[0] if page.has_header(rows) else []
        body = slice(1 if names else 0, None)
        if rows[body]:
            table = TableCheck(names, smallest, cell=cell, reads_mail=False)
            table.feed(places[body], rows[body])
            table.tell(found)


class _Page(HTMLParser):
    """Takes a page apart: lines that are shown, in tables and outside, lines of scripts, and the tables."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown: list[tuple[int, str]] = []
        self.hidden: list[tuple[int, str]] = []
        self.in_tables: list[tuple[int, str]] = []
        self.tables: list[tuple[list[list[str]], list[int]]] = []
        self._silent = 0
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        self._silent += tag in {"script", "style"}
        if "@" in tag:  # <ana@firma.de> isn't a tag, but is read as one
            self.shown.append((line, self.get_starttag_text() or ""))
        for name, value in attrs:
            if value and name in _READ_BY_PEOPLE and not value.startswith("data:"):
                self.shown.append((line, value))
        if tag == "table":
            self.tables.append(([], []))
        elif tag == "tr" and self.tables:
            self.tables[-1][0].append([])
            self.tables[-1][1].append(line)
        elif tag in {"td", "th"} and self.tables and self.tables[-1][0]:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"} and self._silent > 0
        if tag in {"td", "th"} and self._cell is not None and self.tables and self.tables[-1][0]:
            self.tables[-1][0][-1].append("".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data: str) -> None:
        first = self.getpos()[0]
        numbered = [(first + offset, line) for offset, line in enumerate(data.splitlines()) if line.strip()]
        if self._silent:
            self.hidden += numbered
            return
        if self._cell is None:
            self.shown += numbered
        else:
            self.in_tables += numbered
            self._cell.append(data)

    @staticmethod
    def has_header(rows: Sequence[Sequence[str]]) -> bool:
        """True when the first row names columns."""
        named = len(rows) > 1 and any(rows[0])
        return named and not any(cell.replace(".", "").isdigit() for cell in rows[0])
