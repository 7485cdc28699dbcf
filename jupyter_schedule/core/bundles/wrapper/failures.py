"""The meaning of an ending for the person who reads it: a kind for programs, one sentence for people."""

import errno
import re
import signal
from dataclasses import dataclass
from typing import Any

from .progress import CellProgress

SENTENCE_LENGTH = 120
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LINE_IN_CELL = (
    r"(?:Cell In|Input In|In) ?\[{count}\], line (\d+)",
    r"Input In \[{count}\], in <cell line: (\d+)>",
)


@dataclass(frozen=True)
class DriverFailure:
    """The reason why a run ended; written as `failure.json` for the service.

    kind: `cell_failed`, `kernel_died`, `kernel_gone`, `kernel_unavailable`, `kernel_silent` (stopped while the kernel
    hadn't answered yet), `notebook`, `variables`, `disk_full`, `unwritable` or `stopped`
    (run.sh adds `environment`).  cell, cells: 1-based among the notebook's code cells, 0 for the injected parameters.
    sentence: at most 120 characters.
    """

    kind: str
    code: int
    name: str
    message: str
    sentence: str
    cell: int | None = None
    cells: int | None = None
    line: int | None = None


class Refusal(Exception):  # noqa: N818  (what was found, not a fault)
    """A failure that was recognised before papermill had anything to say."""

    def __init__(self, kind: str, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.failure = DriverFailure(kind, code, kind, sentence, shorten(sentence))


def one_line(text: str) -> str:
    """The first line with something on it, without terminal colours."""
    lines = (" ".join(line.split()) for line in ANSI.sub("", text).splitlines())
    return next((line for line in lines if line), "")


def shorten(text: str, length: int = SENTENCE_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def diagnose(error: BaseException, progress: CellProgress, exit_status: int | None) -> DriverFailure:
    """The meaning of an exception for the person who reads it.  exit_status: of the kernel, negative for a signal."""
    name, message = type(error).__name__, str(error)
    cell, cells = (progress.cell, progress.cells) if progress.started else (None, None)
    if isinstance(error, Refusal):
        return error.failure
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return diagnose_stop(error, progress)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DriverFailure(
            "disk_full", 74, name, message, "The disk is full, so the report couldn't be written.", cell, cells
        )
    if name == "PapermillExecutionError":
        return diagnose_cell(error, progress)
    if name == "DeadKernelError":
        how = ended(exit_status)
        sentence = shorten(f"Kernel died at {progress.place(progress.cell)}: {how}")
        return DriverFailure("kernel_died", 138, name, how, sentence, cell, cells)
    if not progress.connecting:
        return DriverFailure("notebook", 65, name, message, shorten(f"The notebook can't be read: {one_line(message)}"))
    if not progress.started:
        return DriverFailure(
            "kernel_unavailable", 70, name, message, shorten(f"Kernel didn't start: {one_line(message)}")
        )
    sentence = shorten(f"{name} at {progress.place(progress.cell)}: {one_line(message)}")
    return DriverFailure("cell_failed", 1, name, message, sentence, cell, cells)


def diagnose_stop(error: BaseException, progress: CellProgress) -> DriverFailure:
    """A run that was told to stop: at which cell, or that the kernel still hadn't answered."""
    kind, sentence, code = (
        "stopped",
        "Stopped before the first cell",
        130 if isinstance(error, KeyboardInterrupt) else 143,
    )
    if progress.started:
        sentence = f"Stopped at {progress.place(progress.cell)}"
    elif progress.connecting:
        kind, sentence = "kernel_silent", "Stopped before the first cell: the kernel hadn't answered yet"
    at = (progress.cell, progress.cells) if progress.started else (None, None)
    return DriverFailure(kind, code, type(error).__name__, sentence, sentence, *at)


def diagnose_cell(error: Any, progress: CellProgress) -> DriverFailure:
    """A cell that raised: which one, at which of its lines, and in one sentence why."""
    cell = progress.numbers.get(error.cell_index, progress.cell)
    trace = ANSI.sub("", "\n".join(error.traceback))
    found = (re.search(pattern.format(count=error.exec_count), trace) for pattern in LINE_IN_CELL)
    # IPython counts from the first line with something on it
    skipped = next((number for number, text in enumerate(error.source.splitlines()) if text.strip()), 0)
    line = next((int(match[1]) + skipped for match in found if match), None)
    cause = one_line(error.evalue)
    sentence = f"{error.ename} at {progress.place(cell)}" + (f": {cause}" if cause else "")
    message = ANSI.sub("", error.evalue)
    return DriverFailure("cell_failed", 1, error.ename, message, shorten(sentence), cell, progress.cells, line)


def ended(status: int | None) -> str:
    if status is None:
        return "it stopped answering"
    if status == -signal.SIGKILL:
        return "killed by signal 9, most often for lack of memory"
    return f"killed by signal {-status}" if status < 0 else f"it ended by itself with code {status}"
