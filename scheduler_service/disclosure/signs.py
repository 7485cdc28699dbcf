"""Signs of something in a text, found quicker than the thing itself, and where they are: most texts have none.

All words are looked for at once, by the automaton of Aho and Corasick (1975).  For what has no word, a text is drawn as
its shape, in which each digit is 0 and each letter is a or A; there a few bytes are searched for, which costs a
hundredth of what a pattern does.  Places are those of the text.
"""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache

from ahocorasick_rs import AhoCorasick, Implementation

from jupyter_schedule.core import key_patterns

_BRACKETED = tuple(
    f"{bracket}{space}{word}"
    for bracket in "[({"
    for space in ("", " ")
    for word in ("at", "@", "ät", "chez", "arroba")
)
#: by what they are a sign of, words in small letters without which nothing is found
WORDS: dict[str, tuple[str, ...]] = {
    # of a known form, or in words
    "secret": (
        *key_patterns.WORDS, "passp", "contrase", "mot de passe", "mot_de", "kennwort", "senha", "bearer",
        "ansible_vault", "age-encryption", "pgp message",
    ),
    "mail": ("@", "%40", "&#64;", *_BRACKETED),
    "social": ("ssn", "socialsec", "social sec", "social-sec", "social_sec"),
    "calendar": ("begin:vcard", '"vcard"', "attendee", "organizer"),
    "telephone": ("tel", "phone", "mobil", "handy", "fon", "cell", "call", "whatsapp"),
}  # fmt: skip
_EVERY = tuple(dict.fromkeys(word for words in WORDS.values() for word in words))
_MEANS = tuple(tuple(sign for sign, words in WORDS.items() if word in words) for word in _EVERY)
_AUTOMATON = AhoCorasick(_EVERY, implementation=Implementation.DFA)

_DIGITS = bytes(range(ord("0"), ord("9") + 1))
_LARGE = bytes(range(ord("A"), ord("Z") + 1))
_SMALL = bytes(range(ord("a"), ord("z") + 1))
_SHAPE = bytes.maketrans(_DIGITS + _LARGE + _SMALL, b"0" * 10 + b"A" * 26 + b"a" * 26)
_RUN = bytes.maketrans(
    bytes(range(256)),
    bytes(ord("w") if (chr(code).isalnum() and code < 128) or code in b"_-+/" else 32 for code in range(256)),
)
_ADDRESS = (
    re.compile(rb"::"),
    re.compile(rb"\.0{1,3}\.0{1,3}\.0"),
    re.compile(rb":[0Aa]{1,4}:[0Aa]{1,4}:[0Aa]{1,4}:[0Aa]"),
    re.compile(rb"-[0Aa]{2}-[0Aa]{2}-[0Aa]{2}-[0Aa]"),
)
_CARD = (b"0" * 15, b"0000 0000 ", b"0000-0000-", b"0000 000000 ", b"0000-000000-")
#: a line of a password file: a port or a star, a database, a name
_PASSWORD_LINE = re.compile(rb":(?:0{2,5}|\*):[0Aa_*-]{1,60}:[0Aa_*-]{1,60}:")
_TELEPHONE = (b"+0", b"(0", b"0 000", b"0-000", b"0.000", b"0/000", b"000-00-", b"000 /", b"000 00")
_NUMBERS = (b"\n0", b"\n-", b"\n+", b"\n.", b"\n,", b"\n ")


class Signs:
    """The signs in one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def small(self) -> str:
        """In small letters, each where it was."""
        small = self._text.lower()
        if not small.isascii():  # half a character is none to the automaton
            small = small.encode(errors="replace").decode()
        if len(small) != len(self._text):
            text = self._text.encode(errors="replace").decode()
            small = "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)
        return small

    @cached_property
    def _plain(self) -> bytes:
        return self._text.encode("ascii", "replace")

    @cached_property
    def _shape(self) -> bytes:
        return self._plain.translate(_SHAPE)

    @cached_property
    def _runs(self) -> bytes:
        return self._plain.translate(_RUN)

    @cached_property
    def _words(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for word, place, _ in _AUTOMATON.find_matches_as_indexes(self.small, overlapping=True):
            for sign in _MEANS[word]:
                found.setdefault(sign, []).append(place)
        return found

    def words(self, sign: str) -> list[int]:
        """The places of the words that are signs of it."""
        return self._words.get(sign, [])

    def runs(self, length: int) -> Iterator[tuple[int, int]]:
        """Beginning and end of each run of at least so many letters, digits and signs of base64."""
        if b"w" * length in self._runs:
            for match in re.finditer(rb"w{%d,}" % length, self._runs):
                yield match.span()

    def has_run(self, length: int) -> bool:
        """True when so many letters, digits and signs of base64 follow one another."""
        return b"w" * length in self._runs

    def addresses(self) -> Iterator[int]:
        """Places where there may be an address of a machine."""
        for pattern in _ADDRESS:
            for match in pattern.finditer(self._shape):
                yield match.start()

    @property
    def address(self) -> bool:
        """True when there may be an address of a machine."""
        return any(True for _ in self.addresses())

    @property
    def clock(self) -> bool:
        """True when there may be a time of day."""
        return b"0:00" in self._shape

    @property
    def number(self) -> bool:
        """True when one of its lines may be a number."""
        shape = self._shape
        return shape[:1] in b"0-+., " or any(map(shape.__contains__, _NUMBERS))

    @property
    def telephone(self) -> bool:
        """True when a cell may be a telephone number."""
        return any(map(self._shape.__contains__, _TELEPHONE))

    def cards(self) -> Iterator[int]:
        """Places where there may be the number of a card."""
        for sign in _CARD:
            yield from _places(self._shape, sign)

    def accounts(self) -> Iterator[int]:
        """Places where there may be the number of a bank account."""
        yield from _places(self._shape, b"AA00")

    def has_account(self) -> bool:
        """True when there may be the number of a bank account."""
        return b"AA00" in self._shape

    @property
    def social(self) -> bool:
        """True when there may be a social security number."""
        return b"000-00-0000" in self._shape

    def password_lines(self) -> Iterator[int]:
        """Places where there may be a line of a password file."""
        for match in _PASSWORD_LINE.finditer(self._shape):
            yield match.start()


def _places(shape: bytes, sign: bytes) -> Iterator[int]:
    place = shape.find(sign)
    while place >= 0:
        yield place
        place = shape.find(sign, place + len(sign))


@lru_cache(maxsize=8)
def look(text: str) -> Signs:
    """The signs in a text; of the last few they are still known."""
    return Signs(text)
