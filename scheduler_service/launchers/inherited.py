"""The variables of the service that a run of this machine has: a list, so that no token and no key is among them.

It has what programs need to find themselves, their data, their licences and the network, as they do in JupyterLab.
docs/what-a-run-sees.md names them all.
"""

import re
from collections.abc import Mapping

from scheduler_service.worker.task import WorkerTask
from scheduler_service.worker.workspace import AGENT_ONLY, FOR_CODE_ALONE

#: the way out; one with a password is the analyst's own, and needed
PROXIES = frozenset({
    "ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
    "all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy",
})  # fmt: skip
ALLOWED = PROXIES | frozenset({
    # every program
    "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
    # who is trusted on the network
    "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "KRB5CCNAME", "KRB5_CONFIG",
    # where environments, languages and systems are
    "HADOOP_CONF_DIR", "HADOOP_HOME", "HIVE_CONF_DIR", "JAVA_HOME", "JDK_HOME", "MAMBA_EXE", "MAMBA_ROOT_PREFIX",
    "PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON", "R_ENVIRON", "R_ENVIRON_USER", "R_HOME", "R_PROFILE", "R_PROFILE_USER",
    "SCALA_HOME", "SPARK_CONF_DIR", "SPARK_HOME", "SPARK_LOCAL_DIRS", "YARN_CONF_DIR",
    # modules of computing centres
    "BASH_FUNC_ml%%", "BASH_FUNC_module%%", "LOADEDMODULES", "MODULEPATH", "MODULESHOME", "_LMFILES_",
    # libraries, their data and their licences
    "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "GDAL_DATA", "GDAL_DRIVER_PATH", "GRB_LICENSE_FILE", "HF_HOME",
    "LM_LICENSE_FILE", "MLM_LICENSE_FILE", "MPLCONFIGDIR", "NLTK_DATA", "ODBCINI", "ODBCINSTINI", "ODBCSYSINI",
    "ORACLE_HOME", "PROJ_DATA", "PROJ_LIB", "TNS_ADMIN", "TORCH_HOME",
})  # fmt: skip
#: of families of names, unless a name or a value looks like a secret
FAMILIES = (
    "BLIS_",
    "CONDA_",
    "JULIA_",
    "KMP_",
    "LC_",
    "LMOD_",
    "MKL_",
    "NUMBA_",
    "NUMEXPR_",
    "OMP_",
    "OPENBLAS_",
    "R_LIBS",
)
#: where packages come from, for runs that build their environment; an index with a password in its address is the
#: analyst's own, and needed
PACKAGE_SOURCES = frozenset({
    "PIP_CERT", "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST", "UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "UV_INDEX", "UV_INDEX_URL", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_INSTALL_MIRROR", "UV_SYSTEM_CERTS",
})  # fmt: skip
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|(?:^|_)KEY(?:_|$)|APIKEY|API_KEY", re.IGNORECASE)
#: a name and password, or one of Anaconda's tokens, in an address
_SECRET_VALUE = re.compile(r"://[^/\s]*@|/t/[\w-]+/")


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


def is_harmless(name: str, value: str) -> bool:
    """True of a variable of one of `FAMILIES` that looks like no secret."""
    return name.startswith(FAMILIES) and not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
