"""Python followed statement by statement, as far as that can be done without running it: the paths that it uses.

Names, the working folder, loops over known lists and calls of the code's own functions are followed; of a branch whose
condition isn't known both sides are, and what they leave different is `Either`.  A branch that isn't taken as far as we
know is looked at all the same, but what it reads is only a mention.
"""

import ast
from collections.abc import Sequence
from enum import Enum

from jupyter_schedule.core.notebooks.environment_uses import find_demanded, find_readers, makes_reader
from jupyter_schedule.core.notebooks.expressions import (
    MOST_ROUNDS,
    MOST_STEPS,
    ExpressionFollower,
    Function,
    KnownFunction,
    Namespace,
    State,
    are_same,
    arguments_of,
    combine,
    know_abroad,
)
from jupyter_schedule.core.notebooks.notebook import Magic
from jupyter_schedule.core.notebooks.path_texts import HOLE, OF_RUN, UNKNOWN, Either, Special, Value, walk
from jupyter_schedule.core.notebooks.path_uses import PathAction, PathUse
from jupyter_schedule.core.notebooks.path_values import CONSTANTS, KnownValues, called_name, dotted


class Flow(Enum):
    """The ways in which a statement ends."""

    ON = "on"
    BREAK = "break"
    CONTINUE = "continue"
    RETURN = "return"


