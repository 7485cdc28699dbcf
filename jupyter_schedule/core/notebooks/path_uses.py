"""The paths that Python code names, and its use of them, as far as that can be told without running it.

Texts are followed through plain assignments, joins, `Path` and f-strings.  What isn't known in one becomes `HOLE`:
`f"data/{year}.csv"` is `data/` HOLE `.csv`.
"""

import ast
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from jupyter_schedule.core.notebooks.notebook import Magic

#: stands for a part of a path that only the run knows; no path can hold it
HOLE = "\0"
#: stands for a null byte of the code itself, so that nobody takes it for a hole; no path that we look at holds it
NUL = "\1"
OUTPUT_DIR = "output"


class PathAction(StrEnum):
    """The ways in which code uses a path."""

    READ = "read"
    WRITE = "write"
    #: a folder's files are listed
    LIST = "list"
    #: only named
    MENTION = "mention"
    #: asked for, so that the code goes on without it
    GUARD = "guard"
    #: added to the folders that modules are looked for in
    MODULES = "modules"
    #: no path at all: a person is asked for input
    ASK = "ask"


class PathUse(NamedTuple):
    """A path, as the code names it."""

    text: str
    how: PathAction
    #: 1-based in its cell or file
    line: int


READERS = (
    *("load", "safe_load", "loadtxt", "genfromtxt", "fromfile", "imread"),
    *("open_dataset", "open_mfdataset", "scan_csv", "scan_parquet", "scan_ndjson"),
)
#: of a database or a clipboard, so their first argument is no path
QUERIES = frozenset({"read_sql", "read_sql_query", "read_sql_table", "read_gbq", "read_database", "read_clipboard"})
WRITERS = (
    *("to_csv", "to_parquet", "to_excel", "to_json", "to_pickle", "to_html", "to_feather", "to_markdown", "to_file"),
    *("to_hdf", "to_stata", "to_latex", "to_xml", "to_orc", "to_netcdf", "to_zarr", "ExcelWriter"),
    *("savefig", "save", "savetxt", "savez", "savez_compressed", "imsave", "imwrite", "save_model"),
    *("write_csv", "write_parquet", "write_json", "write_ndjson", "write_ipc", "write_excel", "write_html"),
    *("write_image", "sink_csv", "sink_parquet"),
)
FILE_KEYWORDS = (
    "filepath_or_buffer",
    "path_or_buf",
    "path_or_buffer",
    "path",
    "fname",
    "filename",
    "file",
    "io",
    "source",
)
OPENERS = frozenset({"open", "ZipFile", "TarFile", "File"})
SAME_PATH = frozenset(
    {"str", "fspath", "abspath", "normpath", "realpath", "expanduser", "resolve", "absolute", "as_posix"}
)
_FORMAT_FIELD = re.compile(r"\{[^{}]*\}")
_PERCENT_FIELD = re.compile(r"%(?:\([^)]*\))?[-+ #0-9.]*[a-zA-Z]")
#: expressions are followed this deep
DEPTH = 40


