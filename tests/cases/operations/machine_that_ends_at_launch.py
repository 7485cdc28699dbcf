"""karpenter #1407, terraform-aws-github-runner #3422, aws-genomics-workflows #109: RunInstances answers, and the machine ends at once.

EC2 says why in StateReason (`Client.InternalError`: no right to the KMS key of an encrypted disk; `Client.VolumeLimitExceeded`;
`Server.InsufficientInstanceCapacity`).  The product reads it (Machine.ended_by) and shows it for ad-hoc workers only.
Right: the run's sentence (or the attempt's detail) has the reason; exit 0 then.
"""
import os, sys
sys.path.insert(0, os.getcwd())
from dataclasses import asdict
from jupyter_schedule.core.models import Run
from scheduler_service.decide import Gate, Observation as Seen, decide_attempt, MAX_ATTEMPTS
from tests.factories import make_run, make_schedule
from tests.scheduler_service.launchers.ec2.machines import Region

region = Region()
for number in range(1, MAX_ATTEMPTS + 1):
    attempt = region.launched(region.attempt(number))
    region.seconds += 15
    region.ec2.end(attempt.handle["instance"], "Client.InternalError")
    region.seconds += 15
    worker = region.launcher.poll(attempt)
    seen = Seen(run=make_run(make_schedule()), attempt=attempt, worker=worker, gate=Gate.OPEN, lost_before=number - 1)
    decision = decide_attempt(seen, region.now())
    print(number, worker, type(decision).__name__, getattr(decision, "message", ""))
told = f"{decision.message} {attempt.detail or ''}"
sys.exit(0 if "InternalError" in told else 1)
