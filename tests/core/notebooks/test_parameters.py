import math
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.bundles.wrapper.translators import TRANSLATORS
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.notebook import ParsedNotebook
from jupyter_schedule.core.notebooks.parameters import (
    LANGUAGES,
    Parameter,
    ParameterType,
    check_language,
    coerce_parameters,
    find_parameters,
    find_product_parameters,
    find_text_notes,
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
        ("a = 1e999", ("a", "number", None, "")),
        ("a = '\\ud800'", ("a", "expression", None, "")),
        ("%matplotlib inline\na = 1", ("a", "integer", 1, "")),
    ],
)
def test_odd_assignments_are_typed_as_far_as_they_tell(source: str, expected: tuple[object, ...]) -> None:
    """Annotations type what None leaves open; what JSON can't hold is an expression."""
    (found,) = find_parameters(parsed(source, tags=["parameters"]))
    assert (found.name, str(found.type), found.default, found.help) == expected


@pytest.mark.parametrize("source", ["print(1)", "x.y = 1", "a, b = f()", "x[0] = 1", "def f(:", "a = '\0'", ""])
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
        ("month", "1e3", 1000),
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


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("60 * 60", ("integer", 3600)), ("10**6", ("integer", 1_000_000)), ("1_000_000 // 3", ("integer", 333_333)),
        ("3 / 4", ("number", 0.75)), ("float('inf')", ("number", None)), ("-float('inf')", ("number", None)),
        ("np.inf", ("number", None)), ("math.pi / 2", ("number", 1.5707963267948966)), ("float(3)", ("number", 3.0)),
        ("not True", ("boolean", False)), ("1 < 2", ("boolean", True)), ("'a' in ['a']", ("boolean", True)),
        ("bool(0)", ("boolean", False)), ("True and False", ("boolean", False)), ("None or 5", ("integer", 5)),
        ("1 if True else 'x'", ("integer", 1)), ("2 << 3", ("integer", 16)), ("~1", ("integer", -2)),
        ("'a' + 'b'", ("text", "ab")), ("'-' * 3", ("text", "---")), ("str(3)", ("text", "3")),
        ("'a,b'.split(',')", ("list", ["a", "b"])),
        ("[1] + [2, 3]", ("list", [1, 2, 3])),
        ("('x', 2 * 2)", ("list", ["x", 4])),
        ("list(('a', 'b'))", ("list", ["a", "b"])), ("dict(a=1, b=2 * 2)", ("dict", {"a": 1, "b": 4})),
        ("f'{1 + 1} parts'", ("text", "2 parts")),
        ("'2026-01-' + '31'", ("date", "2026-01-31")),
        ("int('7')", ("integer", 7)),
        ("pow(2, 10)", ("integer", 1024)), ("min(3, 2)", ("integer", 2)), ("round(2.6)", ("integer", 3)),
        ("sorted([2, 1])", ("list", [1, 2])), ("None", ("null", None)),
        # what only the notebook can say
        ("Path('x')", ("expression", None)),
        ("date(2026, 1, 1)", ("expression", None)),
        ("{1, 2}", ("expression", None)),
        ("os.environ['X']", ("expression", None)),
        ("open('x').read()", ("expression", None)),
        ("x.y", ("expression", None)),
        ("__import__('os').getcwd()", ("expression", None)), ("[n for n in range(3)]", ("expression", None)),
        ("1 / 0", ("expression", None)),
        ("'%0999999999d' % 1", ("expression", None)),
        ("f'{1:0999999999}'", ("expression", None)),
        ("10**10**10", ("expression", None)),
        ("9**9**9**9", ("expression", None)),
        ("'x' * 10**10", ("expression", None)),
        ("pow(10, 10**10)", ("expression", None)),
        ("[0] * 10**9", ("expression", None)),
        ("1 << 10**9", ("expression", None)),
        ("'a' < 1", ("expression", None)),
        ("int('x')", ("expression", None)),
    ],
)  # fmt: skip
def test_a_default_that_is_computed_from_constants_has_the_type_of_its_value(
    source: str, expected: tuple[str, object]
) -> None:
    """It is never taken for text in silence, and nothing of the notebook is executed for it."""
    (found,) = find_parameters(parsed(f"x = {source}", tags=["parameters"]))
    assert (str(found.type), found.default) == expected


