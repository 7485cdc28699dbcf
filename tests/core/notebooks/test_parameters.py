import math
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.parameters import (
    Parameter,
    ParameterType,
    coerce_parameters,
    find_parameters,
    find_product_parameters,
)

from .written import parsed

CELL = """
month = 3  # the month to report
column: str = "Berri 1"
since = "2012-03-01"
threshold = 0.5
stations = ["a", "b"]
colours = {"a": "red"}
pair = (1, 2)
offset = -4
dry_run = False
limit = None
code = "01234"
folder = Path("data")
"""
DECLARED = find_parameters(parsed(CELL, tags=["parameters"]))


def test_the_parameters_cell_declares_names_types_and_values() -> None:
    """Every assignment of the cell tagged `parameters` is one, with the type of its literal."""
    assert [(found.name, str(found.type), found.default) for found in DECLARED] == [
        ("month", "integer", 3),
        ("column", "text", "Berri 1"),
        ("since", "date", "2012-03-01"),
        ("threshold", "number", 0.5),
        ("stations", "list", ["a", "b"]),
        ("colours", "dict", {"a": "red"}),
        ("pair", "list", [1, 2]),
        ("offset", "integer", -4),
        ("dry_run", "boolean", False),
        ("limit", "null", None),
        ("code", "text", "01234"),
        ("folder", "expression", None),
    ]
    assert DECLARED[0].help == "the month to report"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a: int = None", ("a", "integer", None, "")),
        ("a: Optional[str] = None", ("a", "text", None, "")),
        ("a: float | None = None", ("a", "number", None, "")),
        ("a: float = 3", ("a", "number", 3.0, "")),
        ("a: list[str] = None", ("a", "list", None, "")),
        ("a = None  # type: int  how many", ("a", "integer", None, "how many")),
        ("a = [1,\n  2]  # two", ("a", "list", [1, 2], "two")),
        ("a = 1\na = 'x'", ("a", "text", "x", "")),
        ("a = '2012-02-30'", ("a", "text", "2012-02-30", "")),
        ("a = '2012-02-28T12:00:00Z'", ("a", "date", "2012-02-28T12:00:00Z", "")),
        ("a = '20120228'", ("a", "text", "20120228", "")),
        ("a = b'bytes'", ("a", "expression", None, "")),
        ("a = {1: 2}", ("a", "expression", None, "")),
        ("a = 1e999", ("a", "expression", None, "")),
        ("a = '\\ud800'", ("a", "expression", None, "")),
        ("%matplotlib inline\na = 1", ("a", "integer", 1, "")),
    ],
)
def test_odd_assignments_are_typed_as_far_as_they_tell(source: str, expected: tuple[object, ...]) -> None:
    """Annotations type what None leaves open; what JSON can't hold is an expression."""
    (found,) = find_parameters(parsed(source, tags=["parameters"]))
    assert (found.name, str(found.type), found.default, found.help) == expected


@pytest.mark.parametrize("source", ["print(1)", "x.y = 1", "a, b = 1, 2", "x[0] = 1", "def f(:", "a = '\0'", ""])
def test_what_assigns_no_single_name_declares_nothing(source: str) -> None:
    """Calls, attributes, unpacking and broken cells declare no parameter."""
    assert find_parameters(parsed(source, tags=["parameters"])) == []


def test_only_the_tagged_cell_counts() -> None:
    """An assignment in an ordinary cell is no parameter."""
    assert find_parameters(parsed("a = 1")) == []


def test_other_languages_declare_one_line_literals() -> None:
    """R and Julia parameters are read by line, with their own words for true and nothing."""
    r = parsed(
        'month <- 3  # which\nname = "x"\nall <- TRUE\nwhen <- Sys.Date()\nlimit <- NULL',
        tags=["parameters"],
        kernelspec={"language": "R"},
    )
    assert [(found.name, str(found.type), found.default, found.help) for found in find_parameters(r)] == [
        ("month", "integer", 3, "which"),
        ("name", "text", "x", ""),
        ("all", "boolean", True, ""),
        ("when", "expression", None, ""),
        ("limit", "null", None, ""),
    ]


