"""A request of the API taken apart, what answers it, and what goes back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.api.presenter import Presenter
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.operations.operations import Operations

Choice = TypeVar("Choice", bound=StrEnum)


class ApiRequest(NamedTuple):
    """A request, taken apart."""

    context: ApiContext
    presenter: Presenter
    #: the variable parts of the path, by name
    parts: Mapping[str, str]
    query: Mapping[str, str]
    #: as the route's shape
    body: Any
    #: what an edit is based on
    version: int

    @property
    def operations(self) -> Operations:
        """The operations that a person can ask for."""
        return self.presenter.operations

    @property
    def name(self) -> str:
        """The schedule's name in the path."""
        return self.parts["name"]

    @property
    def run(self) -> str:
        """The run's id in the path."""
        return self.parts["id"]

    def number(self, name: str, otherwise: int) -> int:
        """A number of the query, 0 or more.  Raises Refused `invalid`."""
        text = self.query.get(name, str(otherwise))
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refused("invalid", f"{name} should be a number, 0 or more.", name)
        return int(text)

    def choice(self, name: str, otherwise: Choice) -> Choice:
        """One of the words of `otherwise`'s kind, which it is when the query has none.  Raises Refused `invalid`."""
        words = type(otherwise)
        try:
            return words(self.query.get(name, otherwise))
        except ValueError:
            raise Refused("invalid", f"{name} should be one of {', '.join(words)}.", name) from None


class ApiResponse(NamedTuple):
    """The answer to a request: a status of HTTP, and JSON."""

    status: int
    content: bytes
    #: of a list that comes in pages: how many there are in all
    total: int | None = None


class Page(NamedTuple):
    """Some of a list, and how many there are in all."""

    items: list[Any]
    total: int


@dataclass(frozen=True)
class Route:
    """A request of the API."""

    method: str
    #: below `/jupyter-schedule/`, variable parts in braces; `{path}` may hold slashes
    path: str
    summary: str
    #: None for a file
    shape: Any
    #: None where a handler of its own carries it out
    carry_out: Callable[[ApiRequest], Any] | None = None
    body: Any = None
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    needs_version: bool = False
    #: it answers with a part of a list; the header `Total-Count` tells how many there are in all
    paged: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches whole paths, quoted.  A part may be empty: what has no name isn't there, as any other."""
        named = re.sub(r"\{(\w+)\}", lambda part: f"(?P<{part[1]}>{'.+' if part[1] == 'path' else '[^/]*'})", self.path)
        return re.compile(named.replace("openapi.json", r"openapi\.json"), re.DOTALL)

    @cached_property
    def answer_type(self) -> TypeAdapter[Any]:
        """Writes answers."""
        return TypeAdapter(self.shape)

    @cached_property
    def body_type(self) -> TypeAdapter[Any]:
        """Checks bodies."""
        return TypeAdapter(self.body)
