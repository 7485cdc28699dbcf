"""Leaks that have happened, by kind: each is found, and the same kinds of files pass when they hold aggregates."""

import json
from pathlib import Path

import pytest

from jupyter_schedule.core import key_patterns
from scheduler_service.disclosure.files import check_file
from scheduler_service.disclosure.markup import LARGEST_DATA
from tests.scheduler_service.disclosure.leaks import MAILS, aggregates, leaks, library, tokens


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


@pytest.mark.parametrize("planted", ["token", "rows"])
def test_a_leak_beside_a_library_or_within_it_is_held_back(tmp_path: Path, planted: str) -> None:
    """Of a library only known forms of keys count, as its names say `token` and `key`."""
    token = f'var k="{tokens()["google oauth"]}";' if planted == "token" else ""
    rows = f"Plotly.newPlot('x',[{{customdata:{json.dumps(MAILS)},x:[1]}}])" if planted == "rows" else ""
    script = library(60_000)
    page = f"<html><script>{script}{token}{script}</script><script>{rows}</script></html>"
    assert len(script) > LARGEST_DATA
    told = _messages(tmp_path, "chart.html", page.encode())
    assert any(("Google" if planted == "token" else "e-mail") in each for each in told)


def test_a_script_that_is_mostly_data_is_no_library(tmp_path: Path) -> None:
    rows = json.dumps([{"land": f"land {n}", "note": "return the function"} for n in range(12_000)])
    secret = 'x={"pass' + 'word": "Tr0ub4dor3!"}'
    assert len(rows) > LARGEST_DATA
    assert _messages(tmp_path, "a.html", f"<script>var d={rows};{secret}</script>".encode()) != []


def test_a_library_is_read_a_few_times_and_not_once_for_each_of_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = library(300_000)
    read: list[int] = []
    find = key_patterns.find_keys

    def counting(text: str) -> object:
        read.append(len(text))
        return find(text)

    monkeypatch.setattr(key_patterns, "find_keys", counting)
    assert _messages(tmp_path, "a.html", f"<script>{script}</script>".encode()) == []
    assert sum(read) < 2 * len(script)


def _messages(folder: Path, name: str, data: bytes) -> list[str]:
    (folder / "file").write_bytes(data)
    return [finding.message for finding in check_file(f"output/{name}", folder / "file")]