def test_names_that_a_run_fills_are_told_when_declared() -> None:
    """Only names in the parameters cell are filled, in a fixed order."""
    source = "previous_dir = ''\nmonth = 3\nscheduled_for = None\ndata_date = '2012-03-01'"
    assert find_product_parameters(find_parameters(parsed(source, tags=["parameters"]))) == (
        "scheduled_for",
        "data_date",
        "previous_dir",
    )
    assert find_product_parameters(find_parameters(parsed(source))) == ()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("month", "4", 4),
        ("month", "-4", -4),
        ("month", "2.5", 2.5),
        ("month", "1e3", 1000.0),
        ("threshold", "1", 1.0),
        ("threshold", ".5", 0.5),
        ("column", "NO", "NO"),
        ("column", "12:30", "12:30"),
        ("column", "2026-11-24", "2026-11-24"),
        ("column", "", ""),
        ("column", "a=b\n'\"", "a=b\n'\""),
        ("code", "01234", "01234"),
        ("code", "1e16", "1e16"),
        ("since", "2026-11-24", "2026-11-24"),
        ("since", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
        ("dry_run", "true", True),
        ("dry_run", "False", False),
        ("stations", '["c", 1]', ["c", 1]),
        ("colours", "{}", {}),
        ("limit", "3", "3"),
        ("limit", "NO", "NO"),
        ("folder", "other", "other"),
    ],
)
def test_a_command_lines_text_gets_the_notebooks_type(name: str, text: str, value: object) -> None:
    """The parameters cell types a text; nothing else about the text does."""
    coerced = coerce_parameters(DECLARED, {}, {name: text})
    assert coerced == {name: value}
    assert type(coerced[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("month", "March", 'month is a number in the notebook; "March" isn\'t.'),
        ("month", "nan", 'month is a number in the notebook; "nan" isn\'t.'),
        ("month", "٣", 'month is a number in the notebook; "٣" isn\'t.'),
        ("month", "1_000", 'month is a number in the notebook; "1_000" isn\'t.'),
        ("threshold", "1e999", 'threshold is a number in the notebook; "1e999" isn\'t.'),
        ("threshold", "9" * 9_000, f'threshold is a number in the notebook; "{"9" * 79}…" isn\'t.'),
        ("dry_run", "NO", 'dry_run is true or false in the notebook; "NO" isn\'t.'),
        ("since", "March", 'since is a date in the notebook, such as 2026-11-24; "March" isn\'t.'),
        ("since", "2026-02-30", 'since is a date in the notebook, such as 2026-11-24; "2026-02-30" isn\'t.'),
        ("stations", "a", 'stations is a list in the notebook, written as ["a", "b"]; "a" isn\'t.'),
        ("stations", "[" * 99_999, f'stations is a list in the notebook, written as ["a", "b"]; "{"[" * 79}…" isn\'t.'),
        ("colours", "[1]", 'colours is a dictionary in the notebook, written as {"a": 1}; "[1]" isn\'t.'),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, text: str, sentence: str) -> None:
    """The sentence says what the notebook has and what was given."""
    with pytest.raises(Refused) as refused:
        coerce_parameters(DECLARED, {}, {name: text})
    assert (refused.value.code, refused.value.message, refused.value.field) == (
        "wrong_parameter_type",
        sentence,
        "parameters",
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"month": "3"}, 'month is a number in the notebook; "3" isn\'t.'),
        ({"month": True}, 'month is a number in the notebook; "true" isn\'t.'),
        ({"month": None}, 'month is a number in the notebook; "null" isn\'t.'),
        ({"dry_run": 1}, 'dry_run is true or false in the notebook; "1" isn\'t.'),
        ({"column": 3}, 'column is text in the notebook; "3" isn\'t.'),
        ({"limit": math.inf}, "limit can't be given a value that JSON has no notation for."),
        ({"limit": "\ud800"}, "limit can't be given a value that JSON has no notation for."),
        ({"folder": Path("x")}, "folder can't be given a value that JSON has no notation for."),
    ],
)
def test_typed_values_must_have_the_notebooks_type(given: dict[str, Any], sentence: str) -> None:
    """A value from JSON isn't converted: text is no number, 1 isn't true."""
    with pytest.raises(Refused) as refused:
        coerce_parameters(DECLARED, given, {})
    assert refused.value.message == sentence


def test_typed_values_pass_as_they_are() -> None:
    """What has the right type is kept; None's parameter takes anything that JSON holds."""
    given = {"month": 4, "limit": {"a": [1, None]}, "threshold": 1, "stations": ["x"]}
    assert coerce_parameters(DECLARED, given, {"column": "NO"}) == {**given, "threshold": 1.0, "column": "NO"}


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """A misspelt name gets a suggestion, a wholly other one the list of names."""
    with pytest.raises(Refused) as refused:
        coerce_parameters(DECLARED, {}, {"mnth": "3"})
    assert refused.value.code == "unknown_parameter"
    assert refused.value.message == 'The notebook has no parameter "mnth". Did you mean month?'
    few = [Parameter(name="month", type=ParameterType.INTEGER), Parameter(name="since", type=ParameterType.DATE)]
    with pytest.raises(Refused) as refused:
        coerce_parameters(few, {"zzz": 3}, {})
    assert refused.value.message == 'The notebook has no parameter "zzz". It has month, since.'


def test_without_a_parameters_cell_the_sentence_tells_how_to_make_one() -> None:
    """Parameters for a notebook that declares none are refused, and none at all are fine."""
    assert coerce_parameters([], {}, {}) == {}
    with pytest.raises(Refused) as refused:
        coerce_parameters([], {}, {"month": "3"})
    assert refused.value.code == "no_parameters_cell"
    assert refused.value.message == (
        'The notebook has no parameters cell, so "month" can\'t be set. Put the assignments into a cell of their '
        "own and give it the tag “parameters” (in JupyterLab: Property Inspector, Cell Tags)."
    )
