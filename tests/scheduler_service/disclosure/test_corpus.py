"""How much of what is planted is found, and how often an aggregate is taken for something else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure.files import check_file
from tests.scheduler_service.disclosure.corpus import clean, planted
from tests.scheduler_service.disclosure.invented import Case

LEAST_RECALL = 0.95
MOST_FALSE_ALARMS = 0.02


@pytest.fixture
def kinds(tmp_path: Path) -> Callable[[Case], set[FindingKind]]:
    def of(case: Case) -> set[FindingKind]:
        local = tmp_path / "file"
        local.write_bytes(case.data)
        return {finding.kind for finding in check_file(case.path, local)}

    return of


#: the first one was never looked at while the rules were made
SEEDS = (2026, pytest.param(1, marks=pytest.mark.proof("simulation")))


@pytest.mark.parametrize("seed", SEEDS)
def test_of_what_is_planted_at_least_95_percent_is_found(
    seed: int, kinds: Callable[[Case], set[FindingKind]], capsys: pytest.CaptureFixture[str]
) -> None:
    cases = planted(seed)
    missed = [f"{case.title} ({case.path}): {found}" for case in cases if case.expected not in (found := kinds(case))]
    recall = 1 - len(missed) / len(cases)
    with capsys.disabled():
        print(f"\ndisclosure: recall {recall:.1%} of {len(cases)} planted files, seed {seed}")
    assert len(cases) >= 500
    assert recall >= LEAST_RECALL, "\n".join(missed)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_clean_aggregates_at_most_2_percent_are_stopped(
    seed: int, kinds: Callable[[Case], set[FindingKind]], capsys: pytest.CaptureFixture[str]
) -> None:
    cases = clean(seed)
    stopped = [f"{case.title} ({case.path}): {found}" for case in cases if (found := kinds(case))]
    alarms = len(stopped) / len(cases)
    with capsys.disabled():
        print(f"\ndisclosure: false alarms {alarms:.1%} of {len(cases)} clean files, seed {seed}")
    assert len(cases) >= 300
    assert alarms <= MOST_FALSE_ALARMS, "\n".join(stopped)
