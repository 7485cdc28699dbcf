"""What a run sees of the service's environment: what programs need, and no token and no key."""

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.run_environment import ALLOWED, FAMILIES, secrets_among
from jupyter_schedule.core.storage.factory import LocalStorage
from scheduler_service.launchers.local import PACKAGE_SOURCES, filter_environment
from scheduler_service.worker.workspace import FOR_CODE_ALONE, Folders, build_environment, read_kernel_variables
from tests.factories import make_task

DOCUMENT = Path(__file__).parents[3] / "docs" / "what-a-run-sees.md"
CORE = {"PATH": "/bin", "HOME": "/home/ann", "LC_ALL": "C.UTF-8"}
PARENT = CORE | {
    "JUPYTER_TOKEN": "canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "PIP_INDEX_URL": "https://user:canary@index/simple",
    "DB": "mine",
}
KERNEL = {"name": "python3", "argv": ["x"]}


def test_a_run_gets_the_allow_list_and_nothing_else() -> None:
    assert filter_environment(PARENT, make_task()) == CORE


def test_a_schedule_may_list_more_by_name() -> None:
    assert filter_environment(PARENT, make_task(pass_environment=["DB", "ABSENT"]))["DB"] == "mine"


@pytest.mark.parametrize(
    ("told", "knows"),
    [
        ({"notebook": "a.ipynb", "kernel": None}, True),
        ({"notebook": "a.ipynb", "kernel": {"name": "python3"}}, False),
        ({"notebook": None, "kernel": None}, False),
    ],
)
def test_only_a_run_that_builds_its_environment_knows_where_packages_are(told: dict[str, Any], knows: bool) -> None:
    assert ("PIP_INDEX_URL" in filter_environment(PARENT, make_task(**told))) is knows


@pytest.mark.parametrize(
    "task",
    [
        {"notebook": "a.ipynb", "kernel": KERNEL},
        {"notebook": "a.ipynb", "kernel": None},
        {"notebook": None},
        {"notebook": "a.ipynb", "kernel": KERNEL, "objects": "s3://work"},
    ],
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://ann:secret@proxy.example:3128"), ("https_proxy", "http://proxy:3128"),
        ("NO_PROXY", "localhost"), ("no_proxy", "localhost"), ("ALL_PROXY", "socks5://proxy"), ("http_proxy", "proxy"),
        ("CONDA_PREFIX", "/opt/conda"), ("CONDA_DEFAULT_ENV", "base"), ("MAMBA_ROOT_PREFIX", "/opt/mamba"),
        ("JAVA_HOME", "/opt/java"), ("SPARK_HOME", "/opt/spark"), ("HADOOP_CONF_DIR", "/etc/hadoop"),
        ("PYSPARK_PYTHON", "python3"), ("R_LIBS", "/r"), ("R_LIBS_USER", "/home/ann/r"), ("R_LIBS_SITE", "/site"),
        ("OMP_NUM_THREADS", "4"), ("MKL_NUM_THREADS", "4"), ("OPENBLAS_NUM_THREADS", "1"), ("KRB5CCNAME", "/k"),
        ("JULIA_DEPOT_PATH", "/j"), ("MODULEPATH", "/modules"), ("BASH_FUNC_module%%", "() { :; }"),
        ("REQUESTS_CA_BUNDLE", "/ca.pem"), ("PROJ_DATA", "/proj"), ("LD_LIBRARY_PATH", "/lib"),
    ],
)  # fmt: skip
def test_programs_find_what_they_find_in_jupyterlab(name: str, value: str, task: dict[str, Any]) -> None:
    assert filter_environment({name: value}, make_task(**task))[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONDA_TOKEN", "canary"), ("CONDA_CHANNEL_ALIAS", "https://ann:canary@conda.example"),
        ("CONDA_CHANNELS", "https://conda.example/t/an-canary-1/main"), ("JULIA_PKG_SERVER_AUTH", "canary"),
        ("ANACONDA_API_KEY", "canary"), ("AWS_SESSION_TOKEN", "canary"), ("JUPYTERHUB_API_TOKEN", "canary"),
        ("JPY_API_TOKEN", "canary"), ("GITHUB_TOKEN", "canary"), ("PGPASSWORD", "canary"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/canary.json"), ("MKL_LICENSE_KEY", "canary"), ("SSH_AUTH_SOCK", "/canary"),
    ],
)  # fmt: skip
def test_no_token_and_no_key_comes_with_them(name: str, value: str) -> None:
    assert filter_environment({name: value}, make_task(notebook="a.ipynb", kernel=KERNEL)) == {}


@pytest.mark.parametrize("notebook", ["a.ipynb", None])
def test_a_path_of_modules_is_for_the_analysts_code_alone(
    notebook: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the agent nor papermill may import from there; a tarball's command is the analyst's code itself."""
    task = make_task(notebook=notebook, work_folder=str(tmp_path))
    agents = filter_environment({"PYTHONPATH": "/of/the/team"}, task)
    assert agents == {"KERNEL_PYTHONPATH": "/of/the/team"}
    for name, value in agents.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    runs = build_environment(task, Folders(task), tmp_path)
    assert (runs.get("PYTHONPATH"), runs.get("KERNEL_PYTHONPATH")) == (
        (None, "/of/the/team") if notebook else ("/of/the/team", None)
    )


def test_the_document_names_them_all() -> None:
    text = DOCUMENT.read_text()
    names = ALLOWED | PACKAGE_SOURCES | set(FOR_CODE_ALONE.values()) | {f"{family}*" for family in FAMILIES}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_the_kernel_has_its_own_variables_and_no_copy_of_them_is_in_the_task(tmp_path: Path) -> None:
    objects = LocalStorage(tmp_path / "work")
    objects.put_secret("bundles/b.env-1.json", b'{"TEAM_PASSWORD": "opensesame"}')
    kernel = {**KERNEL, "env": {"OLD": "1"}, "env_names": ["TEAM_PASSWORD"], "env_object": "bundles/b.env-1.json"}
    task = make_task(notebook="a.ipynb", kernel=kernel, work_folder=str(tmp_path))
    folders = Folders(task)
    folders.make()
    runs = build_environment(task, folders, tmp_path, read_kernel_variables(task.kernel, objects))
    assert json.loads((folders.kernel / "kernel.json").read_text()) == {
        "argv": ["x"], "env": {"OLD": "1", "TEAM_PASSWORD": "opensesame"},
    }  # fmt: skip
    assert "TEAM_PASSWORD" not in runs
    objects.delete("bundles/b.env-1.json")
    for gone in (task.kernel, {**KERNEL, "env_names": ["TEAM_PASSWORD"]}):
        with pytest.raises(Refused, match="schedule the notebook again"):
            read_kernel_variables(gone, objects)


def test_a_kernels_secrets_are_its_values_but_for_words_and_what_programs_need() -> None:
    kernels = {
        "TEAM": "opensesame", "API_KEY": "k-1", "MODE": "test", "PATH": "/opt/bin:/usr/bin", "SPARK_HOME": "/opt/spark",
        "OMP_NUM_THREADS": "8", "CONDA_TOKEN": "opensesame", "http_proxy": "http://proxy.example:3128",
    }  # fmt: skip
    assert secrets_among(kernels).keys() == {"TEAM", "API_KEY", "CONDA_TOKEN"}
