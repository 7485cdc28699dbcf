"""`./dev simulate --seeds N [--seed S]`: live through many bad days; one that breaks a promise is told step by step."""

import argparse
import logging
import sys
import time

from tests.simulation.deployment import Deployment
from tests.simulation.invariants import broken


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev simulate", description="Live through many bad days.")
    parser.add_argument("--seeds", type=int, default=300, help="how many, from --seed on (300)")
    parser.add_argument("--seed", type=int, help="the first; given alone, this one only, with its whole story")
    options = parser.parse_args()
    first = options.seed or 0
    alone = options.seed is not None and "--seeds" not in sys.argv
    logging.disable(logging.CRITICAL)
    began, runs, steps = time.monotonic(), 0, 0
    for seed in range(first, first + (1 if alone else options.seeds)):
        deployment = Deployment(seed, whole=alone)
        deployment.run()
        runs += len(deployment.ledger.runs_by_id)
        steps += deployment.world.steps
        problems = broken(deployment)
        if problems or alone:
            print(*deployment.world.trace, sep="\n")
        if problems:
            print(f"\nseed {seed} breaks:", *problems, sep="\n  ")
            print(f"\nAgain: ./dev simulate --seed {seed}")
            return 1
    print(f"{runs} runs, {steps} steps, {time.monotonic() - began:.1f} s: every promise held.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
