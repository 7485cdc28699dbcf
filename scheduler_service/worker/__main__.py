"""`python -m scheduler_service.worker`: execute the attempt that a JSON document on stdin describes.

Exit codes: 0 the result was stored, or another worker has the attempt; 2 the document isn't one; 1 anything else.
"""

import json
import sys

from scheduler_service.worker.agent import run_attempt
from scheduler_service.worker.task import TaskRefused, WorkerTask


def main() -> int:
    try:
        task = WorkerTask.of(json.load(sys.stdin))
    except (ValueError, TaskRefused) as problem:
        print(f"stdin must have an attempt's parameters as JSON: {problem}", file=sys.stderr)
        return 2
    run_attempt(task)
    return 0


if __name__ == "__main__":
    sys.exit(main())
