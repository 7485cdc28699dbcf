"""The names of variables that a run on the service's machine has of its surroundings, as in JupyterLab.

docs/what-a-run-sees.md names them all.
"""

import re
from collections.abc import Mapping

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
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|(?:^|_)KEY(?:_|$)|APIKEY|API_KEY", re.IGNORECASE)
#: a name and password, or one of Anaconda's tokens, in an address
_SECRET_VALUE = re.compile(r"://[^/\s]*@|/t/[\w-]+/")


def is_harmless(name: str, value: str) -> bool:
    """True of a variable of one of `FAMILIES` that looks like no secret."""
    return name.startswith(FAMILIES) and not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)


#: characters of a value that may be a secret whatever its variable is called; shorter ones are words
_LONG = 8


def secrets_among(variables: Mapping[str, str]) -> dict[str, str]:
    """Those variables of a kernelspec whose values nobody is told: not what programs need anyway, and no mere words."""
    return {
        name: value
        for name, value in variables.items()
        if name not in ALLOWED and not is_harmless(name, value) and (len(value) >= _LONG or _SECRET_NAME.search(name))
    }
