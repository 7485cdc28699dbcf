"""Files against an output contract."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from jupyter_schedule.core.storage.factory import LocalStorage, digest
from scheduler_service.worker import expectations
from scheduler_service.worker.expectations import ExpectationFailed
from tests.scheduler_service.worker.conftest import Bench

DAY = date(2026, 11, 24)
FLIGHTS = 'date,carrier,note\n2026-11-21,AA,"two\nlines"\n2026-11-22,B6,\n'


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    (folder / "sub").mkdir(parents=True)
    (folder / "flights.csv").write_text(FLIGHTS)
    (folder / "sub" / "flights.csv.gz").write_bytes(gzip.compress(FLIGHTS.encode()))
    (folder / "semicolon.csv").write_text("\ufeffDate;n\r\n2026-11-22T10:00:00;1\r\n\r\n")
    (folder / "lines.jsonl").write_text('{"date": "20261122"}\n\n{"date": null}\n[1]\n')
    (folder / "empty.csv").write_text("")
    (folder / "odd.tsv").write_text("date\tn\nyesterday\t1\n2026-11-20\t2\n")
    (folder / "plot.png").write_bytes(b"12345")
    return folder


@pytest.mark.parametrize(
    "line",
    [
        "flights.csv rows>=2 newest(date)<=2d",
        "*.csv.gz rows>=2 newest(date)<=2d",
        "semicolon.csv rows>=1 newest(Date)<=2d",
        "lines.jsonl rows>=3 newest(date)<=2d",
        "odd.tsv newest(date)<=4d",
        "plot.png bytes>=5",
        "*.png changed",
    ],
)
def test_kept(output: Path, line: str) -> None:
    expectations.check_expectations([line], output, DAY, None, "x/data.json")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("*.parquet", r"no file is named \*\.parquet"),
        ("plot.png bytes>=6", "plot.png has 5 bytes; at least 6 expected"),
        ("flights.csv rows>=3", "flights.csv has 2 rows; at least 3 expected"),
        ("lines.jsonl rows>=4", "lines.jsonl has 3 rows; at least 4 expected"),
        ("empty.csv rows>=1", "empty.csv has 0 rows; at least 1 expected"),
        ("flights.csv newest(date)<=1d", "flights.csv ends at 2026-11-22, more than 1 d before 2026-11-24"),
        ("flights.csv newest(day)<=1d", "flights.csv can't be read as a table: it has no column day"),
        ("flights.csv newest(note)<=1d", "flights.csv has no date in its column note"),
        ("s*.csv rows>=2", "semicolon.csv has 1 rows; at least 2 expected"),
    ],
)
def test_broken(output: Path, line: str, said: str) -> None:
    with pytest.raises(ExpectationFailed, match=said):
        expectations.check_expectations([line], output, DAY, None, "x/data.json")


def test_a_damaged_table_breaks_it(output: Path) -> None:
    (output / "half.csv.gz").write_bytes(gzip.compress(FLIGHTS.encode())[:-9])
    with pytest.raises(ExpectationFailed, match=r"half\.csv\.gz can't be read as a table"):
        expectations.check_expectations(["half.csv.gz rows>=1"], output, DAY, None, "x/data.json")


def test_every_file_that_is_meant_must_keep_it(output: Path) -> None:
    with pytest.raises(ExpectationFailed, match=r"empty\.csv has 0 rows"):
        expectations.check_expectations(["*.csv rows>=1"], output, DAY, None, "x/data.json")


def test_what_is_published_already_is_not_changed(output: Path, tmp_path: Path) -> None:
    area = LocalStorage(tmp_path / "published")
    files = {"plot.png": {"sha256": digest(b"12345")}, "flights.csv": {"sha256": "other"}}
    area.put("x/data.json", json.dumps({"files": files}).encode())
    expectations.check_expectations(["flights.csv changed"], output, DAY, area, "x/data.json")
    with pytest.raises(ExpectationFailed, match=r"plot\.png is the same as what is published already"):
        expectations.check_expectations(["plot.png changed"], output, DAY, area, "x/data.json")


def expect(*lines: str) -> dict[str, object]:
    return {"lines": lines, "day": "2026-11-24", "objects": None, "index": "x/data.json"}


def test_a_run_that_breaks_its_contract_fails_and_its_files_are_kept(bench: Bench) -> None:
    result = bench.run("echo a > $OUTPUT_DIR/a.csv", expect=expect("a.csv rows>=5"))
    assert (result["outcome"], result["exit_code"], result["reason"]) == ("finished", 0, "contract")
    assert result["sentence"] == "a.csv has 0 rows; at least 5 expected."
    assert bench.output("a.csv") == b"a\n"
    assert result["sentence"] in bench.log()


def test_a_run_that_keeps_its_contract_succeeds(bench: Bench) -> None:
    assert bench.run("printf 'n\\n1\\n' > $OUTPUT_DIR/a.csv", expect=expect("*.csv rows>=1"))["reason"] == "ok"


def test_a_run_that_failed_anyway_says_why_and_not_what_is_missing(bench: Bench) -> None:
    assert bench.run("exit 3", expect=expect("a.csv"))["reason"] == "exit_code"


def test_a_contract_that_cannot_be_checked_counts_as_broken(bench: Bench) -> None:
    (bench.folder / "area" / "x").mkdir(parents=True)
    (bench.folder / "area" / "x" / "data.json").write_text("nonsense")
    asked = expect("a.csv changed") | {"objects": LocalStorage(bench.folder).url("area")}
    result = bench.run("echo a > $OUTPUT_DIR/a.csv", expect=asked)
    assert result["reason"] == "contract"
    assert result["sentence"].startswith("The contract couldn't be checked: JSONDecodeError")
