"""A notebook's parameters are what its cell tagged `parameters` assigns, and keep the types they have there.

Values given on a command line are typed by that cell, never by a notation of ours: where the cell has text, `NO`,
`12:30` and `01234` stay text.
"""

import ast
import difflib
import io
import json
import math
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Model
from jupyter_schedule.core.notebooks.notebook import CodeCell, ParsedNotebook, language, parse_python, printable
from jupyter_schedule.core.storable import check_storable

#: names that every run fills when the parameters cell declares them
PRODUCT_NAMES = (
    "scheduled_for",
    "data_interval_start",
    "data_interval_end",
    "data_date",
    "run_id",
    "output_dir",
    "previous_dir",
)
HOW_TO_TAG = (
    "Put the assignments into a cell of their own and give it the tag “parameters” "
    "(in JupyterLab: Property Inspector, Cell Tags)."
)


class ParameterType(StrEnum):
    """The type of a parameter's value, as far as its assignment in the notebook tells."""

    NUMBER = "number"
    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"
    #: a text such as 2012-03-01 or 2012-03-01T12:00:00Z
    DATE = "date"
    LIST = "list"
    DICT = "dict"
    #: None, so anything may be given; from a command line it stays text
    NULL = "null"
    #: computed, such as Path("x"); anything may be given, and the notebook's value isn't known here
    EXPRESSION = "expression"


class Parameter(Model):
    """A name that the parameters cell assigns."""

    name: str
    type: ParameterType
    #: None also for an expression
    default: Any = None
    #: the comment at the end of its line
    help: str = ""


#: the first that fits a plain value; True is an int for Python, so bool comes before
TYPES: tuple[tuple[type, ParameterType], ...] = (
    (type(None), ParameterType.NULL),
    (bool, ParameterType.BOOLEAN),
    (int, ParameterType.INTEGER),
    (float, ParameterType.NUMBER),
    (str, ParameterType.TEXT),
    (list, ParameterType.LIST),
    (dict, ParameterType.DICT),
)
#: how a value of each type is described, in “month is … in the notebook”
DESCRIPTIONS = {
    ParameterType.NUMBER: "a number in the notebook",
    ParameterType.INTEGER: "a number in the notebook",
    ParameterType.TEXT: "text in the notebook",
    ParameterType.BOOLEAN: "true or false in the notebook",
    ParameterType.DATE: "a date in the notebook, such as 2026-11-24",
    ParameterType.LIST: 'a list in the notebook, written as ["a", "b"]',
    ParameterType.DICT: 'a dictionary in the notebook, written as {"a": 1}',
}
ANNOTATIONS = {
    "int": ParameterType.INTEGER,
    "float": ParameterType.NUMBER,
    "str": ParameterType.TEXT,
    "bool": ParameterType.BOOLEAN,
    "list": ParameterType.LIST,
    "dict": ParameterType.DICT,
}
#: readers of JSON, Python's own and ours, refuse integers of more than 4,300 digits
_INTEGER_END = 10**4300
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", re.ASCII)
_FOREIGN = re.compile(r"([A-Za-z.][\w.]*)\s*(?:=|<-)\s*([^#;]+?)\s*;?\s*(?:#\s*(.*))?")
_FOREIGN_WORDS = {"TRUE": "True", "true": "True", "FALSE": "False", "false": "False", "NULL": "None", "nothing": "None"}
#: papermill's own notation of a type in the comment: `# type: int  the month`
_TYPE_COMMENT = re.compile(r"type:\s*(\w+)(?:\[[^\]]*\])?\s*")


def find_parameters(notebook: ParsedNotebook) -> list[Parameter]:
    """The assignments of the first cell tagged `parameters`, in order; empty without one.

    In languages other than Python only one-line assignments are understood.
    """
    cell = next((cell for cell in notebook.cells if "parameters" in cell.tags), None)
    if cell is None:
        return []
    found = _python(cell) if language(notebook.content) in {"python", "ipython"} else _foreign(cell)
    return list({parameter.name: parameter for parameter in found}.values())


def find_product_parameters(declared: Iterable[Parameter]) -> tuple[str, ...]:
    """The names among `declared` that every run fills by itself, in the order of `PRODUCT_NAMES`."""
    names = {parameter.name for parameter in declared}
    return tuple(name for name in PRODUCT_NAMES if name in names)


def _python(cell: CodeCell) -> Iterator[Parameter]:
    tree = cell.tree
    comments = _comments(cell.source) if tree else {}
    for statement in tree.body if tree else ():
        comment = comments.get(statement.end_lineno or statement.lineno, "")
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield _parameter(statement.target.id, statement.value, comment, ast.unparse(statement.annotation))
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield _parameter(target.id, statement.value, comment)


