"""The uses of paths in expressions, told one by one; and the calls of the code's own functions, followed.

`Follower` in `following` adds the statements.
"""

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from jupyter_schedule.core.notebooks.environment_uses import (
    find_environment_uses,
    find_set_in_shell,
    find_shell_uses,
    find_subscripted,
)
from jupyter_schedule.core.notebooks.notebook import Magic
from jupyter_schedule.core.notebooks.path_texts import HOLE, UNKNOWN, Either, Special, Value, children, walk
from jupyter_schedule.core.notebooks.path_uses import (
    PathAction,
    PathUse,
    find_call_uses,
    find_handed,
    find_magic_uses,
    place_uses,
    survey,
)
from jupyter_schedule.core.notebooks.path_values import KnownValues, called_name, dotted

#: statements that are followed in one notebook, and calls within calls
MOST_STEPS = 10_000
MOST_CALLS = 4
#: rounds of a loop
MOST_ROUNDS = 50
#: statements that are followed only for the value of a call
MOST_ASKED = 4_000
#: alternatives that are told apart
MOST_TURNS = 3

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class OwnFiles(Protocol):
    """A finder of more code of the notebook's own."""

    def load_module(self, name: str, level: int, follower: "ExpressionFollower") -> "Namespace | None":
        """The names of an own module; None where it isn't one."""

    def add_folder(self, text: str) -> None:
        """A folder is searched for modules from now on."""

    def run_file(self, use: PathUse, follower: "ExpressionFollower") -> None:
        """A file of code is run by the code that is followed."""


@dataclass
class Namespace:
    """The names that code leaves: its values and its functions."""

    values: dict[str, Value]
    functions: dict[str, "KnownFunction"]


class KnownFunction(NamedTuple):
    """A function, and where its names are looked up: None is where it is called."""

    function: Function
    home: Namespace | None = None


#: what is restored when a way that code may take was looked at: names, working folder, variables, functions
State: TypeAlias = tuple[dict[str, Value], Value, dict[str, Value], dict[str, KnownFunction]]


