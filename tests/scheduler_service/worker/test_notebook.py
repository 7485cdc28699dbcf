"""What an executed notebook tells, finished or not, well-formed or not."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.worker import notebook
from scheduler_service.worker.heartbeat import LiveNotebook
from scheduler_service.worker.notebook import NotebookProgress


def code(status: str | None = None, outputs: Any = (), tags: Any = ()) -> dict[str, Any]:
    papermill = {"papermill": {"status": status}} if status else {}
    return {"cell_type": "code", "metadata": papermill | {"tags": tags}, "outputs": outputs, "source": ""}


def error(name: str = "KeyError") -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": "'x'", "traceback": []}


TEXT: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": ""}
ADDED = code("completed", tags=["injected-parameters"])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], NotebookProgress(0, 0, None)),
        ([TEXT, code("pending"), code("pending")], NotebookProgress(0, 2, None)),
        ([code("completed"), TEXT, ADDED, code("running"), code("pending")], NotebookProgress(1, 3, 2)),
        ([code("completed"), code("failed"), code("pending")], NotebookProgress(1, 3, 2)),
        ([code("completed"), code("completed")], NotebookProgress(2, 2, None)),
        ([{"cell_type": "code"}, "nonsense", {"cell_type": "code", "metadata": []}], NotebookProgress(0, 2, None)),
    ],
)
def test_progress_counts_the_analysts_own_code_cells(cells: list[Any], expected: NotebookProgress) -> None:
    assert notebook.measure_progress({"cells": cells}) == expected


def test_a_failure_is_the_first_error_that_was_not_expected() -> None:
    expected = code("completed", [error("Expected")], tags=["raises-exception"])
    found = notebook.find_failure({"cells": [TEXT, ADDED, expected, code("failed", [{}, error()])]})
    assert found == {"kind": "cell_failed", "cell": 2, "cells": 2, "name": "KeyError", "message": "'x'"}
    assert notebook.find_failure({"cells": [expected, code("completed", "nonsense")]}) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cells": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_notebook_or_half_of_one_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "n.ipynb").write_bytes(content)
    assert notebook.read_notebook(tmp_path / "n.ipynb") is None
    assert notebook.read_notebook(tmp_path / "absent.ipynb") is None


def test_a_link_in_the_notebooks_place_is_not_followed(tmp_path: Path) -> None:
    """The agent may be root, who reads what the run's user can't."""
    secret, place = tmp_path / "secret.ipynb", tmp_path / "n.ipynb"
    secret.write_text(json.dumps({"cells": [code("running")]}))
    stored: list[bytes] = []
    live = LiveNotebook(place, lambda key, data: stored.append(data))

    place.symlink_to(secret)
    assert notebook.read_notebook(place) is None
    assert live() == 1.0
    assert stored == []


def test_a_pipe_in_the_notebooks_place_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "n.ipynb")
    assert notebook.read_notebook(tmp_path / "n.ipynb") is None
    assert LiveNotebook(tmp_path / "n.ipynb", lambda key, data: None)() == 1.0


def test_a_live_copy_leaves_large_outputs_out() -> None:
    small, large = {"output_type": "stream", "text": "a"}, {"output_type": "stream", "text": "x" * 200_000}
    live = json.loads(notebook.copy_for_live({"cells": [code(outputs=[small, large]), TEXT], "metadata": {"a": 1}}))
    assert live["cells"][0]["outputs"][0] == small
    assert live["cells"][0]["outputs"][1]["data"]["text/plain"] == (
        "An output of 0.2 MB isn't shown while the notebook runs; the finished notebook has it."
    )
    assert (live["cells"][1], live["metadata"]) == (TEXT, {"a": 1})


def test_a_notebook_is_stored_once_for_every_change_and_half_written_ones_are_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    stored: list[bytes] = []
    live = LiveNotebook(path, lambda key, data: stored.append(data))

    assert live() == 1.0
    path.write_text('{"cells": [')
    assert live() == 1.0
    assert stored == []
    path.write_text(json.dumps({"cells": [code("running")]}))
    assert live() >= 5.0
    assert live() == 1.0
    assert len(stored) == 1
    assert live.progress == NotebookProgress(0, 1, 1)
    path.write_text(json.dumps({"cells": [code("completed"), code("running")]}))
    assert live() >= 5.0
    assert len(stored) == 2
