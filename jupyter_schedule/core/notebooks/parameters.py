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
import shlex
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Model
from jupyter_schedule.core.notebooks.constant_values import NotConstant, compute_constant
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
#: the tag of the cell that papermill adds
INJECTED = "injected-parameters"
#: the languages that parameters can be given in, in lower case, as the wrapper's translators have them
LANGUAGES = frozenset({
    "python", "python3", "ipython", "sage", "sagemath", "sos", "pysparkkernel", "r", "sparkrkernel", "julia", "scala",
    "scala2", "scala3", "sparkkernel", "bash", "zsh", "matlab", "octave", "c#", "csharp", ".net-csharp", "f#", "fsharp",
    ".net-fsharp", "powershell", "pwsh", ".net-powershell",
})  # fmt: skip
#: names that a sentence lists
MOST_NAMES = 10
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
#: `x <- 5`, `val x: Int = 5`, `export X=5`, `$x = 5`, `var x = 5;`, each with a comment behind it
_FOREIGN = re.compile(
    r"""(?:(?:val|var|let|const|global|local|export|readonly|int|long|double|float|bool|string|String|auto)\s+)*
        \$?(?P<name>[A-Za-z._][\w.]*)\s*(?:::?\s*\w+(?:[\[{][^\]}]*[\]}])?\s*)?(?:=|<-|:=)\s*
        (?P<literal>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^#;%]+?|\S[^#;]*?)
        \s*;?\s*(?:(?:\#|//|%|--)\s*(?P<comment>.*))?""",
    re.VERBOSE,
)
#: `5L` of R, Java and Scala, `1.5f`
_SUFFIXED = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)(?:[LlFdD]|f0?)")
#: `c("a", "b")` of R, `Seq(1, 2)` of Scala, and the words of an array of Bash
_SEQUENCE = re.compile(r"(?:c|list|Seq|List|Vector|Array)(?:\[\w+\])?\((.*)\)")
_PIECE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[\w.+-]+")
_ARRAY = re.compile(r"\(([^()$`]*)\)")
_FOREIGN_WORDS = {
    "TRUE": "True", "true": "True", "True": "True", "FALSE": "False", "false": "False", "False": "False",
    "NULL": "None", "Null": "None", "null": "None", "nothing": "None", "missing": "None", "NA": "None",
    "Inf": "float('inf')", "-Inf": "-float('inf')", "NaN": "float('nan')",
}  # fmt: skip
#: whose arithmetic means the same
_COMPUTING = {"r", "julia", "matlab", "octave"}
_SHELLS = {"bash", "zsh", "sh"}
_WORD = re.compile(r"[\w./:@+-]+")
_UNKNOWN = object()
#: papermill's own notation of a type in the comment: `# type: int  the month`
_TYPE_COMMENT = re.compile(r"type:\s*(\w+)(?:\[[^\]]*\])?\s*")


def find_parameters(notebook: ParsedNotebook) -> list[Parameter]:
    """The assignments of the first cell tagged `parameters`, in order; empty without one.

    What an earlier run by papermill put in after that cell is what the notebook obeys, so those are the defaults; where
    it has no parameters cell, they are its parameters.  In languages other than Python only one-line assignments are
    understood.
    """
    cell, injected = _tagged(notebook, "parameters"), find_injected(notebook)
    spoken = language(notebook.content)
    if cell is None and injected is None:
        return []
    declared, later = (_assigned(each, spoken) if each else {} for each in (cell, injected))
    return [_overruled(parameter, later.get(name)) for name, parameter in (declared or later).items()]


def find_injected(notebook: ParsedNotebook) -> CodeCell | None:
    """The cell that an earlier run by papermill put in, where it overrules the parameters cell."""
    cell, injected = _tagged(notebook, "parameters"), _tagged(notebook, INJECTED)
    return injected if injected and (cell is None or injected.index > cell.index) else None


def _tagged(notebook: ParsedNotebook, tag: str) -> CodeCell | None:
    return next((cell for cell in notebook.cells if tag in cell.tags), None)


def _assigned(cell: CodeCell, spoken: str) -> dict[str, Parameter]:
    found = _python(cell) if spoken in {"python", "ipython"} else _foreign(cell, spoken)
    return {parameter.name: parameter for parameter in found}


def _overruled(parameter: Parameter, later: Parameter | None) -> Parameter:
    if later is None or later is parameter:
        return parameter
    open_type = parameter.type in {ParameterType.NULL, ParameterType.EXPRESSION}
    return parameter.model_copy(update={"default": later.default, "type": later.type if open_type else parameter.type})


def find_product_parameters(declared: Iterable[Parameter]) -> tuple[str, ...]:
    """The names among `declared` that every run fills by itself, in the order of `PRODUCT_NAMES`."""
    names = {parameter.name for parameter in declared}
    return tuple(name for name in PRODUCT_NAMES if name in names)


def _python(cell: CodeCell) -> Iterator[Parameter]:
    tree = cell.tree
    comments = _comments(cell.source) if tree else {}
    known: dict[str, Any] = {}
    for statement in tree.body if tree else ():
        comment = comments.get(statement.end_lineno or statement.lineno, "")
        annotation = ""
        targets: Sequence[ast.expr] = ()
        value: ast.expr | None = None
        if isinstance(statement, ast.AnnAssign):
            annotation, targets, value = ast.unparse(statement.annotation), [statement.target], statement.value
        elif isinstance(statement, ast.Assign):
            for pair in _unpacked(statement):
                yield _parameter(pair[0], _compute(pair[1], known), comment)
            targets, value = statement.targets, statement.value
        for name in (target.id for target in targets if isinstance(target, ast.Name)):
            if value is not None:
                computed = _compute(value, known)
                known.pop(name, None)
                if computed is not _UNKNOWN:
                    known[name] = computed
                yield _parameter(name, computed, comment, annotation)


