"""Many worlds on all cores of this machine; what is asked of them comes back in the order of the seeds."""

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.deployment import Deployment
from tests.simulation.invariants import broken
from tests.simulation.ledgers import Opens, in_memory


@dataclass(frozen=True)
class Lived:
    """What became of a seed."""

    seed: int
    problems: list[str]
    runs: int
    steps: int


def live(seed: int, opens: Opens = in_memory) -> Lived:
    """Live through one world."""
    deployment = Deployment(seed, opens)
    deployment.run()
    return Lived(seed, broken(deployment), len(deployment.ledger.runs_by_id), deployment.world.steps)


@contextmanager
def all_cores() -> Iterator[ProcessPoolExecutor]:
    """A process for each core, in which nothing is logged."""
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_quiet) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _quiet() -> None:
    logging.disable(logging.CRITICAL)