class ExpressionFollower(ABC):
    """Tells of the uses in expressions, with what is known where they stand."""

    def __init__(self, values: KnownValues, files: OwnFiles | None = None, importer: str = "") -> None:
        self.values = values
        #: the file that relative imports are meant from
        self.importer = importer
        values.call = self._value_of_call
        self._files = files
        self._functions: dict[str, KnownFunction] = {}
        self._found: list[PathUse] = []
        self._silent = 0
        #: in a branch that isn't taken
        self._dead = 0
        #: in the body of a `try` that catches the absence of a variable, or that a folder is there
        self._caught = 0
        #: in a function as it is defined, so that its arguments aren't known
        self._defined = 0
        #: in the body of a `try` that goes on without a file that isn't there
        self._does_without = 0
        self._steps = 0
        self._asked = 0
        #: by what was asked about, which is kept so that its identity stays its own
        self._surveys: dict[int, tuple[bool, frozenset[str], ast.AST]] = {}
        self._globals: dict[int, tuple[frozenset[str], Function]] = {}
        #: what calls gave, by call, turn and version; the call is kept so that its identity stays its own
        self._answers: dict[tuple[int, int, int], tuple[Value, ast.Call]] = {}
        self._calls: list[str] = []
        #: the line that what a called function does is told of
        self._line: int | None = None
        self._returned: Value = UNKNOWN
        self._magics: dict[int, list[Magic]] = {}
        self._written: set[str] = set()
        #: calls of whose value something else takes the place where there is none
        self._replaced: set[int] = set()
        self._folders: list[Value] = []

    @abstractmethod
    def follow(self, tree: ast.Module | None, magics: Sequence[Magic] = ()) -> list[PathUse]:
        """The uses in the code of `tree`, in order of its statements."""

    def namespace(self) -> Namespace:
        """The names that there are now."""
        return Namespace(self.values.values, self._functions)

    def take_over(self, names: Namespace) -> None:
        """As of `from … import *`, and of a file that `%run` ran."""
        for name, value in names.values.items():
            if not name.startswith("__") and "." not in name:
                self.values.put(name, value)
        self._functions |= {name: know_abroad(known, names) for name, known in names.functions.items()}

    @abstractmethod
    def _block(self, statements: Sequence[ast.stmt]) -> object:
        """Follow the statements of a function."""

    def _magic(self, magic: Magic) -> None:
        for use in find_magic_uses([magic], self.values):
            self._tell(use)
        text = magic.text.strip()
        if not text.startswith("%"):
            for use in find_shell_uses(text, magic.line, self.values):
                self._tell(use)
            if not text.startswith("!"):
                # of a cell for a shell, whose next lines know it
                self.values.variables |= dict.fromkeys(find_set_in_shell(text), UNKNOWN)
        name, _, rest = magic.text.strip().lstrip("%").partition(" ")
        if not magic.text.strip().startswith("%"):
            name, _, rest = re.split(r"&&|\|\||;", magic.text.strip(), maxsplit=1)[0].partition(" ")
        place = rest.strip().removeprefix("-q").strip().strip("\"'")
        match name:
            case "cd" | "pushd":
                self._enter(self._expanded(place), magic.line, keep=name == "pushd")
            case "popd" if self._folders:
                self.values.settle(self._folders.pop())
            case "env" | "set_env" if place:
                key, _, value = place.partition("=" if "=" in place else " ")
                if value:
                    self.values.variables[key.strip()] = value.strip()

    def _expanded(self, place: str) -> Value:
        """The folder that `%cd` leads to: a name in braces or behind a dollar is its value."""
        if place in {"", "~"}:
            return "~"
        if place.startswith("-"):
            return self._folders[-1] if self._folders else UNKNOWN
        name = place.strip("{}$")
        if name != place:
            return self.values.value(_parse_expression(name))
        return place

    def _enter(self, path: Value, line: int, *, keep: bool = False) -> None:
        """Change the working folder, and tell of it."""
        if self._dead:
            return
        before = self.values.folder
        self._folders = [*self._folders, before] if keep else [before]
        self.values.move(path)
        # told as it is from the notebook's folder
        text = self.values.place(".") if not self.values.adrift else ""
        self._tell(PathUse(text, PathAction.FOLDER, line))

    def _tell(self, use: PathUse) -> None:
        if self._silent:
            return
        how = use.how
        if self._dead and how in {PathAction.READ, PathAction.RUN, PathAction.GUARD}:
            how = PathAction.MENTION
        elif self._is_moot(how):
            return
        elif how is PathAction.READ and self.values.adrift and not use.text.startswith(("/", "~")):
            how = PathAction.MENTION
        told = use._replace(how=how, line=self._line or use.line)
        if how is PathAction.READ and self._does_without:
            self._found.append(told._replace(how=PathAction.GUARD))
        self._found.append(told)
        if self._files is not None and not self._defined:
            if how is PathAction.RUN:
                self._files.run_file(told, self)
            elif how is PathAction.IMPORT:
                self._files.load_module(use.text, 0, self)
            elif how is PathAction.MODULES:
                self._files.add_folder(use.text)

    def _is_moot(self, how: PathAction) -> bool:
        """True of what isn't worth telling where we are."""
        if how in {PathAction.VARIABLE, PathAction.MAKE} and self._caught:
            return True
        # a function's arguments are known when it is called
        if how in {PathAction.OPAQUE, PathAction.MAKE} and self._defined:
            return True
        return bool(self._dead) and how in {
            PathAction.OPAQUE,
            PathAction.FOLDER,
            PathAction.VARIABLE,
            PathAction.ASK,
            PathAction.MAKE,
        }

    def _may_use_paths(self, *nodes: ast.AST, seen: frozenset[str] = frozenset()) -> bool:
        """True where code, or what it calls of the code's own functions, may use a path or build one."""
        for node in nodes:
            if id(node) not in self._surveys:
                self._surveys[id(node)] = (*survey(node), node)
            uses, names, _ = self._surveys[id(node)]
            first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
            if uses or any(first <= line <= last for line in self._magics):
                return True
            for name in names & self._functions.keys() - seen:
                if self._may_use_paths(self._functions[name].function, seen=seen | {name}):
                    return True
        return False

    def _rounds(self, items: Value, *body: ast.AST) -> list[Value]:
        """The values with which a loop's body is followed: one that isn't known where no path can come of it."""
        if isinstance(items, list) and len(items) > 1 and not self._may_use_paths(*body):
            return [UNKNOWN]
        return items[:MOST_ROUNDS] if isinstance(items, list) and items else [one_of(items)]

    def _turns(self) -> Iterator[int]:
        """Each turn in which something may be another than in the first; the first is on again at the end."""
        depended = False
        for turn in range(MOST_TURNS):
            self.values.turn, self.values.depended = turn, False
            yield turn
            depended = depended or self.values.depended
            if not depended:
                break
        self.values.turn, self.values.depended = 0, depended

    def _both(self, node: ast.expr) -> Value:
        """The value of an expression, `Either` where it depends on the turn."""
        found = []
        for _ in self._turns():
            found.append(self.values.value(node))
        same = all(are_same(found[0], each) for each in found[1:])
        return found[0] if same else Either(tuple(found))

    def _state(self) -> State:
        values = self.values
        return dict(values.values), values.folder, dict(values.variables), dict(self._functions)

    def _restore(self, state: State) -> None:
        self.values.values, self.values.folder = dict(state[0]), state[1]
        self.values.variables, self._functions = dict(state[2]), dict(state[3])
        self.values.touch()

    # --- expressions

    def _look(self, *nodes: ast.AST) -> None:
        """Tell of the uses in expressions; a text that a call takes for a path isn't a mention as well."""
        if self._silent:
            # only its value is asked for
            return
        for node in nodes:
            self._visit(node, set())

    def _visit(self, node: ast.AST, taken: set[int]) -> None:
        if isinstance(node, ast.Name):
            return
        if isinstance(node, ast.Call):
            self._visit_call(node, taken)
        elif isinstance(node, ast.Lambda):
            self._visit_lambda(node, taken)
            return
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            self._comprehend(node, taken)
            return
        elif isinstance(node, ast.NamedExpr):
            self.values.bind(node.target, self.values.value(node.value))
        elif isinstance(node, ast.Subscript | ast.Compare | ast.BoolOp):
            self._visit_variable(node)
        if isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr | ast.Constant) and id(node) not in taken:
            text = self.values.text(node)
            if text:
                taken.update(map(id, walk(node)))
                self._mention(node)
        for child in children(node):
            self._visit(child, taken)

    def _set_variables(self, call: ast.Call) -> None:
        """Variables that the code sets itself, by `os.environ.update` or `setdefault`."""
        given = [self.values.value(argument) for argument in call.args]
        known = {key.arg: self.values.value(key.value) for key in call.keywords if key.arg}
        if given and isinstance(given[0], dict):
            known |= {str(key): value for key, value in given[0].items()}
        elif given and isinstance(given[0], str):
            known[given[0]] = given[1] if len(given) > 1 else UNKNOWN
        self.values.variables |= known

    def _visit_lambda(self, node: ast.Lambda, taken: set[int]) -> None:
        kept = self._state()
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            self.values.put(argument.arg, UNKNOWN)
        self._defined += 1
        self._visit(node.body, taken)
        self._defined -= 1
        self._restore(kept)

    def _visit_variable(self, node: ast.Subscript | ast.Compare | ast.BoolOp) -> None:
        """A variable of the environment that is read by its name, or asked for."""
        if isinstance(node, ast.BoolOp):
            if isinstance(node.op, ast.Or):
                # what comes next is what there is without them
                self._replaced |= set(map(id, node.values[:-1]))
            return
        if isinstance(node, ast.Compare):
            if isinstance(node.left, ast.Constant) and dotted(node.comparators[0]).split(".")[-1] == "environ":
                # whoever asks whether there is one goes on without it
                self.values.variables.setdefault(str(node.left.value), UNKNOWN)
            return
        name = find_subscripted(node, self.values)
        if name is not None:
            self._tell(PathUse(name, PathAction.VARIABLE, node.lineno))

    def _comprehend(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, taken: set[int]) -> None:
        kept = dict(self.values.values)
        first = node.generators[0]
        self._visit(first.iter, taken)
        items = self.values.value(first.iter)
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        rounds = self._rounds(items, *results, *(test for each in node.generators for test in each.ifs))
        for item in rounds:
            self.values.bind(first.target, item)
            for other in node.generators[1:]:
                self.values.bind(other.target, UNKNOWN)
                self._visit(other.iter, taken)
            if all(self.values.truth(test) is not False for test in first.ifs):
                for part in (*first.ifs, *results):
                    self._visit(part, set(taken))
        self.values.values = kept
        self.values.touch()

    def _visit_call(self, call: ast.Call, taken: set[int]) -> None:
        name = called_name(call)
        if name == "chdir" and call.args:
            self._enter(self._both(call.args[0]), call.lineno)
            taken.update(map(id, walk(call.args[0])))
            return
        if name in {"run_line_magic", "magic"} and "get_ipython" in ast.dump(call.func) and not self._silent:
            given = [self.values.text(argument) or HOLE for argument in call.args]
            self._magic(Magic(call.lineno, f"%{' '.join(given)}"))
            taken.update(map(id, walk(call)))
            return
        if dotted(call.func).split(".")[-2:-1] == ["environ"] and name in {"setdefault", "update"}:
            self._set_variables(call)
        name = dotted(call.func)
        if name in self._functions and self._may_use_paths(self._functions[name].function, seen=frozenset({name})):
            self._execute(call)
        for argument in call.args:
            if not isinstance(argument, ast.Name) or argument.id not in self._functions:
                continue
            if self._may_use_paths(argument):
                # handed over to be called with what only the run knows
                self._perform(argument.id, {}, call.lineno)
        self._tell_call(call, taken)

    def _tell_call(self, call: ast.Call, taken: set[int]) -> None:
        """Tell of the paths that a call uses, and of all that each may be."""
        uses: dict[tuple[PathAction, int], list[PathUse]] = {}
        if dotted(call.func) in self._functions:
            # an own one, whatever it is called: what it does with its arguments was seen
            return
        for _ in self._turns():
            for use, argument in (
                *find_environment_uses(call, self.values),
                *find_call_uses(call, self.values),
            ):
                if use.how is PathAction.VARIABLE and id(call) in self._replaced:
                    continue
                taken.update(map(id, walk(argument)))
                self._note(use, argument)
                unheard = use.how is PathAction.OPAQUE and ast.dump(argument) in self._written
                if not unheard and not (use.how is PathAction.WRITE and not use.text):
                    uses.setdefault((use.how, id(argument)), []).append(use)
        if not uses:
            for use in find_handed(call, self.values):
                self._tell(use)
        for (how, _), found in uses.items():
            texts = list(dict.fromkeys(use.text for use in found))
            lists = how is PathAction.MODULES or len(texts) > MOST_TURNS
            for text in texts if lists or isinstance(self._list_of(call), list) else texts[:1]:
                others = () if lists or text != texts[0] else tuple(texts[1:])
                self._tell(found[0]._replace(text=text, also=others))

    def _list_of(self, call: ast.Call) -> Value:
        return self.values.value(call.args[0]) if call.args else UNKNOWN

    def _note(self, use: PathUse, argument: ast.expr) -> None:
        if use.how is PathAction.WRITE and not isinstance(argument, ast.Constant):
            self._written.add(ast.dump(argument))

    def _mention(self, node: ast.AST) -> None:
        """Tell of the text of an expression as a path, with the others that it may be."""
        found: list[list[PathUse]] = []
        for _ in self._turns():
            text = self.values.text(node)
            line = getattr(node, "lineno", 1)
            found.append(list(place_uses(text, PathAction.MENTION, line, self.values)) if text else [])
        first = next((uses for uses in found if uses), [])
        if len(first) == 1:
            others = tuple(dict.fromkeys(use.text for uses in found for use in uses if use.text != first[0].text))
            first = [first[0]._replace(also=others)]
        for use in first:
            self._tell(use)

    # --- calls of the code's own functions

    def _value_of_call(self, call: ast.Call) -> Value:
        """The value that a call of the code's own function returns; nothing else comes of asking."""
        if dotted(call.func) not in self._functions or self._asked > MOST_ASKED:
            return UNKNOWN
        values = self.values
        key = (id(call), values.turn, values.version)
        if key not in self._answers:
            kept, turn, version, depended = self._state(), values.turn, values.version, values.depended
            self._silent += 1
            value = self._execute(call)
            self._silent -= 1
            self._restore(kept)
            # a function may go other ways in another turn
            values.turn, values.version, values.depended = turn, version, depended or values.depended
            self._answers[key] = (value, call)
        return self._answers[key][0]

    def _execute(self, call: ast.Call) -> Value:
        function = self._functions[dotted(call.func)].function
        names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
        given = dict(zip(names, map(self.values.value, call.args), strict=False))
        given |= {keyword.arg: self.values.value(keyword.value) for keyword in call.keywords if keyword.arg}
        return self._perform(dotted(call.func), given, call.lineno)

    def _perform(self, name: str, given: dict[str, Value], line: int) -> Value:
        function, home = self._functions[name]
        if name in self._calls or len(self._calls) >= MOST_CALLS or self._steps > MOST_STEPS:
            return UNKNOWN
        kept, known = self.values.values, self._functions
        defaults = {name: self.values.value(node) for name, node in _defaults(function)}
        self.values.values = dict(home.values if home else kept)
        self.values.touch()
        self._functions = dict(home.functions if home else known)
        for argument in arguments_of(function):
            self.values.put(argument, given.get(argument, defaults.get(argument, UNKNOWN)))
        told, self._line = self._line, self._line or line
        defined, self._defined = self._defined, 0
        self._calls.append(name)
        before, self._returned = self._returned, None
        self._block(function.body)
        returned, self._returned = self._returned, before
        self._calls.pop()
        self._line, self._defined = told, defined
        shared = self._find_globals(function) if home is None else frozenset()
        left = {name: value for name, value in self.values.values.items() if name in shared} if shared else {}
        self.values.values, self._functions = kept | left, known
        self.values.touch()
        return returned

    def _find_globals(self, function: Function) -> frozenset[str]:
        """The names that a function says are those of its module."""
        if id(function) not in self._globals:
            named = [name for node in walk(function) if isinstance(node, ast.Global) for name in node.names]
            self._globals[id(function)] = (frozenset(named), function)
        return self._globals[id(function)][0]


def know_abroad(known: KnownFunction, home: Namespace) -> KnownFunction:
    """The function as another module knows it."""
    return known if known.home else known._replace(home=home)


def arguments_of(function: Function) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    others = [argument.arg for argument in (function.args.vararg, function.args.kwarg) if argument]
    return names + others


def _defaults(function: Function) -> Iterator[tuple[str, ast.expr]]:
    plain = [*function.args.posonlyargs, *function.args.args]
    count = len(function.args.defaults)
    pairs = zip(plain[len(plain) - count :], function.args.defaults, strict=True)
    yield from ((argument.arg, node) for argument, node in pairs)
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if default is not None:
            yield argument.arg, default


def one_of(items: Value) -> Value:
    """One of what is gone through, where that isn't a known list."""
    return Special.NO_FILE if items is Special.NO_FILE else UNKNOWN


def combine(mine: Value, theirs: Value) -> Value:
    options = [option for each in (mine, theirs) for option in (each.options if isinstance(each, Either) else (each,))]
    known: list[Value] = []
    for option in options:
        if not any(are_same(option, other) for other in known):
            known.append(option)
    return Either(tuple(known[:MOST_TURNS]))


def are_same(one: Value, other: Value) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _parse_expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
