"""The cost of a publication in words, the same before as after."""

import pytest

from jupyter_schedule.core import s3_prices


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (1, "publishing 1 file costs less than $0.01 for requests alone, each time"),
        (1000, "publishing 1,000 files costs about $0.02 for requests alone, each time"),
        (50_000, "publishing 50,000 files costs about $0.83 for requests alone, each time"),
    ],
)
def test_a_price_is_in_cents_at_least(files: int, words: str) -> None:
    assert s3_prices.publishing_text(files) == words


def test_what_may_not_be_published_is_said_before_as_it_is_after() -> None:
    assert s3_prices.told_before("It has", 11, 10) == s3_prices.too_many_text("It has", 11, 10)
    assert s3_prices.told_before("It has", 10, 10) == f"It has 10 files; {s3_prices.publishing_text(10)}."
