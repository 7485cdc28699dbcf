"""The failure of a notebook, from what its run left: for a person who looks at the first line first."""

import json
from typing import Any

from jupyter_schedule.api.responses import FailureResponse
from jupyter_schedule.core.text import strip_escapes

#: characters that a browser is given of a cell, and of a traceback
LONGEST_SOURCE = 20_000
LONGEST_TRACEBACK = 100_000
#: the cell that papermill adds isn't one of the analyst's
_ADDED = "injected-parameters"


def described(failure: dict[str, Any], executed: bytes | None) -> FailureResponse:
    """The failure as the agent noted it, with source and traceback of the cell in the executed notebook.

    Both come from a run and may hold anything; what isn't as expected is left out.
    """
    cell, cells, line = (_count(failure.get(key)) for key in ("cell", "cells", "line"))
    known = FailureResponse(kind=str(failure.get("kind", "unknown"))[:100], cell=cell, cells=cells, line=line)
    found = _cell(executed, cell) if executed is not None and cell is not None else None
    if found is None:
        return known
    seen = {"source": _text(found.get("source"))[:LONGEST_SOURCE], "traceback": _traceback(found)}
    return known.model_copy(update={name: text for name, text in seen.items() if text})


def _cell(executed: bytes, number: int) -> dict[str, Any] | None:
    """The code cell with this number, counted from 1 among the analyst's; 0 is the one that was added."""
    try:
        cells = json.loads(executed)["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        added = [cell for cell in code if _is_added(cell)]
        own = [cell for cell in code if not _is_added(cell)]
        found = added[0] if number == 0 else own[number - 1]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_added(cell: dict[str, Any]) -> bool:
    return _ADDED in cell.get("metadata", {}).get("tags", [])


def _traceback(cell: dict[str, Any]) -> str:
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict) and output.get("output_type") == "error":
            lines = output.get("traceback")
            text = "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ""
            return strip_escapes(text)[-LONGEST_TRACEBACK:]
    return ""


def _text(source: object) -> str:
    """A notebook's multi-line text: a string or a list of them."""
    return "".join(part for part in source if isinstance(part, str)) if isinstance(source, list | str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
