"""Pages and drawings as bytes: what they show, what they hide, and what their scripts carry.

A browser reads comments, attributes and scripts as well, and so does whoever looks at a page's source: keys and
addresses are looked for in all of it, tables and lists of identifiers in what is shown, in attributes and in the data
of scripts.  HTML, SVG and XML are read alike, and never refused for being wrong.
"""

import html
import json
import re
from bisect import bisect_right
from collections.abc import Callable
from operator import itemgetter
from typing import Any
from urllib.parse import unquote_to_bytes

from scheduler_service.disclosure.embedded import find_documents
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.first_names import split_words
from scheduler_service.disclosure.json_document import JsonCheck
from scheduler_service.disclosure.lines import of_lines, of_text
from scheduler_service.disclosure.readings import unpack_base64
from scheduler_service.disclosure.tables import TableCheck
from scheduler_service.disclosure.text import TextCheck
from scheduler_service.disclosure.text_tables import TextTables

#: looks at what is packed in a document, such as a picture
CheckPart = Callable[[bytes], None]
_TOKEN = re.compile(
    r"<!--(?P<comment>.*?)(?:--!?>|\Z)"
    r"|<(?P<raw>script|style|xmp|noscript|template|textarea)\b(?P<options>[^>]*)>(?P<body>.*?)(?:</(?P=raw)[\s/>]|\Z)"
    r"|<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)"
    r"|<(?P<end>/?)(?P<tag>[A-Za-z][\w:.-]*)(?P<attributes>[^>]*)>",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([\w:.@-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_DATA = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.+-]+)*,[^\s\"'<>)\\`]{16,}", re.IGNORECASE)
_DATA_BEGINS = re.compile(r"data:", re.IGNORECASE)
#: they don't end a word
_INLINE = split_words(
    """
    a abbr b bdi bdo big cite code em font i ins kbd label mark q s samp small span strike strong sub sup tspan tt u var
    wbr
    """
)
#: attributes that lay out or name parts of the page; programs number those
_LAYOUT = split_words(
    """
    id class style for d points transform viewbox width height x y x1 x2 y1 y2 cx cy r fill stroke clip-path src srcset
    integrity nonce xmlns xmlns:xlink aria-labelledby aria-controls aria-describedby data-root-id data-mime-type
    data-jp-suggested-artifact rel type charset
    """
)
_FONTS = (b"wOFF", b"wOF2", b"OTTO", b"\0\1\0\0", b"ttcf")
#: comments of libraries, which name their authors
_LICENCE = re.compile(
    r"/\*(?:!|\s*@|[^*]{0,200}(?:licen[sc]e|copyright)).*?\*/|//[^\n]{0,80}(?:licen[sc]e|copyright)[^\n]*",
    re.DOTALL | re.IGNORECASE,
)
#: XML: a value between its tags
_LEAF = re.compile(r"<([A-Za-z_][\w:.-]{0,60})(?:\s[^<>]*)?>([^<>]{1,400})</\1\s*>")
#: a table with no other in it; what a plain one is made of; the names of its attributes
_TABLE = re.compile(r"<(?P<end>/?)table\b[^<>]*>", re.IGNORECASE)
_ROW = re.compile(r"<tr\b[^<>]*>", re.IGNORECASE)
_CELL = re.compile(r"<t[dh]\b[^<>]*>\s*([^<]*?)\s*</t[dh]\s*>", re.IGNORECASE)
_AROUND = re.compile(r"</?(?:table|thead|tbody|tfoot)\b[^<>]*>", re.IGNORECASE)
_NAMED = re.compile(r"\s([\w:.@-]+)=[\"']")
_SCRIPT = re.compile(r"<script\b[^>]*>(?P<body>.*?)</script[\s/>]", re.DOTALL | re.IGNORECASE)
#: characters from which a script may be a library, and words of programs, of which it has one in so many
LARGEST_DATA, PROGRAM = 1 << 18, 2000
_PROGRAM_WORDS = ("function(", "=>", "){")
#: rows from which a table is looked at so
MANY = 50
#: rows from which like parts of a document count as a table
FEW = 5


class Markup:
    """Looks at one document."""

    def __init__(
        self, found: FindingCollector, text: TextCheck, smallest: int, check_part: CheckPart, *, cell: int | None = None
    ) -> None:
        self._found = found
        self._text = text
        self._smallest = smallest
        self._check_part = check_part
        self._cell = cell
        self._ends: list[int] = []
        self._shown: list[tuple[int | None, str]] = []
        self._in_tables: list[tuple[int | None, str]] = []
        self._attributes: list[tuple[int | None, str]] = []
        self._tables: list[tuple[list[list[str]], list[int]]] = []
        self._records: list[dict[str, Any]] = []
        #: what the cell has so far that is being read
        self._open: list[str] | None = None

    def check(self, content: str) -> None:
        """Look at all of it.  Raises Unreadable when a part can't be looked at."""
        content = self._take_parts(content)
        self._check_keys(content)
        content = self._take_tables(content)
        self._ends = [match.end() for match in re.finditer("\n", content)]
        self._take_apart(content)
        self._text.all(of_lines(self._shown), cell=self._cell)
        self._text.all(of_lines(self._attributes), cell=self._cell)
        self._text.keys_and_mail(of_lines(self._in_tables), cell=self._cell)
        if len(self._records) >= FEW:
            check = JsonCheck(self._found, self._text, self._smallest, cell=self._cell, part="attributes")
            check.check(self._records)
        for rows, places in self._tables:
            self._check_table(rows, places)

    def _check_keys(self, content: str) -> None:
        """Look for keys in all of it; in a library, whose names say `token`, for those of a known form."""
        kept, place = [], 0
        for match in _SCRIPT.finditer(content):
            start, end = match.span("body")
            if end - start >= LARGEST_DATA and is_program(match["body"]):
                self._text.known_keys(of_text(match["body"], content.count("\n", 0, start) + 1), cell=self._cell)
                kept += [content[place:start], "\n" * content.count("\n", start, end)]
                place = end
        self._text.keys(of_text("".join([*kept, content[place:]])), cell=self._cell)

    def _take_parts(self, content: str) -> str:
        """The document without what is packed in it, which is looked at by itself."""
        if not _DATA_BEGINS.search(content):
            return content
        kept, place = [], 0
        for match in _DATA.finditer(content):
            head, _, body = html.unescape(match[0]).partition(",")
            data = (
                unpack_base64(unquote_to_bytes(body).decode("latin-1"))
                if ";base64" in head.lower()
                else unquote_to_bytes(body)
            )
            if data and not data.startswith(_FONTS):
                self._check_part(data)
            kept += [content[place : match.start()], "data:"]
            place = match.end()
        return "".join([*kept, content[place:]])

    def _take_tables(self, content: str) -> str:
        """The document without its large tables of plain cells, each of which is looked at at once."""
        kept, place, line, begun = [], 0, 1, None
        for match in _TABLE.finditer(content):
            if not match["end"]:
                begun = match.start()
            elif begun is not None:
                line += content.count("\n", place, begun)
                kept += [content[place:begun], self._take_table(content[begun : match.end()], line)]
                line += content.count("\n", begun, match.end())
                place, begun = match.end(), None
        return "".join([*kept, content[place:]]) if kept else content

    def _take_table(self, table: str, line: int) -> str:
        """Lines as many as those of a plain table, or all of one that isn't plain."""
        pieces = _ROW.split(table)
        if len(pieces) < MANY or not self._is_plain(table):
            return table
        rows, places, at = [], [], line
        for number, piece in enumerate(pieces):
            if number:
                rows.append(_CELL.findall(piece))
                places.append(at)
            at += piece.count("\n")
        if 2 * (sum(map(len, rows)) + len(rows)) + len(_AROUND.findall(table)) != table.count("<"):
            return table
        if "&" in table:
            rows = [[html.unescape(cell) for cell in row] for row in rows]
        self._text.mail(of_text(table, line), cell=self._cell)
        self._check_table(rows, places)
        return "<br>" + "\n" * table.count("\n")

    def _is_plain(self, table: str) -> bool:
        """True when its tags have no attributes that say anything, and nothing is hidden in it."""
        return "<!" not in table and _LAYOUT.issuperset(name.lower() for name in set(_NAMED.findall(table)))

    def _take_apart(self, content: str) -> None:
        place = 0
        parts: list[str] = []
        begun = 0
        for match in _TOKEN.finditer(content):
            if match.start() > place:
                begun = begun if parts else place
                parts.append(content[place : match.start()])
            place = match.end()
            if match["tag"] is None:
                self._check_hidden(match)
                continue
            if "=" in match["attributes"]:
                self._take_attributes(match)
            tag = match["tag"].lower()
            if tag not in _INLINE:
                self._flush(parts, begun)
                parts = []
                self._take_tag(tag, match)
        parts.append(content[place:])
        self._flush(parts, place)
        self._turn_cell(opens=False)

    def _take_tag(self, tag: str, match: re.Match[str]) -> None:
        """The layout of tables; other tags only end what stands before them."""
        if tag in {"td", "th"}:
            self._turn_cell(opens=not match["end"])
        elif tag in {"tr", "table"}:
            self._turn_cell(opens=False)
            self._turn_row(tag, match)

    def _flush(self, parts: list[str], begun: int) -> None:
        """Note what is shown since the last tag that ends a word."""
        told = "".join(parts)
        if not told or told.isspace():
            return
        told = html.unescape(told)
        line = self._line(begun)
        lines = self._shown if self._open is None else self._in_tables
        if "\n" in told:
            lines += [(line + offset, each) for offset, each in enumerate(told.splitlines()) if each.strip()]
        else:
            lines.append((line, told))
        if self._open is not None:
            self._open.append(told)

    def _turn_cell(self, *, opens: bool) -> None:
        if self._open is not None and self._tables and self._tables[-1][0]:
            self._tables[-1][0][-1].append(" ".join("".join(self._open).split()))
        self._open = [] if opens else None

    def _turn_row(self, tag: str, match: re.Match[str]) -> None:
        if match["end"]:
            return
        if tag == "table":
            self._tables.append(([], []))
        elif self._tables:
            self._tables[-1][0].append([])
            self._tables[-1][1].append(self._line(match.start()))

    def _take_attributes(self, match: re.Match[str]) -> None:
        for name, *values in _ATTRIBUTE.findall(match["attributes"]):
            value = next(filter(None, values), "")
            if name.lower() in _LAYOUT or value.startswith("#") or not value or value == "data:":
                continue
            line = self._line(match.start())
            if name.lower().startswith("on") or (value[:1] in "[{&" and len(value) > 30):
                self._check_script(html.unescape(value), line)
                self._keep_record(html.unescape(value))
            if name.lower() == "srcdoc":
                self._check_part(f"<html>{html.unescape(value)}".encode(errors="replace"))
            self._attributes.append((line, html.unescape(value)))

    def _keep_record(self, value: str) -> None:
        """Note an attribute that is an object: those of like tags are the rows of a table."""
        try:
            record = json.loads(value)
        except (ValueError, RecursionError):
            return
        if isinstance(record, dict):
            self._records.append(record)

    def _check_hidden(self, match: re.Match[str]) -> None:
        """A comment, a script, a style, or text that isn't read as tags."""
        line = self._line(match.start())
        raw = (match["raw"] or "").lower()
        if raw == "script":
            self._check_script(match["body"], line)
        elif raw == "style":
            self._text.keys_and_mail(of_text(_LICENCE.sub("", match["body"]), line), cell=self._cell)
        elif raw:
            inner = match["body"]
            self._shown += [(line + offset, html.unescape(each)) for offset, each in enumerate(inner.splitlines())]
        else:
            told = match["comment"] or match["cdata"] or ""
            tables = TextTables(self._found, self._smallest, cell=self._cell)
            self._text.all(tables.tap(of_text(told, line)), cell=self._cell)

    def _check_script(self, script: str, line: int) -> None:
        # keys in it were looked for with those of the whole document
        check_script(script, self._found, self._text, self._smallest, line=line, cell=self._cell)

    def _check_table(self, rows: list[list[str]], places: list[int]) -> None:
        names = rows[0] if _names_columns(rows) else []
        body = slice(1 if names else 0, None)
        if rows[body]:
            table = TableCheck(names, self._smallest, cell=self._cell, reads_mail=False)
            table.feed(places[body], rows[body])
            table.tell(self._found)

    def _line(self, place: int) -> int:
        return bisect_right(self._ends, place) + 1


def check_script(
    script: str,
    found: FindingCollector,
    text: TextCheck,
    smallest: int,
    *,
    line: int = 1,
    cell: int | None = None,
) -> None:
    """Look at a script: mail in it, but for what names its authors, and the rows of its data."""
    text.mail(of_text(_LICENCE.sub("", script), line), cell=cell)
    points: list[list[str]] = []
    at, counted = line, 0
    for place, content in sorted(find_documents(script), key=itemgetter(0)):
        if isinstance(content, list) and len(content) == 2 and all(isinstance(each, float) for each in content):
            points.append([str(each) for each in content])
            continue
        at += script.count("\n", counted, place)
        counted = place
        check = JsonCheck(found, text, smallest, cell=cell, line_of=lambda _, at=at: at, part="data of a script")  # type: ignore[misc]
        check.check(content)
    if points:  # the markers of a map, each by itself
        points = [list(point) for point in dict.fromkeys(map(tuple, points))]
        table = TableCheck(["lat", "lon"], smallest, cell=cell, part="data of a script")
        table.feed([line] * len(points), points)
        table.tell(found)


def is_program(script: str) -> bool:
    """True when a script is mostly code and no data."""
    return sum(map(script.count, _PROGRAM_WORDS)) * PROGRAM >= len(script)


def check_records(content: str, found: FindingCollector, smallest: int) -> None:
    """Look at the parts of an XML document that come again and again as at the columns of a table."""
    columns: dict[str, list[str]] = {}
    for match in _LEAF.finditer(content):
        columns.setdefault(match[1], []).append(html.unescape(match[2]).strip())
    by_length: dict[int, list[str]] = {}
    for name, values in columns.items():
        if len(values) >= FEW:
            by_length.setdefault(len(values), []).append(name)
    for length, names in by_length.items():
        table = TableCheck(names, smallest, unit="row")
        table.feed(range(1, length + 1), list(zip(*(columns[name] for name in names), strict=True)))
        table.tell(found)


def _names_columns(rows: list[list[str]]) -> bool:
    """True when the first row names columns."""
    named = len(rows) > 1 and any(rows[0])
    return named and not any(cell.replace(".", "").isdigit() for cell in rows[0])
