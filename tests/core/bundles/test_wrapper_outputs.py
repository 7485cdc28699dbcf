"""What executed notebook, page and log keep of what a notebook prints and shows."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_schedule.core.bundles.wrapper.outputs import OutputKeeper, Screen
from jupyter_schedule.core.bundles.wrapper.page import make_page
from jupyter_schedule.core.bundles.wrapper.progress import ProgressLog
from jupyter_schedule.core.notebooks.pictures import find_pictures
from tests.core.bundles.wrapped import code, notebook


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (["one\n", "two\n"], "one\ntwo\n"),
        (["windows\r\n", "lines\r", "\n"], "windows\nlines\n"),
        (["\r  1/3", "\r  2/3", "\r  3/3"], "  3/3"),
        (["\r  1/3", "\r  2/3\n", "after\n"], "  2/3\nafter\n"),
        # what ends with the return rather than beginning with it
        (["1 of 3\r", "2 of 3\r", "3 of 3\r"], "3 of 3"),
        (["1 of 3\r2 of 3\r\n"], "2 of 3\n"),
        # keras, and spinners
        (["|\b/\b-\b", "\\\b done"], " done"),
        (["50%\b\b\b100%\n"], "100%\n"),
        # bars below each other, as tqdm draws them
        (["a  0%\n", "\rb  0%", "\x1b[A", "\ra 10%\n", "\rb 10%", "\x1b[A", "\ra 20%", "\n"], "a 20%\nb 10%"),
        # rich
        (["up 1\n\x1b[1A\x1b[2Kup 2\n", "\x1b[1A\x1b[2Kup 3\n"], "up 3\n"),
        # a sequence that two messages share
        (["x\n\x1b", "[A\x1b[", "2Ky"], "y\n"),
        # colours are no movement
        (["\x1b[31mred\x1b[0m\n"], "\x1b[31mred\x1b[0m\n"),
    ],
)
def test_text_is_kept_as_a_terminal_shows_it_in_the_end(said: list[str], shown: str) -> None:
    whole, pieces = Screen(), Screen()
    whole.feed("".join(said))
    for text in said:
        pieces.feed(text)
    assert (whole.render(), pieces.render()) == (shown, shown)


def test_the_middle_of_very_much_text_is_left_out_with_a_line_that_says_so() -> None:
    screen = Screen(head=1000, tail=500)
    for number in range(20_000):
        screen.feed(f"line {number}\n")
    text = screen.render()
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 19998\nline 19999\n")
    assert "MB of output left out here]" in text
    assert len(text) < 2500


def test_text_without_any_line_end_is_bounded_as_well() -> None:
    screen = Screen(head=1000, tail=500)
    for _ in range(100):
        screen.feed("x" * 50_000)
    assert len(screen.render()) < 200_000


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(size: int) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/plain": "x" * size}, "metadata": {}}


def keep(keeper: OutputKeeper, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keeper.start_cell()
    outputs: list[dict[str, Any]] = []
    for output in said:
        outputs.append(output)
        keeper.take(outputs)
    keeper.settle()
    return outputs


def test_a_bar_between_prints_is_one_output_with_its_last_state() -> None:
    said = [each for n in range(3000) for each in (stream(f"\r{n}/3000", "stderr"), stream(f"row {n}\n"))]
    outputs = keep(OutputKeeper(), said)
    assert outputs[0]["text"] == "2999/3000"
    assert sum("/3000" in output["text"] for output in outputs) == 1


def test_all_that_is_printed_by_all_cells_is_bounded() -> None:
    keeper = OutputKeeper(printed=100_000)
    cells = [keep(keeper, [stream("x" * 99 + "\n") for _ in range(1000)]) for _ in range(50)]
    alternating = keep(keeper, [stream("x\n", name) for _ in range(5000) for name in ("stdout", "stderr")])
    assert len(json.dumps([cells, alternating])) < 2_000_000
    assert all(outputs[0]["text"].endswith("x" * 99 + "\n") for outputs in cells)


def test_what_is_shown_without_end_is_left_out_with_a_count() -> None:
    keeper = OutputKeeper(shown=10_000)
    outputs = keep(
        keeper, [shown(1000) for _ in range(500)] + [{"output_type": "error", "ename": "E", "traceback": []}]
    )
    assert [output["output_type"] for output in outputs[-2:]] == ["stream", "error"]
    assert "outputs left out here" in outputs[-2]["text"]
    assert len(outputs) < 15


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def logged(said: list[str], seconds: float = 0.1) -> str:
    """The log of texts that come one after the other, so many seconds apart."""
    clock, stream = Clock(), io.StringIO()
    log = ProgressLog(stream, clock=clock)
    for text in said:
        log.write(text)
        clock.now += seconds
    log.say("done")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (["one\n", "two"], ["one", "two"]),
        (["windows\r\n", "lines\r\n"], ["windows\r", "lines\r"]),
        ([f"\r{n}/30" for n in range(31)], ["30/30"]),
        ([f"{n}/30\r" for n in range(31)], ["0/30", "30/30"]),
        ([f"\r{n}/30" for n in range(31)] + ["\n", "after\n"], ["30/30", "after"]),
        ([f"a {n}\n\rb {n}\x1b[A" for n in range(31)], ["a 30", "b 30"]),
    ],
)
def test_the_log_has_the_last_state_of_a_line_that_redraws_itself(said: list[str], lines: list[str]) -> None:
    assert logged(said).split("\n") == [*lines, "done", ""]


def test_the_log_of_a_long_bar_has_a_state_now_and_then() -> None:
    states = logged([f"\r{n}/3600" for n in range(3600)], seconds=1.0).splitlines()[:-1]
    assert states[-1] == "3599/3600"
    assert 300 < len(states) <= 360


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("![logo](img/logo.png)", ["img/logo.png"]),
        ("![](<my plot.png> \"title\") and ![b](../up.svg 'x')", ["my plot.png", "../up.svg"]),
        ("![a](my%20plot.png?raw=1#x)", ["my plot.png"]),
        ("![a](plot_(1).png)", ["plot_(1).png"]),
        ("<img width=3 src='a.gif' alt=\"x\"> <IMG SRC=\"b.jpg\">", ["a.gif", "b.jpg"]),
        ("![a][here]\n\n[here]: img/ref.png", ["img/ref.png"]),
        ("[a link](data.csv) [x]: other.csv", []),
        ("![a](https://e.org/x.png) ![b](//e.org/x.png) ![c](attachment:x.png) ![d](data:image/png;base64,AA)", []),
        ("![a](/files/x.png)", []),
        ("`![a](code.png)` and\n```\n![b](fenced.png)\n```\n~~~md\n![c](tilde.png)\n~~~", []),
        ("![[not a picture]]", []),
    ],
)  # fmt: skip
def test_the_pictures_of_a_text_are_the_files_that_it_shows(text: str, files: list[str]) -> None:
    assert find_pictures(text) == files


PNG = b"\x89PNG\r\n\x1a\n-bytes-of-it"


def page_of(folder: Path, *cells: dict[str, Any], hide_code: bool = False) -> str:
    """The page of a notebook of `folder` that was executed elsewhere."""
    (folder / "img").mkdir(parents=True, exist_ok=True)
    (folder / "img" / "my logo.png").write_bytes(PNG)
    executed = folder / "report" / "a.ipynb"
    executed.parent.mkdir(exist_ok=True)
    executed.write_text(json.dumps(notebook(*cells)))
    return make_page(executed, folder, hide_code=hide_code)


def markdown(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def test_a_page_has_its_pictures_in_it(tmp_path: Path) -> None:
    """Of Markdown, of HTML and of attachments; one that isn't there keeps nobody from the page."""
    attached = {"pasted.png": {"image/png": base64.b64encode(b"pasted").decode()}}
    page = page_of(
        tmp_path,
        markdown("![logo](img/my%20logo.png)"),
        markdown('<img src="img/my logo.png" alt="again">'),
        markdown("![p](attachment:pasted.png)", attachments=attached),
        markdown("![gone](attachment:gone.png) ![also](img/gone.png)"),
    )
    assert page.count(base64.b64encode(PNG).decode()) == 2
    assert base64.b64encode(b"pasted").decode() in page


