"""Hundreds of bad days, each of which follows from its seed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from tests.simulation.deployment import Deployment
from tests.simulation.history import History
from tests.simulation.invariants import INVARIANTS, Invariant, broken, stray_seconds, wasted_machines
from tests.simulation.ledgers import in_sqlite
from tests.simulation.many import all_cores, live
from tests.simulation.mutants import EAGER_LOST, MUTANTS, NO_REAPER
from tests.simulation.violations import VIOLATIONS

#: the worlds of each test; those of the first are lived through at every change, and one of them is crowded
WORLDS = (range(11, 17), range(11), range(17, 50), *(range(first, first + 50) for first in range(50, 300, 50)))
#: on the product's own store, where a day takes twenty times as long
ON_SQLITE = 2
#: worlds that a mutant may survive beside its own: as many as the promises are held in
MOST = 300
#: worlds in which a calm one is looked for
CALM = 20
#: the defences that the protocol rests on
EVERYDAY = {"no gate", "a token per call", "blind latest"}
proof = pytest.mark.proof("simulation")


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with all_cores() as cores:
        yield cores


@pytest.mark.parametrize(
    "worlds", [pytest.param(some, marks=[] if some == WORLDS[0] else proof, id=str(some.start)) for some in WORLDS]
)
def test_every_promise_holds_in_every_world(pool: ProcessPoolExecutor, worlds: range) -> None:
    for lived in pool.map(live, worlds):
        assert lived.problems == [], f"./dev simulate --seed {lived.seed}"


@proof
def test_and_on_the_store_that_the_product_has(pool: ProcessPoolExecutor) -> None:
    for lived in pool.map(partial(live, opens=in_sqlite), range(ON_SQLITE)):
        assert lived.problems == [], f"./dev simulate --sqlite --seed {lived.seed}"


def test_a_seed_plays_again_exactly() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "7"]
    once, again = (
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert once == again


@pytest.fixture(scope="module")
def caught(request: pytest.FixtureRequest, pool: ProcessPoolExecutor) -> dict[str, object]:
    """Of each mutant that this session asks for whether it was, all of them at once."""
    functions = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = {item.callspec.params["name"] for item in functions if "caught" in item.fixturenames}
    numbers = {number: mutant.name for number, mutant in enumerate(MUTANTS) if mutant.name in asked}
    return {name: pool.submit(_is_caught, number) for number, name in numbers.items()}


@pytest.mark.parametrize(
    "name", [pytest.param(mutant.name, marks=[] if mutant.name in EVERYDAY else proof) for mutant in MUTANTS]
)
def test_what_each_defence_keeps_away_is_seen_when_it_is_missing(caught: dict[str, object], name: str) -> None:
    assert caught[name].result()  # type: ignore[attr-defined]


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.__name__)
def test_each_invariant_can_fail(invariant: Invariant) -> None:
    """A mutant breaks it, or a record that was spoilt."""
    if any(mutant.seen_by == invariant.__name__ for mutant in MUTANTS):
        return
    seed, spoil = VIOLATIONS[invariant.__name__]
    deployment = _lived(seed)
    assert list(invariant(History(deployment))) == []
    spoil(deployment)
    assert list(invariant(History(deployment))) != []


@proof
def test_a_worker_given_up_too_soon_costs_a_machine_in_a_calm_world() -> None:
    calm = [seed for seed in range(CALM) if Deployment(seed).calm][:4]
    assert sum(wasted_machines(_lived(seed)) for seed in calm) == 0
    assert sum(wasted_machines(EAGER_LOST.live(seed)) for seed in calm) > 0


@proof
def test_without_a_reaper_machines_that_nobody_owns_live_on(pool: ProcessPoolExecutor) -> None:
    # in which services die at their worst moments
    worlds = (1, 2, 45, 50)
    whole, without = (sum(pool.map(_strays, [reaps] * len(worlds), worlds)) for reaps in (True, False))
    assert without > 10 * whole


def _is_caught(number: int) -> bool:
    mutant = MUTANTS[number]
    # a world changes with the calls that the product makes in it; the fault has to show in one of them all the same
    seeds = dict.fromkeys((mutant.seed, *(seed % MOST for seed in range(mutant.seed, mutant.seed + MOST))))
    worlds = (broken(mutant.live(seed)) for seed in seeds)
    return any(problem.startswith(mutant.seen_by) for problems in worlds for problem in problems)


def _strays(reaps: bool, seed: int) -> float:
    return stray_seconds(_lived(seed) if reaps else NO_REAPER.live(seed))


def _lived(seed: int) -> Deployment:
    deployment = Deployment(seed)
    deployment.run()
    return deployment
