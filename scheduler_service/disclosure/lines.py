"""Lines, some at a time: a block is one text, so that what most blocks lack is searched for once and not in each line.

A line that is longer than a block comes in pieces that overlap; memory is flat.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

from scheduler_service.disclosure.file_types import SAMPLE, Unreadable

#: the number of a line, None of text without lines of its own, and the line
Line = tuple[int | None, str]
#: characters of a block, but for the rest of its last line
BLOCK_SIZE = 1 << 16
#: characters of a line, and of a piece that the next one begins with
LONGEST_LINE = 1 << 18
OVERLAP = 256
#: lines of a list that make a block
MANY = 1024
#: characters of a line that is looked at in one piece, and of the pieces of a longer one
LONG_LINE, STEP = 2048, 1792


class Block:
    """Lines that follow one another, as one text."""

    __slots__ = ("_lines", "first", "text")

    def __init__(self, text: str, first: int = 1, lines: Sequence[Line] | None = None) -> None:
        """first: the number of the first line, 1-based.  lines: where they are numbered otherwise."""
        self.text = text
        self.first = first
        self._lines = lines

    @property
    def lines(self) -> Sequence[Line]:
        """Each line with its number."""
        if self._lines is None:
            self._lines = list(enumerate(self.text.split("\n"), self.first))
        return self._lines

    def number(self, place: int) -> int | None:
        """The number of the line at a place of the text."""
        line = self.text.count("\n", 0, place)
        return self.first + line if self._lines is None else self._lines[min(line, len(self._lines) - 1)][0]


class TextSource:
    """The text of a stream: its beginning, and all of it, in blocks or as a whole."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._text = io.TextIOWrapper(stream, encoding, errors="replace")
        self._text._CHUNK_SIZE = SAMPLE  # type: ignore[attr-defined]
        #: some lines; the last one may be cut
        self.head = self._text.read(SAMPLE)
        self.head += "" if self.head.endswith("\n") else self._text.readline(LONGEST_LINE)

    def blocks(self) -> Iterator[Block]:
        """All of it, once."""
        first, tail, piece = 1, "", self.head
        while piece:
            ended = piece.endswith("\n")
            block = Block(tail + (piece[:-1] if ended else piece), first)
            yield block
            first += piece.count("\n")
            tail = "" if ended else piece[-OVERLAP:]
            piece = self._text.read(BLOCK_SIZE)
            if piece and not piece.endswith("\n"):
                piece += self._text.readline(LONGEST_LINE)

    def whole(self, limit: int, told: str) -> str:
        """All of it, once.  Raises Unreadable, with a phrase of what it is larger than, beyond so many characters."""
        whole = self.head + self._text.read(max(1, limit + 1 - len(self.head)))
        if len(whole) > limit:
            raise Unreadable(f"as a document it is larger than {told}")
        return whole


def of_text(text: str, first: int = 1) -> Iterator[Block]:
    """The blocks of a text whose first line has that number."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while len(text) - start > BLOCK_SIZE:
        end = text.find("\n", start + BLOCK_SIZE, start + LONGEST_LINE)
        # a line without an end is cut, and the next piece begins with the end of this one
        cut = end < 0
        end = start + BLOCK_SIZE if cut else end
        yield Block(text[start:end], first)
        first += text.count("\n", start, end) + (not cut)
        start = end - OVERLAP if cut else end + 1
        if cut:
            first -= text.count("\n", start, end)
    if start < len(text):
        yield Block(text[start:], first)


def of_lines(lines: Iterable[Line]) -> Iterator[Block]:
    """The blocks of lines that are numbered by themselves."""
    block: list[Line] = []
    size = 0
    for number, line in lines:
        # another reading of a line may have several
        block += [(number, each) for each in line.split("\n")] if "\n" in line else [(number, line)]
        size += len(line)
        if len(block) >= MANY or size >= BLOCK_SIZE:
            yield _made(block)
            block, size = [], 0
    if block:
        yield _made(block)


def _made(lines: Sequence[Line]) -> Block:
    return Block("\n".join([line for _, line in lines]), lines=lines)


def narrow(block: Block, places: Callable[[str], Iterable[int]]) -> Iterator[Line]:
    """The lines of a block on which there are such places; of a long line, pieces that overlap."""
    found = sorted(set(places(block.text)))
    if not found:
        return
    text, last = block.text, (-1, -1)
    line, start = 0, 0
    for place in found:
        line += text.count("\n", start, place)
        start = text.rfind("\n", 0, place) + 1 if "\n" in text[start:place] else start
        piece = (place - start) // STEP
        if (line, piece) == last:
            continue
        last = line, piece
        number, whole = block.lines[line]
        if len(whole) <= LONG_LINE:
            yield number, whole
        else:
            yield number, whole[max(0, piece * STEP - OVERLAP) : (piece + 1) * STEP + OVERLAP]
