"""The variables that code reads from its environment without a default, and the questions that it asks a person."""

import ast
import re
from collections.abc import Iterator

from jupyter_schedule.core.notebooks.path_uses import PathAction, PathUse
from jupyter_schedule.core.notebooks.path_values import KnownValues, called_name, dotted

#: what asks a person, by the last two words of its call
_ASKING = frozenset({
    "input", "breakpoint", "pwinput", "pwinput.pwinput", "set_trace", "pdb.set_trace",
    "ipdb.set_trace", "click.prompt", "click.confirm", "typer.prompt", "typer.confirm", "stdin.readline", "stdin.read",
    "Prompt.ask", "IntPrompt.ask", "FloatPrompt.ask", "Confirm.ask",
})  # fmt: skip
#: a method of a reader of variables that gives one of a type
_TYPES = frozenset({
    "str", "int", "float", "bool", "list", "dict", "json", "url", "path", "decimal", "date", "datetime", "timedelta",
    "uuid", "enum", "db", "bytes", "tuple",
})  # fmt: skip
#: classes whose objects read variables, by the packages that have them
_READERS = {"environs": frozenset({"Env", "FileAwareEnv"}), "environ": frozenset({"Env", "FileAwareEnv"})}
_UNQUOTED = re.compile(r"'[^']*'")
#: a variable of a shell's line, but for one that has a default there
_IN_SHELL = re.compile(r"(?<![\\$])\$(?:([A-Z][A-Z0-9_]{2,})(?![\w(])|\{([A-Z][A-Z0-9_]{2,})\})")
#: names that a shell's line gives a value, or reads one into
_SET_IN_SHELL = re.compile(r"(?:^|[\s;&|(])(?:for\s+|read\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)(?==|\s+in\s|\s*(?:$|;))")
#: variables that a shell has by itself
_OF_SHELLS = re.compile(
    r"BASH\w*|RANDOM|SECONDS|LINENO|PPID|UID|EUID|IFS|OLDPWD|(?:HOST|OS|MACH)TYPE|FUNCNAME|PIPESTATUS|REPLY"
    r"|OPT(?:ARG|IND)|SHELLOPTS|COLUMNS|LINES|DIRSTACK"
)


def find_environment_uses(call: ast.Call, values: KnownValues) -> Iterator[tuple[PathUse, ast.expr]]:
    """The variables that a call reads without a default, the file with them, and the question that it asks."""
    parts = dotted(call.func).split(".")
    if ".".join(parts[-2:]) in _ASKING or parts[-1] == "getpass":
        yield PathUse("", PathAction.ASK, call.lineno), call.func
        return
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    first = call.args[0] if call.args else keywords.get("key")
    name = called_name(call)
    if first is None:
        if name in {"load_dotenv", "dotenv_values", "find_dotenv"} and not keywords:
            yield PathUse(".env", PathAction.DOTENV, call.lineno), call.func
        return
    text = _variable_name(first, values)
    if text is None:
        return
    if name == "expandvars":
        yield from ((PathUse(each, PathAction.VARIABLE, call.lineno), first) for each in _expanded(text, values))
    elif _reads(parts, values) and len(call.args) <= 1 and "default" not in keywords and text not in values.variables:
        yield PathUse(text, PathAction.VARIABLE, call.lineno), first


def _variable_name(node: ast.expr, values: KnownValues) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        return node.value.decode("latin-1")
    return values.text(node)


def _reads(parts: list[str], values: KnownValues) -> bool:
    """True of a call that gives a variable of the environment, and fails or goes on with nothing without it."""
    if parts[-1] == "getenv" or (parts[-1] in {"get", "pop", "__getitem__"} and parts[-2:-1] == ["environ"]):
        return True
    owner, typed = ".".join(parts[:-1]), parts[-1]
    return ".".join(parts) in values.reading_variables or (typed in _TYPES and owner in values.reading_variables)


def find_subscripted(node: ast.Subscript, values: KnownValues) -> str | None:
    """The variable that `os.environ[…]` reads and the code hasn't set."""
    if not isinstance(node.ctx, ast.Load) or dotted(node.value).split(".")[-1] not in {"environ", "environb"}:
        return None
    name = _variable_name(node.slice, values)
    return None if name is None or name in values.variables else name


def find_demanded(statement: ast.If | ast.Assert, values: KnownValues) -> Iterator[PathUse]:
    """The variable without which code ends: `if "X" not in os.environ: raise …`, and an `assert` of it."""
    test = statement.test
    if not isinstance(test, ast.Compare) or dotted(test.comparators[0]).split(".")[-1] != "environ":
        return
    ends = isinstance(statement, ast.Assert) or any(map(_ends, statement.body))
    if ends and isinstance(test.ops[0], ast.In if isinstance(statement, ast.Assert) else ast.NotIn):
        name = values.text(test.left)
        if name is not None and name not in values.variables:
            yield PathUse(name, PathAction.VARIABLE, statement.lineno)


def _ends(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return called_name(statement.value) in {"exit", "quit", "_exit"}
    return isinstance(statement, ast.Raise)


def find_shell_uses(line: str, number: int, values: KnownValues) -> Iterator[PathUse]:
    """The variables that a line for a shell reads; what it sets is known from then on."""
    plain = _UNQUOTED.sub("''", line.lstrip().lstrip("!"))
    for name in _expanded(plain, values):
        if name not in values.values:
            yield PathUse(name, PathAction.VARIABLE, number)


def find_set_in_shell(line: str) -> list[str]:
    """The variables that a line for a shell sets itself."""
    return _SET_IN_SHELL.findall(_UNQUOTED.sub("''", line))


def _expanded(text: str, values: KnownValues) -> Iterator[str]:
    own = {*values.variables, *find_set_in_shell(text)}
    for plain, braced in _IN_SHELL.findall(text):
        name = plain or braced
        if name not in own and not _OF_SHELLS.fullmatch(name):
            yield name


def find_readers(module: str, origin: str, name: str) -> Iterator[str]:
    """The names by which an import makes known what reads variables, where they are too common to say so."""
    imported = {("decouple", "config"): name, ("os", "getenv"): name, ("google.colab", "userdata"): f"{name}.get"}
    if (module, origin) in imported:
        yield imported[module, origin]
    elif not module and origin == "decouple":
        yield f"{name}.config"
    elif origin in _READERS.get(module, ()):
        yield f"{name}()"
    elif not module and origin in _READERS:
        yield from (f"{name}.{kind}()" for kind in _READERS[origin])


def makes_reader(made: ast.expr, values: KnownValues) -> bool:
    """True of `Env()`, whose object reads variables by being called."""
    return isinstance(made, ast.Call) and f"{dotted(made.func)}()" in values.reading_variables
