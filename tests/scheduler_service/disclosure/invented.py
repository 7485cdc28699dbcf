"""Invented people, places and numbers, of which the corpus is made; the same for the same random numbers."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from jupyter_schedule.core.models import FindingKind
from tests.scheduler_service.disclosure.shapes import Row

Table = tuple[Sequence[str], list[Row]]
COUNTRIES = ("DE", "FR", "ES", "IT", "PL", "SE", "NO", "BR", "IN", "JP", "KE", "US", "CA", "MX", "CN", "GB", "NL", "BE")
DAY = date(2026, 11, 2)
FIRST = (
    "Ana",
    "Bo",
    "Chidi",
    "Dora",
    "Émile",
    "Fatima",
    "Günter",
    "Hana",
    "Ivo",
    "Jörg",
    "Kemal",
    "Lúcia",
    "Mei",
    "Nils",
)
LAST = (
    "Abel",
    "Brandt",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fuchs",
    "García",
    "Horváth",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lopes",
)


@dataclass(frozen=True)
class Case:
    """A file, and what must be found in it: None for nothing at all."""

    title: str
    path: str
    data: bytes
    expected: FindingKind | None


def days(number: int) -> list[str]:
    return [(DAY + timedelta(days=day)).isoformat() for day in range(number)]


def sha(rng: random.Random, length: int = 40) -> str:
    return hashlib.sha256(rng.randbytes(8)).hexdigest()[:length]


def uuid(rng: random.Random) -> str:
    return str(UUID(bytes=rng.randbytes(16), version=4))


def many(rng: random.Random) -> int:
    return rng.randrange(5, 40_000)


def by_country(rng: random.Random) -> Table:
    return ("date", "country", "clients"), [(day, land, many(rng)) for day in days(5) for land in COUNTRIES]