class KnownTexts:
    """The texts that names stand for, as assigned so far."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def put(self, name: str, text: str | None) -> None:
        """From now on `name` stands for `text`, or for nothing known."""
        self._texts.pop(name, None)
        if text is not None:
            self._texts[name] = text

    def named(self, name: str) -> str | None:
        """The text that `name` stands for."""
        return self._texts.get(name)

    def text(self, node: ast.AST | None, depth: int = DEPTH) -> str | None:
        """The text or path that an expression stands for, with holes; None when nothing of it is known."""
        if depth == 0:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return text.replace(HOLE, NUL)
            case ast.Name(id=name):
                return self.named(name)
            case ast.JoinedStr(values=parts):
                return "".join(self._part(part, depth - 1) for part in parts)
            case ast.FormattedValue(value=value):
                return self.text(value, depth - 1)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._combined(operator, left, right, depth - 1)
            case ast.Call():
                return self._called(node, depth - 1)
        return self._picked(node, depth - 1)

    def _picked(self, node: ast.AST | None, depth: int) -> str | None:
        """The text of an expression that takes one from another, or one of several."""
        match node:
            case ast.Attribute(value=value, attr="parent"):
                inner = self.text(value, depth)
                return None if inner is None else posixpath.dirname(inner) or "."
            case ast.BoolOp(op=ast.Or(), values=values):
                return next((text for text in (self.text(value, depth) for value in values) if text), None)
            case ast.IfExp(body=body, orelse=other):
                return self.text(body, depth) or self.text(other, depth)
            case ast.Subscript(slice=ast.Constant(value="OUTPUT_DIR")):
                return OUTPUT_DIR
        return None

    def _part(self, node: ast.AST, depth: int) -> str:
        text = self.text(node, depth)
        return HOLE if text is None else text

    def _combined(self, operator: ast.operator, left: ast.expr, right: ast.expr, depth: int) -> str | None:
        first = self.text(left, depth)
        if isinstance(operator, ast.Mod):
            return None if first is None else _PERCENT_FIELD.sub(HOLE, first)
        second = self.text(right, depth)
        if isinstance(operator, ast.Div) and first is not None:
            return posixpath.join(first, HOLE if second is None else second)
        if isinstance(operator, ast.Add) and (first is not None or second is not None):
            return (HOLE if first is None else first) + (HOLE if second is None else second)
        return None

    def _called(self, call: ast.Call, depth: int) -> str | None:
        name, receiver = called_name(call), None
        if isinstance(call.func, ast.Attribute):
            receiver = self.text(call.func.value, depth)
        first = call.args[0] if call.args else None
        if name in {"Path", "PurePath", "PosixPath", "join"} and receiver is None:
            parts = [self._part(part, depth) for part in call.args]
            return posixpath.join(*parts) if parts else "." if name == "Path" else None
        if name == "joinpath" and receiver is not None:
            return posixpath.join(receiver, *(self._part(part, depth) for part in call.args))
        if name in SAME_PATH:
            return receiver if receiver is not None else self.text(first, depth)
        if name == "dirname":
            inner = self.text(first, depth)
            return None if inner is None else posixpath.dirname(inner)
        if name == "format" and receiver is not None:
            return _FORMAT_FIELD.sub(HOLE, receiver)
        return self._surroundings(name, call, depth)

    def _surroundings(self, name: str, call: ast.Call, depth: int) -> str | None:
        """The text that a call gives about where the code runs: its folder, the person's home, a variable's default."""
        if name in {"cwd", "getcwd"}:
            return "."
        if name == "home":
            return "~"
        if name not in {"get", "getenv"} or not call.args:
            return None
        if isinstance(call.args[0], ast.Constant) and call.args[0].value == "OUTPUT_DIR":
            return OUTPUT_DIR
        return self.text(call.args[1], depth) if len(call.args) > 1 else None


def called_name(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def find_uses(tree: ast.Module, names: KnownTexts) -> Iterator[PathUse]:
    """Every path that the code of `tree` names, in order of its statements; `names` is kept up to date."""
    for statement in tree.body:
        found = list(_in_statement(statement, names))
        yield from sorted(found, key=lambda use: use.line)
        for node in ast.walk(statement):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    names.put(name, names.text(value))
                case ast.AnnAssign(target=ast.Name(id=name), value=value):
                    names.put(name, names.text(value))
                case ast.For(target=ast.Name(id=name)) | ast.comprehension(target=ast.Name(id=name)):
                    names.put(name, None)


def _in_statement(statement: ast.stmt, names: KnownTexts) -> Iterator[PathUse]:
    """The uses in one statement; a text that a call takes for a path isn't a mention as well."""
    taken: set[int] = set()
    for node in ast.walk(statement):
        if id(node) in taken:
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            taken.add(id(node.value))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "input":
                yield PathUse("", PathAction.ASK, node.lineno)
            for use, argument in _by_call(node, names):
                taken.update(map(id, ast.walk(argument)))
                yield use
        if isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr | ast.Constant) and id(node) not in taken:
            text = names.text(node)
            if text:
                taken.update(map(id, ast.walk(node)))
                yield PathUse(text, PathAction.MENTION, getattr(node, "lineno", 1))


