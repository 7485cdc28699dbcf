"""Tables, a batch of rows at a time: whose rows they are, and whether their counts are of too few.

What a column holds follows from its name and from its values; how many different ones it has is known up to a limit,
so that memory stays flat.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import zip_longest
from typing import Literal

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure import column_names, identifiers, personal, readings, secrets, signs
from scheduler_service.disclosure.findings import FindingCollector

#: different values of a column that are told apart
MOST_DISTINCT = 20_000
#: and at least, in a table of very many columns, of which so many values are kept
FEWEST_DISTINCT = 1000
MOST_KEPT = 2_000_000
#: a number that is larger than counts of most things
LARGE = 1_000_000
#: rows from which a table of single events or people is told from an example
FEW_ROWS = 10
#: rows, columns, and columns of words from which a table that sums nothing up counts as raw data
RAW = (1000, 8, 3)
_WHOLE = re.compile(r"\d{1,15}(?:\.0+)?")
_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?\s?%?")
_TIME = re.compile(r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4})[T ,]+\d\d?:\d\d:(\d\d)\S{0,14}")
_EPOCH = re.compile(r"1[0-9]{9}(?:\d{3}|\d{6})?(?:\.\d+)?")
#: columns of numbers only, as lines
_DIGITS = b"0123456789\n"
_LARGE_DIGITS = 7
_ALL_NUMBERS = re.compile(r"(?:-?\d{1,15}\.\d{1,18}\n)*-?\d{1,15}\.\d{1,18}")
#: a capital word, and another one, at the beginning of a line
_SPACED = re.compile(
    r"\n[ '\"]{0,2}(?:(?i:dr|prof|mr|mrs|ms|herr|frau|sr|sra|mme|m)\.? )?[^\W\d_a-z][^ \n]{0,30} [^\W\d_]"
)
#: digits of numbers that are long enough to be somebody's
_LONG_NUMBER = 10
#: decimals of a place that is as exact as a house
_EXACT = re.compile(r"-?\d{1,3}\.\d{4,}")
#: a time that is written as one number
_MOMENT = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?")
_NOTHING = frozenset({"", "-", "—", "na", "n/a", "nan", "null", "none", "redacted", "hidden", "***", "xxx"})
#: characters of a cell with spaces around it that may say nothing
_LONGEST_NOTHING = 12
_PLACE = frozenset(
    {"zip", "zipcode", "postcode", "postal", "plz", "lat", "lon", "lng", "latitude", "longitude", "address"}
)
_POINT = frozenset({"lat", "lon", "lng", "long", "latitude", "longitude"})
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
        #: digits of the long whole numbers in it
        self.digits: set[int] = set()

    def share(self, of: int) -> float:
        """Of the filled cells."""
        return of / self.filled if self.filled else 0.0

    def count(self, what: str) -> int:
        """The number of cells that hold `what`."""
        return self.hits.get(what, (0, 0))[0]

    def remember(self, values: Iterable[str], most: int) -> None:
        """Count different values, up to a limit."""
        if len(self.distinct) < most:
            self.distinct.update(map(hash, values))

    @property
    def has_numbers(self) -> bool:
        """True when some of its cells are numbers: counts of too few may stand as texts."""
        return self.filled > 0 and self.share(self.whole + self.numbers) >= 0.2

    @property
    def differs(self) -> bool:
        """True when nearly every row has another value."""
        return len(self.distinct) >= min(FEWEST_DISTINCT, 0.8 * self.filled)

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
        part: str = "",
    ) -> None:
        """names: of the columns, empty without a header.  smallest: the least that a count may be.

        counts: the table as a whole is said to hold counts, whatever its columns are called.
        unit: what the numbers of rows count.  cell: of a notebook, in which the table is shown.  part: of the file.
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
        self._part = part
        self._most_distinct = MOST_DISTINCT

    def rename(self, names: Sequence[str]) -> None:
        """Add columns that turned up later."""
        for name in names[len(self.columns) :]:
            self.columns.append(Column(len(self.columns) + 1, name))

    def feed(self, lines: Sequence[int], rows: Iterable[Sequence[str]]) -> None:
        """The next rows, and the line that each is on."""
        self.feed_columns(lines, list(zip_longest(*rows, fillvalue="")))

    def feed_columns(self, lines: Sequence[int], columns: Sequence[Sequence[str]]) -> None:
        """The same, by columns."""
        self.rows += len(lines)
        for number in range(len(self.columns), len(columns)):
            self.columns.append(Column(number + 1, ""))
        self._most_distinct = min(MOST_DISTINCT, max(FEWEST_DISTINCT, MOST_KEPT // (len(self.columns) or 1)))
        for column, values in zip(self.columns, columns, strict=False):
            self._feed(column, lines, values)

    def _feed(self, column: Column, lines: Sequence[int], values: Sequence[str]) -> None:
        told = "\n".join(values)
        rest = told.encode(errors="replace").translate(None, _DIGITS) if told.isascii() else b"?"
        if rest == b"" and "\n\n" not in f"\n{told}\n" and (longest := max(map(len, values), default=0)) <= 9:
            self._feed_whole(column, lines, values, longest)
            return
        distinct = set(values)
        if not rest.strip(b".-") and _ALL_NUMBERS.fullmatch(told):
            column.filled += len(values)
            column.numbers += len(values)
            column.remember(distinct, self._most_distinct)
            exact = sum(1 for value in values if _EXACT.fullmatch(value)) if _is_point(column) else 0
            if exact:
                count, first = column.hits.get("exact", (0, lines[0]))
                column.hits["exact"] = (count + exact, first)
            return
        looks = self._looks("\n".join(distinct))
        if not looks and not signs.look(told).number:
            self._feed_words(column, values, distinct)
            return
        found: dict[str, list[str]] = {}
        known: set[str] = set()
        for value in distinct:
            plain = value.strip()
            if plain.lower() in _NOTHING:
                found.setdefault("nothing", []).append(value)
                continue
            known.add(plain)
            for what in self._held(column, plain, looks):
                found.setdefault(what, []).append(value)
        column.remember(known, self._most_distinct)
        column.filled += len(values)
        for what, which in found.items():
            among = set(which)
            places = [line for line, value in zip(lines, values, strict=True) if value in among]
            self._note(column, what, places)

    def _feed_words(self, column: Column, values: Sequence[str], distinct: set[str]) -> None:
        """A batch of cells without a sign of anything, of which some may be empty."""
        nothing = {value for value in distinct if len(value) <= _LONGEST_NOTHING and value.strip().lower() in _NOTHING}
        column.filled += len(values) - (sum(value in nothing for value in values) if nothing else 0)
        column.remember(distinct - nothing, self._most_distinct)

    def _feed_whole(self, column: Column, lines: Sequence[int], values: Sequence[str], longest: int) -> None:
        """A batch of whole numbers of at most nine digits, none of them missing."""
        distinct = set(values)
        column.filled += len(values)
        column.whole += len(values)
        column.remember(distinct, self._most_distinct)
        if longest >= _LARGE_DIGITS:
            large = {value for value in distinct if len(value) >= _LARGE_DIGITS and int(value) >= LARGE}
            column.large += sum(value in large for value in values)
        small = distinct & _small_numbers(self._smallest)
        if small:
            self._note(column, "small", [line for line, value in zip(lines, values, strict=True) if value in small])

    def _looks(self, told: str) -> frozenset[str]:
        """Name the checks that cells, a line each, have to go through: most columns have no sign of anything."""
        otherwise = readings.may_read_otherwise(told)
        look = signs.look(told)
        seen = {
            "otherwise": otherwise,
            "mail": self._reads_mail and (otherwise or identifiers.may_hold_email(told)),
            "secret": self._reads_secrets and (otherwise or secrets.may_hold_secret(told)),
            "time": look.clock,
            "address": look.address,
            "opaque": look.has_run(16),
            "number": look.telephone or look.has_account(),
            "name": _SPACED.search(f"\n{told}") is not None,
            "person": personal.may_hold_person(told),
        }
        return frozenset(name for name, there in seen.items() if there)

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

    def _held(self, column: Column, value: str, looks: frozenset[str]) -> Iterator[str]:
        """Name what a cell holds, in words of ours."""
        if "person" in looks and personal.is_card(value):
            yield "card"
        if value[0] == "+" and personal.is_phone(value):
            yield "phone"
        elif _WHOLE.fullmatch(value):
            yield from self._number(column, value)
            return
        if _NUMBER.fullmatch(value):
            yield "number"
            if _is_point(column) and _EXACT.fullmatch(value):
                yield "exact"
        elif looks:
            yield from self._told(column, value, looks)

    def _told(self, column: Column, value: str, looks: frozenset[str]) -> Iterator[str]:
        """Name what a cell of words or signs holds."""
        if "mail" in looks or "secret" in looks:
            texts = (value, *readings.other_readings(value)) if "otherwise" in looks else (value,)
            if "mail" in looks and any(identifiers.has_email(text) for text in texts):
                yield "email"
            if "secret" in looks:
                yield from (f"secret:{secret}" for secret in {secrets.find_secret(text) for text in texts} if secret)
        time = _TIME.fullmatch(value) if "time" in looks else None
        if time:
            yield "time"
            yield from ["odd second"] * (time[1] != "00")
            return
        if looks & {"number", "name", "person"}:
            yield from _of_person(value.strip("'\""), looks)
        if looks & {"address", "opaque"}:
            machine = _machine(value)
            if machine:
                yield machine
            if machine == "opaque" and len(column.opaque) < MOST_DISTINCT:
                column.opaque.add(hash(value))

    def _number(self, column: Column, value: str) -> Iterator[str]:
        yield "whole"
        number = int(float(value))
        if len(value) >= _LONG_NUMBER and value.isdigit() and not _MOMENT.fullmatch(value) and len(column.digits) < 9:
            column.digits.add(len(value))
        if 0 < number < self._smallest:
            yield "small"
        if number >= LARGE:
            yield "large"
        if _EPOCH.fullmatch(value):
            yield "time"
            yield from ["odd second"] * bool(int(value[:10]) % 60)

    # -- verdict

    def tell(self, found: FindingCollector) -> None:
        """Add what all rows together say."""
        names = [column.name for column in self.columns]
        sums_up = any(column_names.is_aggregate(column.name) and column.has_numbers for column in self.columns)
        builds = any(column_names.is_build(name) for name in names)
        for column in self.columns:
            if column.filled:
                self._tell_values(found, column, builds=builds)
                self._tell_identity(found, column)
            if column.filled:
                self._tell_personal(found, column, sums_up=sums_up)
        if not sums_up:
            self._tell_rows(found)
            self._tell_places(found)
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

    def _tell_personal(self, found: FindingCollector, column: Column, *, sums_up: bool) -> None:
        """Add numbers and names of single people, one in each row."""

        def tell(what: str, held: str, least: int, share: float) -> None:
            if column.count(held) >= least and column.share(column.count(held)) >= share:
                count, first = column.hits[held]
                self._add(found, FindingKind.PERSONAL, what, first=first, column=column, count=count)

        tell("numbers of payment cards", "card", 2, 0.5)
        tell("the number of a payment card", "spaced card", 1, 0.0)
        tell("numbers of bank accounts", "account", 1, 0.0)
        tell("telephone numbers", "phone", 3, 0.5)
        tell("social security numbers", "social", 3, 0.5)
        tell("telephone numbers or addresses of people", "of a person", 1, 0.0)
        if not sums_up and self.rows >= FEW_ROWS and column.differs:
            tell("names of people, one in each row", "name", FEW_ROWS, 0.5)
        named = column_names.is_build(column.name) or column_names.is_count(column.name)
        long = column.digits and not column.times and not named
        if long and len(column.digits) == 1 and column.is_number and self.rows >= FEW_ROWS and column.differs:
            what = "long numbers, another one in each row, as of telephones or accounts"
            self._add(found, FindingKind.CLIENT_ID, what, column=column)

    def _tell_places(self, found: FindingCollector) -> None:
        """Points on a map that are as exact as a house, another one in each row, with nothing said of what is there."""
        exact = [column for column in self.columns if column.share(column.count("exact")) >= 0.8]
        worded = [
            column for column in self.columns if column.filled and column.share(column.whole + column.numbers) < 0.5
        ]
        if self.rows >= FEW_ROWS and len(exact) >= 2 and all(column.differs for column in exact) and not worded:
            what = "exact places, another one in each row; publish areas and counts instead"
            self._add(found, FindingKind.ROW_LEVEL, what, column=exact[0])

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
            part=self._part,
        )


@cache
def _small_numbers(smallest: int) -> frozenset[str]:
    """Counts below the least one, however many zeros they begin with."""
    return frozenset(str(number).zfill(width) for number in range(1, smallest) for width in range(1, 10))


def _machine(value: str) -> str | None:
    """Name the sort of address or identifier that a cell is, or has in its text."""
    if (value.count(".") == 3 or value.count(":") >= 2) and identifiers.is_host(value):
        return "version" if ":" not in value and identifiers.looks_like_version(value) else "address"
    if identifiers.is_mac(value):
        return "hardware"
    if len(value) >= 16 and identifiers.is_opaque(value):
        return "opaque"
    return "address in text" if len(value) > 15 and any(identifiers.find_addresses(value)) else None


def _of_person(value: str, looks: frozenset[str]) -> Iterator[str]:
    """Name the sort of number or name of somebody's that a cell is, or has in its text."""
    if "number" in looks and personal.is_phone(value):
        yield "phone"
    elif "number" in looks and personal.is_social(value):
        yield "social"
    elif "number" in looks and personal.is_account(value):
        yield "account"
    elif "name" in looks and personal.is_full_name(value):
        yield "name"
    elif "person" in looks and personal.is_card(value):
        yield "spaced card"
    elif "person" in looks and len(value) > 15 and any(personal.find_persons(value)):
        yield "of a person"


def _is_point(column: Column) -> bool:
    """True when its name says that it holds one half of a place on a map."""
    return bool(set(column_names.split_words(column.name)) & _POINT)
