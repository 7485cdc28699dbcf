"""Running text: keys, addresses, and lists of identifiers."""

from collections.abc import Iterable

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import identifiers, secrets
from scheduler_service.disclosure.findings import FindingCollector

#: different UUIDs or long numbers in a text from which it counts as a list of them
SEVERAL = 5
#: that are told apart
MOST = 1000
Lines = Iterable[tuple[int | None, str]]


class TextCheck:
    """Looks at lines, each with its number, while they go by; `cell` is the notebook's cell that they stand in."""

    def __init__(self, found: FindingCollector) -> None:
        self._found = found
        self._numbers: dict[str, tuple[int | None, int | None]] = {}

    def all(self, lines: Lines, *, cell: int | None = None) -> None:
        """Keys, addresses and identifiers."""
        for number, line in lines:
            self.keys_and_mail([(number, line)], cell=cell)
            self.machines([(number, line)], cell=cell)

    def keys(self, lines: Lines, *, cell: int | None = None) -> None:
        """Keys and tokens."""
        for number, line in lines:
            what = secrets.find_secret(line)
            if what:
                self._found.add(FindingKind.SECRET, f"what looks like {what}", line=number, cell=cell)
            if "-----BEGIN PGP MESSAGE" in line:
                self._found.add(
                    FindingKind.UNCHECKED, "it can't be checked, as it is encrypted", line=number, cell=cell
                )

    def keys_and_mail(self, lines: Lines, *, cell: int | None = None) -> None:
        """Keys and e-mail addresses."""
        for number, line in lines:
            self.keys([(number, line)], cell=cell)
            if identifiers.has_email(line):
                self._found.add(FindingKind.EMAIL, "an e-mail address", line=number, cell=cell)

    def machines(self, lines: Lines, *, cell: int | None = None) -> None:
        """Addresses and numbers of machines."""
        for number, line in lines:
            if any(identifiers.find_addresses(line)):
                self._found.add(FindingKind.IP_ADDRESS, "an IP or hardware address", line=number, cell=cell)
            self.numbers(number, line, cell=cell)

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
