"""Documents that show text and tables: notebooks, pages and drawings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.json_document import JsonCheck
from scheduler_service.disclosure.lines import of_text
from scheduler_service.disclosure.markup import CheckPart, Markup, check_records, check_script
from scheduler_service.disclosure.readings import unpack_base64
from scheduler_service.disclosure.text import TextCheck
from scheduler_service.disclosure.text_tables import TextTables


def check_notebook(content: Any, found: FindingCollector, smallest: int, check_part: CheckPart) -> None:
    """The cells of a notebook, with what they printed and showed; findings name the code cell."""
    text = TextCheck(found)
    number = 0
    for cell in content.get("cells", []) if isinstance(content, dict) else []:
        if not isinstance(cell, dict):
            continue
        number += cell.get("cell_type") == "code"
        place = number if cell.get("cell_type") == "code" else None
        looked = _CellCheck(text, found, smallest, check_part, place)
        looked.check_lines(_text(cell.get("source")))
        for attached in _values(cell.get("attachments")):
            _check_shown(attached, looked)
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            if isinstance(output, dict):
                _check_output(output, looked)
        looked.check_noted(
            {key: each for key, each in cell.items() if key not in {"source", "outputs", "attachments", "id"}}
        )
    rest = {key: value for key, value in content.items() if key != "cells"} if isinstance(content, dict) else {}
    text.all(of_text(json.dumps(rest, indent=1, ensure_ascii=False)))
    text.tell()


@dataclass(frozen=True)
class _CellCheck:
    """A cell by its number, with the checks of what is in it."""

    text: TextCheck
    found: FindingCollector
    smallest: int
    check_part: CheckPart
    number: int | None

    def check_lines(self, told: str) -> None:
        """A text and the tables in it."""
        tables = TextTables(self.found, self.smallest, cell=self.number)
        self.text.all(tables.tap(of_text(told)), cell=self.number)

    def check_noted(self, value: Any) -> None:
        """Look at the notes on a cell or an output."""
        told = json.dumps(value, indent=1, ensure_ascii=False)
        self.text.keys_and_mail(of_text(told), cell=self.number)


def _check_output(output: Mapping[str, Any], cell: _CellCheck) -> None:
    for told in (_text(output.get("text")), _text(output.get("evalue")), _text(output.get("traceback"))):
        cell.check_lines(told)
    data = output.get("data")
    _check_shown(data if isinstance(data, dict) else {}, cell)
    cell.check_noted(output.get("metadata", {}))


def _check_shown(shown: Mapping[str, Any], cell: _CellCheck) -> None:
    """Look at an output in each of the ways in which it could be shown."""
    page = _text(shown.get("text/html"))
    for kind, value in shown.items():
        told = _text(value)
        if kind in {"text/html", "image/svg+xml"}:
            check_html(told, cell.found, cell.smallest, cell.check_part, text=cell.text, cell=cell.number)
        elif kind == "text/plain" and "<table" in page:  # the same table, whose columns were looked at
            cell.text.keys_and_mail(of_text(told), cell=cell.number)
        elif kind in {"application/javascript", "text/javascript"}:
            cell.text.keys(of_text(told), cell=cell.number)
            check_script(told, cell.found, cell.text, cell.smallest, cell=cell.number)
        elif kind.startswith("image/") or kind in {"application/pdf", "application/octet-stream"}:
            cell.check_part(unpack_base64("".join(told.split())))
        elif isinstance(value, dict | list) and not told:
            JsonCheck(cell.found, cell.text, cell.smallest, cell=cell.number).check(value)
            cell.check_noted(value)
        else:
            cell.check_lines(told)


def _values(value: Any) -> list[dict[str, Any]]:
    return [each for each in value.values() if isinstance(each, dict)] if isinstance(value, dict) else []


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(each.removesuffix("\n") for each in value if isinstance(each, str))
    return value if isinstance(value, str) else ""


def check_html(
    content: str,
    found: FindingCollector,
    smallest: int,
    check_part: CheckPart,
    *,
    text: TextCheck | None = None,
    cell: int | None = None,
) -> None:
    """Check a page: what it shows and hides, its tables, and the data of its scripts."""
    own = text or TextCheck(found)
    Markup(found, own, smallest, check_part, cell=cell).check(content)
    if text is None:
        own.tell()


def check_xml(content: str, found: FindingCollector, smallest: int, check_part: CheckPart) -> None:
    """Check a document of XML, such as a drawing, and the records in it."""
    check_html(content, found, smallest, check_part)
    check_records(content, found, smallest)