class Follower(ExpressionFollower):
    """Follows the code of one notebook, cell by cell, or of one module."""

    def follow(self, tree: ast.Module | None, magics: Sequence[Magic] = ()) -> list[PathUse]:
        """The uses in the code of `tree`, in order of its statements."""
        kept = self._found, self._magics
        self._found, self._magics = [], {}
        for magic in magics:
            self._magics.setdefault(magic.line, []).append(magic)
        for statement in tree.body if tree else ():
            self._take_magics(statement.lineno - 1)
            self._top(statement)
        self._take_magics(None)
        found = list(dict.fromkeys(self._found))
        self._found, self._magics = kept
        return found

    def _top(self, statement: ast.stmt) -> None:
        first = len(self._found)
        self._run(statement, top=True)
        self._found[first:] = sorted(self._found[first:], key=lambda use: use.line)

    def _take_magics(self, until: int | None) -> None:
        for line in sorted(line for line in self._magics if until is None or line <= until):
            for magic in self._magics.pop(line):
                self._magic(magic)

    # --- statements

    def _block(self, statements: Sequence[ast.stmt]) -> Flow:
        for statement in statements:
            flow = self._run(statement)
            if flow is not Flow.ON:
                return flow
        return Flow.ON

    def _run(self, statement: ast.stmt, *, top: bool = False) -> Flow:  # noqa: PLR0911  (one line a kind of statement)
        self._steps += 1
        self._asked += bool(self._silent)
        if self._steps > MOST_STEPS and not top:
            return self._give_up(statement)
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(statement)
            case ast.ClassDef():
                self._define_class(statement)
            case ast.If(test=test, body=body, orelse=other):
                self._demand(statement)
                self._look(test)
                return self._branch(self.values.truth(test), body, other)
            case ast.For() | ast.AsyncFor():
                return self._for(statement)
            case ast.While(test=test, body=body, orelse=other):
                return self._while(test, body, other)
            case ast.With() | ast.AsyncWith():
                return self._with(statement)
            case ast.Try() | ast.TryStar():
                return self._try(statement)
            case ast.Match(subject=subject, cases=cases):
                self._look(subject)
                return self._branches([case.body for case in cases])
            case _:
                return self._simple(statement)
        return Flow.ON

    def _demand(self, statement: ast.If | ast.Assert) -> None:
        for use in find_demanded(statement, self.values):
            self._tell(use)

    def _give_up(self, statement: ast.stmt) -> Flow:
        """Pass a statement over, and say so where it may use a path."""
        if self._may_use_paths(statement):
            self._tell(PathUse("", PathAction.OPAQUE, statement.lineno))
        return Flow.ON

    def _simple(self, statement: ast.stmt) -> Flow:  # noqa: C901  (as in `_run`)
        if isinstance(statement, ast.Assert):
            self._demand(statement)
        lone = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not lone:
            self._look(statement)
        match statement:
            case ast.Assign(targets=targets, value=value):
                known = self._both(value)
                for target in targets:
                    self._assign(target, known, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, self._both(value), value)
            case ast.AugAssign(target=target, op=operator, value=value):
                self._augment(target, operator, value)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self._imported(statement, names)
            case ast.Return(value=value):
                self._returned = self._both(value) if value else None
                return Flow.RETURN
            case ast.Break():
                return Flow.BREAK
            case ast.Continue():
                return Flow.CONTINUE
            case ast.Raise():
                return Flow.RETURN if self._calls else Flow.ON
        for magic in self._magics.pop(statement.lineno, []) if not self._calls else []:
            self._magic(magic)
        return Flow.ON

    def _imported(self, statement: ast.stmt, names: list[ast.alias]) -> None:
        module, level = getattr(statement, "module", None) or "", getattr(statement, "level", 0)
        for alias in names:
            name = alias.asname or alias.name
            self.values.reading_variables.update(find_readers(module, alias.name, name))
            self.values.put(name, CONSTANTS.get(alias.name, UNKNOWN) if module in {"os", "os.path"} else UNKNOWN)
            self._functions.pop(name, None)
            if self._files is None or self._defined or self._silent:
                continue
            if isinstance(statement, ast.Import):
                self._bind_module(alias.asname or alias.name, self._files.load_module(alias.name, 0, self))
                continue
            inner = f"{module}.{alias.name}" if module else alias.name
            if alias.name != "*" and (found := self._files.load_module(inner, level, self)):
                self._bind_from(module, level, name, alias.name, found)
            elif alias.name == "*" and (found := self._files.load_module(module, level, self)):
                self.take_over(found)

    def _bind_from(self, module: str, level: int, name: str, origin: str, inner: Namespace) -> None:
        """`from module import origin as name`, where that is a name of the module or a module itself."""
        outer = self._files.load_module(module, level, self) if self._files and module else None
        if outer is not None and origin in outer.values:
            self.values.put(name, outer.values[origin])
            if origin in outer.functions:
                self._functions[name] = know_abroad(outer.functions[origin], outer)
            prefix = f"{origin}."
            for key in [key for key in outer.values if key.startswith(prefix)]:
                self.values.values[f"{name}.{key.removeprefix(prefix)}"] = outer.values[key]
            self.values.touch()
        else:
            self._bind_module(name, inner)

    def _bind_module(self, name: str, found: Namespace | None) -> None:
        if found is None:
            return
        plain = {key: value for key, value in found.values.items() if not key.startswith("_")}
        self.values.values |= {f"{name}.{key}": value for key, value in plain.items()}
        self.values.touch()
        self._functions |= {f"{name}.{key}": know_abroad(known, found) for key, known in found.functions.items()}

    def _assign(self, target: ast.expr, known: Value, value: ast.expr) -> None:
        if isinstance(target, ast.Subscript) and dotted(target.value).split(".")[-1] == "environ":
            if isinstance(target.slice, ast.Constant):
                self.values.variables[str(target.slice.value)] = known
        elif dotted(target) == "sys.path":
            parts = [value.left, value.right] if isinstance(value, ast.BinOp) else [value]
            for part in parts:
                self._search(self.values.value(part), value.lineno)
        else:
            self._functions.pop(dotted(target), None)
            self.values.bind(target, known)
            if makes_reader(value, self.values):
                self.values.reading_variables.add(dotted(target))
            if isinstance(target, ast.Name) and isinstance(value, ast.Call):
                self._bind_fields(target.id, value)

    def _bind_fields(self, name: str, made: ast.Call) -> None:
        """The fields of what a call of an own class makes, or of a plain namespace: its defaults, and what is given."""
        known = self.values.values
        prefix = f"{dotted(made.func)}."
        fields = {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
        if fields or called_name(made) in {"SimpleNamespace", "Namespace"}:
            fields |= {key.arg: self._both(key.value) for key in made.keywords if key.arg}
            self.values.values |= {f"{name}.{key}": value for key, value in fields.items() if "." not in key}
            self.values.touch()

    def _augment(self, target: ast.expr, operator: ast.operator, value: ast.expr) -> None:
        if dotted(target) == "sys.path":
            self._search(self.values.value(value), value.lineno)
        elif isinstance(target, ast.Name | ast.Attribute):
            left = ast.copy_location(ast.parse(ast.unparse(target), mode="eval").body, target)
            self.values.bind(target, self._both(ast.BinOp(left, operator, value)))

    def _search(self, folders: Value, line: int) -> None:
        """Folders that modules are looked for in."""
        for folder in folders if isinstance(folders, list) else [folders]:
            if isinstance(folder, str) and folder.strip(HOLE):
                self._tell(PathUse(self.values.place(folder), PathAction.MODULES, line))

    def _branch(self, truth: bool | None, body: list[ast.stmt], other: list[ast.stmt]) -> Flow:
        if truth is None:
            return self._branches([body, other])
        taken, passed = (body, other) if truth else (other, body)
        self._pass_over(passed)
        return self._block(taken)

    def _pass_over(self, statements: Sequence[ast.stmt]) -> None:
        """Look at statements that aren't run as far as we know, and forget what they do."""
        if self._silent or not statements:
            return
        kept = self._state()
        self._dead += 1
        self._block(statements)
        self._dead -= 1
        self._restore(kept)

    def _branches(self, bodies: Sequence[Sequence[ast.stmt]]) -> Flow:
        """Follow each of several bodies from here, of which one is run; what they leave different is either."""
        before = self._state()
        ends = []
        flows = []
        returned = []
        for body in bodies:
            self._restore(before)
            self._returned = UNKNOWN
            flows.append(self._block(body))
            returned.append(self._returned)
            ends.append(self._state())
        going = [end for end, flow in zip(ends, flows, strict=True) if flow is Flow.ON] or ends
        self._restore(going[0])
        for end in going[1:]:
            self._merge(end)
        if all(flow is Flow.RETURN for flow in flows):
            self._returned = returned[0] if are_same(returned[0], returned[-1]) else Either(tuple(returned))
            return Flow.RETURN
        return flows[0] if len(set(flows)) == 1 else Flow.ON

    def _merge(self, other: State) -> None:
        values = self.values
        for name in {**values.values, **other[0]}:
            mine, theirs = values.values.get(name, UNKNOWN), other[0].get(name, UNKNOWN)
            if not are_same(mine, theirs):
                values.values[name] = combine(mine, theirs)
        values.touch()
        if not are_same(values.folder, other[1]):
            values.folder = combine(values.folder, other[1])
        values.variables |= other[2]
        self._functions = {**other[3], **self._functions}

    def _for(self, statement: ast.For | ast.AsyncFor) -> Flow:
        self._look(statement.iter)
        items = self.values.value(statement.iter)
        for item in self._rounds(items, *statement.body):
            self.values.bind(statement.target, item)
            flow = self._block(statement.body)
            if flow is Flow.BREAK:
                return Flow.ON
            if flow is Flow.RETURN:
                return flow
        return self._block(statement.orelse)

    def _while(self, test: ast.expr, body: list[ast.stmt], other: list[ast.stmt]) -> Flow:
        self._look(test)
        if self.values.truth(test) is None or not self._may_use_paths(test, *body):
            return self._branches([body, []])
        for _ in range(MOST_ROUNDS):
            if self.values.truth(test) is not True:
                break
            before = (self.values.values, self.values.folder)
            flow = self._block(body)
            if flow is Flow.BREAK:
                return Flow.ON
            if flow is Flow.RETURN:
                return flow
            if before == (self.values.values, self.values.folder):
                break
        return self._block(other)

    def _with(self, statement: ast.With | ast.AsyncWith) -> Flow:
        kept = self.values.folder
        moved = False
        for item in statement.items:
            self._look(item.context_expr)
            call = item.context_expr
            if isinstance(call, ast.Call) and called_name(call) in {"chdir", "working_directory", "cd", "pushd"}:
                moved = True
                if called_name(call) != "chdir" and call.args:
                    self._enter(self._both(call.args[0]), call.lineno)
            if item.optional_vars is not None:
                made = self.values.value(call)
                self.values.bind(item.optional_vars, made if made == OF_RUN else Special.NO_FILE)
        flow = self._block(statement.body)
        if moved:
            self.values.folder = kept
        return flow

    def _try(self, statement: ast.Try | ast.TryStar) -> Flow:
        before = self._state()
        catches = any(_catches_absence(handler.type) for handler in statement.handlers)
        does_without = any(_goes_on_without_file(handler) for handler in statement.handlers)
        self._caught += catches
        self._does_without += does_without
        flow = self._block(statement.body)
        self._caught -= catches
        self._does_without -= does_without
        if flow is Flow.ON:
            flow = self._block(statement.orelse)
        after = self._state()
        for handler in statement.handlers:
            self._restore(before)
            self._dead += 1
            ended = self._block(handler.body)
            self._dead -= 1
            if ended is Flow.ON:
                end = self._state()
                self._restore(after)
                self._merge(end)
                after = self._state()
        self._restore(after)
        last = self._block(statement.finalbody)
        return last if last is not Flow.ON else flow

    def _define_class(self, statement: ast.ClassDef) -> None:
        kept = self._state()
        self._look(*statement.bases, *statement.decorator_list)
        self._block(statement.body)
        own = {
            f"{statement.name}.{name}": value
            for name, value in self.values.values.items()
            if not are_same(value, kept[0].get(name, UNKNOWN))
        }
        self._restore(kept)
        self.values.put(statement.name, UNKNOWN)
        self.values.values |= {name: value for name, value in own.items() if "." not in name.partition(".")[2]}
        self.values.touch()

    def _define(self, function: Function) -> None:
        """Look at a function's body with arguments that aren't known, and remember it for its calls."""
        self._look(*function.decorator_list, *function.args.defaults)
        kept = self._state()
        self._defined += 1
        for argument in arguments_of(function):
            self.values.put(argument, UNKNOWN)
        calls, self._calls = self._calls, [*self._calls, function.name]
        self._block(function.body)
        self._calls = calls
        self._defined -= 1
        self._restore(kept)
        self.values.put(function.name, UNKNOWN)
        self._functions[function.name] = KnownFunction(function)


def _catches_absence(kind: ast.expr | None) -> bool:
    """True of a handler that gets what a variable's absence, or a folder that is there, raises."""
    return bool(
        _names_of(kind) & {"KeyError", "LookupError", "OSError", "FileExistsError", "Exception", "BaseException"}
    )


def _goes_on_without_file(handler: ast.ExceptHandler) -> bool:
    """True of a handler that gets what a file's absence raises, and ends nothing itself."""
    absence = {"FileNotFoundError", "OSError", "IOError", "EnvironmentError", "Exception", "BaseException"}
    ends = any(
        isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and called_name(node) in {"exit", "quit", "_exit"})
        for statement in handler.body
        for node in walk(statement)
    )
    return bool(_names_of(handler.type) & absence) and not ends


def _names_of(kind: ast.expr | None) -> set[str]:
    """The names of the exceptions that a handler gets."""
    return {getattr(node, "id", getattr(node, "attr", "")) for node in walk(kind)} if kind else {"Exception"}


def find_uses(tree: ast.Module | None, values: KnownValues, magics: Sequence[Magic] = ()) -> list[PathUse]:
    """Every path that the code of `tree` names, in order of its statements; `values` is kept up to date."""
    return Follower(values).follow(tree, magics)
