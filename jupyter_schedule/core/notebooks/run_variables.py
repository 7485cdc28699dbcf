"""The variables that a notebook reads from its environment, against those that a run has."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jupyter_schedule.core.notebooks.notebook import printable
from jupyter_schedule.core.notebooks.path_uses import PathAction
from jupyter_schedule.core.notebooks.used_files import CodeSource, FindingLevel, PreflightFinding

#: what every run has, or may take for granted that its machine says
COMMON = frozenset(
    {"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "PWD", "SHELL", "SHLVL", "TMPDIR", "TZ", "USER", "HOSTNAME", "TERM"}
    | {"XDG_CACHE_HOME", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "LD_LIBRARY_PATH", "PYTHONPATH"}
    | {
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "JAVA_HOME",
        "SPARK_HOME",
        "KRB5CCNAME",
        "JPY_SESSION_NAME",
    }
    | {"RUN_ID", "SCHEDULED_FOR", "DATA_DATE", "DATA_INTERVAL_START", "DATA_INTERVAL_END", "OUTPUT_DIR", "PREVIOUS_DIR"}
    | {"REPORT_DIR", "PUBLISHED_DATA_URL", "VIRTUAL_ENV", "JPY_PARENT_PID", "LC_ALL", "LC_CTYPE", "EDITOR"}
)
_COMMON_BEGINNINGS = ("CONDA_", "OMP_", "R_LIBS", "LC_")
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
#: bytes of a file with variables that are read
_MOST = 1_000_000


def find_variable_findings(
    sources: Sequence[CodeSource], passed: Iterable[str], named: Sequence[Path]
) -> Iterator[PreflightFinding]:
    """One for each variable that is read without a default and that no run has, by where it is read first.

    passed: names that the analyst passes to the run.  named: files that go along, of which a `.env` says more.
    """
    known = {*passed, *(name for path in named if path.name.startswith(".env") for name in _names_in(path))}
    for source in sources:
        for use in source.uses:
            if use.how is not PathAction.VARIABLE or use.text in known or is_common(use.text):
                continue
            known.add(use.text)
            name = printable(use.text)
            yield PreflightFinding(
                level=FindingLevel.WARNING,
                code="variable",
                message=f"{name} ({source.where}) is read from the environment, and a run doesn't have it.",
                cell=source.cell,
                fix=f"Pass {name} to the run by its name, or give the code a default.",
            )


def is_common(name: str) -> bool:
    """True of a variable that runs have by themselves."""
    return name.upper() in COMMON or name.upper().startswith(_COMMON_BEGINNINGS)


def _names_in(path: Path) -> list[str]:
    """The names of the variables in such a file; never what they hold."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _LINE.findall(file.read(_MOST))
    except OSError:
        return []
