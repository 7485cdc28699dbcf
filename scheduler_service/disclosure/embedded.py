"""Data in scripts: every list and object of JSON that stands in one, read as its page reads it.

Plotly, Altair, Bokeh and Folium keep the rows of a chart there.  What isn't JSON (a function, an object with bare keys)
is passed over up to the next bracket; how much is read again and again has a limit.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from scheduler_service.disclosure.file_types import Unreadable

#: a bracket after which JSON can go on; most of a program's brackets begin something else
_BEGINS = re.compile(r"\[(?=\s*(?:[\[{\"\d-]|true|false|null|NaN))|\{(?=\s*\")")
#: characters of the first piece that is read, and those at a piece's end that may have been cut
WINDOW = 512
LONGEST_TEXT = 16
#: a text, which may hold a document as that of `JSON.parse("…")` does
_TEXT = re.compile(r"\"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+\"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'")
#: what JavaScript writes otherwise than JSON: keys without quotes, texts in single ones, a comma at the end
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_$][\w$]*)(\s*:)")
_SINGLE = re.compile(r"'([^'\"\\\n]*)'")
_LAST_COMMA = re.compile(r",(\s*[\]}])")
#: of a script that is read as JavaScript too; larger ones are libraries
LARGEST_SCRIPT = 1 << 20
#: a document that is too small to hold rows
SMALLEST = 12
#: characters that attempts in vain may read, as a multiple of the script's
MOST_AGAIN = 40
#: levels of texts that hold documents
DEEPEST = 2
_READER = json.JSONDecoder(strict=False)


def find_documents(script: str) -> Iterator[tuple[int, Any]]:
    """The data in a script, each with the place where it begins.  Raises Unreadable for what is too tangled."""
    yield from _read(script, 0)
    if len(script) <= LARGEST_SCRIPT and (_BARE_KEY.search(script) or _SINGLE.search(script)):
        plain = _LAST_COMMA.sub(r"\1", _BARE_KEY.sub(r'\1"\2"\3', _SINGLE.sub(r'"\1"', script)))
        yield from ((0, content) for _, content in _read(plain, DEEPEST))


def _read(script: str, depth: int) -> Iterator[tuple[int, Any]]:
    spent, place = 0, 0
    while (match := _BEGINS.search(script, place)) is not None:
        start = match.start()
        content, length, read = _decode(script, start)
        if content is None:
            spent += read
            place = start + 1
            if spent > MOST_AGAIN * (len(script) + 1000):
                raise Unreadable("its scripts are too tangled to be looked at")
            continue
        place = start + length
        if length >= SMALLEST:
            yield start, content
    if depth < DEEPEST:
        for match in _TEXT.finditer(script):
            if match.end() - match.start() > SMALLEST * 2 and ("[" in (told := match[0]) or "{" in told):
                inner = unquote(told)
                yield from ((match.start(), content) for _, content in _read(inner, depth + 1))


def unquote(text: str) -> str:
    """A text of a script as it reads there."""
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    quoted = '"' + inner.replace("\\'", "'").replace('\\"', '"').replace('"', '\\"') + '"'
    try:
        return str(_READER.decode(quoted))
    except ValueError:
        return inner.replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")


def _decode(script: str, start: int) -> tuple[Any, int, int]:
    """The list or object that begins there with its length, or None, and how many characters were read for it.

    A failure costs as much as it has read, and reading begins with a small piece: the next try is a bracket further.
    """
    size = WINDOW
    read = 0
    while True:
        piece = script[start : start + size]
        read += len(piece)
        try:
            content, length = _READER.raw_decode(piece)
        except json.JSONDecodeError as failure:
            whole = len(piece) < size
            # a text that the piece cuts is a failure where it begins
            if whole or (failure.pos < len(piece) - LONGEST_TEXT and "Unterminated" not in failure.msg):
                return None, 0, read
            size *= 16
        except RecursionError:
            raise Unreadable("its scripts are nested too deeply to be looked at") from None
        else:
            return content, length, read
