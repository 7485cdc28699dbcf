"""Signs of something in a text, found quicker than the thing itself: of most texts no more has to be asked.

A text is drawn as its shape, in which each digit is 0 and each letter is a or A; there a few bytes are searched for,
which costs a hundredth of what a pattern does.
"""

import re
from functools import lru_cache

_DIGITS = bytes(range(ord("0"), ord("9") + 1))
_LARGE = bytes(range(ord("A"), ord("Z") + 1))
_SMALL = bytes(range(ord("a"), ord("z") + 1))
_SHAPE = bytes.maketrans(_DIGITS + _LARGE + _SMALL, b"0" * 10 + b"A" * 26 + b"a" * 26)
_RUN = bytes.maketrans(
    bytes(range(256)),
    bytes(ord("w") if (chr(code).isalnum() and code < 128) or code in b"_-+/" else 32 for code in range(256)),
)
_QUAD = re.compile(rb"\.0{1,3}\.0{1,3}\.0")
_COLONS = re.compile(rb":[0Aa]{1,4}:[0Aa]{1,4}:[0Aa]{1,4}:[0Aa]")
_DASHES = re.compile(rb"-[0Aa]{2}-[0Aa]{2}-[0Aa]{2}-[0Aa]")


class Signs:
    """The signs in one text."""

    def __init__(self, text: str) -> None:
        plain = text.encode("ascii", "replace")
        self._shape = plain.translate(_SHAPE)
        self._runs = plain.translate(_RUN)
        self.small = text.lower()

    def has_run(self, length: int) -> bool:
        """True when so many letters, digits and signs of base64 follow one another."""
        return b"w" * length in self._runs

    @property
    def address(self) -> bool:
        """True when there may be an address of a machine."""
        shape = self._shape
        return (
            b"::" in shape
            or _QUAD.search(shape) is not None
            or _COLONS.search(shape) is not None
            or _DASHES.search(shape) is not None
        )

    @property
    def clock(self) -> bool:
        """True when there may be a time of day."""
        return b"0:00" in self._shape

    @property
    def card(self) -> bool:
        """True when there may be the number of a card."""
        shape = self._shape
        return (
            b"0" * 15 in shape
            or b"0000 0000 " in shape
            or b"0000-0000-" in shape
            or b"0000 000000 " in shape
            or b"0000-000000-" in shape
        )

    @property
    def account(self) -> bool:
        """True when there may be the number of a bank account."""
        return b"AA00" in self._shape

    @property
    def social(self) -> bool:
        """True when there may be a social security number."""
        return b"000-00-0000" in self._shape

    @property
    def telephone(self) -> bool:
        """True when a cell may be a telephone number."""
        shape = self._shape
        return (
            b"+0" in shape or b"(0" in shape or b"0 000" in shape or b"0-000" in shape or b"0.000" in shape
            or b"0/000" in shape or b"000-00-" in shape or b"000 /" in shape or b"000 00" in shape
        )  # fmt: skip


@lru_cache(maxsize=8)
def look(text: str) -> Signs:
    """The signs in a text; of the last few they are still known."""
    return Signs(text)
