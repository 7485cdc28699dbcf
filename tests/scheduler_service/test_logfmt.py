"""Log lines can be split by programs: whatever a value has in it, it is one token of one line."""

import ast
import shlex
from pathlib import Path

import pytest

import scheduler_service
from scheduler_service.logfmt import logfmt


def test_plain_values_stand_as_they_are() -> None:
    assert logfmt("end", run="0c02", status="failed", rows=3) == "action=end run=0c02 status=failed rows=3"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("gave no answer", '"gave no answer"'),
        ("", '""'),
        ('said "no"', r'"said \"no\""'),
        ("a=b", '"a=b"'),
        ("two\nlines", r'"two\nlines"'),
        ("a\\b", r'"a\\b"'),
        ("Größe", "Größe"),
    ],
)
def test_a_value_that_would_be_split_is_quoted(value: str, written: str) -> None:
    assert logfmt("failed", message=value) == f"action=failed message={written}"


def test_a_shell_splits_a_line_into_its_fields() -> None:
    line = logfmt("failed", of="observe:0c02", message="objects.get_or_none gave no answer")
    assert shlex.split(line) == ["action=failed", "of=observe:0c02", "message=objects.get_or_none gave no answer"]


def test_no_line_of_the_service_is_put_together_by_hand() -> None:
    """But for the worker's, which has the standard library alone, and quotes what it prints itself."""
    service = Path(scheduler_service.__file__).parent
    by_hand = [
        f"{path.relative_to(service)}:{node.lineno}"
        for path in service.rglob("*.py")
        if path.name != "logfmt.py" and path.relative_to(service).parts[0] != "worker"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("action=")
    ]
    assert by_hand == []


def test_a_process_with_blanks_in_its_name_is_one_field() -> None:
    assert shlex.split(logfmt("sweep", pid=7, name="Web Content")) == ["action=sweep", "pid=7", "name=Web Content"]
