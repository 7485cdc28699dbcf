"""What an output contract may say, and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.expectations import Expectation, normalize, parse


@pytest.mark.parametrize(
    ("line", "expectation"),
    [
        ("report.csv", Expectation("report.csv")),
        ("*.csv rows>=1,000  bytes>=10", Expectation("*.csv", rows=1000, bytes=10)),
        ("sub/day*.csv.gz newest(date)<=2d", Expectation("sub/day*.csv.gz", column="date", days=2)),
        ("a.jsonl newest(day of flight)<=0d", Expectation("a.jsonl", column="day of flight")),
        ("'my file.csv' changed", Expectation("my file.csv", changed=True)),
    ],
)
def test_a_line_means(line: str, expectation: Expectation) -> None:
    assert parse(line) == expectation
    assert parse(expectation.line) == expectation


@given(
    st.builds(
        Expectation,
        st.text("ab*?[]'\"# \\", min_size=1, max_size=8)
        .filter(lambda text: text.strip() == text)
        .map(lambda t: f"{t}.csv"),
        rows=st.none() | st.integers(1, 10**6),
        bytes=st.none() | st.integers(1, 10**6),
        column=st.none() | st.sampled_from(["date", "a day", "é"]),
        changed=st.booleans(),
    )
)
def test_what_is_kept_means_the_same(expectation: Expectation) -> None:
    assert parse(expectation.line) == expectation


def test_lines_are_kept_once_and_without_what_says_nothing() -> None:
    assert normalize([" a.csv  rows>=1_0 ", "", "a.csv rows>=10"]) == ("a.csv rows>=10",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("../data.csv", "is outside the output folder"),
        ("/tmp/data.csv", "is outside the output folder"),
        ("a//b.csv", "can be no file's path"),
        ("./b.csv", "can be no file's path"),
        ("'' rows>=1", "can be no file's path"),
        ("a.csv rows>=-5", "isn't a condition"),
        ("a.csv rows>=0", "says nothing"),
        ("a.csv bytes>=9999999999999999", "can't be"),
        ("a.png rows>=5", "a.png is none"),
        ("a.png newest(date)<=1d", "a.png is none"),
        ("a.csv newest(date)<=-1d", "isn't a condition"),
        ("a.csv rows=5", "isn't a condition"),
        ("a.csv rows>=5 rows>=6", "is said twice"),
        ("'a.csv", "isn't closed"),
        ("a" * 300, "at most 200 characters"),
        ("a.csv\x00", "all of them visible"),
    ],
)
def test_a_contract_that_no_file_can_meet_is_refused(line: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        normalize([line])
    assert (refused.value.code, refused.value.field) == ("bad_contract", "expect")


def test_there_are_not_more_lines_than_anybody_reads() -> None:
    with pytest.raises(Refused, match="at most 20 lines"):
        normalize(f"{number}.csv" for number in range(21))
