"""jenkins-infra #4356, ec2-fleet-plugin (fallback to on-demand): a size with spot = true whose machines are taken back.

With the settings that docs/ec2.md shows (two types, two subnets, spot) a run has 3 attempts, and there are 4 spot
offers before the first paid-for one: a run that is interrupted twice is tried a third time on spot, and then fails for
good, though docs say "begin with spare capacity, … and go on to paid-for machines".
Right: after interruptions the last attempt is on a machine that nobody takes back.  Exit 0 when one of three is.
"""
import os, sys
sys.path.insert(0, os.getcwd())
from datetime import UTC, datetime, timedelta
from jupyter_schedule.core.models import Reason, Result
from scheduler_service.decide import MAX_ATTEMPTS, Gate, Observation as Seen, Start, decide_attempt
from scheduler_service.launchers.base import WorkerState
from scheduler_service.launchers.ec2.launch_plan import choose_option as offer_for
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
settings = Ec2Settings(region="eu-west-1", subnets=("subnet-a", "subnet-b"), security_groups=("sg-1",), instance_profile="w", role_id="AROA",
    sizes={"small": Size(instance_types=("m7i.large", "m6i.large"), hardware="-", spot=True)})
tried = [offer_for(settings, "small", turn) for turn in range(MAX_ATTEMPTS)]
for number, offer in enumerate(tried, 1): print(number, offer)
sys.exit(0 if any(not offer.spot for offer in tried) else 1)
