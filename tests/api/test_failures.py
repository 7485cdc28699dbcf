"""Where a notebook failed, from what anybody's run may have left."""

import json
from typing import Any

import pytest

from jupyter_schedule.api.presenter import LONGEST_SOURCE, described


def cell(source: Any = "1/0", *, tags: Any = (), traceback: Any = ("\x1b[0;31mZeroDivisionError\x1b[0m",)) -> Any:
    outputs = [{"output_type": "stream"}, {"output_type": "error", "traceback": traceback}]
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": outputs}


def executed(*cells: Any) -> bytes:
    return json.dumps({"cells": cells}).encode()


def test_the_cell_is_counted_among_the_analysts_code_cells() -> None:
    notebook = executed({"cell_type": "markdown"}, cell("added", tags=["injected-parameters"]), cell("a"), cell("b"))
    assert described({"kind": "cell_failed", "cell": 2}, notebook).source == "b"
    assert described({"kind": "cell_failed", "cell": 0}, notebook).source == "added"


def test_the_traceback_has_no_escape_codes_and_the_source_is_one_text() -> None:
    lines = ["\x1b[1;31mE\x1b[0m", "\x1b]8;;http://x\x07link\x1b]8;;\x07", "plain"]
    failure = described({"kind": "cell_failed", "cell": 1}, executed(cell(["a\n", "b"], traceback=lines)))
    assert failure.traceback == "E\nlink\nplain"
    assert failure.source == "a\nb"


def test_what_is_huge_is_cut() -> None:
    failure = described({"kind": "cell_failed", "cell": 1}, executed(cell("x" * 10**6)))
    assert failure.source is not None
    assert len(failure.source) == LONGEST_SOURCE


@pytest.mark.parametrize(
    "notebook",
    [
        None,
        b"",
        b"[]",
        b'{"cells": 1}',
        b'{"cells": [1]}',
        b'{"cells": [{"cell_type": "code", "metadata": 1}]}',
        b"[" * 100_000,
        executed(cell(source={"a": 1}, traceback=1)),
        executed(cell(source=None, traceback=[1, None])),
        executed(),
    ],
)
def test_a_notebook_that_is_not_as_expected_leaves_source_and_traceback_out(notebook: bytes | None) -> None:
    failure = described({"kind": "cell_failed", "cell": 1, "cells": "six", "line": True}, notebook)
    assert failure.model_dump() == {
        "kind": "cell_failed",
        "cell": 1,
        "cells": None,
        "line": None,
        "source": None,
        "traceback": None,
    }
