"""Leaks that have happened, by kind: each is found, and the same kinds of files pass when they hold aggregates."""

from pathlib import Path

import pytest

from scheduler_service.disclosure.files import check_file
from tests.scheduler_service.disclosure.leaks import aggregates, leaks


def test_each_leak_is_held_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By what a browser, a decoder or a reader of the source sees in it."""
    every = list(leaks())
    missed = [title for title, name, data in every if not _messages(tmp_path, name, data)]
    with capsys.disabled():
        print(f"\ndisclosure: {len(every) - len(missed)} of {len(every)} leaks held back")
    assert missed == [], missed


def test_no_aggregate_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = list(aggregates())
    stopped = {title: told for title, name, data in every if (told := _messages(tmp_path, name, data))}
    with capsys.disabled():
        print(f"\ndisclosure: {len(stopped)} of {len(every)} aggregates of such kinds stopped")
    assert stopped == {}


def test_of_a_chart_the_finding_names_the_column_of_its_data(tmp_path: Path) -> None:
    page = b'<script>Plotly.newPlot("x", [{"x": [%s], "user_id": [%s]}])</script>'
    numbers = b",".join(b"%d" % n for n in range(1000, 1030))
    (told,) = _messages(tmp_path, "chart.html", page % (numbers, numbers))
    assert "data of a script, column 2 (“user_id”)" in told


def test_scripts_that_nest_without_end_are_held_back(tmp_path: Path) -> None:
    (told,) = _messages(tmp_path, "a.html", b"<script>" + b"[" * 200_000 + b"1</script>")
    assert "can't be checked" in told


def _messages(folder: Path, name: str, data: bytes) -> list[str]:
    (folder / "file").write_bytes(data)
    return [finding.message for finding in check_file(f"output/{name}", folder / "file")]