def _by_call(call: ast.Call, names: KnownTexts) -> Iterator[tuple[PathUse, ast.expr]]:
    """The uses that a call makes of its paths, each with the expression that names it."""
    for how, argument, suffix in _taken(call, names):
        text = names.text(argument)
        if text:
            yield PathUse(posixpath.join(text, suffix) if suffix else text, how, call.lineno), argument


def _taken(call: ast.Call, names: KnownTexts) -> Iterator[tuple[PathAction, ast.expr, str]]:
    """The uses that a call makes of its arguments, and a pattern below it."""
    if isinstance(call.func, ast.Attribute) and names.text(call.func.value) is not None:
        yield from _by_method(call, call.func.value, names)
        return
    name = called_name(call)
    keywords = _keywords(call)
    first = call.args[0] if call.args else next((keywords[key] for key in FILE_KEYWORDS if key in keywords), None)
    second = call.args[1] if len(call.args) > 1 else None
    if first is None:
        return
    if name in OPENERS:
        yield _by_mode(second or keywords.get("mode")), first, ""
    elif name in {"append", "insert"}:
        if ast.unparse(call.func).startswith("sys.path."):
            yield PathAction.MODULES, call.args[-1], ""
    elif name in BY_FUNCTION or (name.startswith("read_") and name not in QUERIES):
        yield BY_FUNCTION.get(name, PathAction.READ), first, ""
    if second is not None and name in {"copy", "copy2", "copyfile", "move", "dump"}:
        yield PathAction.WRITE, second, ""


def _by_method(call: ast.Call, path: ast.expr, names: KnownTexts) -> Iterator[tuple[PathAction, ast.expr, str]]:
    name = called_name(call)
    first = call.args[0] if call.args else _keywords(call).get("mode")
    if name == "open":
        yield _by_mode(first), path, ""
    elif name in {"glob", "rglob"} and first is not None:
        pattern = names.text(first) or HOLE
        yield PathAction.READ, path, f"**/{pattern}" if name == "rglob" else pattern
    elif name in BY_METHOD:
        yield BY_METHOD[name], path, ""


def _keywords(call: ast.Call) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


#: of a path
BY_METHOD = {
    **dict.fromkeys(("read_text", "read_bytes"), PathAction.READ),
    **dict.fromkeys(("write_text", "write_bytes", "touch"), PathAction.WRITE),
    **dict.fromkeys(("exists", "is_file", "is_dir"), PathAction.GUARD),
    "iterdir": PathAction.LIST,
}
#: of their first argument
BY_FUNCTION = {
    **dict.fromkeys(("exists", "isfile", "isdir"), PathAction.GUARD),
    **dict.fromkeys(("listdir", "scandir", "walk", "copytree"), PathAction.LIST),
    **dict.fromkeys(("glob", "iglob", "copy", "copy2", "copyfile", "move"), PathAction.READ),
    **dict.fromkeys(READERS, PathAction.READ),
    **dict.fromkeys(WRITERS, PathAction.WRITE),
}


def _by_mode(mode: ast.expr | None) -> PathAction:
    text = mode.value if isinstance(mode, ast.Constant) else "r"
    return PathAction.WRITE if isinstance(text, str) and set(text) & set("wax") else PathAction.READ


def find_in_magics(magics: Sequence[Magic]) -> Iterator[PathUse]:
    """The words of shell and magic lines that may be paths."""
    for magic in magics:
        try:
            words = shlex.split(magic.text.lstrip(" \t%!"))
        except ValueError:
            continue
        before = ""
        for word in words:
            how = (
                PathAction.WRITE
                if before in {">", ">>", "writefile"}
                else PathAction.READ
                if before == "run"
                else PathAction.MENTION
            )
            before = word
            yield PathUse(word.replace(HOLE, NUL), how, magic.line)


def find_in_texts(source: str) -> Iterator[PathUse]:
    """The quoted texts of code in any language, each as a mention."""
    for number, line in enumerate(source.split("\n"), start=1):
        for found in re.finditer(r"(\"|')([^\"'\0]{1,255})\1", line):
            yield PathUse(found[2], PathAction.MENTION, number)
