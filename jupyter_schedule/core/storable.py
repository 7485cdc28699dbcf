"""The one door for values that come from outside: what passes it can be kept in any ledger, and told again.

Texts are valid Unicode without NUL, numbers are finite, and nothing is larger, deeper or more than anybody needs.
A field that has a size of its own says so in the request's model; what is here bounds all others.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import printable_name, unwritable_character

#: characters of one text, digits of a whole number, and levels of lists and dictionaries
LONGEST_TEXT = 100_000
MOST_DIGITS = 400
DEEPEST = 32
#: values of all in all, and their characters
MOST_VALUES = 100_000
MOST_CHARACTERS = 8_000_000
#: fields whose keys are the analyst's own: a refusal names the field, not the key
_FREE = frozenset({"parameters"})
_LARGEST_WHOLE = 10**MOST_DIGITS


def check_storable(values: Mapping[str, Any]) -> None:
    """All of `values`, JSON's plain values by the names of their fields, can be kept.

    Raises Refused `invalid` with the field of the first that can't, and `too_large` for all together.
    """
    _Check().look(values, (), None)


class _Check:
    """One look at all values of a request."""

    def __init__(self) -> None:
        self._values = 0
        self._characters = 0

    def look(self, value: Any, path: tuple[str, ...], field: str | None) -> None:
        """Check a value and what is in it; `field` is the one that a refusal names."""
        self._count(1, 0)
        if isinstance(value, str):
            self._look_at_text(value, path, field)
        elif isinstance(value, Mapping):
            self._look_at_entries(value, path, field)
        elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            _check_depth(path, field)
            for number, item in enumerate(value):
                self.look(item, (*path, str(number)), field)
        elif isinstance(value, float) and not math.isfinite(value):
            raise _unstorable("isn't a number that can be written down. Give one that is finite.", path, field)
        elif isinstance(value, int) and not -_LARGEST_WHOLE < value < _LARGEST_WHOLE:
            raise _unstorable(f"has more than {MOST_DIGITS} digits. Give a smaller number.", path, field)

    def _look_at_entries(self, entries: Mapping[Any, Any], path: tuple[str, ...], field: str | None) -> None:
        _check_depth(path, field)
        is_free = field in _FREE
        for name, value in entries.items():
            self._look_at_text(str(name), path, field)
            self.look(value, (*path, str(name)), field if is_free else str(name))

    def _look_at_text(self, text: str, path: tuple[str, ...], field: str | None) -> None:
        if trouble := unwritable_character(text):
            raise _unstorable(f"{trouble}. Leave that out.", path, field)
        if len(text) > LONGEST_TEXT:
            message = f"has {len(text):,} characters. At most {LONGEST_TEXT:,} are taken."
            raise _unstorable(message, path, field)
        self._count(0, len(text))

    def _count(self, values: int, characters: int) -> None:
        self._values += values
        self._characters += characters
        if self._values > MOST_VALUES or self._characters > MOST_CHARACTERS:
            raise Refused("too_large", "That is more than one request may say. Say less, or put it into a file.")


def _check_depth(path: tuple[str, ...], field: str | None) -> None:
    if len(path) > DEEPEST:
        raise _unstorable(f"is nested more than {DEEPEST} levels deep. Give something flatter.", path, field)


def _unstorable(said: str, path: tuple[str, ...], field: str | None) -> Refused:
    where = printable_name(".".join(path)) or "The request"
    return Refused("invalid", f"{where}: {said}", field)
