"""`python failing_worker.py MOMENT SIGNAL MARK`: the agent, which dies or stops before or after it takes its gate."""

import sys
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2]))

from jupyter_schedule.core.storage.factory import open_storage
from scheduler_service.worker import agent
from scheduler_service.worker.__main__ import main
from tests.faults.failpoints import Failing, Failpoint

if __name__ == "__main__":
    moment, number, mark = sys.argv[1:]
    failpoint = Failpoint("gate", moment, int(number), Path(mark))
    with mock.patch.object(agent, "open_storage", lambda address: Failing(open_storage(address), "objects", failpoint)):
        sys.exit(main())