@pytest.mark.parametrize(
    "annotation", ["int", "Optional[int]", "typing.Optional[int]", "'int | None'", "None | int", "Union[None, int]"]
)
def test_an_annotation_says_what_none_stands_for(annotation: str) -> None:
    declared = find_parameters(parsed(f"n: {annotation} = None", tags=["parameters"]))
    assert [str(each.type) for each in declared] == ["integer"]
    value = coerce_parameters(declared, {}, {"n": "5.0"})["n"]
    assert (value, type(value)) == (5, int)


def test_several_names_may_be_assigned_at_once() -> None:
    declared = find_parameters(parsed("a, b = 1, 'x'\n[c, (d, e)] = [2.5, f()]\ng, h = f()", tags=["parameters"]))
    assert [(each.name, each.default) for each in declared] == [("a", 1), ("b", "x"), ("c", 2.5)]


def test_a_default_may_be_computed_from_the_ones_before_it() -> None:
    source = "day = 24 * 60\nweek: int = 7 * day\nunknown = load()\nnext = unknown + 1\nday = 'x'\nlater = day + 'y'"
    found = {each.name: each.default for each in find_parameters(parsed(source, tags=["parameters"]))}
    assert found == {"day": "x", "week": 10_080, "unknown": None, "next": None, "later": "xy"}


@pytest.mark.parametrize(
    ("language", "line", "expected"),
    [
        ("R", 'region <- "north # 1"  # where', ("region", "text", "north # 1", "where")),
        ("R", "n <- 5L", ("n", "integer", 5, "")), ("R", 'all <- c("a", "b")', ("all", "list", ["a", "b"], "")),
        ("R", "rate = 60 * 60", ("rate", "integer", 3600, "")), ("R", "top <- Inf", ("top", "number", None, "")),
        ("julia", "const n = 10^2  # x", ("n", "integer", 100, "x")),
        ("R", "years <- c(2024L, 2025L)", ("years", "list", [2024, 2025], "")),
        ("R", "v = list('a (b)', TRUE) # x", ("v", "list", ["a (b)", True], "x")),
        ("R", "v <- list(a = 1)", ("v", "expression", None, "")),
        ("R", "v <- c(f(x), 1)", ("v", "expression", None, "")),
        ("scala", 'val v = Seq("a", "b")', ("v", "list", ["a", "b"], "")),
        ("scala", "val v: List[Int] = List(1, 2)", ("v", "list", [1, 2], "")),
        ("bash", "v=(a 'b c' 3)", ("v", "list", ["a", "b c", "3"], "")),
        ("bash", "v=($(ls) a)", ("v", "expression", None, "")),
        ("julia", "x = 3.5f0", ("x", "number", 3.5, "")),
        ("julia", "v = [1, 2]", ("v", "list", [1, 2], "")),
        ("julia", "note::Union{String, Nothing} = nothing", ("note", "null", None, "")),
        ("scala", "val half = 5 / 2", ("half", "expression", None, "")),
        ("bash", "n=60*60", ("n", "expression", None, "")),
        ("scala", 'val name: String = "x" // why', ("name", "text", "x", "why")),
        ("scala", "var n = 5L", ("n", "integer", 5, "")),
        ("scala", "val all: Seq[Int] = null", ("all", "null", None, "")),
        ("bash", "export region='north'", ("region", "text", "north", "")),
        ("bash", "n=5 # how many", ("n", "integer", 5, "how many")),
        ("bash", "region=north", ("region", "text", "north", "")),
        ("PowerShell", "$n = 5 # x", ("n", "integer", 5, "x")),
        ("PowerShell", "$on = $true", ("on", "boolean", True, "")),
        ("C#", 'var name = "x";', ("name", "text", "x", "")), ("C#", "int n = 5; // x", ("n", "integer", 5, "x")),
        ("matlab", "n = 5; % x", ("n", "integer", 5, "x")), ("octave", "name = 'x';", ("name", "text", "x", "")),
        ("F#", "let n = 5", ("n", "integer", 5, "")),
    ],
)  # fmt: skip
def test_parameters_of_other_languages_are_read_in_their_own_notation(
    language: str, line: str, expected: tuple[object, ...]
) -> None:
    found = find_parameters(parsed(line, tags=["parameters"], kernelspec={"language": language}))
    assert [(each.name, str(each.type), each.default, each.help) for each in found] == [expected]


