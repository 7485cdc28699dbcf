"""Hundreds of bad days, each of which follows from its seed."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.simulation.deployment import Deployment
from tests.simulation.invariants import broken, stray_seconds, wasted_machines
from tests.simulation.mutants import EAGER_LOST, MUTANTS, NO_REAPER, Mutant

SEEDS = 300
#: seeds that a mutant may survive
MOST = 60


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_every_promise_holds_in_every_world(first: int) -> None:
    for seed in range(first, first + 20):
        world = Deployment(seed)
        world.run()
        assert broken(world) == [], f"./dev simulate --seed {seed}"


def test_a_seed_plays_again_exactly() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "7"]
    once, again = (
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert once.splitlines()[:-1] == again.splitlines()[:-1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_each_defence_keeps_away_is_seen_when_it_is_missing(mutant: Mutant) -> None:
    assert any(broken(mutant.live(seed)) for seed in range(MOST))


def test_a_worker_given_up_too_soon_costs_a_machine_in_a_calm_world() -> None:
    calm = [seed for seed in range(MOST) if Deployment(seed).calm]
    whole, hasty = (sum(wasted_machines(live(seed)) for seed in calm[:3]) for live in (_whole, EAGER_LOST.live))
    assert whole == 0
    assert hasty > 0


def test_without_a_reaper_machines_that_nobody_owns_live_on() -> None:
    whole, without = (sum(stray_seconds(live(seed)) for seed in range(20)) for live in (_whole, NO_REAPER.live))
    assert without > 2 * whole


def _whole(seed: int) -> Deployment:
    deployment = Deployment(seed)
    deployment.run()
    return deployment
