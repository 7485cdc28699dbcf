"""The live log: progress lines between what the notebook prints."""

import re
import time
from collections.abc import Callable
from typing import Any, TextIO

#: seconds between two states of a line that redraws itself
REDRAW_SECONDS = 10.0
_REDRAW = re.compile(r"\r(?!\n)")
_CURSOR = re.compile(r"\x1b\[\d*[ABK]")


class ProgressLog:
    """Progress lines and the notebook's own output on one stream, each progress line on a line of its own.

    Of a line that redraws itself, as progress bars do, it has a state every `REDRAW_SECONDS`, and the last one.
    """

    def __init__(
        self, stream: TextIO, beside: "ProgressLog | None" = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`beside`: of the other stream that goes to the same place."""
        self.stream = stream
        self.at_line_start = True
        self.beside = beside
        self._clock = clock
        #: the state of a redrawn line that isn't written yet
        self._state: str | None = None
        #: what comes next replaces the line
        self._fresh = False
        self._shown_at: float | None = None

    def write(self, text: str) -> None:
        if not text:
            return
        if self._state is None and not self._fresh and "\r" not in text and "\x1b" not in text:
            self._put(text)
            return
        if _CURSOR.search(text):
            # bars below each other: one picture of them all
            self._redraw(_CURSOR.sub("", text).replace("\r", ""))
            return
        first, *states = _REDRAW.split(text)
        self._continue(first)
        for state in states:
            self._fresh = True
            self._continue(state)

    def flush(self) -> None:
        self.stream.flush()

    def settle(self) -> None:
        """Write the last state of a line that was redrawn."""
        state, self._state, self._fresh, self._shown_at = self._state, None, False, None
        if state and state.strip():
            self._put(("" if self.at_line_start else "\n") + state)

    def say(self, text: str) -> None:
        self.settle()
        if self.beside is not None:
            self.beside.settle()
        started = self.at_line_start and (self.beside is None or self.beside.at_line_start)
        self._put(("" if started else "\n") + text + "\n")
        if self.beside is not None:
            self.beside.at_line_start = True

    def _continue(self, text: str) -> None:
        if not text:
            return
        if self._fresh and not text.startswith("\n"):
            self._redraw(text)
        elif self._state is not None:
            self._state += text
        else:
            self._put(text)
        self._fresh = False
        if self._state is not None and "\n" in self._state:
            self.settle()

    def _redraw(self, text: str) -> None:
        now = self._clock()
        if self._shown_at is None or now - self._shown_at >= REDRAW_SECONDS:
            if self._state is not None:
                self._put(("" if self.at_line_start else "\n") + self._state)
            self._shown_at = now
        self._state = text

    def _put(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
        self.at_line_start = text.endswith("\n")


class CellProgress:
    """The number of the running cell in the analyst's own count: code cells as they were written, from 1."""

    def __init__(self, log: ProgressLog) -> None:
        self.log = log
        #: whether papermill adds a cell that the analyst's notebook doesn't have
        self.adds_cell = False
        self.connecting = False
        self.started = False
        self.cell = 0
        self.cells = 0
        self.numbers: dict[int, int] = {}

    def notebook_started(self, notebook: Any) -> None:
        self.started = True
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            added = self.adds_cell and "injected-parameters" in cell.metadata.get("tags", [])
            self.cells += 0 if added else 1
            self.numbers[index] = 0 if added else self.cells
        self.log.say(f"kernel ready, {self.cells} cells to run")

    def cell_started(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002  (papermill calls by these names)
        self.cell = self.numbers.get(cell_index, self.cell)
        self.log.say(f"cell {self.cell} of {self.cells} …" if self.cell else "parameters …")

    def place(self, cell: int) -> str:
        return f"cell {cell} of {self.cells}" if cell else "the parameters"
