"""The documentation says what the code says: the pages made of it, and the commands that people are shown."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.make_reference import FOLDER, PAGES, PROGRAMS
from tests.engine import notebook_of
from tests.test_documents import DOCUMENTS, ROOT

BLOCK = re.compile(r"^```(?:bash|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_that_of_todays_code(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "it is of an older day: ./dev reference"


@pytest.mark.parametrize("name", PAGES)
def test_everything_in_the_reference_has_a_sentence(name: str) -> None:
    """Every option, setting, trait, request, event and word has one, and none says where this machine keeps things."""
    page = PAGES[name]()
    meaning = 1 if name == "http.md" else -1
    rows = [re.split(r"(?<!\\)\|", row.strip("|")) for row in page.splitlines() if row.startswith("| `")]
    assert len(rows) > 5
    assert [row[0] for row in rows if not row[meaning].strip()] == []
    assert str(ROOT) not in page


def test_commands_that_are_shown_have_the_options_that_they_are_shown_with() -> None:
    """Every command of ours in a block of a document can be parsed: its verb, its options and its arguments."""
    shown = [(document, line) for document in DOCUMENTS for line in _commands_in(document)]
    assert len(shown) > 20
    problems = {f"{document.relative_to(ROOT)}: {line}": _problem_with(line) for document, line in shown}
    assert {line: problem for line, problem in problems.items() if problem} == {}


@pytest.mark.parametrize("page", ["notebook-cell.md", "python-and-http.md"])
def test_python_that_is_shown_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks of a page, one after the other, beside a notebook and with a ledger of their own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.ipynb").write_text(json.dumps(notebook_of("print(days)", parameters="days = 1\ncity = ''")))
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 1
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)


@pytest.mark.proof("browsers")
def test_the_pages_for_a_browser_are_built_without_a_warning() -> None:
    built = subprocess.run([sys.executable, ROOT / "dev", "docs"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert (ROOT / ".dev" / "docs" / "reference" / "commands.html").exists()


def _commands_in(document: Path) -> Iterator[str]:
    for block in BLOCK.findall(document.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            text = line.strip().removeprefix("$ ").removeprefix("./dev ")
            if text.startswith(tuple(PROGRAMS)):
                yield text


def _problem_with(line: str) -> str | None:
    """The complaint of the parser; None where it understands the line."""
    program = next(program for program in PROGRAMS if line.startswith(program))
    words = shlex.split(re.split(r"\s(?:\||&&|>|;)", line.removeprefix(program))[0], comments=True)
    command: click.Command = PROGRAMS[program]
    context = click.Context(command, info_name=program)
    while isinstance(command, click.Group):
        _, words, _ = command.make_parser(context).parse_args(args=words)
        found = command.get_command(context, words[0]) if words else None
        if found is None:
            return f"no command {words[:1]}"
        command, words = found, words[1:]
        context = click.Context(command, info_name=words[0] if words else "", parent=context)
    try:
        command.make_parser(context).parse_args(args=words)
    except click.UsageError as problem:
        return problem.format_message()
    return None