def _unpacked(statement: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """The names and values of `a, b = 1, 2`."""
    for target in statement.targets:
        sides = [side.elts for side in (target, statement.value) if isinstance(side, ast.Tuple | ast.List)]
        if len(sides) == 2 and len(sides[0]) == len(sides[1]):
            yield from ((name.id, value) for name, value in zip(*sides, strict=True) if isinstance(name, ast.Name))


def _compute(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """The value that an assignment gives, `_UNKNOWN` where only the notebook can say."""
    try:
        return compute_constant(node, known)
    except NotConstant:
        return _UNKNOWN


def _comments(source: str) -> dict[int, str]:
    """The comment of each line that has one, without its `#`."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _parameter(name: str, value: Any, comment: str, annotation: str = "") -> Parameter:
    noted = _TYPE_COMMENT.match(comment)
    if noted:
        comment, annotation = comment[noted.end() :], annotation or noted[1]
    if isinstance(value, float) and not math.isfinite(value):
        # a number that JSON has no notation for: it stays the notebook's own
        kind, default = ParameterType.NUMBER, None
    else:
        try:
            default = _plain(value)
            kind = _type_of(default)
        except (ValueError, RecursionError):
            kind, default = ParameterType.EXPRESSION, None
    wanted = _wanted(annotation)
    if wanted and kind in {ParameterType.NULL, ParameterType.EXPRESSION}:
        kind = wanted
    elif wanted is ParameterType.NUMBER and kind is ParameterType.INTEGER and default is not None:
        kind, default = wanted, _as_float(default)
    return Parameter(name=printable(name), type=kind, default=default, help=printable(comment.strip(), 200))


def _wanted(annotation: str) -> ParameterType | None:
    """The type that an annotation names: `int`, `Optional[int]`, `"int | None"`, `Union[None, int]`."""
    names = re.findall(r"\w+", annotation)
    plain = [name for name in names if name not in {"typing", "t", "Optional", "Union", "Annotated", "Final", "None"}]
    return ANNOTATIONS.get(plain[0].lower()) if plain else None


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


def _foreign(cell: CodeCell, spoken: str) -> Iterator[Parameter]:
    for line in cell.source.split("\n"):
        found = _FOREIGN.fullmatch(line.strip())
        if found:
            yield _parameter(found["name"], _read_foreign(found["literal"], spoken), found["comment"] or "")


def _read_foreign(literal: str, spoken: str) -> Any:
    """The value of a literal of another language; of what those with Python's arithmetic compute, too."""
    if spoken in _SHELLS and _WORD.fullmatch(literal) and not _NUMBER.fullmatch(literal):
        return literal
    if spoken in _SHELLS and (array := _ARRAY.fullmatch(literal)):
        return _words_of(array[1])
    sequence = _SEQUENCE.fullmatch(literal)
    text = f"[{_PIECE.sub(lambda piece: _as_python(piece[0]), sequence[1])}]" if sequence else _as_python(literal)
    if spoken in _COMPUTING and not set(text) & set("\"'"):
        text = text.replace("^", "**")
    tree = parse_python(text)
    statement = tree.body[0] if tree and len(tree.body) == 1 else None
    if not isinstance(statement, ast.Expr):
        return _UNKNOWN
    plain = isinstance(statement.value, ast.Constant | ast.UnaryOp | ast.List)
    return _compute(statement.value, {}) if plain or text != literal or spoken in _COMPUTING else _UNKNOWN


def _as_python(literal: str) -> str:
    """One value in Python's words."""
    number = _SUFFIXED.fullmatch(literal)
    return _FOREIGN_WORDS.get(literal.lstrip("$"), number[1] if number else literal)


def _words_of(array: str) -> Any:
    try:
        return shlex.split(array)
    except ValueError:
        return _UNKNOWN


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
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    hint = f"Did you mean {close[0]}?" if close else f"It has {', '.join(names[:MOST_NAMES])}{more}."
    return Refused("unknown_parameter", f'The notebook has no parameter "{shown}". {hint}', field="parameters")


def _typed(parameter: Parameter, text: str) -> object:
    """The value that a command line's `text` stands for; the text itself where it doesn't read as the wanted type."""
    match parameter.type:
        case ParameterType.INTEGER | ParameterType.NUMBER if _INTEGER.fullmatch(text) and len(text) < 400:
            return int(text)
        case ParameterType.INTEGER | ParameterType.NUMBER if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            number = float(text)
            # `range(1e3)` is none
            return int(number) if parameter.type is ParameterType.INTEGER and number.is_integer() else number
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


def check_language(kernel_name: str, kernel_language: str, given: Mapping[str, Any]) -> None:
    """Refused `no_parameters` where values can't be written in a kernel's language; those of its own cell stay."""
    if given and not can_be_given(kernel_name, kernel_language):
        raise Refused(
            "no_parameters",
            f"Parameters can't be given to a notebook in {printable(kernel_language)}: take them out, and it runs with "
            "the values of its own parameters cell.",
            field="parameters",
        )


def can_be_given(kernel_name: str, kernel_language: str) -> bool:
    """True of a kernel in whose language values can be written."""
    return not LANGUAGES.isdisjoint({kernel_language.lower(), kernel_name.lower()})


def find_text_notes(declared: Sequence[Parameter], texts: Mapping[str, str]) -> Iterator[str]:
    """One for each text given for what the notebook computes, such as a date: it arrives as text."""
    for parameter in declared:
        if parameter.type is ParameterType.EXPRESSION and parameter.name in texts:
            yield (
                f"{parameter.name} is computed in the notebook; “{printable(texts[parameter.name], 40)}” arrives as "
                "text, which its code has to turn into what it needs."
            )
