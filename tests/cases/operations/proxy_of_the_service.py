"""jupyterhub #3959, tortuga #525, airflow #19522: behind a proxy the service works (boto3 takes HTTPS_PROXY) and what it starts doesn't.

An agent whose work area is on S3 gets AWS_* but neither HTTPS_PROXY nor NO_PROXY, so it can't reach S3; a run that builds its environment
gets PIP_INDEX_URL and the like but no proxy, so pip and uv can't either.
Right: both get the proxy's variables (the run at least where it builds).  Exit 0 when they do.
"""
import os, sys
sys.path.insert(0, os.getcwd())
from scheduler_service.launchers.local import filter_environment as run_environment
from tests.factories import make_task
parent = {"PATH": "/bin", "HOME": "/root", "HTTPS_PROXY": "http://proxy.example:3128", "https_proxy": "http://proxy.example:3128", "NO_PROXY": "localhost", "AWS_ACCESS_KEY_ID": "x", "PIP_INDEX_URL": "https://pypi.example/simple"}
s3 = run_environment(parent, make_task(objects="s3://work", kernel={"argv": ["x"]}))
builds = run_environment(parent, make_task(objects="file:///w", notebook="a.ipynb"))
print("agent on S3:", sorted(s3)); print("run that builds:", sorted(builds))
sys.exit(0 if all({"HTTPS_PROXY", "https_proxy"} & set(e) for e in (s3, builds)) else 1)
