"""Tables, a batch of rows at a time: whose rows they are, and whether their counts are of too few.

What a column holds follows from its name and from its values; how many different ones it has is known up to a limit,
so that memory stays flat.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Literal

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import column_names, identifiers, secrets
from scheduler_service.disclosure.findings import FindingCollector

#: different values of a column that are told apart
MOST_DISTINCT = 20_000
#: rows from which a table of single events or people is told from an example
FEW_ROWS = 10
#: rows, columns, and columns of words from which a table that sums nothing up counts as raw data
RAW = (1000, 8, 3)
_WHOLE = re.compile(r"\d{1,15}(?:\.0+)?")
_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?\s?%?")
_TIME = re.compile(r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4})[T ,]+\d\d?:\d\d:(\d\d)\S{0,14}")
_EPOCH = re.compile(r"1[0-9]{9}(?:\d{3}|\d{6})?(?:\.\d+)?")
_NOTHING = frozenset({"", "-", "—", "na", "n/a", "nan", "null", "none", "redacted", "hidden", "***", "xxx"})
_PLACE = frozenset(
    {"zip", "zipcode", "postcode", "postal", "plz", "lat", "lon", "lng", "latitude", "longitude", "address"}
)
#: the name of the one number of a tidy table
_TIDY = frozenset({"value", "wert", "valor", "valeur"})


class Column:
    """The facts that are known of one column."""

    def __init__(self, number: int, name: str) -> None:
        #: 1-based
        self.number = number
        self.name = name
        self.filled = 0
        self.whole = 0
        self.numbers = 0
        self.large = 0
        self.distinct: set[int] = set()
        #: number of cells and first line, by what they hold
        self.hits: dict[str, tuple[int, int]] = {}
        self.opaque: set[int] = set()
        self.times = 0
        self.odd_seconds = 0

    def share(self, of: int) -> float:
        """Of the filled cells."""
        return of / self.filled if self.filled else 0.0

    def count(self, what: str) -> int:
        """The number of cells that hold `what`."""
        return self.hits.get(what, (0, 0))[0]

    @property
    def differs(self) -> bool:
        """True when nearly every row has another value."""
        return len(self.distinct) >= min(MOST_DISTINCT, 0.8 * self.filled)

    @property
    def is_number(self) -> bool:
        """True when it holds whole numbers."""
        return self.share(self.whole) >= 0.95


class TableCheck:
    """Looks at a table while its rows go by."""

    def __init__(
        self,
        names: Sequence[str],
        smallest: int,
        *,
        counts: bool = False,
        unit: Literal["line", "row"] = "line",
        cell: int | None = None,
        reads_secrets: bool = False,
        reads_mail: bool = True,
    ) -> None:
        """names: of the columns, empty without a header.  smallest: the least that a count may be.

        counts: the table as a whole is said to hold counts, whatever its columns are called.
        unit: what the numbers of rows count.  cell: of a notebook, in which the table is shown.
        reads_secrets, reads_mail: whether nobody else looks for keys and for e-mail addresses in it.
        """
        self.columns = [Column(number, name) for number, name in enumerate(names, 1)]
        self.rows = 0
        self._smallest = smallest
        self._counts = counts
        self._unit = unit
        self._cell = cell
        self._reads_secrets = reads_secrets
        self._reads_mail = reads_mail

    def rename(self, names: Sequence[str]) -> None:
        """Add columns that turned up later."""
        for name in names[len(self.columns) :]:
            self.columns.append(Column(len(self.columns) + 1, name))

    def feed(self, lines: Sequence[int], rows: Iterable[Sequence[str]]) -> None:
        """The next rows, and the line that each is on."""
        self.rows += len(lines)
        for index, values in enumerate(zip_longest(*rows, fillvalue="")):
            while index >= len(self.columns):
                self.columns.append(Column(len(self.columns) + 1, ""))
            self._feed(self.columns[index], lines, values)

    def _feed(self, column: Column, lines: Sequence[int], values: Sequence[str]) -> None:
        found: dict[str, list[str]] = {}
        for value in set(values):
            plain = value.strip()
            if plain.lower() in _NOTHING:
                found.setdefault("nothing", []).append(value)
                continue
            if len(column.distinct) < MOST_DISTINCT:
                column.distinct.add(hash(plain))
            for what in self._held(column, plain):
                found.setdefault(what, []).append(value)
        column.filled += len(values)
        for what, which in found.items():
            among = set(which)
            places = [line for line, value in zip(lines, values, strict=True) if value in among]
            self._note(column, what, places)

    def _note(self, column: Column, what: str, places: list[int]) -> None:
        match what:
            case "nothing":
                column.filled -= len(places)
            case "whole":
                column.whole += len(places)
            case "number":
                column.numbers += len(places)
            case "large":
                column.large += len(places)
            case "time":
                column.times += len(places)
            case "odd second":
                column.odd_seconds += len(places)
            case _:
                count, first = column.hits.get(what, (0, places[0]))
                column.hits[what] = (count + len(places), first)

    def _held(self, column: Column, value: str) -> Iterator[str]:
        """Name what a cell holds, in words of ours."""
        if _WHOLE.fullmatch(value):
            yield from self._number(value)
            return
        if _NUMBER.fullmatch(value):
            yield "number"
            return
        if self._reads_mail and identifiers.has_email(value):
            yield "email"
        if self._reads_secrets and (secret := secrets.find_secret(value)):
            yield f"secret:{secret}"
        time = _TIME.fullmatch(value)
        if time:
            yield "time"
            yield from ["odd second"] * (time[1] != "00")
            return
        machine = _machine(value)
        if machine:
            yield machine
        if machine == "opaque" and len(column.opaque) < MOST_DISTINCT:
            column.opaque.add(hash(value))

    def _number(self, value: str) -> Iterator[str]:
        yield "whole"
        number = int(float(value))
        if 0 < number < self._smallest:
            yield "small"
        if number >= 1_000_000:
            yield "large"
        if _EPOCH.fullmatch(value):
            yield "time"
            yield from ["odd second"] * bool(int(value[:10]) % 60)

    # -- verdict

    def tell(self, found: FindingCollector) -> None:
        """Add what all rows together say."""
        names = [column.name for column in self.columns]
        sums_up = any(column_names.is_aggregate(column.name) and column.filled for column in self.columns)
        builds = any(column_names.is_build(name) for name in names)
        for column in self.columns:
            if column.filled:
                self._tell_values(found, column, builds=builds)
                self._tell_identity(found, column)
        if not sums_up:
            self._tell_rows(found)
        self._tell_small_cells(found)

    def _tell_values(self, found: FindingCollector, column: Column, *, builds: bool) -> None:
        def tell(kind: FindingKind, what: str, *held: str) -> None:
            places = [column.hits[each] for each in held if each in column.hits]
            if places:
                line = min(first for _, first in places)
                self._add(found, kind, what, first=line, column=column, count=sum(many for many, _ in places))

        tell(FindingKind.EMAIL, "an e-mail address", "email")
        for what in column.hits:
            if what.startswith("secret:"):
                tell(FindingKind.SECRET, f"what looks like {what.removeprefix('secret:')}", what)
        named = column_names.is_address(column.name)
        mostly = column.count("address") > 0.1 * column.count("version") and not column_names.is_version(column.name)
        exact = ("address", "version") if named or mostly else ()
        tell(FindingKind.IP_ADDRESS, "an IP address", *exact, "address in text")
        tell(FindingKind.CLIENT_ID, "a hardware address", "hardware")
        named_build = column_names.is_build(column.name) or (
            builds and set(column_names.split_words(column.name)) <= {"hash", "id"}
        )
        if len(column.opaque) >= 3 and column.share(column.count("opaque")) >= 0.5 and not named_build:
            tell(FindingKind.CLIENT_ID, "identifiers, another one in each row", "opaque")

    def _tell_identity(self, found: FindingCollector, column: Column) -> None:
        several = len(column.distinct) >= min(3, self.rows)
        number = column.is_number and not column.large
        found_out = False
        if column_names.identifies(column.name):
            found_out = several and not (number and column_names.may_count(column.name))
        elif column_names.stands_for_somebody(column.name) or column_names.is_event(column.name):
            numbered = column_names.is_event(column.name) or not number
            found_out = self.rows >= FEW_ROWS and column.differs and numbered
        if found_out:
            what = "a column that tells single people, devices or events apart; publish aggregates instead"
            self._add(found, FindingKind.ROW_LEVEL, what, column=column, named=True)

    def _tell_rows(self, found: FindingCollector) -> None:
        """Rows of single events or people, seen from the columns together."""
        for column in self.columns:
            irregular = column.odd_seconds >= 0.5 * column.times
            if self.rows >= 2 * FEW_ROWS and column.share(column.times) >= 0.9 and irregular and column.differs:
                what = "a moment of its own in each row, as of single events; publish aggregates instead"
                self._add(found, FindingKind.ROW_LEVEL, what, column=column)
        narrowing = [column.name for column in self.columns if column_names.narrows_down(column.name) and column.filled]
        places = [name for name in narrowing if set(column_names.split_words(name)) & _PLACE]
        kinds = len(narrowing) - max(0, len(places) - 1)
        tidy = any(_TIDY & set(column_names.split_words(column.name)[-1:]) for column in self.columns)
        if self.rows >= FEW_ROWS and kinds >= 3 and not tidy:
            what = f"rows that describe single people, by {kinds} of their columns together; publish aggregates instead"
            self._add(found, FindingKind.ROW_LEVEL, what)

        named = [column for column in self.columns if column.name and column.filled]
        worded = [column for column in named if column.share(column.whole + column.numbers) < 0.5]
        if self.rows >= RAW[0] and len(named) >= RAW[1] and len(worded) >= RAW[2]:
            what = f"{self.rows:,} rows of {len(named)} columns, none of them a sum; publish aggregates instead"
            self._add(found, FindingKind.ROW_LEVEL, what)

    def _tell_small_cells(self, found: FindingCollector) -> None:
        if any(column_names.is_language(column.name) for column in self.columns):
            return
        counting = [column for column in self.columns if column_names.is_count(column.name)]
        if self._counts and not counting:
            counting = self.columns[1:]
        for column in counting:
            if column.is_number and "small" in column.hits:
                count, first = column.hits["small"]
                what = f"a count below {self._smallest}"
                named = column_names.is_count(column.name)
                self._add(found, FindingKind.SMALL_CELL, what, first=first, column=column, named=named, count=count)

    def _add(
        self,
        found: FindingCollector,
        kind: FindingKind,
        what: str,
        *,
        first: int | None = None,
        column: Column | None = None,
        named: bool = False,
        count: int = 1,
    ) -> None:
        found.add(
            kind,
            what,
            line=first if self._unit == "line" else None,
            row=first if self._unit == "row" else None,
            column=column.number if column else None,
            name=column.name if column and named else "",
            cell=self._cell,
            count=count,
        )


def _machine(value: str) -> str | None:
    """Name the sort of address or identifier that a cell is, or has in its text."""
    if (value.count(".") == 3 or value.count(":") >= 2) and identifiers.is_host(value):
        return "version" if ":" not in value and identifiers.looks_like_version(value) else "address"
    if identifiers.is_mac(value):
        return "hardware"
    if len(value) >= 16 and identifiers.is_opaque(value):
        return "opaque"
    return "address in text" if len(value) > 15 and any(identifiers.find_addresses(value)) else None
