"""`./dev simulate --seeds N [--seed S]`: live through many bad days; one that breaks a promise is told step by step."""

import argparse
import logging
import sys
import time
from functools import partial

from tests.simulation.deployment import Deployment
from tests.simulation.invariants import broken
from tests.simulation.ledgers import Opens, in_memory, in_sqlite
from tests.simulation.many import all_cores, live


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev simulate", description="Live through many bad days.")
    parser.add_argument("--seeds", type=int, default=300, help="how many, from --seed on (300)")
    parser.add_argument("--seed", type=int, help="the first; given alone, this one only, with its whole story")
    parser.add_argument(
        "--sqlite", action="store_true", help="on the product's own store, which takes twenty times as long"
    )
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    opens = in_sqlite if options.sqlite else in_memory
    if options.seed is not None and "--seeds" not in sys.argv:
        return _tell(options.seed, opens, "--sqlite " * options.sqlite)
    first = options.seed or 0
    began, runs, steps = time.monotonic(), 0, 0
    with all_cores() as pool:
        for lived in pool.map(partial(live, opens=opens), range(first, first + options.seeds)):
            if lived.problems:
                return _tell(lived.seed, opens, "--sqlite " * options.sqlite)
            runs += lived.runs
            steps += lived.steps
    print(f"{runs} runs, {steps} steps, {time.monotonic() - began:.1f} s: every promise held.")
    return 0


def _tell(seed: int, opens: Opens, how: str) -> int:
    """The whole story of a world, and what it breaks."""
    deployment = Deployment(seed, opens, whole=True)
    deployment.run()
    problems = broken(deployment)
    print(*deployment.world.trace, sep="\n")
    if not problems:
        print(f"{len(deployment.ledger.runs_by_id)} runs, {deployment.world.steps} steps: every promise held.")
        return 0
    print(f"\nseed {seed} breaks:", *problems, sep="\n  ")
    print(f"\nAgain: ./dev simulate {how}--seed {seed}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
