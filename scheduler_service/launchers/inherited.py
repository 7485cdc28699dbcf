"""The variables of the service that a run of this machine has: a list, so that no token and no key is among them.

It has what programs need to find themselves, their data, their licences and the network, as they do in JupyterLab.
docs/what-a-run-sees.md names them all.
"""

from collections.abc import Mapping

from jupyter_schedule.core.run_environment import ALLOWED, is_harmless
from scheduler_service.worker.task import WorkerTask
from scheduler_service.worker.workspace import AGENT_ONLY, FOR_CODE_ALONE

#: where packages come from, for runs that build their environment; an index with a password in its address is the
#: analyst's own, and needed
PACKAGE_SOURCES = frozenset({
    "PIP_CERT", "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST", "UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "UV_INDEX", "UV_INDEX_URL", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_INSTALL_MIRROR", "UV_SYSTEM_CERTS",
})  # fmt: skip


def filter_environment(parent: Mapping[str, str], task: WorkerTask) -> dict[str, str]:
    """Return the variables of the service that an agent, and so a run, gets: by the allow-list, and by the schedule's.

    A run that builds its environment also gets where packages come from.  An agent that works with S3 gets the way
    into it, and keeps it from the run.  What the analyst's code alone may have (PYTHONPATH) goes by another name.
    """
    names = ALLOWED | set(task.pass_environment)
    if task.notebook is not None and task.kernel is None:
        names |= PACKAGE_SOURCES
    passed = {name: value for name, value in parent.items() if name in names or is_harmless(name, value)}
    passed |= {other: parent[name] for other, name in FOR_CODE_ALONE.items() if parent.get(name) and name not in passed}
    addresses = [task.objects, task.previous.objects if task.previous else ""]
    if not any(address.startswith("s3:") for address in addresses):
        return passed
    for_s3 = {name: value for name, value in parent.items() if name.startswith("AWS_") and name not in passed}
    return passed | for_s3 | {AGENT_ONLY: ",".join(for_s3)}
