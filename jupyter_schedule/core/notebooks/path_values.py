"""The values of Python expressions, as far as they can be told without running the code: texts, numbers, lists of them.

A path of `Path` is the text that it was made from.  A path that is computed from where the code runs begins with
`ANCHOR`, so that it is told apart from one that somebody typed in full: `Path.cwd().parent` is as good on another
machine as `..` is, and `/home/ada/project` isn't.  What isn't known in a text becomes `HOLE`: `f"data/{year}.csv"` is
`data/` HOLE `.csv`.  What depends on something unknown may be `Either` of several, of which `turn` picks one.
"""

import ast
import posixpath
import re
from collections.abc import Callable
from itertools import count

from jupyter_schedule.core.notebooks.path_texts import (
    ANCHOR,
    HOLE,
    MOST_TEXT,
    NO_FILE,
    NUL,
    OF_RUN,
    OUTPUT_DIR,
    PARTS,
    PATH_FUNCTIONS,
    PATH_METHODS,
    UNKNOWN,
    Either,
    Special,
    Value,
    as_list,
    as_text,
    compute,
    fill_braces,
    fill_percent,
    join,
    move,
)

#: expressions are followed this deep
DEPTH = 40
#: items of a list that are looked at
MOST_ITEMS = 200


SAME_PATH = frozenset({"str", "fspath", "normpath", "expanduser", "as_posix", "fsdecode", "expandvars", "Text"})
FULL_PATH = frozenset({"abspath", "realpath", "resolve", "absolute", "readlink"})
PATHS = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath", "WindowsPath", "UPath", "AnyPath"})
#: what they return is no file of the analyst's
STREAMS = frozenset(
    {"StringIO", "BytesIO", "urlopen", "TemporaryDirectory", "NamedTemporaryFile", "TemporaryFile", "mkdtemp"}
    | {"mkstemp", "gettempdir", "urlretrieve", "SpooledTemporaryFile", "popen", "Popen", "download", "hf_hub_download"}
    | {"snapshot_download", "fetch", "retrieve", "get_file", "TextIOWrapper", "BufferedReader", "check_output"}
)
#: they ask for what is at a path
_ASKING = frozenset({"exists", "is_file", "is_dir", "isfile", "isdir"})
#: methods of a text that give a text
_TEXT_METHODS = frozenset(
    {"replace", "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "removeprefix", "removesuffix"}
    | {"zfill", "split", "rsplit", "partition", "rpartition", "startswith", "endswith", "casefold", "splitlines"}
)
_CASTS: dict[str, Callable[..., Value]] = {"int": int, "float": float, "len": len, "bool": bool}
_TEMPORARY = frozenset({"mkdtemp", "gettempdir", "TemporaryDirectory"})
_SEQUENCES = frozenset(
    {"list", "tuple", "sorted", "set", "reversed", "frozenset", "tqdm", "track", "iter", "progress_bar"}
)
CONSTANTS: dict[str, str | None] = {"sep": "/", "pardir": "..", "curdir": ".", "altsep": None}


def called_name(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an expression that is just that, else nothing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


class KnownValues:
    """The values that names stand for, and the working folder, as far as the code was followed.

    here: the absolute folder that the notebook is in, where its kernel starts.
    """

    def __init__(self, here: str = "/notebooks", exists: Callable[[str], bool] | None = None) -> None:
        self.here = here
        #: the working folder: a path, `Either` of several, or unknown
        self.folder: Value = ANCHOR + here
        #: every working folder that there was
        self.folders: list[str] = [ANCHOR + here]
        #: which of several possible values counts now
        self.turn = 0
        #: whether a value depended on that since this was last set
        self.depended = False
        #: grows with every change of a name or of the working folder
        self.version = 0
        self._versions = count(1)
        self.values: dict[str, Value] = {"__name__": "__main__", "_dh": [ANCHOR + here]}
        #: says of a path, as `place` has it, whether it is there
        self.exists = exists
        #: calls a function of the code's own for its value
        self.call: Callable[[ast.Call], Value] = lambda _: UNKNOWN
        #: names of what reads variables, where those are too common to say so by themselves
        self.reading_variables: set[str] = set()
        #: variables of the environment that the code itself sets
        self.variables: dict[str, Value] = {}

    def put(self, name: str, value: Value) -> None:
        """From now on `name` stands for `value`, and what was known of its attributes is forgotten."""
        if name in self.values:
            for known in [key for key in self.values if key.startswith(f"{name}.")]:
                del self.values[known]
        self.values[name] = value
        self.touch()

    def touch(self) -> None:
        """Something is known otherwise from now on."""
        self.version = next(self._versions)

    def named(self, name: str) -> str | None:
        """The text that `name` stands for."""
        value = self._pick(self.values.get(name, UNKNOWN))
        return value if isinstance(value, str) else None

    def move(self, path: Value) -> None:
        """Change the working folder to `path`, which may be relative to the last; to an unknown one by None."""
        now = self.folder.options if isinstance(self.folder, Either) else (self.folder,)
        to = path.options if isinstance(path, Either) else (path,)
        count = max(len(now), len(to))
        found = [move(now[min(each, len(now) - 1)], to[min(each, len(to) - 1)]) for each in range(count)]
        self.settle(found[0] if len(set(found)) == 1 else Either(tuple(found)))

    def settle(self, folder: Value) -> None:
        """The working folder is `folder` from now on."""
        self.folder = folder
        self.touch()
        for option in folder.options if isinstance(folder, Either) else (folder,):
            if isinstance(option, str) and option not in self.folders:
                self.folders.append(option)

    def place(self, text: str) -> str:
        """A path of the code as the notebook would write it from its own folder, where its kernel starts."""
        if text.startswith(ANCHOR):
            return posixpath.relpath(text[1:], self.here)
        folder = self._pick(self.folder)
        if text.startswith(("/", "~", HOLE + "/")) or not isinstance(folder, str) or folder == ANCHOR + self.here:
            return text
        whole = posixpath.normpath(join(folder, text))
        return posixpath.relpath(whole[1:], self.here) if whole.startswith(ANCHOR) else whole

    @property
    def adrift(self) -> bool:
        """True where the working folder isn't known any more."""
        return not isinstance(self._pick(self.folder), str)

    def _pick(self, value: Value) -> Value:
        while isinstance(value, Either):
            self.depended = True
            value = value.options[min(self.turn, len(value.options) - 1)]
        return value

    def text(self, node: ast.AST | None, depth: int = DEPTH) -> str | None:
        """The text or path that an expression stands for, with holes; None when nothing of it is known."""
        value = self.value(node, depth)
        return value if isinstance(value, str) else None

    def truth(self, node: ast.AST | None, depth: int = DEPTH) -> bool | None:
        """The truth of an expression; None where it isn't known."""
        value = self.value(node, depth)
        if isinstance(value, Special) or (isinstance(value, str) and HOLE in value):
            return None
        return bool(value)

    def value(self, node: ast.AST | None, depth: int = DEPTH) -> Value:
        """The value of an expression, as far as it is known."""
        if depth <= 0:
            return UNKNOWN
        value = self._pick(self._value(node, depth - 1))
        if isinstance(value, str) and len(value) > MOST_TEXT:
            return UNKNOWN
        return value[:MOST_ITEMS] if isinstance(value, list) else value

    def _value(self, node: ast.AST | None, depth: int) -> Value:  # noqa: PLR0911  (one line a kind of expression)
        match node:
            case ast.Constant(value=str(text)):
                return text.replace(HOLE, NUL).replace(ANCHOR, NUL)
            case ast.Constant(value=bytes()) | None:
                return UNKNOWN
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.values.get(name, UNKNOWN)
            case ast.JoinedStr(values=parts):
                return "".join(self._part(part, depth) for part in parts)
            case ast.FormattedValue(value=inner, format_spec=spec):
                return self._formatted(self.value(inner, depth), self.text(spec, depth) if spec else "")
            case ast.BinOp(left=left, op=operator, right=right):
                return self._combined(operator, left, right, depth)
            case ast.Call():
                return self._called(node, depth)
            case ast.Attribute():
                return self._attribute(node, depth)
        return self._picked(node, depth)

    def _picked(self, node: ast.AST | None, depth: int) -> Value:  # noqa: C901, PLR0911  (as in `_value`)
        """The value of an expression that takes one from another, or one of several."""
        match node:
            case ast.BoolOp(op=operator, values=values):
                return self._first_that_decides(values, decides=isinstance(operator, ast.Or), depth=depth)
            case ast.IfExp(test=test, body=body, orelse=other):
                truth = self.truth(test, depth)
                options = (self.value(body, depth), self.value(other, depth))
                return Either(options) if truth is None else options[not truth]
            case ast.Subscript(value=inner, slice=index):
                return self._item(inner, index, depth)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return self._items(items[:MOST_ITEMS], depth)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                return {key.value: self.value(value, depth) for key, value in pairs if isinstance(key, ast.Constant)}
            case ast.NamedExpr(value=inner) | ast.Starred(value=inner) | ast.Await(value=inner):
                return self.value(inner, depth)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.truth(operand, depth)
                return UNKNOWN if truth is None else not truth
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = self.value(operand, depth)
                return -number if isinstance(number, int | float) else UNKNOWN
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._compared(operator, self.value(left, depth), self.value(right, depth))
            case (
                ast.ListComp(elt=element, generators=[generator])
                | ast.GeneratorExp(elt=element, generators=[generator])
            ):
                return self._collected(element, generator, depth)
        return UNKNOWN

    def _items(self, nodes: list[ast.expr], depth: int) -> list[Value]:
        found: list[Value] = []
        for node in nodes:
            value = self.value(node, depth)
            starred = isinstance(node, ast.Starred)
            found.extend((value if isinstance(value, list) else [UNKNOWN]) if starred else [value])
        return found

    def _first_that_decides(self, values: list[ast.expr], *, decides: bool, depth: int) -> Value:
        last: Value = UNKNOWN
        unsure = False
        for node in values:
            last = self.value(node, depth)
            truth = None if isinstance(last, Special) else bool(last)
            if truth is decides:
                return UNKNOWN if unsure and isinstance(last, bool) else last
            unsure = unsure or truth is None
        return UNKNOWN if unsure else last

    def _collected(self, element: ast.expr, generator: ast.comprehension, depth: int) -> Value:
        """The list that a comprehension of one name makes."""
        items = self.value(generator.iter, depth)
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            return UNKNOWN
        kept = dict(self.values)
        found = []
        for item in items:
            self.bind(generator.target, item)
            if all(self.truth(test, depth) is not False for test in generator.ifs):
                found.append(self.value(element, depth))
        self.values = kept
        return found

    def bind(self, target: ast.expr, value: Value) -> None:
        """Assign `value` to a target, which may be a tuple of them."""
        match target:
            case ast.Name(id=name):
                self.put(name, value)
            case ast.Attribute() if name := dotted(target):
                self.put(name, value)
            case ast.Starred(value=inner):
                self.bind(inner, UNKNOWN)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                whole = isinstance(value, list) and len(value) == len(parts)
                for number, part in enumerate(parts):
                    self.bind(part, value[number] if whole else UNKNOWN)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
                known = self.values.get(name)
                if isinstance(known, dict):
                    self.values[name] = {**known, key: value}
                    self.touch()

    def _part(self, node: ast.AST, depth: int) -> str:
        value = self.value(node, depth)
        return as_text(value)

    def _formatted(self, value: Value, spec: str | None) -> str:
        if isinstance(value, str) and not spec:
            return value
        if isinstance(value, Special | list | dict | Either) or spec is None:
            return HOLE
        try:
            return format(value, spec[:20]) if len(re.sub(r"\D", "", spec)) < 4 else HOLE
        except (ValueError, TypeError, OverflowError):
            return HOLE

    def _combined(self, operator: ast.operator, left: ast.expr, right: ast.expr, depth: int) -> Value:
        first, second = self.value(left, depth), self.value(right, depth)
        if isinstance(operator, ast.Mod) and isinstance(first, str):
            return fill_percent(first, second)
        if isinstance(operator, ast.Div) and isinstance(first, str):
            return join(first, as_text(second))
        if isinstance(operator, ast.Div) and isinstance(second, str):
            return join(HOLE, second)
        if isinstance(operator, ast.Add):
            if isinstance(first, str) or isinstance(second, str):
                return (first if isinstance(first, str) else HOLE) + (second if isinstance(second, str) else HOLE)
            if isinstance(first, list) and isinstance(second, list):
                return first + second
        if isinstance(operator, ast.BitOr) and isinstance(first, dict) and isinstance(second, dict):
            return first | second
        return compute(operator, first, second)

    def _compared(self, operator: ast.cmpop, left: Value, right: Value) -> Value:
        if any(isinstance(each, Special) or (isinstance(each, str) and HOLE in each) for each in (left, right)):
            return UNKNOWN
        try:
            match operator:
                case ast.Eq() | ast.Is():
                    return left == right
                case ast.NotEq() | ast.IsNot():
                    return left != right
                case ast.In():
                    return UNKNOWN if isinstance(right, list) and UNKNOWN in right else left in right
                case ast.NotIn():
                    return UNKNOWN if isinstance(right, list) and UNKNOWN in right else left not in right
                case ast.Gt():
                    return left > right
                case ast.Lt():
                    return left < right
        except TypeError:
            pass
        return UNKNOWN

    def _item(self, inner: ast.expr, index: ast.expr, depth: int) -> Value:
        if isinstance(index, ast.Constant) and dotted(inner).split(".")[-1] == "environ":
            return self.variable(str(index.value))
        whole = self.value(inner, depth)
        if isinstance(index, ast.Slice):
            bounds = [self.value(each, depth) if each else None for each in (index.lower, index.upper, index.step)]
            known = all(each is None or isinstance(each, int) for each in bounds) and isinstance(whole, str | list)
            return whole[slice(*bounds)] if known and bounds[2] != 0 else UNKNOWN
        key = self.value(index, depth)
        try:
            if isinstance(whole, dict) and not isinstance(key, list | dict | Either):
                return whole.get(key, UNKNOWN)
            if isinstance(whole, list | str) and isinstance(key, int):
                return whole[key]
        except (IndexError, TypeError):
            pass
        return UNKNOWN

    def variable(self, name: str, default: Value = UNKNOWN) -> Value:
        """The value of a variable of the environment, as far as it is known."""
        known = {"OUTPUT_DIR": OUTPUT_DIR, "PREVIOUS_DIR": OF_RUN, "PWD": ANCHOR + self.here, "HOME": "~"}
        return known.get(name) or self.variables.get(name, default)

    def _attribute(self, node: ast.Attribute, depth: int) -> Value:
        name = dotted(node)
        if name in self.values:
            return self.values[name]
        if node.attr in CONSTANTS and name in {f"os.{node.attr}", f"os.path.{node.attr}", f"path.{node.attr}"}:
            return CONSTANTS[node.attr]
        inner = self.value(node.value, depth)
        if isinstance(inner, str) and node.attr in PARTS:
            return PARTS[node.attr](inner)
        return NO_FILE if inner is NO_FILE else UNKNOWN

    def _called(self, call: ast.Call, depth: int) -> Value:
        name = called_name(call)
        receiver: Value = UNKNOWN
        if (found := self.call(call)) is not UNKNOWN:
            return found
        if isinstance(call.func, ast.Attribute):
            receiver = self.value(call.func.value, depth)
        if name in _TEMPORARY:
            return OF_RUN
        if name in STREAMS or receiver is NO_FILE or _is_request(call):
            return NO_FILE
        if isinstance(receiver, str) and (found := self._of_text(name, receiver, call, depth)) is not UNKNOWN:
            return found
        if isinstance(receiver, dict | list):
            return self._of_collection(name, receiver, call, depth)
        if receiver is UNKNOWN and (found := self._by_function(name, call, depth)) is not UNKNOWN:
            return found
        return self._surroundings(name, call, depth)

    def _of_text(self, name: str, text: str, call: ast.Call, depth: int) -> Value:
        """The value that a method of a text or path gives."""
        given = self._items(call.args, depth)
        texts = [as_text(each) for each in given]
        if name in SAME_PATH:
            return text
        if name in FULL_PATH:
            return self._full(text)
        if name == "relative_to" and texts:
            return self._relative(text, texts[0])
        if name == "format":
            return fill_braces(text, given, {key.arg: self.value(key.value, depth) for key in call.keywords})
        if name == "join":
            return text.join(map(as_text, given[0])) if given and isinstance(given[0], list) else HOLE
        if name in _ASKING:
            return self._is_there(text)
        return _by_table(name, text, given)

    def _of_collection(self, name: str, items: Value, call: ast.Call, depth: int) -> Value:
        if isinstance(items, dict):
            match name:
                case "get" if call.args:
                    default = self.value(call.args[1], depth) if len(call.args) > 1 else UNKNOWN
                    key = self.value(call.args[0], depth)
                    return UNKNOWN if isinstance(key, list | dict) else items.get(key, default)
                case "items":
                    return [list(pair) for pair in items.items()]
                case "keys":
                    return list(items)
                case "values":
                    return list(items.values())
        return list(items) if name == "copy" and isinstance(items, list) else UNKNOWN

    def _by_function(self, name: str, call: ast.Call, depth: int) -> Value:
        given = self._items(call.args, depth)
        first = given[0] if given else UNKNOWN
        if name in PATHS:
            return join(*map(as_text, given)) if given else "."
        if name == "join" and given:
            return join(*map(as_text, given))
        if name == "dict" and not given:
            return {key.arg: self.value(key.value, depth) for key in call.keywords if key.arg}
        if isinstance(first, str) and name not in _SEQUENCES:
            return self._below_unknown(name, first) or self._of_first_text(name, first, given)
        return _of_plain(name, first, given)

    def _of_first_text(self, name: str, text: str, given: list[Value]) -> Value:
        """The value that a function of a path gives."""
        if name in SAME_PATH:
            return text
        if name in FULL_PATH:
            return self._full(text)
        if name == "relpath":
            return self._relative(text, as_text(given[1]) if len(given) > 1 else ".")
        if name in {"listdir", "scandir", "walk"}:
            return self._names_in(name, text)
        if name in _ASKING:
            return self._is_there(text)
        try:
            return PATH_FUNCTIONS[name](text) if name in PATH_FUNCTIONS else UNKNOWN
        except ValueError:
            return UNKNOWN

    def _below_unknown(self, name: str, text: str) -> str:
        """A path below a folder that others find: pyprojroot's `here`, and a package's for `importlib.resources`."""
        if name == "files" and re.fullmatch(r"[\w.]+", text):
            return f"{HOLE}/{text.replace('.', '/')}"
        return f"{HOLE}/{text}" if name == "here" else ""

    def _names_in(self, name: str, text: str) -> Value:
        """The names in a folder: some; of `os.walk` with the folder below it that they are in."""
        return [[f"{text}/**", [HOLE], [HOLE]]] if name == "walk" else [HOLE]

    def _full(self, text: str) -> str:
        """A path from the root, as it is where the code runs."""
        if text.startswith(("/", "~", HOLE)):
            return posixpath.normpath(text)
        if text.startswith(ANCHOR):
            return ANCHOR + posixpath.normpath(text[1:])
        folder = self._pick(self.folder)
        whole = join(folder if isinstance(folder, str) else HOLE, text)
        return ANCHOR + posixpath.normpath(whole[1:]) if whole.startswith(ANCHOR) else posixpath.normpath(whole)

    def _relative(self, text: str, start: str) -> str:
        whole, base = self._full(text), self._full(start)
        if HOLE in base or whole[:1] != base[:1]:
            return HOLE
        return posixpath.relpath(whole.lstrip(ANCHOR), base.lstrip(ANCHOR))

    def _is_there(self, text: str) -> Value:
        if self.exists is None or HOLE in text or self.adrift:
            return UNKNOWN
        return self.exists(self.place(text))

    def _surroundings(self, name: str, call: ast.Call, depth: int) -> Value:
        """The value that a call gives about its surroundings: the folder, the person's home, a variable's default."""
        if name in {"cwd", "getcwd", "getcwdu"}:
            return self.folder
        if name == "home":
            return "~"
        if name not in {"get", "getenv", "pop", "setdefault"} or not call.args:
            return UNKNOWN
        default = self.value(call.args[1], depth) if len(call.args) > 1 else UNKNOWN
        if isinstance(call.args[0], ast.Constant) and (
            name == "getenv" or dotted(call.func).split(".")[-2:-1] == ["environ"]
        ):
            return self.variable(str(call.args[0].value), default)
        return default if isinstance(default, str) else UNKNOWN


def _is_request(call: ast.Call) -> bool:
    """True of `requests.get(…)` and its like."""
    return dotted(call.func).split(".")[0] in {"requests", "httpx", "urllib", "urllib3", "fsspec", "s3fs", "gcsfs"}


def _by_table(name: str, text: str, given: list[Value]) -> Value:
    """The value that a method of a text or path gives that needs nothing else to be known."""
    try:
        if name in PATH_METHODS:
            return PATH_METHODS[name](text, *map(as_text, given))
        if name in _TEXT_METHODS and not any(isinstance(each, Special | Either) for each in given):
            return as_list(getattr(text, name)(*given))
    except (TypeError, ValueError, OverflowError):
        pass
    return UNKNOWN


def _of_plain(name: str, first: Value, given: list[Value]) -> Value:  # noqa: PLR0911  (one line a function)
    """The value that a function gives for a value that is no text."""
    if name in _SEQUENCES:
        return list(first) if isinstance(first, list | dict) else UNKNOWN
    if name == "next" and isinstance(first, list):
        return first[0] if first else given[1] if len(given) > 1 else UNKNOWN
    if name == "str" and isinstance(first, int | float):
        return str(first)
    if name in _CASTS and not isinstance(first, Special):
        try:
            return _CASTS[name](first)
        except (TypeError, ValueError, OverflowError):
            return UNKNOWN
    if name == "range" and all(isinstance(each, int) for each in given):
        return list(range(*given))[:MOST_ITEMS] if 0 < len(given) < 4 and 0 not in given[2:] else UNKNOWN
    if name == "enumerate" and isinstance(first, list):
        return [[number, item] for number, item in enumerate(first)]
    if name == "zip" and all(isinstance(each, list) for each in given):
        return [list(pair) for pair in zip(*given, strict=False)]
    return UNKNOWN
