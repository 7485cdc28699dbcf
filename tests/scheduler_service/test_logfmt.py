"""Log lines can be split by programs: whatever a value has in it, it is one token of one line."""

import shlex

import pytest

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