def test_a_page_has_the_pictures_of_references_and_of_what_cells_show(tmp_path: Path) -> None:
    def shows(**data: str) -> dict[str, Any]:
        kinds = {f"text/{kind}": text for kind, text in data.items()}
        output = {"output_type": "display_data", "metadata": {}, "data": kinds}
        return {**code("show()"), "outputs": [output], "execution_count": 1}

    page = page_of(
        tmp_path,
        markdown("![ref][1]\n\n[1]: img/my%20logo.png\n\n```\n[2]: img/my%20logo.png\n```"),
        shows(markdown="![m](img/my%20logo.png)", plain="x"),
        shows(html="<p><img alt='x' src='img/my logo.png'><img src=\"https://e.org/x.png\"></p>", plain="x"),
    )
    assert page.count(base64.b64encode(PNG).decode()) == 3
    assert "https://e.org/x.png" in page


def test_a_page_leaves_out_what_tags_keep_from_being_seen(tmp_path: Path) -> None:
    def cell(number: int, *tags: str, **metadata: Any) -> dict[str, Any]:
        made = code(f"code_{number}_ = 1", *tags)
        made["metadata"] |= metadata
        return {**made, "outputs": [stream(f"out_{number}_\n")], "execution_count": number}

    page = page_of(
        tmp_path,
        cell(1),
        cell(2, "remove-input"), cell(3, "hide_input"), cell(4, jupyter={"source_hidden": True}),
        cell(5, "remove-cell"), cell(6, "hide-cell"),
        cell(7, "remove_output"), cell(8, "hide-output"), cell(9, jupyter={"outputs_hidden": True}),
    )  # fmt: skip
    text = page.partition("<body")[2]
    assert [n for n in range(1, 10) if f"code_{n}_" in text] == [1, 7, 8, 9]
    assert [n for n in range(1, 10) if f"out_{n}_" in text] == [1, 2, 3, 4]


def test_a_page_can_be_without_any_code(tmp_path: Path) -> None:
    cell = {**code("secret_sauce = 1"), "outputs": [stream("the result\n")], "execution_count": 1}
    page = page_of(tmp_path, cell, hide_code=True)
    assert "secret_sauce" not in page
    assert "the result" in page


def test_the_executed_notebook_stays_whole_whatever_its_page_leaves_out(tmp_path: Path) -> None:
    page_of(tmp_path, code("x = 1", "remove-cell"))
    reader: Any = nbformat
    assert reader.read(tmp_path / "report" / "a.ipynb", as_version=4).cells[0].source == "x = 1"
