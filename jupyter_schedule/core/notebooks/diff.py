"""The differences between two notebooks as a run would see them: their code and text, without outputs.

nbdime compares notebooks too; installed, it brings a server extension, a front end and Git's library into everybody's
Jupyter, so that cells are matched here: equal ones first, then by their ids, then by how alike they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from jupyter_schedule.core.notebooks.notebook import (
    Notebook,
    cell_text,
    code_cells,
    kernel_name,
    parse_notebook,
    read_notebook,
)

#: unchanged lines that are shown around what changed, and lines that are shown in all
CONTEXT = 3
MOST_LINES = 1000
#: characters of a line that are shown, and of a cell that are compared to find out how alike two are
LONGEST = 300
COMPARED = 2000
#: how alike two cells are that count as one which was changed, and pairs that are looked at
ALIKE = 0.5
MOST_PAIRS = 900
#: a notebook's file: on disk, or its name and bytes; None where there is none
Document = Path | tuple[str, bytes] | None


@dataclass(frozen=True)
class LineChange:
    """A line of a cell: `same`, `added`, `removed`, or `gap` for so many unchanged ones."""

    kind: str
    text: str


@dataclass(frozen=True)
class CellChange:
    """A cell that is `added`, `removed` or `changed`."""

    kind: str
    #: code, markdown, raw
    type: str
    #: among the code cells, of the notebook that has it, the newer one first; None of text
    number: int | None
    lines: tuple[LineChange, ...]
    #: tags before and after, where they differ
    tags: tuple[str, str] | None = None


@dataclass(frozen=True)
class NotebookDiff:
    """The cells that differ, in order; how many more do that aren't listed; and the kernels, where they differ."""

    cells: tuple[CellChange, ...]
    more: int = 0
    kernels: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self.cells or self.kernels)


@dataclass(frozen=True)
class _Cell:
    type: str
    source: str
    tags: tuple[str, ...]
    id: str
    number: int | None

    @property
    def content(self) -> tuple[object, ...]:
        return self.type, self.source, self.tags


def diff_documents(before: Document, after: Document) -> NotebookDiff:
    """The changes from one notebook's file to another's.  Raises Refused as `read_notebook`."""
    return diff_notebooks(_read(before), _read(after))


def _read(document: Document) -> Notebook:
    if document is None:
        return {"cells": []}
    if isinstance(document, Path):
        return read_notebook(document)
    name, raw = document
    return parse_notebook(name, raw)


def diff_notebooks(before: Notebook, after: Notebook) -> NotebookDiff:
    """The changes from one notebook to the other."""
    old, new = _cells(before), _cells(after)
    changes = _changes(old, new)
    shown: list[CellChange] = []
    left = MOST_LINES
    for change in changes:
        if left <= 0:
            break
        shown.append(change)
        left -= len(change.lines)
    kernels = (kernel_name(before), kernel_name(after))
    return NotebookDiff(tuple(shown), len(changes) - len(shown), kernels if kernels[0] != kernels[1] else None)


def _cells(notebook: Notebook) -> list[_Cell]:
    known = {cell.index: cell for cell in code_cells(notebook)}
    return [
        _Cell(
            type=str(cell.get("cell_type")),
            # a line that ends in a return and a newline is the same line
            source=cell_text(cell).replace("\r\n", "\n"),
            tags=known[index].tags if index in known else (),
            id=str(cell.get("id") or ""),
            number=known[index].number if index in known else None,
        )
        for index, cell in enumerate(notebook["cells"])
    ]


def _changes(old: Sequence[_Cell], new: Sequence[_Cell]) -> list[CellChange]:
    matcher = SequenceMatcher(None, [cell.content for cell in old], [cell.content for cell in new], autojunk=False)
    changes: list[CellChange] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind != "equal":
            changes += _replaced(old[i:j], new[k:m])
    return changes


def _replaced(old: Sequence[_Cell], new: Sequence[_Cell]) -> Iterator[CellChange]:
    """Cells in the place of others: those that belong together as changed, the rest as removed and added."""
    i = j = 0
    for at, to in [*_pairs(old, new), (len(old), len(new))]:
        yield from (_whole("removed", cell) for cell in old[i:at])
        yield from (_whole("added", cell) for cell in new[j:to])
        if at < len(old):
            yield _changed(old[at], new[to])
        i, j = at + 1, to + 1


def _pairs(old: Sequence[_Cell], new: Sequence[_Cell]) -> list[tuple[int, int]]:
    """The pairs of cells that belong together, in order and without crossing: as alike as possible in all."""
    likeness: Callable[[_Cell, _Cell], float] = _likeness if len(old) * len(new) <= MOST_PAIRS else _same_id
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    alike = [[likeness(one, other) for other in new] for one in old]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            together = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= ALIKE else 0.0
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            found.append((i, j))
            i, j = i + 1, j + 1
    return found


def _likeness(one: _Cell, other: _Cell) -> float:
    """0 to 2: the same id counts as much as the same text."""
    if one.type != other.type:
        return 0.0
    matcher = SequenceMatcher(None, one.source[:COMPARED], other.source[:COMPARED], autojunk=False)
    alike = matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0
    return _same_id(one, other) + alike


def _same_id(one: _Cell, other: _Cell) -> float:
    return 1.0 if one.id and (one.id, one.type) == (other.id, other.type) else 0.0


def _whole(kind: str, cell: _Cell) -> CellChange:
    lines = tuple(LineChange(kind, _shown(text)) for text in islice(cell.source.split("\n"), MOST_LINES))
    return CellChange(kind, cell.type, cell.number, lines)


def _changed(old: _Cell, new: _Cell) -> CellChange:
    tags = (", ".join(old.tags), ", ".join(new.tags)) if old.tags != new.tags else None
    lines = tuple(islice(_lines(old.source.split("\n"), new.source.split("\n")), MOST_LINES))
    return CellChange("changed", new.type, new.number, lines, tags)


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[LineChange]:
    """The lines that changed with some around them; of stretches between, how long they are."""
    end = 0
    groups = list(SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT))
    for group in groups:
        if gap := group[0][1] - end:
            yield LineChange("gap", str(gap))
        for kind, i, j, k, m in group:
            if kind == "equal":
                yield from (LineChange("same", _shown(text)) for text in old[i:j])
            else:
                yield from (LineChange("removed", _shown(text)) for text in old[i:j])
                yield from (LineChange("added", _shown(text)) for text in new[k:m])
        end = group[-1][2]
    if groups and len(old) > end:
        yield LineChange("gap", str(len(old) - end))


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
