"""Where a finding is, what it says, and what a file may cost."""

import csv
import gzip
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_schedule.core.models import DisclosureFinding, FindingKind
from scheduler_service.disclosure import columnar
from scheduler_service.disclosure.file_types import BoundedStream
from scheduler_service.disclosure.files import FileLimits, check_file
from scheduler_service.disclosure.tables import TableCheck
from tests.scheduler_service.disclosure.corpus import planted
from tests.scheduler_service.disclosure.pictures import picture
from tests.scheduler_service.disclosure.planted_secrets import secrets_of
from tests.scheduler_service.disclosure.shapes import SHAPES, notebook, printed

Check = Callable[..., tuple[DisclosureFinding, ...]]
LIMITS = FileLimits()
TOKEN = "gh" + "p_" + "a1B2" * 9


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def of(name: str, data: bytes | str, limits: FileLimits = LIMITS) -> tuple[DisclosureFinding, ...]:
        local = tmp_path / "file"
        local.write_bytes(data.encode() if isinstance(data, str) else data)
        return check_file(f"output/{name}", local, limits)

    return of


class TestWhere:
    def test_of_a_text_the_line(self, check: Check) -> None:
        (finding,) = check("log.txt", f"starting\nusing {TOKEN}\ndone\n")
        assert (finding.kind, finding.line) == (FindingKind.SECRET, 2)
        assert finding.message == "“output/log.txt”, line 2: what looks like a GitHub token."

    def test_of_a_table_column_and_line_and_how_often(self, check: Check) -> None:
        (finding,) = check("a.csv", "# by country\ncountry,clients\nDE,100\nFR,3\nLI,1\n")
        assert (finding.kind, finding.column, finding.line, finding.count) == (FindingKind.SMALL_CELL, 2, 4, 2)
        assert finding.message == "“output/a.csv”, column 2 (“clients”), line 4: a count below 5; 2 cells in all."

    def test_of_json_the_row_or_the_line(self, check: Check) -> None:
        (small,) = check("a.json", '[{"country": "DE", "clients": 100},\n {"country": "FR", "clients": 3}]')
        assert (small.row, small.column, small.line) == (2, 2, None)
        (address,) = check("b.json", '{\n "meta": {\n  "client_ip": "84.12.9.77"\n }\n}')
        assert address.line == 3

    def test_of_a_notebook_the_code_cell(self, check: Check) -> None:
        (finding,) = check("n.ipynb", notebook(("x = 1", []), ("show()", [printed(f"ok\n{TOKEN}\n")])))
        assert (finding.cell, finding.line) == (2, 2)

    def test_of_parquet_the_row(self, check: Check) -> None:
        make = dict(SHAPES)[".parquet"]
        (finding,) = check("a.parquet", make(("country", "clients"), [("DE", 100), ("FR", 3)]))
        assert (finding.kind, finding.row, finding.column) == (FindingKind.SMALL_CELL, 2, 2)


class TestWords:
    def test_no_secret_is_ever_quoted(self, tmp_path: Path) -> None:
        local = tmp_path / "file"
        for what, secret in secrets_of(random.Random(3)).items():
            local.write_text(f"a\n{secret}\n")
            (finding, *_) = check_file("output/a.txt", local)
            longest = max(secret.replace('"', "").split(), key=len)
            assert "PRIVATE" in secret or longest not in finding.model_dump_json(), what

    def test_a_header_that_is_not_a_known_word_is_not_quoted(self, check: Check) -> None:
        """It might be the first row of a table without a header."""
        for case in planted():
            if case.expected in {FindingKind.EMAIL, FindingKind.CLIENT_ID} and case.path.endswith("h.csv"):
                first = case.data.decode().split(",")[0]
                assert all(first not in finding.message for finding in check(case.path, case.data))


class TestSmallCells:
    @pytest.mark.parametrize(
        "text",
        [
            "country,clients\nDE,0\nFR,5\n",
            "word,count\nnation,1\n",
            "country,rank,clients\nDE,1,70\n",
            "country,clients\nDE,<5\nFR,12\n",
            "day,mean_clients\nMon,3\n",
        ],
    )
    def test_no_cells_words_ranks_and_means_are_not_small(self, check: Check, text: str) -> None:
        assert check("a.csv", text) == ()

    def test_an_operator_can_ask_for_larger_ones(self, check: Check) -> None:
        assert check("a.csv", "country,clients\nDE,9\n") == ()
        assert check("a.csv", "country,clients\nDE,9\n", FileLimits(smallest_cell=10))


