"""boto #2836, aws-cli #1146 and many: buckets with dots (no TLS wildcard fits them): which address is used for them.

boto3 and obstore must take the path style for `a.b.c`, a worker's first program too.  Exit 0 when no https host has the bucket with dots.
"""
import os, sys
sys.path.insert(0, os.getcwd())
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
from urllib.parse import urlsplit
from jupyter_schedule.core.storage.s3 import S3Storage as S3Objects
from jupyter_schedule.core.storage.addresses import S3Address
from scheduler_service.launchers.ec2.work_storage import WorkStorage as WorkArea
bad = 0
for region in ("us-east-1", "eu-central-1"):
    for bucket in ("acme.results.example", "acme-results"):
        area = S3Objects(S3Address.parse(f"s3://{bucket}/p?region={region}"))
        link, base = area.link("k", 60), WorkArea(area)._base
        print(region, bucket, link.split("?")[0], base)
        for address in (link, base):
            host = urlsplit(address).hostname
            bad |= host.startswith(bucket) and "." in bucket
sys.exit(bool(bad))
