"""Little notebooks for the tests of what reads them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def notebook(*sources: str, tags: Sequence[str] = (), **metadata: Any) -> dict[str, Any]:
    """A notebook with these code cells; `tags` are the first cell's."""
    cells = [
        {"cell_type": "code", "source": source, "metadata": {"tags": list(tags) if number == 0 else []}, "outputs": []}
        for number, source in enumerate(sources)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def saved(path: Path, *sources: str, **metadata: Any) -> Path:
    """The path of a notebook with these code cells, saved there with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*sources, **metadata)), encoding="utf-8")
    return path
