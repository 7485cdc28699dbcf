"""boto3 #1982, #2187, #3015, #2989; ansible community.aws #637: addresses made by generate_presigned_url have the global host.

A fresh machine fetches the agent from `base`, which is made of such an address.  `bucket.s3.amazonaws.com` doesn't lead to
regions opened since March 2019 (af-south-1, me-south-1, eu-south-1, …: "HTTP 400 Bad Request", Amazon's documentation on virtual hosting),
and isn't behind a private S3 interface endpoint.  (In older regions a new bucket answers 307 for hours, which urllib follows.)
boto3 itself goes to the regional host.  Right: so does the machine.  Exit 0 when the region is in the host.
"""
import os, sys
sys.path.insert(0, os.getcwd())
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
from urllib.parse import urlsplit
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.s3 import S3Storage as S3Objects
from jupyter_schedule.core.storage.addresses import S3Address
from scheduler_service.launchers.ec2.work_storage import WorkStorage as WorkArea
bad = 0
for region in ("eu-central-1", "eu-west-1", "af-south-1", "me-south-1", "eu-south-1"):
    address = S3Address.parse(f"s3://acme-schedules-work?region={region}")
    base = WorkArea(S3Objects(address))._base
    asked = []
    def seen(request, **_):
        asked.append(urlsplit(request.url).hostname); raise ConnectionError
    client = s3_clients.client(address)
    client.meta.events.register_first("before-send.s3", seen)
    try: client.head_object(Bucket=address.bucket, Key="k")
    except Exception: pass
    print(f"{region:13} the machine: {urlsplit(base).hostname:40} boto3: {asked[0]}")
    bad |= region not in urlsplit(base).hostname
sys.exit(bad)
