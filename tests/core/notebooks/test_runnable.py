"""A notebook that a run couldn't read is refused when it is scheduled, and no other."""

import json
from pathlib import Path
from typing import Any

import pytest
from papermill.iorw import load_notebook_node

from jupyter_schedule.core.bundles.wrapper.execution import SavedNotebook
from jupyter_schedule.core.bundles.wrapper.outputs import OutputKeeper
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.notebook import check_runnable, load_notebook
from jupyter_schedule.core.notebooks.preflight import preflight

CELL: dict[str, Any] = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
WHOLE: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [CELL]}


def without(key: str, of: dict[str, Any] = CELL) -> dict[str, Any]:
    return {name: value for name, value in of.items() if name != key}


def with_cell(**changes: Any) -> dict[str, Any]:
    return WHOLE | {"cells": [CELL | changes]}


#: what a program wrote, and the reason for which it is refused; None where a run reads it
WRITTEN: dict[str, tuple[dict[str, Any] | str, str | None]] = {
    "whole": (WHOLE, None),
    "no cells": (WHOLE | {"cells": []}, None),
    "no minor format": (without("nbformat_minor", WHOLE), "its notebook format isn't known"),
    "format 4.2": (WHOLE | {"nbformat_minor": 2}, None),
    "format 4.9": (WHOLE | {"nbformat_minor": 9}, None),
    "lines": (with_cell(source=["1\n", "2"]), None),
    "no outputs": (WHOLE | {"cells": [without("outputs")]}, None),
    "no execution count": (WHOLE | {"cells": [without("execution_count")]}, None),
    "an id of another format": (with_cell(id="a b c!"), None),
    "tags that are null": (with_cell(metadata={"tags": None}), None),
    "an unknown key": (with_cell(colour="red"), None),
    "an unknown kind": (with_cell(cell_type="chart"), None),
    "an output without a kind": (with_cell(outputs=[{"text": "x"}]), None),
    "a pair of surrogates": (json.dumps(with_cell(source="\U0001f600")), None),
    "half a character in an output": (
        json.dumps(with_cell(outputs=[{"output_type": "stream", "name": "stdout", "text": "\ud800"}])), None,
    ),
    "format 5": (WHOLE | {"nbformat": 5}, "its notebook format isn't known"),
    "a minor format in words": (WHOLE | {"nbformat_minor": "five"}, "its notebook format isn't known"),
    "no metadata": (without("metadata", WHOLE), "it has no metadata"),
    "metadata that are a list": (WHOLE | {"metadata": []}, "it has no metadata"),
    "a cell without metadata": (
        WHOLE | {"cells": [CELL, without("metadata")]}, "its cell 2, of any kind, has no metadata",
    ),
    "a cell without a kind": (WHOLE | {"cells": [without("cell_type")]}, "its cell 1, of any kind, has no cell_type"),
    "a cell without source": (WHOLE | {"cells": [without("source")]}, "its cell 1, of any kind, has no source"),
    "a source that is a number": (with_cell(source=[1]), "its cell 1, of any kind, has no source"),
    "outputs that are null": (
        with_cell(outputs=None), "its cell 1, of any kind, has outputs that aren't a list of objects",
    ),
    "outputs that are texts": (
        with_cell(outputs=["x"]), "its cell 1, of any kind, has outputs that aren't a list of objects",
    ),
    "half a character": (
        json.dumps(with_cell(source="\ud800")), "its cell 1, of any kind, has half a character (a lone surrogate)",
    ),
    "half a character in the metadata": (
        json.dumps(WHOLE | {"metadata": {"title": "\udc00"}}), "its metadata have half a character (a lone surrogate)",
    ),
}  # fmt: skip


# as the wrapper does: nbformat warns of what it mends
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITTEN)
def test_a_notebook_is_refused_exactly_where_a_run_could_not_read_it(tmp_path: Path, name: str) -> None:
    written, reason = WRITTEN[name]
    path = tmp_path / "n.ipynb"
    path.write_text(written if isinstance(written, str) else json.dumps(written))
    if reason is not None:
        loaded = load_notebook(path)
        with pytest.raises(Refused) as refused:
            check_runnable("n.ipynb", loaded)
        assert refused.value.message == f"n.ipynb isn't a notebook: {reason}."
        return
    check_runnable("n.ipynb", load_notebook(path))
    saved = SavedNotebook(load_notebook_node(str(path)), OutputKeeper(), tmp_path / "executed.ipynb")
    saved.notebook_start()
    saved.notebook_complete()
    assert json.loads((tmp_path / "executed.ipynb").read_text())["nbformat"] == 4


def test_pictures_of_text_cells_go_along(tmp_path: Path) -> None:

    (tmp_path / "img").mkdir()
    for name in ("logo.png", "up to date.svg", "other.png"):
        (tmp_path / "img" / name).write_bytes(b"x")
    text = "![logo](img/logo.png) <img src='img/up%20to%20date.svg'> ![later](output/made-by-the-run.png)"
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(WHOLE | {"cells": [{"cell_type": "markdown", "metadata": {}, "source": text}]}))
    found = preflight(load_notebook(path), path, tmp_path)
    assert found.included == ("img/logo.png", "img/up to date.svg")
    assert [finding for finding in found.findings if finding.level != "ok"] == []
