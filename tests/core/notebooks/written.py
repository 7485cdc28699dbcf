"""Little notebooks for the tests of what reads them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_schedule.core.notebooks.notebook import ParsedNotebook


def notebook(*sources: str, tags: Sequence[str] = (), **metadata: Any) -> dict[str, Any]:
    """A notebook with these code cells; `tags` are the first cell's."""
    cells = [
        {"cell_type": "code", "source": source, "metadata": {"tags": list(tags) if number == 0 else []}, "outputs": []}
        for number, source in enumerate(sources)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def parsed(*sources: str, tags: Sequence[str] = (), **metadata: Any) -> ParsedNotebook:
    """The same as what was read."""
    return ParsedNotebook(notebook(*sources, tags=tags, **metadata))


def saved(path: Path, *sources: str, **metadata: Any) -> Path:
    """The path of a notebook with these code cells, saved there with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*sources, **metadata)), encoding="utf-8")
    return path
