"""Schedules with a past, as a team would have them: what the pictures of every view show."""

from contextlib import closing
from datetime import timedelta
from typing import Any

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Reason, RunStatus
from tests.factories import make_run
from tests.ui.lab import Lab

PARAMETERS = "month = 3\nstation = 'Berri 1'\nsince = '2026-03-01'\nweekends = True"
REPORT = (
    "import csv\nrides = list(csv.DictReader(open('../data/rides.csv')))",
    "from pathlib import Path\nPath('output').mkdir(exist_ok=True)\n"
    "Path('output/summary.csv').write_text(f'station,rides\\n{station},{len(rides)}\\n')",
    "stations = open('stations.csv').read()",
)
#: the same, as somebody went on with it
REWRITTEN = (
    REPORT[0].replace("open(", "open(encoding='utf-8', file="),
    "assert rides, 'no rides'",
    *REPORT[1:],
)
BROKEN = (
    "rides = {'north': 3, 'south': 4}",
    "totals = {}\nfor name in ('north', 'region'):\n    totals[name] = rides[name]\nprint(totals)",
    "print('never')",
)
#: it ends when its folder has a file named `enough`
LONG = (
    "print('reading the flights of yesterday')",
    "import time\nfrom pathlib import Path\nfor number in range(40):\n    print(f'day {number}: 841 flights')\n"
    "while not Path(ENOUGH).exists():\n    time.sleep(0.05)",
    "print('done')",
)
BAD_ENDS = {
    9: (RunStatus.FAILED, Reason.CELL_FAILED, "KeyError at cell 2 of 3: 'region'", 4.0),
    17: (RunStatus.SKIPPED, Reason.OVERLAP, "Skipped: the last run was still going.", None),
    23: (RunStatus.TIMED_OUT, Reason.TIME_LIMIT, "Timed out: stopped after 2 h at cell 5 of 6.", 7200.0),
    24: (RunStatus.SKIPPED, Reason.MISSED, "Missed: the scheduler was off.", None),
}


def past(lab: Lab, name: str, days: int, bad: dict[int, Any]) -> None:
    """Give a schedule daily runs that ended, the newest yesterday; `bad` says which days ago it went otherwise."""
    with closing(lab.store()) as store:
        schedule = store.schedules.find(name, owner="local")
        for ago in range(days, 0, -1):
            due = (clock.now() - timedelta(days=ago, hours=12)).replace(minute=0, second=0, microsecond=0)
            status, reason, message, seconds = bad.get(
                ago, (RunStatus.SUCCEEDED, Reason.OK, "Succeeded.", 5.0 + ago % 4)
            )
            begun = due + timedelta(seconds=1) if seconds else None
            run = make_run(
                schedule, f"cron:0:{due:%Y-%m-%dT%H:%M}/0", scheduled_for=due, created_at=due, status=status,
                reason=reason, message=message, seconds=seconds, started_at=begun,
                ended_at=due + timedelta(seconds=1 + (seconds or 0)),
            )  # fmt: skip
            store.runs.add(run, actor="test")


def hang(lab: Lab) -> None:
    """The schedules, their pasts, and one run of each kind."""
    data = lab.root / "gallery" / "data"
    data.mkdir(parents=True)
    (data / "rides.csv").write_text("station,rides\nBerri 1,841\n")
    (lab.root / "gallery" / "reports").mkdir()
    (lab.root / "gallery" / "reports" / "prices.csv").write_text("x\n" * 400)
    lab.notebook("gallery/reports/bikes_report.ipynb", *REPORT, parameters=PARAMETERS)
    lab.notebook("gallery/reports/new_report.ipynb", *REPORT, parameters=PARAMETERS)
    lab.notebook("gallery/reports/churn_weekly.ipynb", *BROKEN)
    enough = lab.root / "gallery" / "enough"
    lab.notebook("gallery/reports/long_haul.ipynb", *(cell.replace("ENOUGH", repr(str(enough))) for cell in LONG))
    # far from now: nothing comes due meanwhile
    daily = {"kind": "daily", "at": f"{clock.now() + timedelta(hours=12):%H}:00"}
    weekly = daily | {"kind": "weekly", "days": [f"{clock.now() + timedelta(days=3):%a}"]}
    lab.schedule("examples/flights/flights.ipynb", name="delays", frequency=daily)
    past(lab, "delays", 29, BAD_ENDS)
    lab.schedule("gallery/reports/churn_weekly.ipynb", frequency=weekly)
    past(lab, "churn_weekly", 6, {})
    lab.schedule("gallery/reports/bikes_report.ipynb", name="bikes_report", frequency=daily)
    past(lab, "bikes_report", 12, {5: BAD_ENDS[17]})
    lab.ask("PATCH", "schedules/bikes_report", {"form": {"timeout_minutes": 30}}, **{"If-Match": "1"})
    lab.ask("POST", "schedules/bikes_report/pause", {"note": "moving to the new counters"})
    lab.notebook("gallery/reports/bikes_report.ipynb", *REWRITTEN, parameters=PARAMETERS)
    lab.schedule("gallery/reports/long_haul.ipynb", frequency=daily, run_now=True)
    past(lab, "long_haul", 10, {})
    for name in ("churn_weekly", "delays"):
        lab.ask("POST", f"schedules/{name}/run")
    for name in ("churn_weekly", "delays"):
        lab.ended(name)
