"""The quick ways through large files say what the slow ones say, which are there for whatever isn't plain."""

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_service.disclosure import csv, lines, markup
from scheduler_service.disclosure.file_types import Unreadable
from scheduler_service.disclosure.files import check_file
from scheduler_service.disclosure.lines import Block, TextSource, narrow, of_lines, of_text
from scheduler_service.disclosure.signs import Signs
from tests.scheduler_service.disclosure.corpus import clean, planted

#: what makes a large table one that isn't plain, or isn't clean
ODD = (
    "ana@firma.de",
    "203.0.113.9",
    "+49 30 1234567",
    "3",
    "",
    " 4 ",
    "1,5",
    "1e9",
    "-7",
    "n/a",
    "Ada Byron",
    "x y",
    "#",
)


def tables() -> Iterator[tuple[str, list[list[str]]]]:
    """Rows of which some columns have an odd value in it somewhere, or everywhere."""
    rng = random.Random(5)
    names = ["month", "region", "user_id", "count", "share", "note"]
    for number in range(40):
        rows = [
            [
                f"2026-{n % 12 + 1:02}",
                f"region {n % 9}",
                str(10**6 + n),
                str(rng.randrange(9, 999)),
                f"{rng.random():.4f}",
                "all well",
            ]
            for n in range(3000)
        ]
        odd = ODD[number % len(ODD)]
        column = rng.randrange(6)
        for row in rng.sample(rows, 3000 if number % 4 == 0 else 7):
            row[column] = odd
        yield f"{odd} in column {column}", [names, *rows]


def _findings(folder: Path, name: str, text: str) -> list[str]:
    (folder / "file").write_text(text)
    return [finding.message for finding in check_file(f"output/{name}", folder / "file")]


def test_columns_are_those_of_rows_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [(title, "\n".join(map(",".join, rows))) for title, rows in tables()]
    made = [case for case in (*clean(3), *planted(4)) if case.path.endswith(".csv")]
    every += [(case.title, case.data.decode("latin-1")) for case in made]
    quick = [(title, _findings(tmp_path, "a.csv", text)) for title, text in every]
    monkeypatch.setattr(csv, "_columns", lambda *_: None)
    assert quick == [(title, _findings(tmp_path, "a.csv", text)) for title, text in every]
    assert sum(bool(told) for _, told in quick) > 20


def test_a_plain_table_of_a_page_is_one_whose_tags_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(rows: list[list[str]]) -> str:
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows[:300])
        return f"<html><body><p>a\n</p><table class='dataframe'><tbody>{body}</tbody></table><p>b</p></body></html>"

    every = [(title, page(rows)) for title, rows in tables()]
    quick = [(title, _findings(tmp_path, "a.html", text)) for title, text in every]
    monkeypatch.setattr(markup.Markup, "_take_tables", lambda _, content: content)
    assert quick == [(title, _findings(tmp_path, "a.html", text)) for title, text in every]


@pytest.mark.parametrize("odd", [" title='ana@firma.de'", " onclick='alert(1)'", ' data-note="ana@firma.de"'])
def test_what_stands_in_a_tables_attributes_is_looked_at(tmp_path: Path, odd: str) -> None:
    rows = "".join(f"<tr><td{odd if n == 70 else ''}>{n}</td><td>all</td></tr>" for n in range(100))
    told = _findings(tmp_path, "a.html", f"<table>{rows}</table>")
    assert bool(told) == ("firma" in odd)


@pytest.mark.parametrize(
    "hidden", ["<!-- ana@firma.de -->", "<b>ana</b>@firma.de", "ana&#64;firma.de", "ana%40firma.de"]
)
def test_what_hides_in_a_large_table_is_found(tmp_path: Path, hidden: str) -> None:
    rows = "".join(f"<tr><td>{n}{hidden if n == 70 else ''}</td><td>all</td></tr>" for n in range(100))
    assert _findings(tmp_path, "a.html", f"<table>{rows}</table>") != []


def test_rows_of_objects_are_the_same_in_any_order_of_their_keys(tmp_path: Path) -> None:
    rows = [{"n": n + 9, "who": {"id": 5000 + n, "at": [n]}} for n in range(50)]
    turned = [dict(reversed(row.items())) if n % 2 else row for n, row in enumerate(rows)]
    assert _findings(tmp_path, "a.json", json.dumps(rows)) == _findings(tmp_path, "a.json", json.dumps(turned))


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\r"])
def test_every_line_has_its_number_and_none_is_lost_between_blocks(sign: str) -> None:
    told = [f"line {n} " + "x" * (n % 300) for n in range(3000)]
    text = sign.join(told)
    read = [line for block in TextSource(io.BytesIO(text.encode()), "utf-8").blocks() for line in block.lines]
    assert read == list(enumerate(told, 1))
    assert [line for block in of_text(text) for line in block.lines] == list(enumerate(told, 1))


def test_a_line_without_an_end_comes_in_pieces_that_overlap() -> None:
    text = "a\n" + "0123456789" * 100_000 + "\nb"
    for blocks in (list(of_text(text)), list(TextSource(io.BytesIO(text.encode()), "utf-8").blocks())):
        numbers = [number for block in blocks for number, _ in block.lines]
        assert (numbers[0], numbers[-1]) == (1, 3)
        assert set(numbers[1:-1]) == {2}
        pieces = [line for block in blocks for number, line in block.lines if number == 2]
        assert "".join([pieces[0], *(piece[lines.OVERLAP :] for piece in pieces[1:])]) == "0123456789" * 100_000


def test_a_document_is_read_whole_up_to_its_limit() -> None:
    for limit, fits in ((100_000, True), (99_999, False)):
        source = TextSource(io.BytesIO(b"x" * 100_000), "utf-8")
        if fits:
            assert len(source.whole(limit, "that")) == 100_000
        else:
            with pytest.raises(Unreadable, match="larger than that"):
                source.whole(limit, "that")


def _every_x(text: str) -> Iterator[int]:
    return (place for place, sign in enumerate(text) if sign == "X")


def test_only_lines_with_a_place_are_looked_at_each_once() -> None:
    numbered = [(n, "X" * (n % 3)) for n in range(40, 0, -1)]
    for block in of_lines(numbered):
        assert list(narrow(block, _every_x)) == [line for line in numbered if line[1]]


def test_of_a_long_line_pieces_around_the_place_are_looked_at() -> None:
    line = "-" * 5000 + "X" + "-" * 5000
    (piece,) = narrow(Block(line), _every_x)
    place = piece[1].index("X")
    assert min(place, len(piece[1]) - place) >= lines.OVERLAP
    assert len(piece[1]) <= lines.STEP + 2 * lines.OVERLAP


@pytest.mark.parametrize("text", ["\u0130 key", "ß \ud800 key", "\u212a \u212aEY key", "\U0001f600 key"])
def test_a_sign_is_where_it_stands_whatever_letters_are_before_it(text: str) -> None:
    assert Signs(text).words("secret")[-1] == text.index("key")
