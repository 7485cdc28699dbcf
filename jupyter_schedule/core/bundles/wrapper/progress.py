"""The live log: progress lines between what the notebook prints."""

from typing import Any, TextIO


class ProgressLog:
    """Progress lines and the notebook's own output on one stream, each progress line on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.at_line_start = True

    def write(self, text: str) -> None:
        if text:
            self.stream.write(text)
            self.stream.flush()
            self.at_line_start = text.endswith("\n")

    def flush(self) -> None:
        self.stream.flush()

    def say(self, text: str) -> None:
        self.write(("" if self.at_line_start else "\n") + text + "\n")


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
