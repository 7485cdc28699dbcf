"""Read what an executed notebook tells about its run, also while papermill is still writing it."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from scheduler_service.worker.files import open_plain

#: bytes; a larger notebook isn't looked into while it runs
LARGEST = 100_000_000
#: bytes of one output that a live copy shows
LARGEST_OUTPUT = 100_000
#: the cell that papermill adds isn't one of the analyst's
_ADDED = "injected-parameters"

Notebook = dict[str, Any]


class NotebookProgress(NamedTuple):
    """The progress of a notebook, counted in the code cells that the analyst wrote."""

    done: int
    total: int
    #: the cell that runs or failed, from 1; None when none does
    at: int | None


def read_notebook(path: Path) -> Notebook | None:
    """The notebook at `path`; None when there is none, a link is in its place, or it is half written or too large."""
    with suppress(OSError, ValueError, RecursionError):
        with open_plain(path) as file:
            content = file.read(LARGEST) if os.fstat(file.fileno()).st_size <= LARGEST else b""
        notebook = json.loads(content)
        if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list):
            return notebook
    return None


def measure_progress(notebook: Notebook) -> NotebookProgress:
    """Count how far papermill has come, by the status that it leaves in each cell."""
    statuses = [_status(cell) for cell in _code_cells(notebook)]
    running = (number for number, status in enumerate(statuses, 1) if status in {"running", "failed"})
    return NotebookProgress(statuses.count("completed"), len(statuses), next(running, None))


def find_failure(notebook: Notebook) -> dict[str, Any] | None:
    """The first error that wasn't expected, in the shape of the wrapper's failure.json; None when there is none."""
    cells = _code_cells(notebook)
    for number, cell in enumerate(cells, 1):
        error = next((output for output in _outputs(cell) if output.get("output_type") == "error"), None)
        if error and "raises-exception" not in _tags(cell):
            return {
                "kind": "cell_failed",
                "cell": number,
                "cells": len(cells),
                "name": error.get("ename"),
                "message": error.get("evalue"),
            }
    return None


def copy_for_live(notebook: Notebook) -> bytes:
    """The notebook as bytes, with outputs over 100 KB replaced by a sentence.  Changes `notebook`."""
    for cell in _code_cells(notebook, added=True):
        outputs = _outputs(cell)
        sizes = [len(json.dumps(output)) for output in outputs]
        cell["outputs"] = [
            output if size <= LARGEST_OUTPUT else _left_out(size) for output, size in zip(outputs, sizes, strict=True)
        ]
    return json.dumps(notebook).encode()


def _left_out(size: int) -> dict[str, Any]:
    sentence = f"An output of {size / 1e6:,.1f} MB isn't shown while the notebook runs; the finished notebook has it."
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": sentence}}


def _code_cells(notebook: Notebook, *, added: bool = False) -> list[dict[str, Any]]:
    return [
        cell
        for cell in notebook["cells"]
        if isinstance(cell, dict) and cell.get("cell_type") == "code" and (added or _ADDED not in _tags(cell))
    ]


def _outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    outputs = cell.get("outputs")
    return [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []


def _metadata(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = cell.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _tags(cell: dict[str, Any]) -> list[Any]:
    tags = _metadata(cell).get("tags")
    return tags if isinstance(tags, list) else []


def _status(cell: dict[str, Any]) -> object:
    papermill = _metadata(cell).get("papermill")
    return papermill.get("status") if isinstance(papermill, dict) else None
