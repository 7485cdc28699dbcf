"""Running text: keys, addresses, what belongs to one person, and lists of identifiers.

Lines are looked at in blocks: a block without a sign of something costs a search for signs only.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import identifiers, personal, readings, secrets
from scheduler_service.disclosure.findings import FindingCollector

#: different UUIDs or long numbers in a text from which it counts as a list of them
SEVERAL = 5
#: that are told apart
MOST = 1000
#: lines and characters of a block
BLOCK = 256
BLOCK_SIZE = 1 << 16
#: characters of a line that is looked at in one piece, and of which its pieces overlap
LONG_LINE = 2048
OVERLAP = 256
#: levels of a text packed in a text that are looked at
DEEPEST = 3
Line = tuple[int | None, str]
Lines = Iterable[Line]


class TextCheck:
    """Looks at lines, each with its number, while they go by; `cell` is the notebook's cell that they stand in."""

    def __init__(self, found: FindingCollector) -> None:
        self._found = found
        self._numbers: dict[str, tuple[int | None, int | None]] = {}

    def all(self, lines: Lines, *, cell: int | None = None) -> None:
        """Keys, addresses and identifiers."""
        for block in blocks(lines):
            self.keys(block, cell=cell)
            self._mail(block, cell)
            self.machines(block, cell=cell)

    def keys(self, lines: Lines, *, cell: int | None = None) -> None:
        """Keys and tokens, and what another reading of the lines holds."""
        for block in blocks(lines):
            self._secrets(block, cell)
            for number, line in narrow(block, readings.may_read_otherwise):
                told = [(number, other) for other in readings.other_readings(line)]
                self._secrets(told, cell)
                self._mail(told, cell)
            self._packed(block, cell)

    def keys_and_mail(self, lines: Lines, *, cell: int | None = None) -> None:
        """Keys and e-mail addresses."""
        for block in blocks(lines):
            self.keys(block, cell=cell)
            self._mail(block, cell)

    def mail(self, lines: Lines, *, cell: int | None = None) -> None:
        """E-mail addresses."""
        for block in blocks(lines):
            self._mail(block, cell)

    def machines(self, lines: Lines, *, cell: int | None = None) -> None:
        """Addresses and numbers of machines, and numbers of people."""
        for block in blocks(lines):
            for number, line in narrow(block, identifiers.may_hold_address):
                if any(identifiers.find_addresses(line)):
                    self._found.add(FindingKind.IP_ADDRESS, "an IP or hardware address", line=number, cell=cell)
            for number, line in narrow(block, identifiers.may_hold_number):
                self.numbers(number, line, cell=cell)
            for number, line in narrow(block, personal.may_hold_person):
                for what in personal.find_persons(line):
                    self._found.add(FindingKind.PERSONAL, what, line=number, cell=cell)

    def numbers(self, number: int | None, line: str, *, cell: int | None = None) -> None:
        """UUIDs and the like; `tell` says whether they are several."""
        if len(self._numbers) < MOST:
            for opaque in identifiers.find_opaque_numbers(line):
                self._numbers.setdefault(opaque, (number, cell))

    def tell(self) -> None:
        """Add what all lines together say."""
        if len(self._numbers) >= SEVERAL:
            line, cell = next(iter(self._numbers.values()))
            what = "identifiers such as UUIDs"
            self._found.add(FindingKind.CLIENT_ID, what, line=line, cell=cell, count=len(self._numbers))

    def _secrets(self, lines: Sequence[Line], cell: int | None) -> None:
        for number, line in narrow(lines, secrets.may_hold_secret):
            what = secrets.find_secret(line)
            if what:
                self._found.add(FindingKind.SECRET, f"what looks like {what}", line=number, cell=cell)
            if "-----BEGIN PGP MESSAGE" in line or line.startswith(("$ANSIBLE_VAULT;", "age-encryption.org/")):
                what = "it can't be checked, as it is encrypted"
                self._found.add(FindingKind.UNCHECKED, what, line=number, cell=cell)

    def _mail(self, lines: Sequence[Line], cell: int | None) -> None:
        for number, line in narrow(lines, identifiers.may_hold_email):
            if identifiers.has_email(line):
                self._found.add(FindingKind.EMAIL, "an e-mail address", line=number, cell=cell)

    def _packed(self, lines: Sequence[Line], cell: int | None, depth: int = 0) -> None:
        """Texts in base64 or hexadecimal, also when lines break them."""
        whole = "\n".join(line for _, line in lines)
        for place, plain in readings.packed_texts(whole):
            number = lines[min(whole.count("\n", 0, place), len(lines) - 1)][0]
            told = [(number, line) for line in plain.splitlines()]
            self._secrets(told, cell)
            self._mail(told, cell)
            self.machines(told, cell=cell)
            if depth < DEEPEST:
                self._packed(told, cell, depth + 1)


def blocks(lines: Lines) -> Iterator[Sequence[Line]]:
    """The lines, some at a time."""
    if isinstance(lines, list) and len(lines) <= BLOCK:
        if lines:
            yield lines
        return
    block: list[Line] = []
    size = 0
    for each in lines:
        block.append(each)
        size += len(each[1])
        if len(block) >= BLOCK or size >= BLOCK_SIZE:
            yield block
            block, size = [], 0
    if block:
        yield block


def narrow(lines: Sequence[Line], may: Callable[[str], bool]) -> Iterator[Line]:
    """The lines of a block that may hold something, found by halves."""
    if not lines or not may("\n".join([line for _, line in lines])):
        return
    if len(lines) <= 2:
        for number, line in lines:
            if len(line) > LONG_LINE:
                yield from narrow(_pieces(number, line), may)
            elif len(lines) == 1 or may(line):
                yield number, line
        return
    half = len(lines) // 2
    yield from narrow(lines[:half], may)
    yield from narrow(lines[half:], may)


def _pieces(number: int | None, line: str) -> list[Line]:
    """Pieces of a line that overlap, so that no pattern ever walks along more than one of them."""
    return [(number, line[start : start + LONG_LINE]) for start in range(0, len(line), LONG_LINE - OVERLAP)]
