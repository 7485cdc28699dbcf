"""boto3 / s3fs / MinIO users: the endpoint is given by AWS_ENDPOINT_URL_S3 (as every AWS tool takes it), not in the settings.

Put, get, list, copy and `link` against a server on 127.0.0.1/localhost with the bucket in the path.  Exit 0 when it works.
"""
import os, sys, tempfile
sys.path.insert(0, os.getcwd())
from pathlib import Path
from dataclasses import replace
from tests import s3_servers
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.s3 import S3Storage as S3Objects
with tempfile.TemporaryDirectory() as folder, s3_servers.as_admin(), s3_servers.moto() as server:
    bad = 0
    for host in ("127.0.0.1", "localhost"):
        os.environ["AWS_ENDPOINT_URL_S3"] = server.endpoint.replace("127.0.0.1", host)
        os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        s3_clients.forget()
        store = S3Objects(replace(server.address(server.bucket()), endpoint=None, region=None))
        source = Path(folder, "f"); source.write_bytes(b"1")
        try:
            store.put_file("a/b.csv", source); assert store.get("a/b.csv") == b"1"; store.put_once("once", b"2")
            print(host, [s.key for s in store.list()], store.link("a/b.csv", 60)[:60])
        except Exception as problem:
            bad = 1; print(host, type(problem).__name__, problem)
os._exit(bad)
