"""Who may have a further machine this month."""

import pytest

from scheduler_service.quotas import MachineHourQuota
from tests.factories import NOON

HOUR = 3600
ANN = (
    "Not started: your machines have used 10.0 machine-hours in November, and 10 are allowed. "
    "More start in the next month, or when an operator raises ec2.max_machine_hours_per_owner."
)
ALL = (
    "Not started: all machines together have used 12.5 machine-hours in November, and 12 are allowed. "
    "More start in the next month, or when an operator raises ec2.max_machine_hours."
)


@pytest.mark.promise("P21")
@pytest.mark.parametrize(
    ("caps", "used", "sentence"),
    [
        (MachineHourQuota(), {"ann": 1000 * HOUR}, None),
        (MachineHourQuota(per_owner=10), {}, None),
        (MachineHourQuota(per_owner=10), {"ann": 10 * HOUR - 1}, None),
        (MachineHourQuota(per_owner=10), {"ann": 10 * HOUR}, ANN),
        # another's hours are another's
        (MachineHourQuota(per_owner=10), {"bob": 50 * HOUR}, None),
        (MachineHourQuota(total=12), {"ann": 6 * HOUR, "bob": 5 * HOUR}, None),
        (MachineHourQuota(total=12), {"ann": 6 * HOUR, "bob": 6 * HOUR + HOUR // 2}, ALL),
        # what the owner can do something about is said first
        (MachineHourQuota(total=5, per_owner=10), {"ann": 10 * HOUR}, ANN),
    ],
)
def test_hours_are_counted_by_owner_and_for_all(
    caps: MachineHourQuota, used: dict[str, int], sentence: str | None
) -> None:
    assert caps.refusal(used, "ann", NOON) == sentence