def notebook_with(*cells: tuple[str, str]) -> ParsedNotebook:
    """Cells of Python, each with its one tag."""
    written = [
        {"cell_type": "code", "source": source, "metadata": {"tags": [tag]}, "outputs": []} for source, tag in cells
    ]
    return ParsedNotebook({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": written})


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            [("month = 3\nyear = 2020", "parameters"), ("month = 99", "injected-parameters")],
            {"month": 99, "year": 2020},
        ),
        ([("limit = None", "parameters"), ("limit = 5", "injected-parameters")], {"limit": 5}),
        # it comes before, so it is overruled itself
        ([("month = 99", "injected-parameters"), ("month = 3", "parameters")], {"month": 3}),
        # papermill's own, of a notebook that declares none
        ([("month = 99", "injected-parameters")], {"month": 99}),
        ([("month = 3", "parameters"), ("other = 1", "injected-parameters")], {"month": 3}),
    ],
)
def test_the_defaults_are_what_the_notebook_obeys(cells: list[tuple[str, str]], expected: dict[str, object]) -> None:
    """Also where that is a cell which an earlier run by papermill added."""
    found = find_parameters(notebook_with(*cells))
    assert {each.name: each.default for each in found} == expected


def test_a_name_among_ten_thousand_is_refused_in_one_sentence() -> None:
    source = "\n".join(f"name_{number} = {number}" for number in range(10_000))
    declared = find_parameters(parsed(source, tags=["parameters"]))
    assert len(coerce_parameters(declared, {each.name: 1 for each in declared}, {})) == 10_000
    with pytest.raises(Refused) as refused:
        coerce_parameters(declared, {"zzz": 1}, {})
    assert refused.value.message.endswith("name_8, name_9 and 9,990 more.")


@pytest.mark.parametrize("name", ["text", "number"])
def test_a_value_of_a_megabyte_is_refused_in_one_sentence(name: str) -> None:
    declared = find_parameters(parsed("text = ''\nnumber = 1", tags=["parameters"]))
    with pytest.raises(Refused) as refused:
        coerce_parameters(declared, {}, {name: "x" * 1_000_000})
    assert len(refused.value.message) < 200


def test_text_for_what_the_notebook_computes_is_told_to_arrive_as_text() -> None:
    declared = find_parameters(parsed("start = date(2026, 1, 1)\nmonth = 3", tags=["parameters"]))
    (note,) = find_text_notes(declared, {"start": "2026-02-01", "month": "4"})
    assert note.startswith("start is computed in the notebook; “2026-02-01” arrives as text")


def test_parameters_are_given_in_every_language_that_the_wrapper_writes_and_in_no_other() -> None:
    assert set(TRANSLATORS) == LANGUAGES
    check_language("ir", "R", {"a": 1})
    check_language("ihaskell", "haskell", {})
    with pytest.raises(Refused, match="can't be given to a notebook in haskell"):
        check_language("ihaskell", "haskell", {"a": 1})
