"""What must be found and what mustn't: made by code, always the same, of invented data only."""

import random

from tests.scheduler_service.disclosure.clean_files import clean_files
from tests.scheduler_service.disclosure.clean_tables import CLEAN_TABLES
from tests.scheduler_service.disclosure.invented import Case
from tests.scheduler_service.disclosure.planted_rows import addresses, client_ids, emails, row_level, small_cells
from tests.scheduler_service.disclosure.planted_secrets import secrets, unreadable
from tests.scheduler_service.disclosure.shapes import SHAPES


def clean(seed: int = 1) -> list[Case]:
    """Aggregates and reports as people publish them."""
    rng = random.Random(seed)
    cases = []
    for title, make in CLEAN_TABLES.items():
        for number, (ending, shape) in enumerate(rng.sample(SHAPES, 11)):
            names, rows = make(rng)
            cases.append(Case(f"{title} {number}", f"output/{title}{ending}", shape(names, rows), None))
    return cases + [Case(f"clean {path}", path, data, None) for path, data in clean_files(rng)]


def planted(seed: int = 2) -> list[Case]:
    """Files with something in them that mustn't become public."""
    rng = random.Random(seed)
    return [
        *secrets(rng), *emails(rng), *addresses(rng), *client_ids(rng), *row_level(rng), *small_cells(rng),
        *unreadable(rng),
    ]  # fmt: skip