class TestLimits:
    def test_what_is_too_large_is_not_read(self, tmp_path: Path) -> None:
        local = tmp_path / "file"
        with local.open("wb") as file:
            file.truncate(20 << 30)
        (finding,) = check_file("output/a.csv", local)
        assert finding.kind == FindingKind.UNCHECKED
        assert finding.message == "“output/a.csv”: it can't be checked: it has 21 GB, more than 268 MB."

    def test_what_grows_is_unpacked_no_further_than_its_limit(self, check: Check) -> None:
        (finding,) = check("a.csv.gz", gzip.compress(b"a,b\n" * 3_000_000), FileLimits(file=1 << 20))
        assert finding.kind == FindingKind.UNCHECKED

    def test_a_document_that_is_too_large_to_be_read_whole_says_so(self, check: Check) -> None:
        (finding,) = check("a.json", '{"a": "' + "x" * 5000 + '"}', FileLimits(document=1000))
        assert finding.kind == FindingKind.UNCHECKED

    def test_one_endless_line_is_looked_at_in_pieces_that_overlap(self, check: Check) -> None:
        (finding,) = check("a.txt", "word " * 52_425 + TOKEN + " word" * 100_000)
        assert (finding.kind, finding.line) == (FindingKind.SECRET, 1)

    @pytest.mark.parametrize(
        ("longest", "rows"), [(1 << 16, 20_000), pytest.param(1 << 24, 5_000_000, marks=pytest.mark.proof("faults"))]
    )
    def test_a_quote_that_never_ends_is_not_collected(self, check: Check, longest: int, rows: int) -> None:
        ours = csv.field_size_limit(longest)
        (finding,) = check("a.csv", 'a,b\n1,2\n"' + "1,2\n" * rows)
        csv.field_size_limit(ours)
        assert ours == 1 << 24
        assert finding.kind == FindingKind.UNCHECKED

    def test_memory_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        local = tmp_path / "file"

        def peak(rows: int) -> int:
            local.write_text("day,country,clients\n" + "2026-11-24,DE,1234567\n" * rows)
            tracemalloc.start()
            check_file("output/a.csv", local)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        small = peak(10_000)
        assert peak(60_000) < 1.2 * small


class TestKinds:
    def test_a_picture_is_one_by_its_bytes_and_not_by_its_name(self, check: Check) -> None:
        assert check("a.csv", picture("PNG")) == ()
        (finding,) = check("a.png", b"email\n" + b"ana@firma.de\n")
        assert finding.kind == FindingKind.EMAIL

    def test_without_pyarrow_parquet_cannot_be_checked(self, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(columnar, "pyarrow", None)
        (finding,) = check("a.parquet", dict(SHAPES)[".parquet"](("country",), [("DE",)]))
        assert "pyarrow isn't installed" in finding.message

    def test_parquet_of_another_version_or_cut_short_is_held_back(self, check: Check) -> None:
        whole = dict(SHAPES)[".parquet"](("country", "clients"), [("DE", 100)])
        footer = int.from_bytes(whole[-8:-4], "little")
        odd = whole[: -8 - footer] + b"\xff" * footer + whole[-8:]
        for data in (odd, whole[:-1], whole[: len(whole) // 2], b"PAR1", b"PARE" + whole[4:-4] + b"PARE"):
            (finding,) = check("a.parquet", data)
            assert (finding.kind, "can't be" in finding.message) == (FindingKind.UNCHECKED, True)


class TestLarge:
    def test_of_a_page_of_200_mb_no_more_is_read_than_its_limit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        local = tmp_path / "file"
        with local.open("wb") as file:
            file.write(b"<html><body>")
            file.truncate(200_000_000)
        read: list[int] = []
        fill = BoundedStream.readinto

        def counting(stream: BoundedStream, buffer: memoryview) -> int:
            read.append(fill(stream, buffer))
            return read[-1]

        monkeypatch.setattr(BoundedStream, "readinto", counting)
        (finding,) = check_file("output/a.html", local)
        assert finding.kind == FindingKind.UNCHECKED
        assert sum(read) < 26_000_000

    def test_thousands_of_columns_are_told_apart_by_few_values_each(self, check: Check) -> None:
        """Or a file of some MB would cost GB; what is in them is found all the same."""
        rows = [",".join(f"{row}{column}" for column in range(1500)) for row in range(10, 20)]
        names = ",".join(f"sum_{column}" for column in range(1499)) + ",email"
        found = check("a.csv", "\n".join([names, *rows, rows[0] + "@firma.de"]))
        assert FindingKind.EMAIL in {finding.kind for finding in found}
        table = TableCheck([f"c{column}" for column in range(2500)], 5)
        for start in (0, 1100):
            table.feed_columns(range(1100), [[str(start + number) for number in range(1100)]] * 2500)
        assert {len(column.distinct) for column in table.columns} == {1100}