def _comments(source: str) -> dict[int, str]:
    """The comment of each line that has one, without its `#`."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _parameter(name: str, node: ast.expr, comment: str, annotation: str = "") -> Parameter:
    noted = _TYPE_COMMENT.match(comment)
    if noted:
        comment, annotation = comment[noted.end() :], annotation or noted[1]
    try:
        default = _plain(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        kind, default = ParameterType.EXPRESSION, None
    else:
        kind = _type_of(default)
    wanted = ANNOTATIONS.get(annotation.removeprefix("Optional[").split("[")[0].split("|")[0].strip(" ]"))
    if wanted and kind in {ParameterType.NULL, ParameterType.EXPRESSION}:
        kind = wanted
    elif wanted is ParameterType.NUMBER and kind is ParameterType.INTEGER:
        kind, default = wanted, _as_float(default)
    return Parameter(name=printable(name), type=kind, default=default, help=printable(comment.strip(), 200))


def _as_float(value: int) -> float | None:
    """The nearest float; None where there is none."""
    try:
        return float(value)
    except OverflowError:
        return None


def _plain(value: object) -> Any:
    """`value` as JSON can hold it, tuples as lists.

    Raises ValueError where it can't, as for bytes, sets, NaN, and integers of more digits than are read back.
    """
    match value:
        case None | bool():
            return value
        case int() if abs(value) < _INTEGER_END:
            return value
        case float() if math.isfinite(value):
            return value
        case str():
            value.encode()
            return value
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {str(key): _plain(item) for key, item in value.items()}
    raise ValueError("not a plain value")


def _type_of(value: object) -> ParameterType:
    if isinstance(value, str) and _is_date(value):
        return ParameterType.DATE
    return next(kind for python, kind in TYPES if isinstance(value, python))


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _foreign(cell: CodeCell) -> Iterator[Parameter]:
    for line in cell.source.split("\n"):
        found = _FOREIGN.fullmatch(line.strip())
        if found:
            name, literal, comment = found[1], found[2], found[3] or ""
            tree = parse_python(_FOREIGN_WORDS.get(literal, literal))
            value = tree.body[0] if tree and len(tree.body) == 1 else None
            node = value.value if isinstance(value, ast.Expr) else ast.Name("unknown")
            yield _parameter(name, node, comment)


def coerce_parameters(
    declared: Sequence[Parameter], given: Mapping[str, Any], raw_texts: Mapping[str, str]
) -> dict[str, Any]:
    """A run's parameters: `given` (typed already, as from JSON) and `raw_texts` (`K=V` of a command line), checked.

    Each value has the type that the notebook has for its name.  A name in both takes its raw text.
    Raises Refused `no_parameters_cell`, `unknown_parameter`, `wrong_parameter_type` or `invalid`, field `parameters`.
    """
    names = {parameter.name: parameter for parameter in declared}
    for name in [*given, *raw_texts]:
        if name not in names:
            raise _unknown(name, list(names))
    typed = {name: _checked(names[name], value) for name, value in given.items()}
    typed |= {name: _checked(names[name], _typed(names[name], text)) for name, text in raw_texts.items()}
    # a text may spell out what couldn't have been said otherwise: `["\\ud800"]`, `[NaN]`
    check_storable({"parameters": typed})
    return typed


def _unknown(name: str, names: list[str]) -> Refused:
    shown = printable(name)
    if not names:
        return Refused(
            "no_parameters_cell",
            f'The notebook has no parameters cell, so "{shown}" can\'t be set. {HOW_TO_TAG}',
            field="parameters",
        )
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"It has {', '.join(names)}."
    return Refused("unknown_parameter", f'The notebook has no parameter "{shown}". {hint}', field="parameters")


def _typed(parameter: Parameter, text: str) -> object:
    """The value that a command line's `text` stands for; the text itself where it doesn't read as the wanted type."""
    match parameter.type:
        case ParameterType.INTEGER | ParameterType.NUMBER if _INTEGER.fullmatch(text) and len(text) < 400:
            return int(text)
        case ParameterType.INTEGER | ParameterType.NUMBER if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        case ParameterType.BOOLEAN if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        case ParameterType.LIST | ParameterType.DICT:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return text
    return text


def _checked(parameter: Parameter, value: object) -> object:
    """`value` when it has the type that the notebook has; a whole number given for a number becomes one."""
    try:
        plain = _plain(value)
        if _fits(parameter.type, plain):
            return float(plain) if parameter.type is ParameterType.NUMBER else plain
    except (ValueError, OverflowError, RecursionError):
        pass
    if parameter.type not in DESCRIPTIONS:
        message = f"{parameter.name} can't be given a value that JSON has no notation for."
    else:
        shown = value if isinstance(value, str) else _json(value)
        message = f'{parameter.name} is {DESCRIPTIONS[parameter.type]}; "{printable(shown)}" isn\'t.'
    raise Refused("wrong_parameter_type", message, field="parameters")


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def _fits(kind: ParameterType, value: object) -> bool:
    if kind in {ParameterType.NULL, ParameterType.EXPRESSION}:
        return True
    if kind is ParameterType.DATE:
        return isinstance(value, str) and _is_date(value)
    actual = _type_of(value)
    wanted = {
        # a notebook that says 3 may well take 2.5
        ParameterType.INTEGER: {ParameterType.INTEGER, ParameterType.NUMBER},
        ParameterType.NUMBER: {ParameterType.INTEGER, ParameterType.NUMBER},
        ParameterType.TEXT: {ParameterType.TEXT, ParameterType.DATE},
    }
    return actual in wanted.get(kind, {kind})
