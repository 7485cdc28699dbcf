"""Running text: keys, addresses, what belongs to one person, and lists of identifiers.

Lines are looked at in blocks: a block without a sign of something costs a search for signs only.
"""

from collections.abc import Iterable

from jupyter_schedule.core import key_patterns
from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import identifiers, personal, readings, secrets
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.lines import Block, narrow, of_lines

#: different UUIDs or long numbers in a text from which it counts as a list of them
SEVERAL = 5
#: that are told apart
MOST = 1000
#: levels of a text packed in a text that are looked at
DEEPEST = 3
Blocks = Iterable[Block]


class TextCheck:
    """Looks at lines, each with its number, while they go by; `cell` is the notebook's cell that they stand in."""

    def __init__(self, found: FindingCollector) -> None:
        self._found = found
        self._numbers: dict[str, tuple[int | None, int | None]] = {}

    def all(self, blocks: Blocks, *, cell: int | None = None) -> None:
        """Keys, addresses and identifiers."""
        for block in blocks:
            self.keys([block], cell=cell)
            self._mail(block, cell)
            self.machines([block], cell=cell)

    def keys(self, blocks: Blocks, *, cell: int | None = None) -> None:
        """Keys and tokens, and what another reading of the lines holds."""
        for block in blocks:
            self._secrets(block, cell)
            for number, line in narrow(block, readings.other_places):
                for told in of_lines((number, other) for other in readings.other_readings(line)):
                    self._secrets(told, cell)
                    self._mail(told, cell)
            self._packed(block, cell)

    def known_keys(self, blocks: Blocks, *, cell: int | None = None) -> None:
        """Keys and tokens whose form alone tells them."""
        for block in blocks:
            for number, line in narrow(block, secrets.secret_places):
                for what in {what for what, _ in key_patterns.find_keys(line)} - {key_patterns.ASSIGNED}:
                    self._found.add(FindingKind.SECRET, f"what looks like {what}", line=number, cell=cell)

    def keys_and_mail(self, blocks: Blocks, *, cell: int | None = None) -> None:
        """Keys and e-mail addresses."""
        for block in blocks:
            self.keys([block], cell=cell)
            self._mail(block, cell)

    def mail(self, blocks: Blocks, *, cell: int | None = None) -> None:
        """E-mail addresses."""
        for block in blocks:
            self._mail(block, cell)

    def machines(self, blocks: Blocks, *, cell: int | None = None) -> None:
        """Addresses and numbers of machines, and numbers of people."""
        for block in blocks:
            for number, line in narrow(block, identifiers.address_places):
                if any(identifiers.find_addresses(line)):
                    self._found.add(FindingKind.IP_ADDRESS, "an IP or hardware address", line=number, cell=cell)
            for number, line in narrow(block, identifiers.number_places):
                self.numbers(number, line, cell=cell)
            for number, line in narrow(block, personal.person_places):
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

    def _secrets(self, block: Block, cell: int | None) -> None:
        for number, line in narrow(block, secrets.secret_places):
            what = secrets.find_secret(line)
            if what:
                self._found.add(FindingKind.SECRET, f"what looks like {what}", line=number, cell=cell)
            if "-----BEGIN PGP MESSAGE" in line or line.startswith(("$ANSIBLE_VAULT;", "age-encryption.org/")):
                what = "it can't be checked, as it is encrypted"
                self._found.add(FindingKind.UNCHECKED, what, line=number, cell=cell)

    def _mail(self, block: Block, cell: int | None) -> None:
        for number, line in narrow(block, identifiers.email_places):
            if identifiers.has_email(line):
                self._found.add(FindingKind.EMAIL, "an e-mail address", line=number, cell=cell)

    def _packed(self, block: Block, cell: int | None, depth: int = 0) -> None:
        """Texts in base64 or hexadecimal, also when lines break them."""
        for place, plain in readings.packed_texts(block.text):
            number = block.number(place)
            for told in of_lines((number, line) for line in plain.splitlines()):
                self._secrets(told, cell)
                self._mail(told, cell)
                self.machines([told], cell=cell)
                if depth < DEEPEST:
                    self._packed(told, cell, depth + 1)
