"""What differs between two notebooks, cell by cell and line by line."""

from typing import Any

import pytest

from jupyter_schedule.core.notebooks.diff import MOST_LINES, CellChange, diff_notebooks
from tests.engine import notebook_of


def book(*cells: Any, kernel: str = "python3") -> dict[str, Any]:
    """Cells as texts, or as cells."""
    plain = notebook_of(kernel=kernel)
    plain["cells"] = [cell if isinstance(cell, dict) else code(cell) for cell in cells]
    return plain


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None} | more


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, int | None, list[str]]]:
    """Kind, number and lines, each line with its sign."""
    signs = {"same": " ", "added": "+", "removed": "-", "gap": "~"}
    return [
        (cell.kind, cell.number, [signs[line.kind] + line.text for line in cell.lines])
        for cell in diff_notebooks(before, after).cells
    ]


@pytest.mark.parametrize(
    "after",
    [
        book("a = 1", "b = 2"),
        book(code("a = 1", outputs=[{"output_type": "stream", "text": "1"}], execution_count=7), "b = 2"),
        book(code("a = 1", metadata={"collapsed": True}), code("b = 2", id="other")),
        book(code(["a = ", "1"]), "b = 2"),  # type: ignore[arg-type]
    ],
)
def test_outputs_numbers_ids_and_how_it_is_saved_are_no_difference(after: dict[str, Any]) -> None:
    assert not diff_notebooks(book("a = 1", "b = 2"), after)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["a = 1"], ["a = 1", "b = 2"], [("added", 2, ["+b = 2"])]),
        (["a = 1", "b = 2"], ["b = 2"], [("removed", 1, ["-a = 1"])]),
        (["rides = 1"], ["rides = 2"], [("changed", 1, ["-rides = 1", "+rides = 2"])]),
        (["a = 1"], ["import csv"], [("removed", 1, ["-a = 1"]), ("added", 1, ["+import csv"])]),
        ([text("# Rides")], [text("# Riders")], [("changed", None, ["-# Rides", "+# Riders"])]),
        # a code cell that became text is another cell
        (
            ["Rides of today"],
            [text("Rides of today")],
            [("removed", 1, ["-Rides of today"]), ("added", None, ["+Rides of today"])],
        ),
        # the changed one is recognised beside one that is new
        (
            ["total = sum(rides)", "print(total)"],
            ["import csv", "total = sum(all_rides)", "print(total)"],
            [("added", 1, ["+import csv"]), ("changed", 2, ["-total = sum(rides)", "+total = sum(all_rides)"])],
        ),
    ],
)
def test_cells_that_came_went_and_changed(before: list[Any], after: list[Any], expected: list[Any]) -> None:
    assert told(book(*before), book(*after)) == expected


def test_a_cell_that_was_written_anew_is_known_by_its_id() -> None:
    (change,) = told(book(code("a = 1", id="x")), book(code("import csv", id="x")))
    assert change == ("changed", 1, ["-a = 1", "+import csv"])


def test_long_stretches_between_what_changed_are_counted() -> None:
    lines = [f"x{number} = {number}" for number in range(20)]
    changed = [*lines[:10], "y = 0", *lines[11:]]
    ((_, _, shown),) = told(book("\n".join(lines)), book("\n".join(changed)))
    assert shown == [
        "~7",
        " x7 = 7",
        " x8 = 8",
        " x9 = 9",
        "-x10 = 10",
        "+y = 0",
        " x11 = 11",
        " x12 = 12",
        " x13 = 13",
        "~6",
    ]


def test_tags_and_the_kernel_count_as_they_change_what_runs() -> None:
    tagged = code("month = 3", metadata={"tags": ["parameters"]})
    found = diff_notebooks(book("month = 3"), book(tagged, kernel="other"))
    assert found.kernels == ("python3", "other")
    assert found.cells == (CellChange("changed", "code", 1, (), ("", "parameters")),)


def test_of_a_notebook_that_was_written_anew_only_a_part_is_told_and_the_rest_counted() -> None:
    """Also a line that is endless is cut off."""
    after = book(*(f"# {number}\n" + "a\n" * 99 for number in range(30)), "y" * 10_000)
    found = diff_notebooks(book(), after)
    assert sum(len(cell.lines) for cell in found.cells) <= MOST_LINES + 101
    assert len(found.cells) + found.more == 31
    assert (
        max(len(line.text) for cell in diff_notebooks(book(), book("y" * 10_000)).cells for line in cell.lines) == 300
    )


def test_many_cells_in_the_place_of_many_are_told_all_the_same() -> None:
    before = book(*(code(f"a{n}", id=f"i{n}") for n in range(60)))
    after = book(*(code(f"import b{n}", id=f"i{n}") for n in range(60)))
    assert {cell.kind for cell in diff_notebooks(before, after).cells} == {"changed"}


def test_a_line_end_of_another_system_is_none_of_the_difference() -> None:
    assert not diff_notebooks(book("a = 1\nb = 2"), book("a = 1\r\nb = 2"))
