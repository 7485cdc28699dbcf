"""The value of an expression that is computed from constants alone: nothing of the notebook is executed for it.

What a parameters cell says as `60 * 60`, `10**6`, `float("inf")` or `not True` has a type by its value.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

#: larger ones are nobody's parameter, and would take long
LARGEST_EXPONENT = 10_000
LONGEST = 1_000_000
#: steps that one expression may take
MOST_STEPS = 10_000

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda value, among: value in among, ast.NotIn: lambda value, among: value not in among,
}  # fmt: skip
#: functions that compute from plain values, and nothing else
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "bool": bool, "float": float, "int": int, "len": len, "list": list, "max": max, "min": min, "pow": pow,
    "round": round, "sorted": sorted, "str": str, "sum": sum, "tuple": tuple,
    "c": lambda *values: list(values), "math.sqrt": math.sqrt, "np.sqrt": math.sqrt,
}  # fmt: skip
_CONSTANTS = {
    f"{module}.{name}": value
    for module in ("math", "np", "numpy")
    for name, value in {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}.items()
}
_METHODS = frozenset({"split", "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "splitlines"})


class NotConstant(ValueError):  # noqa: N818  (an answer)
    """The expression isn't computed from constants."""


def compute_constant(node: ast.expr, names: Mapping[str, Any] | None = None) -> Any:
    """The value of `node`; `names`: values of names that it may use.  Raises NotConstant."""
    try:
        return _Computer(names or {}).compute(node)
    except NotConstant:
        raise
    except (
        ArithmeticError,
        ValueError,
        TypeError,
        LookupError,
        RecursionError,
        MemoryError,
        AttributeError,
    ) as problem:
        raise NotConstant(str(problem)) from None


class _Computer:
    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._left = MOST_STEPS

    def compute(self, node: ast.expr) -> Any:
        self._left -= 1
        if self._left < 0:
            raise NotConstant("too long")
        match node:
            case ast.Constant():
                return node.value
            case ast.Name(id=name) if name in self._names:
                return self._names[name]
            case ast.Attribute() if (dotted := ast.unparse(node)) in _CONSTANTS:
                return _CONSTANTS[dotted]
            case ast.List() | ast.Tuple():
                return [self.compute(item) for item in node.elts]
            case ast.Dict():
                return {self._key(key): self.compute(value) for key, value in zip(node.keys, node.values, strict=True)}
        return self._operate(node)

    def _key(self, node: ast.expr | None) -> Any:
        if node is None:
            raise NotConstant("another dictionary within")
        return self.compute(node)

    def _operate(self, node: ast.expr) -> Any:
        match node:
            case ast.UnaryOp():
                return _SIGNS[type(node.op)](self.compute(node.operand))
            case ast.BinOp():
                return self._calculate(node)
            case ast.BoolOp():
                return self._choose(node)
            case ast.IfExp():
                return self.compute(node.body if self.compute(node.test) else node.orelse)
            case ast.Compare(ops=[compared], comparators=[other]):
                return _COMPARISONS[type(compared)](self.compute(node.left), self.compute(other))
            case ast.JoinedStr():
                return "".join(self._write(part) for part in node.values)
            case ast.Call():
                return self._call(node)
        raise NotConstant("not computed from constants")

    def _calculate(self, node: ast.BinOp) -> Any:
        left, right = self.compute(node.left), self.compute(node.right)
        if isinstance(node.op, ast.Pow | ast.LShift) and abs(right) > LARGEST_EXPONENT:
            raise NotConstant("too large")
        if isinstance(node.op, ast.Pow) and isinstance(left, int) and left.bit_length() * abs(right) > 10 * LONGEST:
            raise NotConstant("too large")
        if isinstance(node.op, ast.Mult):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | list | bytes) and isinstance(other, int) and len(one) * other > LONGEST:
                    raise NotConstant("too long")
        if isinstance(node.op, ast.Mod) and isinstance(left, str | bytes):
            # what it is filled with may be written out very wide
            raise NotConstant("a pattern")
        return _ARITHMETIC[type(node.op)](left, right)

    def _choose(self, node: ast.BoolOp) -> Any:
        wanted = isinstance(node.op, ast.Or)
        value = None
        for part in node.values:
            value = self.compute(part)
            if bool(value) is wanted:
                break
        return value

    def _write(self, part: ast.expr) -> str:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None or part.conversion != -1:
                raise NotConstant("a pattern")
            return str(self.compute(part.value))
        return str(self.compute(part))

    def _call(self, node: ast.Call) -> Any:
        values = [self.compute(argument) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id == "dict" and not values:
            return {str(keyword.arg): self.compute(keyword.value) for keyword in node.keywords if keyword.arg}
        if node.keywords:
            raise NotConstant("a call by names")
        name = ast.unparse(node.func)
        if name == "pow":
            base, exponent = values
            return self.compute(ast.BinOp(ast.Constant(base), ast.Pow(), ast.Constant(exponent)))
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](*values)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            text = self.compute(node.func.value)
            if isinstance(text, str):
                return getattr(text, node.func.attr)(*values)
        raise NotConstant("a call")
